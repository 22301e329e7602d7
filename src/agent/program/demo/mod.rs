//! The scripted agent of `rehearsal`, started as this very program again: no account, no network. It speaks as claude does.
//!
//! Names: `adapter`, `claude`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::agent::job::{Job, Missing, Refusal};
use crate::agent::program::adapter::{Adapter, Deadlines, Environment, Launch, SuccessBy};
use crate::agent::program::claude::Claude;
use crate::agent::transcript::{Line, Price};
use crate::domain::account::breaker::HealthCheck;
use crate::domain::failure::fault::Fault;
use crate::domain::settings::programs::{AgentKind, Capabilities, Found};
use crate::form::AGENT_KEYS;
use crate::sys::process::Signal;

/// This program, also where its file was replaced since it started.
const SELF: &str = "/proc/self/exe";

/// The hidden subcommand that plays it.
pub const SUBCOMMAND: &str = "demo-agent";

/// What it is called in a process list.
const ARGV0: &str = "swarmdir-demo-agent";

static CAPABILITIES: Capabilities = Capabilities {
    name: "demo",
    has_profile: true,
    found: Found::Ourselves,
    keys: &[],
    obeys: &AGENT_KEYS,
    resumes: false,
    slow_start: false,
    health_check: HealthCheck::Passive,
    login: None,
    operators_env: &[],
    refused_env: &[],
};

/// The usual [`Job::demo_argv`]: this program again, as the agent.
pub fn default_argv() -> Vec<OsString> {
    vec![SELF.into(), SUBCOMMAND.into()]
}

/// The scripted agent.
pub(in crate::agent) struct Demo;

impl Adapter for Demo {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn find(&self, _kind: &AgentKind) -> Result<PathBuf, Missing> {
        Ok(PathBuf::from(SELF))
    }

    fn launch(&self, job: &Job, env: Environment) -> Result<Launch, Refusal> {
        let [program, args @ ..] = job.demo_argv.as_slice() else {
            return Err(Refusal::new(Fault::Missing, "demo_argv is empty"));
        };
        Ok(Launch {
            program: PathBuf::from(program),
            argv0: ARGV0.into(),
            args: args.to_vec(),
            input: None,
            env,
            deadlines: Deadlines::speaking(job),
            death_signal: Signal::SIGTERM,
            group: false,
            success: SuccessBy::Result,
        })
    }

    fn parse_line(&self, bytes: &[u8]) -> Line {
        Claude.parse_line(bytes)
    }

    fn excerpt(&self, bytes: &[u8]) -> String {
        Claude.excerpt(bytes)
    }

    fn price(&self) -> Price {
        Claude.price()
    }

    fn rules(&self) -> &'static [&'static str] {
        Claude.rules()
    }
}
