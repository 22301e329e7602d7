//! A value, and where in the file it stands, whatever the notation: from a byte offset to the line and column that an
//! editor shows.
//!
//! Only the line feed ends a line here; a carriage return before it belongs to the line's end.

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

/// The 1-based line and column (in characters; of broken UTF-8, in what it would be shown as) of an offset.
pub fn line_and_column(bytes: &[u8], offset: usize) -> (u32, u32) {
    let before = &bytes[..offset.min(bytes.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count();
    (small(line + 1), small(column + 1))
}

/// The same for many offsets of one text: linear in the text as long as the offsets ascend.
pub struct Locator<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Locator<'a> {
    pub fn new(text: &'a str) -> Locator<'a> {
        Locator { text, offset: 0, line: 1, column: 1 }
    }

    /// The 1-based line and column of an offset.
    pub fn at(&mut self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        if offset < self.offset {
            *self = Locator::new(self.text);
        }
        for byte in &self.text.as_bytes()[self.offset..offset] {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // continuation bytes add nothing to what is seen
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
        }
        self.offset = offset;
        (small(self.line), small(self.column))
    }
}

/// A file that people write has no four billion lines; one that has gets the last number.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agree_on_where_a_byte_is() {
        let text = "ab\r\nüx\n\nz";
        let mut locator = Locator::new(text);
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(locator.at(offset), line_and_column(text.as_bytes(), offset), "{offset}");
        }
        assert_eq!(locator.at(6), (2, 2));
        assert_eq!(line_and_column(b"a\xffb", 2), (1, 3));
    }
}
