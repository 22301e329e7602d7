//! The walk through the code in `CONTRIBUTING.md`: each symbol is defined in the file beside it and nowhere else.

use super::{assert_none, rust_files, shown, text};

const KINDS: [&str; 7] = ["fn ", "struct ", "enum ", "trait ", "const ", "static ", "type "];

#[test]
fn each_answer_of_the_walk_is_found_where_it_says() {
    let page = text("CONTRIBUTING.md");
    let walk = page.split("\n## A walk through the code\n").nth(1).unwrap();
    let walk = walk.split("\n## ").next().unwrap();
    let sources: Vec<(String, String)> = rust_files("src")
        .iter()
        .map(|file| (shown(file), std::fs::read_to_string(file).unwrap()))
        .collect();
    let (mut answers, mut wrong) = (0, Vec::new());
    for row in walk.lines().filter(|line| line.contains("| `src/")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let (file, symbol) = (cells[2], cells[3]);
        let found: Vec<&str> = sources
            .iter()
            .filter(|(_, source)| defines(source, symbol))
            .map(|(name, _)| name.as_str())
            .collect();
        if found != [file] {
            wrong.push(format!("{symbol} is not in {file} alone but in {found:?}"));
        }
        answers += 1;
    }
    assert_none("answers of the walk", &wrong);
    assert!(answers >= 25, "the walk has {answers} answers only");
}

fn defines(source: &str, symbol: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    KINDS.iter().any(|kind| {
        let definition = format!("{kind}{symbol}");
        source.match_indices(&definition).any(|(at, _)| {
            !source[..at].ends_with(is_name)
                && !source[at + definition.len()..].starts_with(is_name)
        })
    })
}
