//! The tables `[agent.NAME]` and `[rig.NAME]`.

use serde_json::{Value, json};

use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::domain::settings::programs::{
    AgentKind, Capabilities, KeyType, ProgramValue, ReservedEnv,
};
use crate::domain::settings::repositories::RigProfile;
use crate::domain::text::one_line;
use crate::form::{self, AGENT_KEYS, Aliases, Fields, Node, NodeEntry};

use super::paths::Place;
use super::values::setup;

/// Keys of every `[agent.NAME]`.
pub(super) const COMMON_KEYS: [&str; 4] = ["kind", "worktree", "account", "env"];

/// Keys of every `[rig.NAME]`.
pub(super) const RIG_KEYS: [&str; 2] = ["path", "setup"];

const AGENT_ALIASES: &Aliases = &[
    ("type", "write `kind`"),
    ("command", "write `argv`, a list of program and arguments"),
    ("cmd", "write `argv`, a list of program and arguments"),
    ("args", "write `argv`, a list of program and arguments"),
    ("path", "write `program`"),
];

const RIG_ALIASES: &Aliases =
    &[("repo", "write `path`"), ("repository", "write `path`"), ("dir", "write `path`")];

/// Reads every table under `agent` into the settings.
pub(super) fn agents(
    table: &Node,
    config: &mut Config,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    for_each(table, "agent", problems, |entry, problems| {
        let known = config.profiles.get(&entry.key);
        if let Some(profile) = agent(entry, known, config.programs, place, problems) {
            config.profiles.insert(entry.key.clone(), profile);
        }
    });
}

/// Reads every table under `rig` into the settings.
pub(super) fn rigs(table: &Node, config: &mut Config, place: &Place, problems: &mut Vec<Problem>) {
    for_each(table, "rig", problems, |entry, problems| {
        let mut fields = Fields::of(&entry.node, &format!("rig.{}.", entry.key));
        fields.refuse_unknown(&RIG_KEYS, RIG_ALIASES);
        let path = fields.read("path", |node| place.path(node));
        let setup = fields.read("setup", setup);
        if fields.get("path").is_none() {
            fields.report(missing("rig", entry, "path", "path = \"/where/the/repository/is\""));
        }
        problems.extend(fields.into_problems());
        if let Some(path) = path {
            config.rigs.insert(entry.key.clone(), RigProfile { path, setup });
        }
    });
}

/// Goes through the named tables, refusing bad names.
fn for_each(
    table: &Node,
    what: &str,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&NodeEntry, &mut Vec<Problem>),
) {
    let fields = Fields::of(table, &format!("{what}."));
    for entry in fields.entries() {
        let name = &entry.key;
        if !is_name(name) {
            let problem = Problem::new(NO_NAME).key(format!("{what}.{}", one_line(name, 60)));
            problems.push(problem.at(entry.line, entry.column));
        } else {
            read(entry, problems);
        }
    }
    problems.extend(fields.into_problems());
}

const NO_NAME: &str = "is not a name: lower-case letters, digits, _ and -, at most 64";

fn is_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    !text.is_empty() && text.len() <= 64 && !text.starts_with('-') && text.bytes().all(good)
}

/// An account is a file's name too.
fn account(node: &Node) -> Result<String, Problem> {
    let word = form::word(node)?;
    if is_name(&word) { Ok(word) } else { Err(Problem::new(NO_NAME)) }
}

fn missing(what: &str, entry: &NodeEntry, key: &str, example: &str) -> Problem {
    Problem::new(format!("{what} {} needs its {key}", entry.key))
        .key(format!("{what}.{}.{key}", entry.key))
        .at(entry.line, entry.column)
        .hint(example)
}

fn agent(
    entry: &NodeEntry,
    known: Option<&AgentProfile>,
    programs: &[&'static Capabilities],
    place: &Place,
    problems: &mut Vec<Problem>,
) -> Option<AgentProfile> {
    let mut fields = Fields::of(&entry.node, &format!("agent.{}.", entry.key));
    let kinds: Vec<&str> = programs.iter().map(|program| program.name).collect();
    let kind = match fields.get("kind") {
        // Those that exist without being named are what their names say.
        None => known.map(AgentProfile::capabilities),
        Some(_) => fields.read("kind", |node| {
            let word = form::word(node)?;
            let program = programs.iter().find(|program| program.name == word);
            program.copied().ok_or_else(|| {
                let message = format!("there is no kind `{}`", one_line(&word, 60));
                Problem::new(message).hint(form::one_of(&word, &kinds))
            })
        }),
    };
    if kind.is_none() && fields.get("kind").is_none() {
        fields.report(missing("agent", entry, "kind", "kind = \"command\""));
    }
    refuse_keys_of_others(&mut fields, kind, programs);
    let kind = kind.and_then(|program| settings(&mut fields, entry, program, place));
    let defaults = form::agent_defaults(&mut fields);
    let worktree = fields.read("worktree", form::boolean).unwrap_or(true);
    let account = fields.read("account", account);
    let reserved = ReservedEnv::of(programs);
    let env = fields.read_all("env", |node| form::env(node, &reserved)).unwrap_or_default();
    problems.extend(fields.into_problems());
    Some(AgentProfile { kind: kind?, worktree, account, env, defaults })
}

/// The settings that only this program has; `None`: one that has to be there is missing or wrong.
fn settings(
    fields: &mut Fields,
    entry: &NodeEntry,
    program: &'static Capabilities,
    place: &Place,
) -> Option<AgentKind> {
    let mut kind = AgentKind::new(program);
    let mut complete = true;
    for key in program.keys {
        let value = match key.takes {
            KeyType::Program => {
                fields.read(key.key, |node| place.program(node)).map(ProgramValue::Path)
            }
            KeyType::Path => fields.read(key.key, |node| place.path(node)).map(ProgramValue::Path),
            KeyType::Argv => {
                fields.read(key.key, |node| form::argv(node, false)).map(ProgramValue::Argv)
            }
        };
        if let (Some(example), None) = (key.needed, fields.get(key.key)) {
            fields.report(missing("agent", entry, key.key, example));
        }
        complete &= value.is_some() || key.needed.is_none();
        kind.settings.extend(value.map(|value| (key.key, value)));
    }
    complete.then_some(kind)
}

/// Unknown keys, and keys that another program has.
fn refuse_keys_of_others(
    fields: &mut Fields,
    kind: Option<&Capabilities>,
    programs: &[&Capabilities],
) {
    let all: Vec<&str> = (programs.iter().flat_map(|program| program.keys).map(|key| key.key))
        .chain(COMMON_KEYS)
        .chain(AGENT_KEYS)
        .collect();
    fields.refuse_unknown(&all, AGENT_ALIASES);
    let Some(kind) = kind else { return };
    for entry in fields.entries() {
        let key = entry.key.as_str();
        let has = |program: &Capabilities| {
            program.keys.iter().any(|own| own.key == key) || program.obeys.contains(&key)
        };
        let owners: Vec<&str> =
            programs.iter().filter(|program| has(program)).map(|program| program.name).collect();
        if !owners.is_empty() && !has(kind) {
            let message = format!(
                "belongs to agents of kind {}, this one is {}",
                owners.join(" or "),
                kind.name
            );
            fields.refuse(entry, message);
        }
    }
}

/// A profile's keys and values, as the file would have them.
pub(super) fn agent_values(profile: &AgentProfile) -> Vec<(&'static str, Value)> {
    let mut values = vec![("kind", json!(profile.kind.word()))];
    for key in profile.capabilities().keys {
        let value = profile.kind.settings.get(key.key).map(|value| match value {
            ProgramValue::Path(path) => json!(path.to_string_lossy()),
            ProgramValue::Argv(argv) => json!(argv),
        });
        values.extend(value.map(|value| (key.key, value)));
    }
    values.push(("worktree", json!(profile.worktree)));
    let defaults = &profile.defaults;
    let optional = [
        ("account", profile.account.as_ref().map(|account| json!(account))),
        ("model", defaults.model.as_ref().map(|model| json!(model))),
        ("effort", defaults.effort.as_ref().map(|effort| json!(effort))),
        ("max_turns", defaults.max_turns.map(|turns| json!(turns))),
        ("max_budget_usd", defaults.max_budget_usd.map(|usd| json!(usd))),
        ("allowed_tools", defaults.allowed_tools.as_ref().map(|tools| json!(tools))),
        ("disallowed_tools", defaults.disallowed_tools.as_ref().map(|tools| json!(tools))),
        ("permission_mode", defaults.permission_mode.map(|mode| json!(mode.as_str()))),
        ("env", (!profile.env.is_empty()).then(|| json!(profile.env))),
    ];
    values.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
    values
}

/// A rig's keys and values, as the file would have them.
pub(super) fn rig_values(rig: &RigProfile) -> Vec<(&'static str, Value)> {
    let mut values = vec![("path", json!(rig.path.to_string_lossy()))];
    values.extend(rig.setup.as_ref().map(|setup| ("setup", json!(setup))));
    values
}
