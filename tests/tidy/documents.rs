//! Documents that agree with the program: exit codes, commands, flags, states, directories, links.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use swarmdir::cli::exit;
use swarmdir::domain::task::state::State;
use swarmdir::site::Dir;

use super::{assert_none, root, shown, text};

/// What people read.
pub(super) fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("queue/README.md")];
    found.push(root().join("CONTRIBUTING.md"));
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    found.extend(
        docs.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")),
    );
    found
}

fn help(program: &str, args: &[&str]) -> String {
    let program = match program {
        "worker" => env!("CARGO_BIN_EXE_worker"),
        _ => env!("CARGO_BIN_EXE_coordinator"),
    };
    let output = Command::new(program).args(args).arg("--help").output().unwrap();
    assert!(output.status.success(), "{program} {args:?} --help");
    String::from_utf8(output.stdout).unwrap()
}

fn commands() -> Vec<String> {
    let help = help("coordinator", &[]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Long flags in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("--").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '-')
    });
    let end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let names = starts.filter_map(|(at, _)| text[at + 2..].split(end).next());
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(|name| name.trim_end_matches('-').to_owned())
        .collect()
}

#[test]
fn the_readme_lists_the_exit_codes() {
    let readme = text("README.md");
    let code = |number: &str| format!("| `{number}` | ");
    for line in exit::HELP.lines().skip(1) {
        let (number, meaning) = line.trim().split_once(char::is_whitespace).unwrap();
        let row = format!("{}{} |", code(number), meaning.trim());
        assert!(readme.contains(&row), "README.md lacks the row {row:?}");
    }
    let codes = [exit::OK, exit::FOUND, exit::USAGE, exit::MISSING, exit::LATER, exit::UNTRUSTED];
    for number in codes {
        assert!(readme.contains(&code(&number.to_string())), "README.md lacks exit code {number}");
    }
}

#[test]
fn every_command_is_described() {
    let all: String =
        documents().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let missing: Vec<String> = commands()
        .into_iter()
        .filter(|name| !all.contains(&format!("coordinator {name}")))
        .collect();
    assert_none("commands that no document shows", &missing);
}

#[test]
fn documents_name_no_flag_that_does_not_exist() {
    let mut known = flags(&help("coordinator", &[]));
    known.extend(flags(&help("worker", &[])));
    for command in commands() {
        known.extend(flags(&help("coordinator", &[&command])));
    }
    // In lines that are about our own programs, other programs' flags do not stand.
    let ours = ["coordinator ", "worker --"];
    let mut unknown = Vec::new();
    for path in documents() {
        for (number, line) in (1..).zip(std::fs::read_to_string(&path).unwrap().lines()) {
            let Some(at) = ours.iter().filter_map(|word| line.find(word)).min() else { continue };
            let own = line[at..].split([';', '|', '#']).next().unwrap();
            for flag in flags(own).difference(&known) {
                unknown.push(format!("{}:{number}: --{flag}", shown(&path)));
            }
        }
    }
    assert_none("flags that do not exist", &unknown);
}

/// First column of the table below a heading, without the marks of code.
pub(super) fn first_column(document: &str, heading: &str) -> Vec<String> {
    let section = document.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn the_protocol_lists_every_state_and_every_directory() {
    let protocol = text("queue/README.md");
    let mut states = first_column(&protocol, "States");
    let mut words: Vec<String> = State::ALL.iter().map(|s| s.word().to_owned()).collect();
    states.sort();
    words.sort();
    assert_eq!(states, words);
    let dirs: Vec<String> = Dir::ALL.iter().map(|dir| format!("{}/", dir.name())).collect();
    assert_eq!(first_column(&protocol, "Layout"), dirs);
}

#[test]
fn the_protocol_numbers_every_invariant_that_check_reports() {
    let numbers = first_column(&text("queue/README.md"), "Invariants");
    let all: Vec<String> = (1..=numbers.len()).map(|n| format!("I{n}")).collect();
    assert_eq!(numbers, all);
    let source = text("src/queue/check.rs");
    let reported = source.split('"').filter(|part| {
        part.strip_prefix('I')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    });
    let unknown: Vec<String> =
        reported.filter(|part| !numbers.contains(&(*part).to_owned())).map(str::to_owned).collect();
    assert_none("invariants that queue/README.md does not explain", &unknown);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for path in documents() {
        let document = std::fs::read_to_string(&path).unwrap();
        for target in document.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || target.contains("://") {
                continue;
            }
            if !path.parent().unwrap_or(Path::new(".")).join(file).exists() {
                broken.push(format!("{}: {target}", shown(&path)));
            }
        }
    }
    assert_none("links that lead nowhere", &broken);
}

#[test]
fn the_changelog_knows_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(text("CHANGELOG.md").contains(&format!("## {version}")), "CHANGELOG.md: {version}");
}

#[test]
fn the_unit_in_the_readme_is_the_one_in_the_examples() {
    let readme = text("README.md");
    let shown = readme.split("```ini\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown, text("docs/examples/swarmdir.service"));
}
