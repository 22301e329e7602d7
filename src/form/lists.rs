//! Readers of lists and tables: tools, labels, commands, environment variables.

use std::collections::BTreeMap;

use crate::domain::settings::problem::Problem;
use crate::domain::settings::programs::ReservedEnv;
use crate::domain::text::one_line;

use super::fields::placed;
use super::node::{Node, Value};
use super::value;

const LIST_MAX: usize = 256;
/// The longest tool, characters.
const TOOL_MAX: usize = 500;
const LABELS_MAX: usize = 32;
/// The longest label, characters.
const LABEL_MAX: usize = 64;
/// The longest value of a variable, bytes: the kernel takes 128 KiB with the name.
const ENV_VALUE_MAX: usize = 64 * 1024;

/// Variables that load code into whatever starts, before it can object.
const ENV_REFUSED: [&str; 3] = ["LD_PRELOAD", "LD_AUDIT", "BASH_ENV"];

/// What decides to whom the agent shows the account's credentials, and what the agent itself obeys or loads: the
/// operator's to set, in `[agent.NAME] env`. A name, or a beginning with `*`.
const ENV_OPERATORS: [&str; 3] =
    ["LD_LIBRARY_PATH", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED"];

pub fn texts(node: &Node) -> Result<Vec<String>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut out = Vec::new();
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for item in items {
        match value::text(item).and_then(|text| split(&text)) {
            Ok(parts) => out.extend(parts),
            Err(problem) => problems.push(at(problem, item)),
        }
    }
    if out.len() > LIST_MAX {
        problems.push(Problem::new(format!("has {} entries, at most {LIST_MAX}", out.len())));
    }
    if problems.is_empty() && out.is_empty() && !matches!(node.value, Value::List(_)) {
        problems.push(Problem::new("is blank").hint("write [] for none, or leave the key out"));
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// Tools: `Bash(git log, x), Read` is two.
pub fn tools(node: &Node) -> Result<Vec<String>, Vec<Problem>> {
    let tools = texts(node)?;
    let problems: Vec<Problem> = tools.iter().filter_map(|tool| tool_problem(tool)).collect();
    if problems.is_empty() { Ok(tools) } else { Err(problems) }
}

fn tool_problem(tool: &str) -> Option<Problem> {
    let shown = one_line(tool, 60);
    let name = tool.split('(').next().unwrap_or(tool);
    if tool.starts_with('-') {
        return Some(Problem::new(format!("the tool `{shown}` begins with a dash")));
    }
    if let Some(control) = tool.chars().find(|ch| ch.is_control()) {
        let control = control.escape_unicode();
        return Some(Problem::new(format!(
            "the tool `{shown}` holds the control character {control}"
        )));
    }
    if tool.chars().count() > TOOL_MAX {
        return Some(Problem::new(format!(
            "the tool `{shown}` is longer than {TOOL_MAX} characters"
        )));
    }
    if name.is_empty() {
        return Some(Problem::new(format!("the tool `{shown}` has no name")));
    }
    name.contains(char::is_whitespace).then(|| {
        let hint =
            "separate tools by commas; what a tool may do stands in parentheses: Bash(git log)";
        Problem::new(format!("the tool `{shown}` has a blank in its name")).hint(hint)
    })
}

/// Labels: short, one line each, none twice.
pub fn labels(node: &Node) -> Result<Vec<String>, Vec<Problem>> {
    let mut out: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    for label in texts(node)? {
        let shown = one_line(&label, 40);
        if label.chars().any(char::is_control) {
            problems.push(Problem::new(format!("the label `{shown}` holds a control character")));
        } else if label.chars().count() > LABEL_MAX {
            let message = format!("the label `{shown}` is longer than {LABEL_MAX} characters");
            problems.push(Problem::new(message));
        } else if !out.contains(&label) {
            out.push(label);
        }
    }
    if out.len() > LABELS_MAX {
        problems.push(Problem::new(format!("has {} labels, at most {LABELS_MAX}", out.len())));
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// A command: a list of program and arguments, or (where `shell`) one text that `sh -c` runs.
pub fn argv(node: &Node, shell: bool) -> Result<Vec<String>, Problem> {
    match &node.value {
        Value::List(items) => {
            let argv: Vec<String> = items.iter().map(value::text).collect::<Result<_, _>>()?;
            match argv.first().map(|program| program.trim()) {
                None => Err(Problem::new("needs at least a program")),
                Some("") => Err(Problem::new("begins with a blank program")),
                Some(_) => Ok(argv),
            }
        }
        Value::Bare(_) | Value::Text(_) if shell => {
            let script = value::text(node)?;
            if script.trim().is_empty() {
                return Err(Problem::new("is blank").hint("leave the key out for no command"));
            }
            Ok(vec!["sh".to_owned(), "-c".to_owned(), script])
        }
        _ => {
            let message = format!("must be a list of program and arguments, not {}", node.shown());
            Err(Problem::new(message).hint("for a shell: [\"sh\", \"-c\", \"…\"]"))
        }
    }
}

/// Variables for the agent: names that a shell accepts, scalars as text.
pub fn env(node: &Node, reserved: &ReservedEnv) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let Value::Map(entries) = &node.value else {
        let message = format!("must be a table of names and values, not {}", node.shown());
        return Err(vec![Problem::new(message).hint("env:\n  NAME: value")]);
    };
    let mut out = BTreeMap::new();
    let mut problems = Vec::new();
    for entry in entries {
        let name = one_line(&entry.key, 60);
        if let Some(problem) = name_problem(&entry.key, reserved) {
            problems.push(problem.key(name).at(entry.line, entry.column));
            continue;
        }
        match env_value(&entry.node) {
            Ok(text) => drop(out.insert(entry.key.clone(), text)),
            Err(problem) => problems.push(placed(problem, &entry.node, &name)),
        }
    }
    if entries.len() > LIST_MAX {
        problems.push(Problem::new(format!("has {} variables, at most {LIST_MAX}", entries.len())));
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// The same for a task, which does not choose what is the operator's.
pub fn task_env(
    node: &Node,
    reserved: &ReservedEnv,
) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let env = env(node, reserved)?;
    let Value::Map(entries) = &node.value else { return Ok(env) };
    let problems: Vec<Problem> = entries
        .iter()
        .filter(|entry| is_operators(&entry.key, reserved))
        .map(|entry| {
            Problem::new("is the operator's to set, not a task's")
                .hint("in swarm.toml: [agent.NAME] env = { … }")
                .key(one_line(&entry.key, 60))
                .at(entry.line, entry.column)
        })
        .collect();
    if problems.is_empty() { Ok(env) } else { Err(problems) }
}

fn is_operators(name: &str, reserved: &ReservedEnv) -> bool {
    ENV_OPERATORS.iter().chain(&reserved.operators).any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *pattern,
    })
}

fn name_problem(name: &str, reserved: &ReservedEnv) -> Option<Problem> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !first || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let problem = Problem::new("is not a name that a variable can have");
        return Some(problem.hint("letters, digits and _, not beginning with a digit"));
    }
    if name.starts_with("SWARMDIR_") {
        return Some(Problem::new("is set by swarmdir itself: names with SWARMDIR_ are taken"));
    }
    ENV_REFUSED.iter().chain(&reserved.refused).any(|refused| *refused == name).then(|| {
        Problem::new("would load code into the agent itself and is refused")
            .hint("let the task set it for the one command that needs it")
    })
}

fn env_value(node: &Node) -> Result<String, Problem> {
    let text = match &node.value {
        Value::Null => {
            return Err(Problem::new("has no value").hint("write \"\" for an empty one"));
        }
        Value::Number(written) => written.clone(),
        Value::Bool(truth) => truth.to_string(),
        _ => value::text(node)?,
    };
    if text.len() > ENV_VALUE_MAX {
        let message = format!("has {} bytes, at most {ENV_VALUE_MAX}", text.len());
        return Err(Problem::new(message));
    }
    Ok(text)
}

/// Splits at commas outside parentheses; blanks around items, and empty items, go.
fn split(text: &str) -> Result<Vec<String>, Problem> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    let shown = || one_line(text, 60);
    for (at, ch) in text.char_indices() {
        match ch {
            '(' => depth += 1,
            ')' if depth == 0 => {
                return Err(Problem::new(format!(
                    "`{}` closes a parenthesis it never opened",
                    shown()
                )));
            }
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(Problem::new(format!("`{}` leaves a parenthesis open", shown())));
    }
    parts.push(&text[start..]);
    Ok(parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect())
}

/// A problem of one item stands where the item stands.
fn at(problem: Problem, node: &Node) -> Problem {
    if problem.line.is_some() { problem } else { problem.at(node.line, node.column) }
}
