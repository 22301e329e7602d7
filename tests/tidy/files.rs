//! Sizes, headings, left-overs, and test files that nobody runs.

use std::path::Path;

use super::{assert_none, rust_files, shown};

/// Lines of a source file; more than this is two files.
const MAX_FILE: usize = 350;
/// Lines of a function.
const MAX_FUNCTION: usize = 80;

#[test]
fn every_file_says_what_it_is() {
    let silent = rust_files("src").into_iter().chain(rust_files("tests")).filter(|file| {
        let source = std::fs::read_to_string(file).unwrap();
        !source.starts_with("//! ")
    });
    assert_none("files that do not open with //!", &silent.map(|f| shown(&f)).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let long = rust_files("src").into_iter().filter_map(|file| {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        (lines > MAX_FILE).then(|| format!("{}: {lines} lines", shown(&file)))
    });
    assert_none("files that are two", &long.collect::<Vec<_>>());
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for file in rust_files("src") {
        let source = std::fs::read_to_string(&file).unwrap();
        long.extend(
            functions(&source)
                .into_iter()
                .filter(|(_, _, lines)| *lines > MAX_FUNCTION)
                .map(|(name, at, lines)| format!("{}:{at}: {name}, {lines} lines", shown(&file))),
        );
    }
    assert_none("functions that are two", &long);
}

/// Name, line and length of each function, by rustfmt's indentation: it ends with a brace as deep as its head.
fn functions(source: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let head = line.trim_start();
        let depth = line.len() - head.len();
        let words = ["pub ", "pub(crate) ", "pub(super) ", "const ", "unsafe "];
        let head = words.iter().fold(head, |head, word| head.strip_prefix(word).unwrap_or(head));
        let Some(rest) = head.strip_prefix("fn ") else { continue };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let close = format!("{}}}", " ".repeat(depth));
        let length = lines[at..].iter().position(|line| **line == close).map_or(1, |n| n + 1);
        found.push((name, at + 1, length));
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    // In two halves, so that this file does not find itself.
    let words = [["FIX", "ME"], ["TO", "DO"], ["XX", "X"], ["todo", "!("], ["unimple", "mented!("]];
    let words = words.map(|halves| halves.concat());
    let mut left = Vec::new();
    for file in rust_files("src").into_iter().chain(rust_files("tests")) {
        let source = std::fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(source.lines()) {
            if words.iter().any(|word| line.contains(word.as_str())) {
                left.push(format!("{}:{number}: {}", shown(&file), line.trim()));
            }
        }
    }
    assert_none("left for later", &left);
}

#[test]
fn no_test_is_ignored_and_no_lint_is_allowed() {
    let marks = [["#[ign", "ore"], ["#[al", "low("], ["#![al", "low("]].map(|half| half.concat());
    let mut found = Vec::new();
    for file in rust_files("src").into_iter().chain(rust_files("tests")) {
        let source = std::fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(source.lines()) {
            if marks.iter().any(|mark| line.trim_start().starts_with(mark.as_str())) {
                found.push(format!("{}:{number}: {}", shown(&file), line.trim()));
            }
        }
    }
    assert_none("ignored tests and allowed lints", &found);
}

#[test]
fn every_file_is_in_a_module() {
    let mut forgotten = Vec::new();
    for file in rust_files("tests").into_iter().chain(rust_files("src")) {
        let name = shown(&file);
        let roots = [
            "tests/it.rs",
            "src/lib.rs",
            "src/bin/coordinator.rs",
            "src/bin/worker.rs",
            "tests/powercut/src/main.rs",
        ];
        if !roots.contains(&name.as_str()) && !is_declared(&file) {
            forgotten.push(name);
        }
    }
    assert_none("files in no module", &forgotten);
}

/// Whether the file that should declare this one does.
fn is_declared(file: &Path) -> bool {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let dir = file.parent().unwrap();
    let (module, dir) =
        if stem == "mod" { (name_of(dir), dir.parent().unwrap()) } else { (stem, dir) };
    let beside = dir.with_extension("rs");
    let parents =
        [dir.join("mod.rs"), beside, dir.join("lib.rs"), dir.join("it.rs"), dir.join("main.rs")];
    let by_name = parents
        .iter()
        .filter_map(|parent| std::fs::read_to_string(parent).ok())
        .any(|source| source.lines().any(|line| line.trim().ends_with(&format!("mod {module};"))));
    by_name || is_named_by_path(file)
}

/// `#[path = "x_tests.rs"] mod tests;` in a neighbour.
fn is_named_by_path(file: &Path) -> bool {
    let attribute = format!("#[path = \"{}\"]", file.file_name().unwrap().to_str().unwrap());
    let neighbours = std::fs::read_dir(file.parent().unwrap()).unwrap();
    neighbours.flatten().any(|neighbour| {
        std::fs::read_to_string(neighbour.path()).is_ok_and(|source| source.contains(&attribute))
    })
}

fn name_of(dir: &Path) -> &str {
    dir.file_name().unwrap().to_str().unwrap()
}
