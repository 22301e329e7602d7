//! Names of files and directories are spelled in `src/site` and nowhere else.

use super::{assert_none, rust_files, shown};

/// Names that mean a file or directory wherever they stand.
const NAMES: [&str; 21] = [
    "queue/",
    "FORMAT",
    "swarm.toml",
    "interrupt",
    ".swarmdir",
    "queue-id",
    "coordinator.lock",
    "task.json",
    "attempt.json",
    "result.json",
    "live.json",
    "events.jsonl",
    "setup.out",
    "setup.err",
    "rejection.json",
    "branch.json",
    "context.md",
    ".error.txt",
    ".intake.lock",
    ".tend.lock",
    ".reserve",
];

/// Names that are common words too: what makes a path of them is looked for.
const WORDS: [&str; 28] = [
    "queue",
    "pending",
    "ready",
    "blocked",
    "claims",
    "workers",
    "gone",
    "retire",
    "runs",
    "done",
    "failed",
    "cancelled",
    "rejected",
    "cancel",
    "accounts",
    "tmp",
    "locks",
    "scale",
    "name",
    "task",
    "lost",
    "pruned",
    "waiting",
    "stderr",
    "private",
    "relief",
    "admit",
    "memory",
];

/// Calls that put a path together.
const CALLS: [&str; 4] = [".join(\"", ".push(\"", ".with_file_name(\"", ".with_extension(\""];

/// Faults are planted by names that are spelled once more, so that the plants do not follow a mistake of `site`.
const EXCEPT: [&str; 1] = ["src/cli/plant.rs"];

#[test]
fn names_of_files_are_spelled_by_site_alone() {
    let mut found = Vec::new();
    for file in rust_files("src") {
        let name = shown(&file);
        let tests = name.ends_with("tests.rs") || name.contains("/tests/");
        if name.starts_with("src/site/") || tests || EXCEPT.contains(&name.as_str()) {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        let product = source.split("#[cfg(test)]\nmod ").next().unwrap();
        for (number, line) in (1..).zip(product.lines()) {
            if spells(line) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert_none("paths that are spelled outside of src/site", &found);
}

/// Whether a line of code spells one. A name within a sentence for people is none.
fn spells(line: &str) -> bool {
    let code = line.trim_start();
    // A part of the program that is compiled in is no path of a root.
    if code.starts_with("//") || code.contains("include_str!(") {
        return false;
    }
    let is_name = |text: &str| NAMES.contains(&text) || text.starts_with("queue/");
    let literals = code.split('"').skip(1).step_by(2);
    let joined = |call: &&str| {
        let arguments = code.match_indices(*call).map(|(at, _)| &code[at + call.len()..]);
        arguments.filter_map(|rest| rest.split('"').next()).any(|name| WORDS.contains(&name))
    };
    literals.into_iter().any(is_name) || CALLS.iter().any(joined)
}

#[test]
fn a_spelled_name_is_found_where_it_is_one() {
    for (line, expected) in [
        (r#"root.join("queue")"#, true),
        (r#"let path = dir.join("task.json");"#, true),
        (r#"const MARKS: [&str; 1] = ["queue/FORMAT"];"#, true),
        (r#"path.with_file_name("lost")"#, true),
        ("// root.join(\"queue\")", false),
        (r#"json!({ "queue": 1, "lost": 2 })"#, false),
        (r#"format!("write it in swarm.toml")"#, false),
    ] {
        assert_eq!(spells(line), expected, "{line}");
    }
}
