//! What belongs to one room only: the programs are a line each, and a crate stays where it is for.

use super::{assert_none, rust_files, shown};

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
