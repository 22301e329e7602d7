//! The layers, lowest first: built in, file, environment, flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::domain::trust::TrustState;
use crate::form::{self, Aliases, Fields, LIMIT_ALIASES, Node};
use crate::site::Site;

use super::check::check;
use super::lookup::{entries, scalars, tables};
use super::paths::Place;
use super::profiles::{self, agent_values, rig_values};
use super::rows::{ROWS, Row};
use super::settings::{Origin, Origins, Setting};
use super::{ConfigError, Flags, Loaded, World, own_rules, root};

/// The largest `swarm.toml`, bytes.
const FILE_MAX: usize = 1024 * 1024;

/// What people write for keys of the top level.
const ALIASES: &Aliases = &[
    ("workers", "write `agents`"),
    ("jobs", "write `agents`"),
    ("concurrency", "write `agents`"),
    ("max_agents", "write `agents`"),
    ("model", "it belongs to an agent: model = \"…\" under [agent.NAME]"),
    ("timeout", "write `wall` under [timeouts]"),
    ("retries", "write `max_attempts`"),
    ("root", "a file cannot say where it lies: --root or SWARMDIR_ROOT do"),
    ("env", "it belongs to an agent: env = { NAME = \"…\" } under [agent.NAME]"),
    ("repo", "write a table [rig.NAME] with its `path`"),
    ("repository", "write a table [rig.NAME] with its `path`"),
];

/// Loads the settings, or says everything that is wrong with them.
pub fn load(flags: &Flags, world: &World) -> Result<Loaded, ConfigError> {
    load_at(root::find(flags, world), flags, world)
}

/// The same for a root that was found.
pub(super) fn load_at(
    (root, found): (PathBuf, Origin),
    flags: &Flags,
    world: &World,
) -> Result<Loaded, ConfigError> {
    let path = Site::at(&root).settings();
    let home = (world.env)("HOME").map(PathBuf::from);
    let place = Place { base: &root, home: home.as_deref() };
    let mut config = Config::built_in(root.clone(), crate::agent::program::all());
    let mut origins: Origins = BTreeMap::new();
    let mut problems = Vec::new();
    let file = read_file(&path, world, &mut problems);
    let broken: Vec<Problem> = problems.clone();
    if let Some(file) = &file {
        apply_file(file, &mut config, &place, &mut origins, &mut problems);
    }
    for row in &ROWS {
        if let Some(value) = (world.env)(row.env) {
            let origin = Origin::Env(row.env.to_owned());
            apply(
                row,
                &mut config,
                (&Node::bare(value), &place),
                origin,
                (&mut origins, &mut problems),
            );
        }
    }
    let here = Place { base: world.cwd, ..place };
    for (key, flag, value) in flag_values(flags) {
        let row = ROWS.iter().find(|row| row.key == key).expect("a flag sets a key of the table");
        let value = Node::bare(value);
        apply(row, &mut config, (&value, &here), Origin::Flag(flag), (&mut origins, &mut problems));
    }
    check(&mut config, file.as_ref(), &mut origins, &mut problems);
    // what else a line says whose syntax is broken is only a consequence
    problems.retain(|problem| {
        let same_line = |syntax: &Problem| syntax.line.is_some() && syntax.line == problem.line;
        broken.contains(problem) || !broken.iter().any(same_line)
    });
    let rules = own_rules::read(&mut config, world, &origins, &mut problems);
    if !problems.is_empty() || rules.is_some() {
        return Err(ConfigError { path, problems: form::in_order(problems), rules });
    }
    let provenance = settings(&config, found, &origins, file.as_ref());
    Ok(Loaded { config, provenance, standing: TrustState::InForce })
}

fn read_file(path: &Path, world: &World, problems: &mut Vec<Problem>) -> Option<Node> {
    let bytes = match (world.read)(path) {
        Ok(bytes) => bytes?,
        Err(error) => {
            problems.push(Problem::new(error));
            return None;
        }
    };
    if bytes.len() > FILE_MAX {
        let message = format!("the file has {} bytes, at most {FILE_MAX} are read", bytes.len());
        problems.push(Problem::new(message).at(1, 1));
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let (tree, found) = form::parse_toml(text);
            problems.extend(found);
            Some(tree)
        }
        Err(error) => {
            let (line, column) = form::line_and_column(bytes, error.valid_up_to());
            problems.push(Problem::new("the file is not valid UTF-8 here").at(line, column));
            None
        }
    }
}

fn apply_file(
    file: &Node,
    config: &mut Config,
    place: &Place,
    origins: &mut Origins,
    problems: &mut Vec<Problem>,
) {
    refuse_unknown(file, problems);
    for row in &ROWS {
        let mut entries = scalars(file, row.key);
        let Some(entry) = entries.next() else { continue };
        if let Some(again) = entries.next() {
            let message = format!("says the same as `{}` on line {}", entry.key, entry.line);
            problems.push(Problem::new(message).key(&again.key).at(again.line, again.column));
        }
        let origin = Origin::File { line: entry.line };
        apply(row, config, (&entry.node, place), origin, (&mut *origins, &mut *problems));
    }
    for entry in tables(file, "rig") {
        profiles::rigs(&entry.node, config, place, problems);
    }
    for entry in tables(file, "agent") {
        profiles::agents(&entry.node, config, place, problems);
    }
}

/// Sets one key from one layer; a value that is wrong leaves what was there and is reported.
fn apply(
    row: &Row,
    config: &mut Config,
    (node, place): (&Node, &Place),
    origin: Origin,
    (origins, problems): (&mut Origins, &mut Vec<Problem>),
) {
    let key = match &origin {
        Origin::Env(name) => name.as_str(),
        Origin::Flag(flag) => flag,
        _ => row.key,
    };
    match (row.set)(config, node, place) {
        Ok(()) => drop(origins.insert(row.key, origin)),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| form::placed(problem, node, key)));
        }
    }
}

fn refuse_unknown(file: &Node, problems: &mut Vec<Problem>) {
    let below = |prefix: &str| -> Vec<&'static str> {
        let keys = ROWS.iter().filter_map(|row| row.key.strip_prefix(prefix));
        keys.filter(|key| !key.contains('.')).collect()
    };
    let mut check = |node: &Node, prefix: &str, known: &[&str], aliases: &Aliases| {
        let mut fields = Fields::of(node, prefix);
        fields.refuse_unknown(known, aliases);
        problems.extend(fields.into_problems());
    };
    let mut top = below("");
    top.extend(["default_agent", "default_rig", "limits", "reserve", "timeouts", "gc", "failures"]);
    check(file, "", &top, ALIASES);
    for entry in entries(file) {
        match entry.key.as_str() {
            "failures" => check(&entry.node, "failures.", &below("failures."), &[]),
            "gc" => check(&entry.node, "gc.", &below("gc."), &[]),
            "timeouts" => check(&entry.node, "timeouts.", &below("timeouts."), &[]),
            "limits" => {
                let mut known = below("limits.");
                known.push("max");
                check(&entry.node, "limits.", &known, &LIMIT_ALIASES);
                for max in entries(&entry.node).iter().filter(|entry| entry.key == "max") {
                    check(&max.node, "limits.max.", &below("limits.max."), &LIMIT_ALIASES);
                }
            }
            _ => {}
        }
    }
}

fn flag_values(flags: &Flags) -> Vec<(&'static str, &'static str, String)> {
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    [
        ("agents", "--agents", flags.agents.map(|agents| agents.to_string())),
        ("agent", "--agent", flags.agent.clone()),
        ("rig", "--rig", flags.rig.clone()),
        ("durability", "--durability", flags.durability.clone()),
        ("trees", "--trees", flags.trees.as_ref().map(path)),
        ("drain_wait", "--drain-wait", flags.drain_wait.clone()),
    ]
    .into_iter()
    .filter_map(|(key, flag, value)| Some((key, flag, value?)))
    .collect()
}

/// Every setting with its origin, in the order in which they are printed.
fn settings(
    config: &Config,
    found: Origin,
    origins: &Origins,
    file: Option<&Node>,
) -> Vec<Setting> {
    let root = Some(serde_json::json!(config.root.to_string_lossy()));
    let mut out = vec![Setting { key: "root".to_owned(), value: root, origin: found }];
    for row in &ROWS {
        let origin = origins.get(row.key).cloned().unwrap_or(Origin::Default);
        out.push(Setting { key: row.key.to_owned(), value: (row.show)(config), origin });
    }
    let agents = config.profiles.iter().map(|(name, agent)| ("agent", name, agent_values(agent)));
    let rigs = config.rigs.iter().map(|(name, rig)| ("rig", name, rig_values(rig)));
    for (table, name, values) in agents.chain(rigs) {
        for (key, value) in values {
            let line = file.and_then(|file| line_of(file, table, name, key));
            let origin = line.map_or(Origin::Default, |line| Origin::File { line });
            out.push(Setting { key: format!("{table}.{name}.{key}"), value: Some(value), origin });
        }
    }
    out
}

/// The line on which the file sets a key of a named table.
fn line_of(file: &Node, table: &'static str, name: &str, key: &str) -> Option<u32> {
    let named =
        tables(file, table).flat_map(|entry| entries(&entry.node)).find(|e| e.key == name)?;
    entries(&named.node).iter().find(|entry| entry.key == key).map(|entry| entry.line)
}
