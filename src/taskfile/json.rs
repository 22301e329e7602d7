//! JSON to a tree with places.
//!
//! The JSON library says whether the text is JSON at all; the walk after that only finds where things stand,
//! and may therefore be simple. Decoding of strings stays with the library.

use serde::de::IgnoredAny;

use crate::domain::settings::problem::Problem;
use crate::form::{Locator, Node, NodeEntry, Value, duplicates};

const DEPTH_MAX: usize = 16;
const VALUES_MAX: usize = 10_000;

/// Parses a JSON text.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Problem>> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| vec![syntax(text, &error)])?;
    let mut walk = JsonWalk { text, at: 0, values: 0, locator: Locator::new(text) };
    let root = walk.value(0).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    duplicates(&root, "", &mut problems);
    if problems.is_empty() { Ok(root) } else { Err(problems) }
}

/// The library counts columns in bytes; people count characters.
fn syntax(text: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or(line.as_bytes());
    let column = String::from_utf8_lossy(before).chars().count() + 1;
    let after_comma = String::from_utf8_lossy(before).trim_end().ends_with(',');
    let message = match message {
        "key must be a string" if after_comma => "a comma before the closing brace",
        message => message,
    };
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Problem::new(format!("not valid JSON: {message}")).at(small(error.line()), small(column))
}

/// Walks a text that is known to be valid.
struct JsonWalk<'a> {
    text: &'a str,
    at: usize,
    values: usize,
    locator: Locator<'a>,
}

impl JsonWalk<'_> {
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or_default()
    }

    /// Steps over one byte of punctuation; whether it was this one.
    fn eat(&mut self, byte: u8) -> bool {
        let here = self.peek() == byte;
        self.at += usize::from(here);
        here
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        let first = self.peek();
        let (line, column) = self.locator.at(self.at);
        let bad = |message: &str| Problem::new(message).at(line, column);
        self.values += 1;
        if depth > DEPTH_MAX {
            return Err(bad("nests too deep"));
        }
        if self.values > VALUES_MAX {
            return Err(bad("holds too many values"));
        }
        let value = match first {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Value::Text(self.string()?),
            _ => match self.literal() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number => Value::Number(number.to_owned()),
            },
        };
        Ok(Node { line, column, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        self.eat(b'[');
        while !self.eat(b']') {
            items.push(self.value(depth + 1)?);
            self.eat(b',');
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries = Vec::new();
        self.eat(b'{');
        while !self.eat(b'}') {
            self.peek();
            let (line, column) = self.locator.at(self.at);
            let key = self.string()?;
            self.eat(b':');
            let node = self.value(depth + 1)?;
            entries.push(NodeEntry { key, line, column, node });
            self.eat(b',');
        }
        Ok(Value::Map(entries))
    }

    /// A string, decoded by the library: lone surrogates are only seen here.
    fn string(&mut self) -> Result<String, Problem> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        while bytes.get(self.at).is_some_and(|byte| *byte != b'"') {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at = (self.at + 1).min(bytes.len());
        let raw = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(raw).map_err(|error| {
            let (line, column) = self.locator.at(start);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            Problem::new(format!("not valid JSON: {message}")).at(line, column)
        })
    }

    /// A number or a word; always at least one byte, so that a walk ends whatever it meets.
    fn literal(&mut self) -> &str {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        self.at = (start + length.max(1)).min(self.text.len());
        self.text.get(start..self.at).unwrap_or_default()
    }
}
