//! What can only be judged when all layers are in: names that must exist, limits that caps hold.

use crate::domain::settings::config::Config;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::problem::Problem;
use crate::domain::text::one_line;
use crate::form::{self, LIMIT_KEYS, Node, show_limit};

use super::lookup::{entries, tables};
use super::rows::{ROWS, Row};
use super::settings::{Origin, Origins};

/// Reports what does not fit together, and lets defaults follow the caps.
pub(super) fn check(
    config: &mut Config,
    file: Option<&Node>,
    origins: &mut Origins,
    problems: &mut Vec<Problem>,
) {
    // a table with mistakes of its own still gives its name
    let named = |what: &'static str| {
        let tables = file.into_iter().flat_map(move |file| tables(file, what));
        tables.flat_map(|entry| entries(&entry.node)).map(|entry| entry.key.as_str())
    };
    let agents: Vec<&str> =
        config.profiles.keys().map(String::as_str).chain(named("agent")).collect();
    let rigs: Vec<&str> = named("rig").collect();
    let wanted = [("agent", Some(&config.agent), agents), ("rig", config.rig.as_ref(), rigs)];
    for (what, name, known) in wanted {
        let Some(name) = name.filter(|name| !known.contains(&name.as_str())) else { continue };
        let message = format!("there is no {what} `{}`", one_line(name, 60));
        let hint = match known.as_slice() {
            [] => format!("add a table [{what}.NAME]"),
            known => form::one_of(name, known),
        };
        problems.push(by_origin(Problem::new(message).hint(hint), what, origins));
    }
    cap(config, origins, problems);
}

/// A default above a cap that somebody wrote follows the cap, and a default cap follows what somebody wrote above it;
/// both written, and the value above the cap, is a mistake.
fn cap(config: &mut Config, origins: &mut Origins, problems: &mut Vec<Problem>) {
    task_caps(config, origins);
    let raised = config.limit_caps.raised_to(config.limits);
    let (mut limits, mut caps, mut raised) = (config.limits, config.limit_caps, raised);
    for (key, _, _, slot) in LIMIT_KEYS {
        let written =
            row_of(&format!("limits.max.{key}")).is_some_and(|row| origins.contains_key(row.key));
        if !written {
            *slot(&mut caps) = *slot(&mut raised);
        }
    }
    config.limit_caps = caps;
    for (key, kind, _, slot) in LIMIT_KEYS {
        let Some(cap) = *slot(&mut caps) else { continue };
        let wanted = slot(&mut limits).unwrap_or(Limits::UNLIMITED);
        let (Some(row), Some(cap_row)) =
            (row_of(&format!("limits.{key}")), row_of(&format!("limits.max.{key}")))
        else {
            continue;
        };
        if wanted <= cap {
            continue;
        }
        if origins.contains_key(row.key) {
            let (wanted, cap) = (show_limit(kind, wanted), show_limit(kind, cap));
            let message = format!("{wanted} is above the cap of {cap} that [limits.max] sets");
            problems.push(by_origin(Problem::new(message), row.key, origins));
        } else if let Some(origin) = origins.get(cap_row.key).cloned() {
            origins.insert(row.key, origin);
        }
    }
    config.limits = config.limits.capped_by(config.limit_caps);
}

/// What every task, or every task of an agent, is given may be asked for, too.
fn task_caps(config: &mut Config, origins: &mut Origins) {
    let written = |key: &str| origins.contains_key(key);
    let caps = &mut config.task_caps;
    let agents = || config.profiles.values().map(|profile| &profile.defaults);
    if !written("limits.max.timeout") {
        caps.timeout_ms = caps.timeout_ms.map(|cap| cap.max(config.timeouts.wall_ms));
    } else if let Some(cap) = caps.timeout_ms
        && cap < config.timeouts.wall_ms
        && !written("timeouts.wall")
    {
        config.timeouts.wall_ms = cap;
        origins.extend(origins.get("limits.max.timeout").cloned().map(|at| ("timeouts.wall", at)));
    }
    if !origins.contains_key("limits.max.max_turns") {
        let most = agents().filter_map(|defaults| defaults.max_turns).max();
        caps.max_turns = caps.max_turns.max(most.filter(|_| caps.max_turns.is_some()));
    }
    if !origins.contains_key("limits.max.max_budget_usd") {
        let most = agents().filter_map(|defaults| defaults.max_budget_usd).fold(0.0, f64::max);
        caps.max_budget_usd = caps.max_budget_usd.map(|cap| cap.max(most));
    }
}

fn row_of(key: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.key == key)
}

/// Puts a problem where the key was set.
pub(super) fn by_origin(problem: Problem, key: &'static str, origins: &Origins) -> Problem {
    match origins.get(key) {
        Some(Origin::File { line }) => problem.key(key).at(*line, 0),
        Some(Origin::Env(name)) => problem.key(name),
        Some(Origin::Flag(flag)) => problem.key(*flag),
        _ => problem.key(key),
    }
}
