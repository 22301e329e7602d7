//! A swarm whose default agent is the real claude, talking to a stub: what a night is made of.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::claude;
use crate::support::stub::Stub;
use crate::support::swarm::{COORDINATOR, Swarm};

/// A subscription's log-in: only with one claude believes in usage windows.
pub(super) const TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";
pub(super) const KEY: &str = "ANTHROPIC_API_KEY";

pub(super) struct Night {
    pub(super) swarm: Swarm,
    pub(super) stub: Stub,
}

impl Night {
    /// With these settings of the top level; `None` where there is no claude, which `claude::required` says
    /// loudly.
    pub(super) fn set(settings: &str) -> Option<Night> {
        let program = claude::required()?;
        let program = Value::from(program.to_str().unwrap());
        let settings = format!(
            "default_agent = \"claude\"\n{settings}\n[agent.claude]\nkind = \"claude\"\nprogram = {program}\n"
        );
        Some(Night { swarm: Swarm::with(&settings), stub: Stub::start() })
    }

    /// A coordinator whose agents find the stub and this credential in their environment.
    pub(super) fn coordinator(&self, agents: u32, credential: &str) -> Command {
        let mut command = self.swarm.command(COORDINATOR);
        command.env("ANTHROPIC_BASE_URL", self.stub.url("night")).env(credential, "dummy");
        command.env("CLAUDE_CODE_MAX_RETRIES", "1");
        command.args(["--agents", &agents.to_string(), "--drain"]);
        command
    }

    /// Tasks that ask for something.
    pub(super) fn drop_tasks(&self, count: u32) {
        for n in 0..count {
            self.swarm.drop(format!("t{n:02}.md"), "Do something.\n");
        }
    }

    /// The sessions that called, each once.
    pub(super) fn sessions(&self) -> BTreeSet<String> {
        self.stub.requests().iter().map(|request| request.session.clone()).collect()
    }

    /// No attempt of any task was charged to it.
    #[track_caller]
    pub(super) fn assert_nobody_charged(&self) {
        for task in self.swarm.json(&["status", "--all"])["tasks"].as_array().unwrap() {
            let shown = self.swarm.show(task["id"].as_str().unwrap());
            for attempt in shown["attempts"].as_array().unwrap() {
                assert_eq!(attempt["result"]["charged"], false, "{shown}");
            }
        }
    }
}
