//! Who may name whom: the picture in `src/lib.rs`, enforced.

use super::{assert_none, root, rust_files, shown};

/// A module and what it may name. Whatever is not listed may not be named; a module always may name itself.
const MAY_NAME: [(&str, &[&str]); 22] = [
    ("domain", &[]),
    ("form", &["domain"]),
    ("shape", &["domain"]),
    ("sys", &["domain"]),
    ("site", &["domain"]),
    ("taskfile", &["domain", "form"]),
    ("queue", &["domain", "sys", "site"]),
    ("git", &["domain", "sys", "site"]),
    ("worktree", &["domain", "sys", "git"]),
    ("trust", &["domain", "sys", "site", "git"]),
    ("capacity", &["domain", "sys", "site", "git"]),
    // A program of its own inside ours: the scripted agent, and the service that it calls.
    ("rehearsal", &["domain", "sys"]),
    // The rules of failures are data that people may write too.
    ("agent", &["domain", "form", "sys"]),
    (
        "housekeeping",
        &["domain", "sys", "site", "queue", "git", "worktree", "taskfile", "trust", "capacity"],
    ),
    (
        "worker",
        &[
            "domain",
            "sys",
            "site",
            "queue",
            "git",
            "worktree",
            "taskfile",
            "agent",
            "capacity",
            "housekeeping",
        ],
    ),
    ("coordinator", &["domain", "sys", "site", "queue", "capacity", "housekeeping"]),
    // `logs` renders what an agent said.
    ("views", &["domain", "shape", "sys", "site", "queue", "agent"]),
    (
        "doctor",
        &["domain", "shape", "sys", "site", "queue", "git", "worktree", "agent", "capacity"],
    ),
    ("gc", &["domain", "shape", "sys", "site", "queue", "git", "worktree"]),
    // A user of everything: it starts programs, and looks at what they left; in a night the scripted agent's service.
    ("selftest", &["domain", "shape", "sys", "site", "queue", "git", "worktree", "rehearsal"]),
    (
        "commands",
        &[
            "domain",
            "sys",
            "site",
            "queue",
            "git",
            "worktree",
            "taskfile",
            "trust",
            "housekeeping",
            "coordinator",
            "views",
            "gc",
        ],
    ),
    (
        "cli",
        &[
            "commands",
            "domain",
            "form",
            "shape",
            "sys",
            "site",
            "queue",
            "git",
            "worktree",
            "agent",
            "rehearsal",
            "taskfile",
            "trust",
            "housekeeping",
            "worker",
            "coordinator",
            "views",
            "doctor",
            "selftest",
            "gc",
        ],
    ),
];

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let name = shown(&file);
        let Some(layer) = layer_of(&name) else { continue };
        let allowed = MAY_NAME.iter().find(|(name, _)| *name == layer);
        let Some((_, allowed)) = allowed else {
            wrong.push(format!("{name}: layer {layer} is not in the table"));
            continue;
        };
        let source = std::fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(source.lines()) {
            for named in named_in(line) {
                if named != layer && !allowed.contains(&named) {
                    wrong.push(format!("{name}:{number}: {layer} may not name {named}"));
                }
            }
        }
    }
    assert_none("imports against the layers", &wrong);
}

#[test]
fn every_module_is_in_the_table() {
    let lib = super::text("src/lib.rs");
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let unlisted: Vec<String> = modules
        .filter(|module| MAY_NAME.iter().all(|(name, _)| name != module))
        .map(str::to_owned)
        .collect();
    assert_none("modules without a place in the layers", &unlisted);
}

#[test]
fn binaries_are_a_line_each() {
    for file in rust_files("src/bin") {
        let source = std::fs::read_to_string(&file).unwrap();
        let calls = source.matches("swarmdir::").count();
        assert!(
            calls == 1 && source.contains("swarmdir::cli::") && source.lines().count() <= 8,
            "{} does more than call cli",
            shown(&file)
        );
    }
}

#[test]
fn what_a_crate_is_for_stays_in_its_layer() {
    let owners: [(&str, &[&str]); 7] = [
        ("git2", &["git", "worktree", "trust"]),
        ("sha2", &["trust"]),
        ("clap", &["cli"]),
        ("clap_complete", &["cli"]),
        ("clap_mangen", &["cli"]),
        ("notify", &["sys"]),
        ("fs2", &["sys"]),
    ];
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let name = shown(&file);
        let Some(layer) = layer_of(&name) else { continue };
        let source = std::fs::read_to_string(&file).unwrap();
        for (krate, layers) in owners {
            let uses = source.lines().any(|line| {
                code(line).is_some_and(|code| {
                    code.contains(&format!("use {krate}::"))
                        || code.contains(&format!(" {krate}::"))
                })
            });
            if uses && !layers.contains(&layer) {
                wrong.push(format!("{name}: {krate} belongs to {layers:?}"));
            }
        }
    }
    assert_none("crates outside of their layer", &wrong);
}

/// The layer of a file; `None` for the crate's root and the binaries.
fn layer_of(path: &str) -> Option<&str> {
    let (layer, _) = path.strip_prefix("src/")?.split_once('/')?;
    (layer != "bin").then_some(layer)
}

/// A line's code; `None` for a comment (a link in a comment binds nobody).
fn code(line: &str) -> Option<&str> {
    let line = line.trim_start();
    (!line.starts_with("//")).then_some(line)
}

/// Modules of ours that a line of code names.
fn named_in(line: &str) -> Vec<&str> {
    let code = code(line).unwrap_or_default();
    let after = code.match_indices("crate::").map(|(at, found)| &code[at + found.len()..]);
    let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let names = after.filter_map(|rest| rest.split(end).next());
    names.filter(|name| root().join("src").join(name).is_dir()).collect()
}

#[test]
fn a_name_is_found_where_it_is_code() {
    assert_eq!(named_in("use crate::queue::Queue;"), ["queue"]);
    assert_eq!(named_in("    crate::sys::fs::read(&crate::cli::x)"), ["sys", "cli"]);
    assert_eq!(named_in("/// See [`crate::housekeeping`]."), Vec::<&str>::new());
}
