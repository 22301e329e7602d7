//! No bytes make the parser panic, and what it reports lies within the file.

use proptest::prelude::*;

use super::*;

const KEYS: &[&str] = &[
    "title",
    "agent",
    "rig",
    "model",
    "effort",
    "priority",
    "base",
    "branch",
    "timeout",
    "max_turns",
    "max_budget_usd",
    "allowed_tools",
    "permission_mode",
    "env",
    "limits",
    "labels",
    "x-a",
    "zz",
    "\"q\"",
];
const BITS: &[&str] = &[
    ": ", ":\n  ", "\n", " ", "\t", "[", "]", "{", "}", ",", "- ", "|\n  ", ">-\n ", "\"", "'",
    "\\", "#", "&a ", "*a", "!!str ", "? ", "---\n", "...\n", "1h", "-5", "é", "\r\n", "\r",
    "\u{2028}", "\u{feff}", "0x1f", "(", ")",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(name in "\\PC{0,20}(\\.json|\\.md|)", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(problems) = parse(&name, &bytes, &known()) {
            prop_assert!(!problems.is_empty());
            explain(&name, &bytes, &name, &problems);
        }
    }

    #[test]
    fn no_front_matter_panics(
        parts in proptest::collection::vec(
            prop_oneof![proptest::sample::select(KEYS), proptest::sample::select(BITS)], 0..40),
        json in any::<bool>(),
    ) {
        let text = format!("---\n{}\n---\nDo it.\n", parts.concat());
        check_places(if json { "t.json" } else { "t.md" }, &text)?;
    }

    #[test]
    fn no_mutation_panics(at in 0usize..400, byte in any::<char>(), cut in 0usize..400, json in any::<bool>()) {
        let whole = if json {
            r#"{"prompt": "x", "env": {"A": "b"}, "limits": {"cpu_time": "1h"}, "labels": ["a", "b"], "priority": 5}"#.to_owned()
        } else {
            let lines: Vec<_> = TASK_KEYS.iter().map(|row| row.example).collect();
            format!("---\n{}\n---\nDo it.\n", lines.join("\n"))
        };
        let mut chars: Vec<char> = whole.chars().collect();
        let at = at % chars.len();
        chars[at] = byte;
        chars.remove(cut % chars.len());
        let text: String = chars.into_iter().collect();
        check_places(if json { "t.json" } else { "t.md" }, &text)?;
    }
}

/// Whatever is reported lies within the file.
fn check_places(name: &str, text: &str) -> Result<(), TestCaseError> {
    let Err(problems) = read(name, text) else { return Ok(()) };
    prop_assert!(!problems.is_empty());
    let lines = text.split('\n').count();
    for problem in &problems {
        let line = problem.line.unwrap_or(1) as usize;
        prop_assert!((1..=lines).contains(&line), "{problem} is not within {lines} lines");
        prop_assert!(!problem.message.is_empty());
    }
    explain(name, text.as_bytes(), "t", &problems);
    Ok(())
}
