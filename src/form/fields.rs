//! Reading a table's keys: each through a typed reader, every problem kept.
//!
//! A reader returns a problem without place or key; both are filled in here, so that no reader can forget
//! them. A key whose value is null counts as absent.

use crate::domain::settings::problem::Problem;
use crate::domain::text::one_line;

use super::node::{Node, NodeEntry, Value};
use super::suggest::did_you_mean;

/// Nobody reads more; also the bound on the work that a hostile file can cause.
pub const PROBLEMS_MAX: usize = 100;

/// Words that people bring from other tools, with what to write here instead.
pub type Aliases = [(&'static str, &'static str)];

pub struct Fields<'a> {
    entries: &'a [NodeEntry],
    prefix: String,
    problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    /// The table at a node; `prefix` is what its keys are called in messages (`limits.`). A node that is
    /// no table is one problem and no keys.
    pub fn of(node: &'a Node, prefix: &str) -> Fields<'a> {
        let mut fields = Fields { entries: &[], prefix: prefix.to_owned(), problems: Vec::new() };
        match &node.value {
            Value::Map(entries) => fields.entries = entries,
            Value::Null => {}
            _ => {
                let message = format!("must be a table of keys, not {}", node.shown());
                let key = prefix.trim_end_matches('.');
                let problem = node.problem(message);
                fields.problems.push(if key.is_empty() { problem } else { problem.key(key) });
            }
        }
        fields
    }

    /// The table's entries.
    pub fn entries(&self) -> &'a [NodeEntry] {
        self.entries
    }

    /// The value of a key that is there and not null.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.node.value != Value::Null).then_some(&entry.node)
    }

    /// Reports each key that is neither known nor begins with `x-`.
    pub fn refuse_unknown(&mut self, known: &[&str], aliases: &Aliases) {
        for entry in self.entries {
            if known.contains(&entry.key.as_str()) || entry.key.starts_with("x-") {
                continue;
            }
            if self.problems.len() >= PROBLEMS_MAX {
                break;
            }
            let lower = entry.key.to_lowercase().replace('-', "_");
            let advice = aliases.iter().find(|(alias, _)| *alias == lower);
            let hint = advice
                .map(|(_, advice)| (*advice).to_owned())
                .or_else(|| did_you_mean(&entry.key, known.iter().copied()))
                .or_else(|| self.prefix.is_empty().then(|| format!("known: {}", known.join(", "))))
                .unwrap_or_else(|| format!("here stand only {}", known.join(", ")));
            let key = format!("{}{}", self.prefix, one_line(&entry.key, 60));
            let problem = Problem::new("is not a known key").key(key).hint(hint);
            self.problems.push(problem.at(entry.line, entry.column));
        }
    }

    /// Reads one key with a reader that stops at its first problem.
    pub fn read<T>(
        &mut self,
        key: &str,
        reader: impl FnOnce(&Node) -> Result<T, Problem>,
    ) -> Option<T> {
        self.read_all(key, |node| reader(node).map_err(|problem| vec![problem]))
    }

    /// Reads one key with a reader that reports every problem.
    pub fn read_all<T>(
        &mut self,
        key: &str,
        reader: impl FnOnce(&Node) -> Result<T, Vec<Problem>>,
    ) -> Option<T> {
        let node = self.get(key)?;
        match reader(node) {
            Ok(value) => Some(value),
            Err(problems) => {
                let prefix = format!("{}{key}", self.prefix);
                self.problems
                    .extend(problems.into_iter().map(|problem| placed(problem, node, &prefix)));
                None
            }
        }
    }

    /// Reports a key that may not stand here.
    pub fn refuse(&mut self, entry: &NodeEntry, message: String) {
        let key = format!("{}{}", self.prefix, one_line(&entry.key, 60));
        self.problems.push(Problem::new(message).key(key).at(entry.line, entry.column));
    }

    pub fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

/// Fills in what a reader does not know: its key, and the place where it has none of its own.
pub fn placed(problem: Problem, node: &Node, prefix: &str) -> Problem {
    let key = match &problem.key {
        Some(inner) => format!("{prefix}.{inner}"),
        None => prefix.to_owned(),
    };
    let problem = problem.key(key);
    if problem.line.is_some() { problem } else { problem.at(node.line, node.column) }
}

/// Problems in the order of the file, those without a place first, no more than [`PROBLEMS_MAX`].
pub fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    if problems.len() > PROBLEMS_MAX {
        let more = problems.len() - PROBLEMS_MAX;
        problems.truncate(PROBLEMS_MAX);
        problems.push(Problem::new(format!("and {more} more problems")));
    }
    problems
}
