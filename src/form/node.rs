//! A value, and where in the file it stands, whatever the notation.

use std::collections::BTreeMap;

use crate::domain::settings::problem::Problem;
use crate::domain::text::one_line;

#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// 1-based line; 0: not from a file.
    pub line: u32,
    /// 1-based column in characters; 0: unknown.
    pub column: u32,
    pub value: Value,
}

/// What notations have in common.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Nothing: the key counts as absent.
    Null,
    /// Unquoted text of a notation without types (YAML, the environment): whatever its reader needs.
    Bare(String),
    /// A number as written, in a notation with types.
    Number(String),
    /// A truth value in a notation with types.
    Bool(bool),
    /// Text that was written as text.
    Text(String),
    List(Vec<Node>),
    /// Keys and values in the order of the file; may hold a key twice, see [`duplicates`].
    Map(Vec<NodeEntry>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct NodeEntry {
    pub key: String,
    /// 1-based line of the key.
    pub line: u32,
    pub column: u32,
    pub node: Node,
}

impl Node {
    /// A setting from outside any file: an environment variable or a flag.
    pub fn bare(text: impl Into<String>) -> Node {
        Node { line: 0, column: 0, value: Value::Bare(text.into()) }
    }

    /// A problem with this value, at its place.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(message).at(self.line, self.column)
    }

    /// What stands here, for a message: `` `high` ``, a list, nothing.
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bare(text) | Value::Number(text) => format!("`{}`", one_line(text, 60)),
            Value::Bool(truth) => format!("`{truth}`"),
            Value::Text(text) => format!("the text \"{}\"", one_line(text, 60)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a table of keys".to_owned(),
        }
    }
}

/// Every key that stands twice in one table, at any depth.
pub fn duplicates(node: &Node, prefix: &str, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| duplicates(item, prefix, problems)),
        Value::Map(entries) => {
            let mut first: BTreeMap<&str, u32> = BTreeMap::new();
            for entry in entries {
                let path = format!("{prefix}{}", one_line(&entry.key, 60));
                if let Some(line) = first.get(entry.key.as_str()) {
                    let message = format!("is given twice, first on line {line}");
                    problems.push(Problem::new(message).key(&path).at(entry.line, entry.column));
                }
                first.entry(&entry.key).or_insert(entry.line);
                duplicates(&entry.node, &format!("{path}."), problems);
            }
        }
        _ => {}
    }
}
