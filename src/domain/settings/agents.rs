//! Settings of agents: `[agent.NAME]`. Pure.

use std::collections::BTreeMap;

use crate::domain::settings::programs::{AgentKind, Capabilities};
use crate::domain::task::spec::PermissionMode;

/// One `[agent.NAME]`.
#[derive(Clone, PartialEq, Debug)]
pub struct AgentProfile {
    /// Which program, with what only it understands.
    pub kind: AgentKind,
    /// A git worktree (true) or a fresh scratch directory (false).
    pub worktree: bool,
    /// Whose limits and log-in it uses: agents of one account share a breaker. `None`: see `Config::account`.
    pub account: Option<String>,
    /// Variables added to its environment.
    pub env: BTreeMap<String, String>,
    /// Defaults for tasks that do not say.
    pub defaults: AgentDefaults,
}

impl AgentProfile {
    /// An agent of this program where nothing else is said.
    pub fn new(kind: AgentKind) -> AgentProfile {
        AgentProfile {
            kind,
            worktree: true,
            account: None,
            env: BTreeMap::new(),
            defaults: AgentDefaults::default(),
        }
    }

    /// What its program can do.
    pub fn capabilities(&self) -> &'static Capabilities {
        self.kind.capabilities
    }
}

/// What a task of this agent gets when it does not say.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AgentDefaults {
    /// Model.
    pub model: Option<String>,
    /// Reasoning effort.
    pub effort: Option<String>,
    /// Turns of one attempt; built-in default 50.
    pub max_turns: Option<u32>,
    /// US dollars of one attempt; built-in default 10.
    pub max_budget_usd: Option<f64>,
    /// Tools; built-in default Bash, Read, Edit, Write, Glob, Grep.
    pub allowed_tools: Option<Vec<String>>,
    /// Tools taken away, on top of those banned for unattended runs.
    pub disallowed_tools: Option<Vec<String>>,
    /// Permission mode; built-in default `dontAsk`.
    pub permission_mode: Option<PermissionMode>,
}
