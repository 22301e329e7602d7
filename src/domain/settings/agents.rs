//! Settings of agents: `[agent.NAME]`. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::task::spec::PermissionMode;

/// One `[agent.NAME]`.
#[derive(Clone, PartialEq, Debug)]
pub struct AgentProfile {
    /// Which implementation, with what only it understands.
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

/// The implementations.
#[derive(Clone, PartialEq, Debug)]
pub enum AgentKind {
    /// `claude -p`; the program's path, else looked for on PATH.
    Claude {
        /// Absolute path, as `init` recorded it.
        program: Option<PathBuf>,
        /// A private configuration directory instead of the user's own.
        config_dir: Option<PathBuf>,
    },
    /// Any program; the prompt on stdin, and where `{prompt}` stands in an argument.
    Command {
        /// Program and arguments, at least one.
        argv: Vec<String>,
    },
    /// The scripted agent inside our own binary.
    Demo,
}

impl AgentKind {
    /// The words of all kinds.
    pub const WORDS: [&str; 3] = ["claude", "command", "demo"];

    /// The word in settings and rules.
    pub fn word(&self) -> &'static str {
        match self {
            AgentKind::Claude { .. } => "claude",
            AgentKind::Command { .. } => "command",
            AgentKind::Demo => "demo",
        }
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
