//! Words of a command that is printed for people to paste into a shell.

use std::fmt::Write;

use crate::domain::text::misleads;

/// One argument, quoted where it needs to be. What a terminal would obey, or not show, is written with its number
/// (`$'\033'`), as bash, zsh and ksh read it: what is pasted is then still the same argument.
pub fn quoted(argument: &str) -> String {
    if !argument.contains(misleads) {
        return shell_words::quote(argument).into_owned();
    }
    let mut out = String::from("$'");
    for ch in argument.chars() {
        let _written = match ch {
            '\\' | '\'' => write!(out, "\\{ch}"),
            // In octal, always three digits: what follows cannot be taken for a digit of it.
            ch if ch.is_ascii_control() => write!(out, "\\{:03o}", u32::from(ch)),
            ch if misleads(ch) => write!(out, "\\U{:08x}", u32::from(ch)),
            ch => write!(out, "{ch}"),
        };
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_stays_one_and_is_harmless_to_print() {
        assert_eq!(quoted("swarm/fix-k3f9"), "swarm/fix-k3f9");
        assert_eq!(quoted("a;$(x) b"), "'a;$(x) b'");
        assert_eq!(quoted("a\u{1b}[2J\n'b\u{202e}"), r"$'a\033[2J\012\'b\U0000202e'");
    }
}
