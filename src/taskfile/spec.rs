//! From keys and prompt to a [`TaskSpec`].

use super::keys::{ALIASES, TASK_KEYS};
use super::yaml::Parsed;
use crate::domain::settings::agents::AgentDefaults;
use crate::domain::settings::limits::{Limits, TaskCaps};
use crate::domain::settings::problem::Problem;
use crate::domain::settings::programs::ReservedEnv;
use crate::domain::settings::quantity::show_duration;
use crate::domain::task::name::Band;
use crate::domain::task::spec::TaskSpec;
use crate::domain::text::one_line;
use crate::form::{self, Fields, Node, Value, placed};

/// What a task file may refer to.
#[derive(Clone, Copy, Debug)]
pub struct ParseContext<'a> {
    /// Names under `[agent.NAME]`.
    pub agents: &'a [&'a str],
    /// Names under `[rig.NAME]`.
    pub rigs: &'a [&'a str],
    /// Variables that are not a task's to set.
    pub reserved: &'a ReservedEnv,
    /// What a task's limits may not exceed.
    pub caps: Limits,
    /// What else a task may ask for at most.
    pub task_caps: TaskCaps,
}

/// A file without front matter: all of it is the prompt.
pub(super) fn plain(prompt: &str) -> Result<TaskSpec, Vec<Problem>> {
    Ok(TaskSpec { prompt: prompt.to_owned(), ..TaskSpec::default() })
}

/// Front matter with the prompt below it.
pub(super) fn from_front_matter(
    parsed: Parsed,
    body: &str,
    known: &ParseContext,
) -> Result<TaskSpec, Vec<Problem>> {
    let Parsed { entries, mut problems, broken } = parsed;
    let front = Node { line: 1, column: 1, value: Value::Map(entries) };
    let mut fields = Fields::of(&front, "");
    fields.refuse_unknown(&names(), &ALIASES);
    let mut spec = read(&mut fields, known);
    if body.trim().is_empty() {
        let hint = "write below the second `---` what the agent shall do";
        fields.report(Problem::new("there is no prompt").hint(hint));
    }
    let consequence = |problem: &Problem| problem.line.is_some_and(|line| broken.contains(&line));
    problems.extend(fields.into_problems().into_iter().filter(|problem| !consequence(problem)));
    body.clone_into(&mut spec.prompt);
    if problems.is_empty() { Ok(spec) } else { Err(problems) }
}

/// A JSON object: the same keys and `prompt`.
pub(super) fn from_json(root: &Node, known: &ParseContext) -> Result<TaskSpec, Vec<Problem>> {
    let hint = "{\"prompt\": \"…\"}";
    if !matches!(root.value, Value::Map(_)) {
        let message = format!("a JSON task must be one object, not {}", root.shown());
        return Err(vec![root.problem(message).hint(hint)]);
    }
    let mut fields = Fields::of(root, "");
    let mut names = names();
    names.push("prompt");
    fields.refuse_unknown(&names, &ALIASES);
    let mut spec = read(&mut fields, known);
    if fields.get("prompt").is_none() {
        fields.report(Problem::new("is missing").key("prompt").hint(hint));
    }
    let prompt = fields.read("prompt", |node| {
        let prompt = form::text(node)?;
        if prompt.trim().is_empty() { Err(Problem::new("is blank")) } else { Ok(prompt) }
    });
    spec.prompt = prompt.unwrap_or_default();
    let problems = fields.into_problems();
    if problems.is_empty() { Ok(spec) } else { Err(problems) }
}

fn names() -> Vec<&'static str> {
    TASK_KEYS.iter().map(|row| row.key).filter(|key| !key.starts_with("x-")).collect()
}

fn read(fields: &mut Fields, known: &ParseContext) -> TaskSpec {
    let agent = form::agent_defaults(fields);
    of_agent(fields, &agent, known.task_caps);
    TaskSpec {
        prompt: String::new(),
        title: fields.read("title", form::line),
        agent: fields.read("agent", |node| name_of(node, "agent", known.agents)),
        rig: fields.read("rig", |node| name_of(node, "rig", known.rigs)),
        priority: fields.read("priority", priority),
        base: fields.read("base", form::word),
        branch: fields.read("branch", |node| {
            let name = form::word(node)?;
            problem(&name).map_or(Ok(name), Err)
        }),
        timeout_ms: fields
            .read("timeout", |node| timeout(form::duration(node, 1)?, known.task_caps)),
        model: agent.model,
        effort: agent.effort,
        max_turns: agent.max_turns,
        max_budget_usd: agent.max_budget_usd,
        allowed_tools: agent.allowed_tools,
        disallowed_tools: agent.disallowed_tools,
        permission_mode: agent.permission_mode,
        env: fields
            .read_all("env", |node| form::task_env(node, known.reserved))
            .unwrap_or_default(),
        limits: limits(fields, known.caps),
        changes_nothing: fields.read("changes", changes_nothing).unwrap_or_default(),
        labels: fields.read_all("labels", form::labels).unwrap_or_default(),
    }
}

/// `changes: none` is all that can be said of them.
fn changes_nothing(node: &Node) -> Result<bool, Problem> {
    let word = form::word(node)?;
    let hint = "write `none` for a task that is to change nothing; else leave the key out";
    let wrong = || Problem::new(format!("`{}` says nothing here", one_line(&word, 40))).hint(hint);
    if word == "none" { Ok(true) } else { Err(wrong()) }
}

/// One of the names that the operator gave.
fn name_of(node: &Node, what: &str, names: &[&str]) -> Result<String, Problem> {
    let name = form::word(node)?;
    if names.contains(&name.as_str()) {
        return Ok(name);
    }
    let problem = Problem::new(format!("there is no {what} `{}`", one_line(&name, 60)));
    let hint = match names {
        [] => format!("swarm.toml names none: add a table [{what}.NAME]"),
        names => form::one_of(&name, names),
    };
    Err(problem.hint(hint))
}

fn priority(node: &Node) -> Result<Band, Problem> {
    let number = form::count(node, 0, 9).map_err(|problem| match problem.hint {
        Some(_) => problem,
        None => problem.hint(priority_hint(node)),
    })?;
    let band = u8::try_from(number).ok().and_then(Band::new);
    band.ok_or_else(|| Problem::new("must be from 0 to 9"))
}

/// Words that other tools use, as numbers.
fn priority_hint(node: &Node) -> String {
    let (Value::Bare(word) | Value::Text(word)) = &node.value else {
        return "0 comes first, 9 last".to_owned();
    };
    let number = match word.trim().to_lowercase().as_str() {
        "urgent" | "critical" | "highest" | "blocker" | "p0" => 0,
        "high" | "p1" => 2,
        "normal" | "medium" | "default" | "p2" => 5,
        "low" | "minor" | "p3" => 7,
        "lowest" | "trivial" | "p4" => 9,
        _ => return "0 comes first, 9 last".to_owned(),
    };
    format!("0 comes first, 9 last: `{}` may be {number}", word.trim().to_lowercase())
}

/// The task's limits, each within its cap; `none` only where there is no cap.
fn limits(fields: &mut Fields, caps: Limits) -> Limits {
    let read = fields.read_all("limits", |node| {
        let limits = form::limits(node)?;
        let above = form::above_caps(limits, caps, node);
        if above.is_empty() { Ok(limits) } else { Err(above) }
    });
    read.unwrap_or_default()
}

/// What is wrong with a branch name, if anything.
pub(super) fn problem(name: &str) -> Option<Problem> {
    let bad = |why: &str| Some(Problem::new(format!("`{name}` is no name for a branch: {why}")));
    if let Some(ch) = name.chars().find(|ch| " ~^:?*[\\".contains(*ch)) {
        return bad(&format!("git forbids `{ch}` in it"));
    }
    if let Some(part) = ["..", "@{", "//"].into_iter().find(|part| name.contains(part)) {
        return bad(&format!("git forbids `{part}` in it"));
    }
    if name.starts_with('/') || name.ends_with('/') || name.ends_with('.') {
        return bad("it begins or ends with a sign that git forbids there");
    }
    if name.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        return bad("no part may begin with a dot or end in `.lock`");
    }
    if name == "@" || name == "HEAD" || name.starts_with("refs/") {
        return bad("git means something else by it");
    }
    None
}

/// The timeout, within its ceiling.
pub(super) fn timeout(ms: u64, caps: TaskCaps) -> Result<u64, Problem> {
    match caps.timeout_ms {
        Some(cap) if ms > cap => Err(above("timeout", &show_duration(ms), &show_duration(cap))),
        _ => Ok(ms),
    }
}

/// Reports turns and dollars above their ceilings.
pub(super) fn of_agent(fields: &mut Fields, asked: &AgentDefaults, caps: TaskCaps) {
    if let (Some(turns), Some(cap)) = (asked.max_turns, caps.max_turns)
        && turns > cap
    {
        report(fields, "max_turns", &turns.to_string(), &cap.to_string());
    }
    if let (Some(dollars), Some(cap)) = (asked.max_budget_usd, caps.max_budget_usd)
        && dollars > cap
    {
        report(fields, "max_budget_usd", &format!("${dollars}"), &format!("${cap}"));
    }
}

fn report(fields: &mut Fields, key: &str, asked: &str, cap: &str) {
    if let Some(node) = fields.get(key) {
        fields.report(placed(above(key, asked, cap), node, key));
    }
}

fn above(key: &str, asked: &str, cap: &str) -> Problem {
    Problem::new(format!("{asked} is above the operator's cap of {cap}"))
        .hint(format!("write at most {cap}; the cap is `{key}` under [limits.max] in swarm.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_would_refuse_them_later() {
        for bad in
            ["a b", "a..b", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a~1", "@", "HEAD", "a@{1}"]
        {
            assert!(problem(bad).is_some(), "{bad}");
        }
        for good in ["a", "feature/login-2", "swarm/fix_it", "v1.2", "ümlaut"] {
            assert_eq!(problem(good), None, "{good}");
        }
    }
}
