//! TOML to a tree with places: the only file that knows the TOML library.
//!
//! `agent` and `rig` are each a key (`agent = "x"`) and the name of tables (`[agent.x]`). TOML
//! calls both in one file a conflict; people write it, and it has one meaning, so it is read: the scalar is
//! renamed within the text to a word of the same length, so that every place stays what it was.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Locator, Node, NodeEntry, PROBLEMS_MAX, Value};
use crate::domain::settings::problem::Problem;

/// Keys that are both, and the words they are hidden behind.
const BOTH: [(&str, &str); 2] = [("agent", "AGENT"), ("rig", "RIG")];

/// Parses a TOML text; what could be read is returned also where there are errors.
pub fn parse_toml(text: &str) -> (Node, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return (tree(text, table.get_ref(), &[]), Vec::new());
    }
    let (hidden_text, hidden) = hide(text, table.get_ref());
    let (table, errors) = DeTable::parse_recoverable(&hidden_text);
    let mut locator = Locator::new(text);
    let problems = errors.iter().take(PROBLEMS_MAX).map(|error| {
        let (line, column) = error.span().map_or((0, 0), |span| locator.at(span.start));
        Problem::new(format!("not valid TOML: {}", error.message())).at(line, column)
    });
    (tree(text, table.get_ref(), &hidden), problems.collect())
}

/// Hides the scalars among [`BOTH`]; also returns at which offsets.
fn hide(text: &str, table: &DeTable) -> (String, Vec<usize>) {
    let mut out = text.to_owned();
    let mut hidden = Vec::new();
    for (key, value) in table {
        let span = key.span();
        let found = BOTH.iter().find(|(word, _)| text.get(span.clone()) == Some(word));
        if let (Some((_, instead)), false) = (found, value.get_ref().is_table()) {
            out.replace_range(span.clone(), instead);
            hidden.push(span.start);
        }
    }
    (out, hidden)
}

fn tree(text: &str, table: &DeTable, hidden: &[usize]) -> Node {
    let mut locator = Locator::new(text);
    let mut root = map(&mut locator, table);
    for start in hidden {
        let place = locator.at(*start);
        for entry in root.iter_mut().filter(|entry| (entry.line, entry.column) == place) {
            entry.key = entry.key.to_lowercase();
        }
    }
    Node { line: 1, column: 1, value: Value::Map(root) }
}

fn map(locator: &mut Locator, table: &DeTable) -> Vec<NodeEntry> {
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&Spanned<_>, &Spanned<_>)| {
        let (line, column) = locator.at(key.span().start);
        let name: &std::borrow::Cow<str> = key.get_ref();
        NodeEntry { key: name.to_string(), line, column, node: node(locator, value) }
    };
    keys.into_iter().map(entry).collect()
}

fn node(locator: &mut Locator, value: &Spanned<DeValue>) -> Node {
    let (line, column) = locator.at(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Number(decimal(number.as_str(), number.radix())),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(date) => Value::Number(date.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| node(locator, item)).collect())
        }
        DeValue::Table(table) => Value::Map(map(locator, table)),
    };
    Node { line, column, value }
}

/// `0x10` is 16 to TOML and should be to us.
fn decimal(digits: &str, radix: u32) -> String {
    match i128::from_str_radix(digits, radix) {
        Ok(number) => number.to_string(),
        Err(_) => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_a_word_and_a_table() {
        let text = "agents = 2\nagent = \"x\"\nrig = \"r\"\n[agent.x]\nkind = \"demo\"\n[rig.r]\npath = \".\"\n";
        let (root, problems) = parse_toml(text);
        assert_eq!(problems, []);
        let Value::Map(entries) = root.value else { panic!("a table") };
        let places: Vec<_> = entries.iter().map(|e| (e.key.as_str(), e.line, e.column)).collect();
        assert_eq!(
            places,
            [("agents", 1, 1), ("agent", 2, 1), ("rig", 3, 1), ("agent", 4, 2), ("rig", 6, 2)]
        );
    }

    #[test]
    fn errors_have_places() {
        for (text, line) in [("a = 1\na = 2\n", 2), ("a = \n", 1), ("\n[x\n", 2)] {
            let (_, problems) = parse_toml(text);
            assert!(
                problems.iter().all(|problem| problem.line == Some(line)),
                "{text}: {problems:?}"
            );
            assert!(!problems.is_empty(), "{text}");
        }
        let (root, problems) = parse_toml("n = 0x1_0\nm = 1_000\n");
        assert_eq!(problems, []);
        let Value::Map(entries) = root.value else { panic!("a table") };
        let values: Vec<_> = entries.into_iter().map(|entry| entry.node.value).collect();
        assert_eq!(values, [Value::Number("16".into()), Value::Number("1000".into())]);
    }
}
