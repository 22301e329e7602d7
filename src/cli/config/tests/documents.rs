//! The documents name every key and their examples work; no file makes the reader panic.

use proptest::prelude::*;

use super::*;

/// The rows of the reference's table of scalar keys.
fn reference() -> String {
    let row = |row: &Row| {
        let default = if row.default.is_empty() {
            "not set".to_owned()
        } else {
            format!("`{}`", row.default)
        };
        format!("| `{}` | `{}` | {} | {default} | {} |\n", row.key, row.env, row.takes, row.meaning)
    };
    ROWS.iter().map(row).collect()
}

#[test]
fn the_documents_name_every_key() {
    let configuration = include_str!("../../../../docs/configuration.md");
    let table = reference();
    assert!(configuration.contains(&table), "docs/configuration.md needs this table:\n{table}");
    let agents = program_keys().chain(COMMON_KEYS).chain(AGENT_KEYS);
    for key in agents.chain(RIG_KEYS) {
        assert!(configuration.contains(&format!("| `{key}` |")), "{key}");
    }
    let tasks = include_str!("../../../../docs/task-files.md");
    for row in crate::taskfile::TASK_KEYS {
        assert!(tasks.contains(&format!("### `{}`", row.key)), "{}", row.key);
        assert!(tasks.contains(row.example), "{}", row.example);
    }
    for (key, ..) in LIMIT_KEYS {
        assert!(tasks.contains(&format!("| `{key}` |")), "{key}");
    }
}

/// The fenced blocks of a document in one language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let mark = format!("```{language}\n");
    let after = document.split(mark.as_str()).skip(1);
    after.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_examples_of_the_documents_work() {
    let readme = include_str!("../../../../README.md");
    for document in [include_str!("../../../../docs/configuration.md"), readme] {
        for block in blocks(document, "toml") {
            file(&block).unwrap_or_else(|error| panic!("{error}\n{block}"));
        }
    }
    let known = crate::taskfile::ParseContext {
        agents: &["claude"],
        rigs: &["website"],
        reserved: &Default::default(),
        caps: crate::domain::settings::limits::Limits::CAPS,
        task_caps: crate::domain::settings::limits::TaskCaps::DEFAULT,
    };
    let tasks = include_str!("../../../../docs/task-files.md");
    let mut count = 0;
    for (language, name) in [("markdown", "t.md"), ("json", "t.json"), ("yaml", "t.md")] {
        for block in blocks(tasks, language) {
            let front = format!("---\n{block}---\nDo it.\n");
            let text = if language == "yaml" { &front } else { &block };
            let spec = crate::taskfile::parse(name, text.as_bytes(), &known);
            spec.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
            count += 1;
        }
    }
    assert!(count > crate::taskfile::TASK_KEYS.len());
}

proptest! {
    #[test]
    fn whatever_claudes_path_is_init_records_it(path in "/[^\0]{0,80}") {
        let loaded = file(&example(Some(&path))).unwrap_or_else(|error| panic!("{error}"));
        let Some(program) = loaded.config.profiles["claude"].kind.path("program") else {
            panic!("{path:?} is not recorded");
        };
        prop_assert_eq!(program, Path::new(&path));
    }

    #[test]
    fn no_file_panics(at in 0usize..4000, ch in any::<char>(), cut in 0usize..4000, env in "\\PC{0,20}") {
        let mut chars: Vec<char> = unmarked(&example(None)).chars().collect();
        let (at, cut) = (at % chars.len(), cut % (chars.len() - 1));
        chars[at] = ch;
        chars.remove(cut);
        let text: String = chars.into_iter().collect();
        let all: Vec<(&str, &str)> = ROWS.iter().map(|row| (row.env, env.as_str())).collect();
        for env in [&[][..], &all] {
            if let Err(error) = with(&text, env, &Flags::default()) {
                prop_assert!(!error.problems.is_empty() || error.rules.is_some());
                let _ = error.to_string();
            }
        }
    }
}
