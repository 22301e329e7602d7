//! The agent's door: only `src/agent/program` names an agent program or what one prints.

use super::{assert_none, rust_files, shown};

/// Words that only a program's own folder may use, in lower case.
const WORDS: [&str; 5] = ["claude", "codex", "anthropic", "stream-json", "is_api_error_message"];

/// What may name them all the same: the map; the scripted agent, which speaks as one of them; a task file's example.
const EXCEPTIONS: [&str; 3] = ["src/lib.rs", "src/rehearsal/", "src/taskfile/keys.rs"];

#[test]
fn only_a_programs_own_folder_names_it() {
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let name = shown(&file);
        let free = name.starts_with("src/agent/program/")
            || EXCEPTIONS.iter().any(|exception| name.starts_with(exception))
            || name.contains("tests");
        if free {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in (1..).zip(code.lines()) {
            let line = line.to_lowercase();
            if WORDS.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert_none("agent programs named outside of their folders", &wrong);
}
