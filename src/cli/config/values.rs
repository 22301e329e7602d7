//! Readers of single values of `swarm.toml`, and how those values are shown. Pure.

use std::path::Path;

use serde_json::{Value, json};

use crate::domain::capacity::reserve::Kept;
use crate::domain::settings::choice::{Cgroups, Durability, Share};
use crate::domain::settings::problem::Problem;
use crate::form::{self, Node};

pub(super) fn one<T>(result: Result<T, Problem>) -> Result<T, Vec<Problem>> {
    result.map_err(|problem| vec![problem])
}

pub(super) fn shown(path: Option<&Path>) -> Option<Value> {
    path.map(|path| json!(path.to_string_lossy()))
}

pub(super) fn small(node: &Node, most: u32) -> Result<u32, Vec<Problem>> {
    let number = one(form::count(node, 1, most.into()))?;
    Ok(u32::try_from(number).expect("count keeps within the bounds"))
}

pub(super) fn number(node: &Node, most: u32) -> Result<u32, Vec<Problem>> {
    let number = one(form::count(node, 0, most.into()))?;
    Ok(u32::try_from(number).expect("count keeps within the bounds"))
}

/// A size, or `none`.
pub(super) fn bytes(node: &Node) -> Result<Option<u64>, Problem> {
    match form::word(node) {
        Ok(word) if word == "none" => Ok(None),
        _ => form::size(node).map(Some),
    }
}

/// `auto`, `none`, or how much.
pub(super) fn kept(
    node: &Node,
    amount: fn(&Node) -> Result<u64, Problem>,
) -> Result<Kept, Problem> {
    match form::word(node).as_deref() {
        Ok("auto") => Ok(Kept::Auto),
        Ok("none") => Ok(Kept::Exactly(0)),
        _ => amount(node).map(Kept::Exactly),
    }
}

pub(super) fn shown_kept(kept: Kept, show: fn(u64) -> String) -> Value {
    match kept {
        Kept::Auto => json!("auto"),
        Kept::Exactly(0) => json!("none"),
        Kept::Exactly(amount) => json!(show(amount)),
    }
}

pub(super) fn durability(node: &Node) -> Result<Durability, Problem> {
    match form::word(node)?.as_str() {
        "strict" => Ok(Durability::Strict),
        "relaxed" => Ok(Durability::Relaxed),
        other => {
            Err(Problem::new(format!("must be \"strict\" or \"relaxed\", not {}", node.shown()))
                .hint(form::one_of(other, &["strict", "relaxed"])))
        }
    }
}

/// `none`, or how much.
pub(super) fn or_none<T>(
    node: &Node,
    read: impl FnOnce(&Node) -> Result<T, Problem>,
) -> Result<Option<T>, Vec<Problem>> {
    match form::word(node) {
        Ok(word) if word == "none" => Ok(None),
        _ => one(read(node)).map(Some),
    }
}

pub(super) fn shown_or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(|| json!("none"))
}

pub(super) fn turns(node: &Node) -> Result<u32, Problem> {
    let number = form::count(node, 1, u32::MAX.into())?;
    Ok(u32::try_from(number).expect("count keeps within the bounds"))
}

pub(super) fn recycle_after(node: &Node) -> Result<Option<u32>, Vec<Problem>> {
    match form::word(node) {
        Ok(word) if word == "none" => Ok(None),
        _ => small(node, u32::MAX).map(Some),
    }
}

pub(super) fn cgroups(node: &Node) -> Result<Cgroups, Problem> {
    let word = form::word(node)?;
    Cgroups::ALL.into_iter().find(|choice| choice.word() == word).ok_or_else(|| {
        Problem::new(format!("must be \"auto\", \"off\" or \"require\", not {}", node.shown()))
            .hint(form::one_of(&word, &Cgroups::ALL.map(Cgroups::word)))
    })
}

/// A setup command; an empty list is none.
pub(super) fn setup(node: &Node) -> Result<Vec<String>, Problem> {
    match &node.value {
        form::Value::List(items) if items.is_empty() => Ok(Vec::new()),
        _ => form::argv(node, true),
    }
}

pub(super) fn env_deny(node: &Node) -> Result<Vec<String>, Vec<Problem>> {
    let patterns = form::texts(node)?;
    let bad = |pattern: &&String| {
        let name = pattern.strip_suffix('*').unwrap_or(pattern);
        name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let problems: Vec<Problem> = patterns
        .iter()
        .filter(bad)
        .map(|pattern| {
            let shown = crate::domain::text::one_line(pattern, 60);
            Problem::new(format!("`{shown}` is neither a variable's NAME nor a PREFIX*"))
        })
        .collect();
    if problems.is_empty() { Ok(patterns) } else { Err(problems) }
}

pub(super) fn share(node: &Node) -> Result<Share, Problem> {
    let word = form::word(node)?;
    Share::ALL.into_iter().find(|choice| choice.word() == word).ok_or_else(|| {
        Problem::new(format!("must be \"private\" or \"group\", not {}", node.shown()))
            .hint(form::one_of(&word, &Share::ALL.map(Share::word)))
    })
}
