//! The scripted agent of `rehearsal`, started as this very program again: no account, no network.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::agent::launch::{Agent, Launch, Verdict};
use crate::agent::supervise::state::Plan;
use crate::agent::{Job, Missing, Refusal};
use crate::domain::outcome::disposition::Fault;
use crate::sys::process::Signal;

/// This program, also where its file was replaced since it started.
const SELF: &str = "/proc/self/exe";

/// The hidden subcommand that plays it.
pub const SUBCOMMAND: &str = "demo-agent";

/// What it is called in a process list.
const ARGV0: &str = "swarmdir-demo-agent";

/// The usual [`Job::demo_argv`]: this program again, as the agent.
pub fn default_argv() -> Vec<OsString> {
    vec![SELF.into(), SUBCOMMAND.into()]
}

/// The scripted agent.
pub(in crate::agent) struct Demo;

impl Agent for Demo {
    fn program(&self) -> Result<PathBuf, Missing> {
        Ok(PathBuf::from(SELF))
    }

    fn launch(&self, job: &Job, env: Vec<(OsString, OsString)>) -> Result<Launch, Refusal> {
        let [program, args @ ..] = job.demo_argv.as_slice() else {
            return Err(Refusal::new(Fault::Missing, "demo_argv is empty"));
        };
        Ok(Launch {
            program: PathBuf::from(program),
            argv0: ARGV0.into(),
            args: args.to_vec(),
            input: None,
            env,
            plan: Plan::speaking(job),
            death_signal: Signal::SIGTERM,
            group: false,
            verdict: Verdict::Result,
        })
    }
}
