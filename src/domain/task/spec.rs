//! What a task file says.
//!
//! Every field but the prompt is optional: what is absent comes from the configuration when the task
//! runs, not when it is dropped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::settings::limits::Limits;
use crate::domain::task::name::Band;

/// A parsed task file (Markdown with front matter, plain text, or JSON).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskSpec {
    /// What the agent is asked to do; never empty.
    pub prompt: String,
    /// One line for people.
    pub title: Option<String>,
    /// A name under `[agent.NAME]`.
    pub agent: Option<String>,
    /// A name under `[rig.NAME]`: which repository.
    pub rig: Option<String>,
    /// Model, as the agent understands it.
    pub model: Option<String>,
    /// Reasoning effort, as the agent understands it.
    pub effort: Option<String>,
    /// 0 (first) to 9 (last).
    pub priority: Option<Band>,
    /// Branch or commit to start from.
    pub base: Option<String>,
    /// Branch to make; default `swarm/<slug>-<tail>`.
    pub branch: Option<String>,
    /// Wall-clock limit of one attempt, milliseconds.
    pub timeout_ms: Option<u64>,
    /// Turns of one attempt.
    pub max_turns: Option<u32>,
    /// US dollars of one attempt.
    pub max_budget_usd: Option<f64>,
    /// Tools the agent may use without being asked.
    pub allowed_tools: Option<Vec<String>>,
    /// Tools taken away.
    pub disallowed_tools: Option<Vec<String>>,
    /// How the agent treats what is not allowed.
    pub permission_mode: Option<PermissionMode>,
    /// Variables added to the agent's environment.
    pub env: BTreeMap<String, String>,
    /// Overrides of the operator's limits, within its caps.
    pub limits: Limits,
    /// It is to change nothing (a question, a report): that is no outcome of its own then.
    pub changes_nothing: bool,
    /// Free words for people and filters.
    pub labels: Vec<String>,
}

/// The permission modes that make sense with nobody there to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Edits are accepted, the rest follows the tool lists.
    AcceptEdits,
    /// Everything is accepted.
    BypassPermissions,
    /// What is not allowed is denied without asking.
    #[default]
    DontAsk,
    /// Read and plan only.
    Plan,
}

impl PermissionMode {
    /// Every mode with its spelling.
    pub const ALL: [(&str, PermissionMode); 4] = [
        ("acceptEdits", PermissionMode::AcceptEdits),
        ("bypassPermissions", PermissionMode::BypassPermissions),
        ("dontAsk", PermissionMode::DontAsk),
        ("plan", PermissionMode::Plan),
    ];

    /// Its spelling.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(word, _)| word)
    }
}
