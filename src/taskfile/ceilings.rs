//! What a task asks for beyond what the operator allows: refused, with the key that raises it. Pure.

use crate::domain::settings::agents::AgentDefaults;
use crate::domain::settings::limits::TaskCaps;
use crate::domain::settings::problem::Problem;
use crate::domain::settings::quantity::show_duration;
use crate::form::{Fields, placed};

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
