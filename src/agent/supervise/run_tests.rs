//! A job to take apart, for the tests of the adapters.

use std::path::PathBuf;

use crate::agent::program::demo;
use crate::agent::{AttemptFiles, Job};
use crate::domain::settings::agents::AgentKind;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::timeouts::Timeouts;
use crate::domain::task::spec::PermissionMode;

pub(in crate::agent) fn job(prompt: &str) -> Job {
    let dir = PathBuf::from("/nowhere");
    Job {
        kind: AgentKind::Demo,
        prompt: prompt.to_owned(),
        cwd: dir.clone(),
        session: "8f14e45f-ceea-467a-9575-6f3b0a1d2c3e".into(),
        resume: false,
        model: None,
        effort: None,
        max_turns: 50,
        max_budget_usd: 10.0,
        allowed_tools: Vec::new(),
        disallowed_tools: Vec::new(),
        permission_mode: PermissionMode::DontAsk,
        instructions: String::new(),
        trust_repository: false,
        env: Vec::new(),
        env_deny: Vec::new(),
        group: None,
        limits: Limits::default(),
        timeouts: Timeouts::DEFAULT,
        rules: Vec::new(),
        starting_at_once: 1,
        files: AttemptFiles {
            events: dir.join("events"),
            stderr: dir.join("stderr"),
            private: dir.join("private"),
        },
        demo_argv: demo::default_argv(),
    }
}
