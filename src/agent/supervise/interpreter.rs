//! Why a program that is there could not be started: the first line of a script says who is to run it.

use std::path::Path;

use crate::sys::fs;

/// Longer first lines are none of a script's, bytes.
const LINE_MAX: u64 = 512;

/// What is wrong with the file, where that can be told from it.
pub(super) fn trouble(program: &Path) -> Option<String> {
    let head = fs::read_foreign(program, LINE_MAX).ok()??;
    trouble_with(&head, |interpreter| fs::exists(Path::new(interpreter)))
}

fn trouble_with(head: &[u8], exists: impl Fn(&str) -> bool) -> Option<String> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let Some(order) = line.strip_prefix(b"#!") else {
        // Whatever else it is, the system's own word says more.
        return head
            .is_ascii()
            .then(|| "it has no first line #!/… that says who runs it".to_owned());
    };
    let order = String::from_utf8_lossy(order);
    if order.ends_with('\r') {
        return Some("its first line ends with CR LF: write the file with LF line ends".to_owned());
    }
    let interpreter = order.split_whitespace().next()?;
    (!exists(interpreter)).then(|| format!("its interpreter {interpreter} is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_says_who_is_to_run_it() {
        let there = |path: &str| path == "/bin/sh";
        for (head, said) in [
            (&b"#!/bin/sh\necho"[..], None),
            (b"#! /bin/sh -e\necho", None),
            (b"#!/bin/sh\r\necho", Some("CR LF")),
            (b"#!/opt/python9 -u\nx", Some("its interpreter /opt/python9 is not there")),
            (b"echo no line\n", Some("no first line")),
            (b"\x7fELF\x02\xff", None),
            (b"#!\n", None),
        ] {
            let found = trouble_with(head, there);
            match said {
                Some(said) => {
                    assert!(found.as_deref().is_some_and(|f| f.contains(said)), "{found:?}")
                }
                None => assert_eq!(found, None, "{head:?}"),
            }
        }
    }
}
