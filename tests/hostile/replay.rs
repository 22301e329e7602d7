//! The corpora of the fuzz targets, and every input that ever broke a property, in each run of the tests.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, TestRunner};

use super::properties::{config, names, rules, stream_line, task_file};
use crate::support::proof::proof;

/// How many near misses, and as many of any text.
const NAMES: u32 = 20_000;

type Property = fn(&[u8]);

const TARGETS: [(&str, Property); 5] = [
    ("task_file", task_file::check),
    ("stream_line", stream_line::check),
    ("config", config::check),
    ("names", names::check),
    ("rules", rules::check),
];

/// Regular files in a directory, in order.
fn inputs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found
}

#[test]
fn every_input_of_the_corpora_and_every_finding_keeps_the_properties() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut broken, mut counts) = (Vec::new(), Vec::new());
    for (target, property) in TARGETS {
        let corpus = inputs(&root.join("fuzz/corpus").join(target));
        let findings = root.join("tests/hostile/findings").join(target);
        let findings = if findings.is_dir() { inputs(&findings) } else { Vec::new() };
        assert!(corpus.len() >= 12, "the corpus of {target} is small: {}", corpus.len());
        for path in corpus.iter().chain(&findings) {
            let bytes = fs::read(path).unwrap();
            let held = std::panic::catch_unwind(|| property(&bytes));
            if held.is_err() {
                broken.push(format!("{target}: {}", path.display()));
            }
        }
        counts.push((target, corpus.len() + findings.len()));
    }
    assert!(broken.is_empty(), "properties broken by\n  {}", broken.join("\n  "));
    for (target, count) in counts {
        proof("hostile", &format!("inputs replayed, {target}"), count);
    }
}

/// What real agents said, and files that were never meant for any of them.
#[test]
fn every_recorded_stream_and_every_example_keeps_the_properties() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let streams = inputs_below(&root.join("tests/formats"));
    assert!(!streams.is_empty());
    for path in streams.iter().chain(&inputs_below(&root.join("docs"))) {
        let bytes = fs::read(path).unwrap();
        stream_line::check(&bytes);
        task_file::check(&bytes);
        config::check(&bytes);
        rules::check(&bytes);
    }
}

/// Names that are nearly, or just, what the queue gives: the parsers meet more of them than a whole queue could.
#[test]
fn names_that_are_nearly_right_have_one_spelling_or_none() {
    let name = "[0-9]{0,2}-?[a-zA-Z0-9_-]{0,6}\\.{0,2}[0-9]{0,12}(\\.[0-9a-f]{30,33})?(~[a-z_]{0,22}(-[0-9+]{0,21})?)?";
    let mut runner =
        TestRunner::new(Config { cases: NAMES, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&(name, "\\PC{0,300}"), |(near, any)| {
        names::check_name(&near);
        names::check_name(&any);
        Ok(())
    });
    assert_eq!(tried, Ok(()));
    proof("hostile", "names tried on the parsers", 2 * NAMES);
}

fn inputs_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = inputs(dir);
    for entry in fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        found.extend(inputs_below(&entry.path()));
    }
    found
}
