//! What claude can do, its settings, and its part in the environment of agents: data.

use crate::agent::program::adapter::ProgramEnv;
use crate::domain::account::breaker::HealthCheck;
use crate::domain::settings::programs::{Capabilities, Found, KeyType, ProgramKey, SharedLogin};
use crate::form::AGENT_KEYS;

/// Its file; without it: the one on PATH.
pub(super) const PROGRAM: &str = "program";
/// A configuration of its own instead of the user's.
pub(super) const CONFIG_DIR: &str = "config_dir";

pub(in crate::agent) const NAME: &str = "claude";

/// What it can do.
pub(in crate::agent) static CAPABILITIES: Capabilities = Capabilities {
    name: NAME,
    has_profile: true,
    found: Found::OnPath(NAME),
    keys: &[
        ProgramKey { key: PROGRAM, takes: KeyType::Program, needed: None },
        ProgramKey { key: CONFIG_DIR, takes: KeyType::Path, needed: None },
    ],
    obeys: &AGENT_KEYS,
    resumes: true,
    slow_start: true,
    health_check: HealthCheck::ProbeFirst,
    login: Some(SharedLogin { account: NAME, unless: CONFIG_DIR }),
    operators_env: &["ANTHROPIC_*", "CLAUDE_*", "IS_SANDBOX"],
    // It is built with Bun, takes options and modules from these, and becomes `bun` itself.
    refused_env: &["BUN_OPTIONS", "BUN_INSPECT_PRELOAD", "BUN_BE_BUN"],
};

pub(super) const ENVIRONMENT: ProgramEnv = ProgramEnv {
    denied: &[
        ("CLAUDECODE", "an outer session's mark"),
        ("CLAUDE_CODE_SESSION_ID", "an outer session's mark"),
        ("CLAUDE_CODE_CHILD_SESSION", "an outer session's mark"),
        ("CLAUDE_CODE_ENTRYPOINT", "an outer session's mark"),
        ("CLAUDE_CODE_SSE_PORT", "an editor that watches an outer session"),
        ("CLAUDE_PID", "an outer session's mark"),
    ],
    defaults: &[
        // Telemetry, update checks and the like: each would be a connection per agent.
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        // Otherwise the process outlives its result for whatever runs in the background.
        ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
        // The memory directory is shared by all worktrees of a repository.
        ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
        // A failed start becomes a result line, with a word for the reason.
        ("CLAUDE_CODE_STARTUP_FAILURE_RESULTS", "1"),
        // A dead stream is noticed after a minute, not after five.
        ("CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS", "60000"),
        // With background tasks off a command that takes longer is killed, and long builds are common: ten
        // minutes where the model names no time (else two), at most an hour (else ten minutes).
        ("BASH_DEFAULT_TIMEOUT_MS", "600000"),
        ("BASH_MAX_TIMEOUT_MS", "3600000"),
    ],
};
