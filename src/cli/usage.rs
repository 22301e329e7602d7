//! A command line that cannot be read: what is wrong with it, and as the last line what to type instead.
//!
//! Invariant: it looks like every other error of ours, and its exit code is theirs.

use clap::Parser;

use super::error::Failure;
use super::exit;
use super::ui::{Color, Ui};

/// The arguments; else what was asked for (`--help`) or is wrong has been said, and this is the exit code.
pub(super) fn parse<P: Parser>(program: &str) -> Result<P, u8> {
    P::try_parse().map_err(|wrong| {
        if !wrong.use_stderr() {
            // Whoever read it may be gone.
            drop(wrong.print());
            return exit::OK;
        }
        Ui::new(Color::Auto).report(program, &failure(program, &wrong.render().to_string()));
        exit::USAGE
    })
}

fn failure(program: &str, said: &str) -> Failure {
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let said = said.split("\n\nFor more information").next().unwrap_or(said);
    let usage = said.lines().find_map(|line| line.trim_start().strip_prefix("Usage: "));
    let words = usage.unwrap_or(program).split(' ');
    let command: Vec<&str> = words.take_while(|word| !word.starts_with(['-', '<', '['])).collect();
    Failure::usage(said.trim_end()).hint(format!("{} --help", command.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_the_command_that_was_meant() {
        let said = "error: unexpected argument '-x' found\n\nUsage: coordinator retry <TASK>...\n\nFor more information, try '--help'.\n";
        let failure = failure("coordinator", said);
        assert_eq!(failure.hint.as_deref(), Some("coordinator retry --help"));
        assert!(!failure.message.contains("more information"), "{}", failure.message);
        assert!(failure.message.starts_with("unexpected"), "{}", failure.message);
    }
}
