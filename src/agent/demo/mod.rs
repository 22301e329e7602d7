//! A scripted agent inside this very program, for trying things out and for tests: no account, no network.
//!
//! It is started like any other agent, reads its prompt from standard input and speaks stream-json. What
//! it does stands in the prompt: one directive a line, as the table in `demo/script.rs` has them. It knows nothing of the swarm but its own environment.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use super::launch::{Agent, Launch, Verdict};
use super::supervise::Plan;
use super::{Job, Missing, Refusal};
use crate::domain::outcome::disposition::Fault;
use crate::sys;
use crate::sys::process::Signal;

mod act;
mod script;
pub mod service;
mod step;
mod voice;

/// This program, also where its file was replaced since it started.
const SELF: &str = "/proc/self/exe";

/// The hidden subcommand that calls [`main`].
pub const SUBCOMMAND: &str = "demo-agent";

/// What it is called in a process list.
const ARGV0: &str = "swarmdir-demo-agent";

/// The usual [`Job::demo_argv`]: this program again, as the agent.
pub fn default_argv() -> Vec<OsString> {
    vec![SELF.into(), SUBCOMMAND.into()]
}

/// The scripted agent.
pub(super) struct Demo;

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

/// Plays the script in a prompt, talking to `out`, and gives the exit code.
pub fn main(prompt: &[u8], out: &mut dyn Write) -> u8 {
    let prompt = String::from_utf8_lossy(prompt);
    let attempt = sys::env::var("SWARMDIR_ATTEMPT").and_then(|n| n.parse().ok()).unwrap_or(1);
    let task = sys::env::var("SWARMDIR_TASK").unwrap_or_else(|| "task".into());
    let service = service::Service::enter(&task);
    let mut actor = act::Actor::new(voice::Voice::new(out), service);
    match script::parse(&prompt, &task) {
        Ok(script) => actor.play(script.into_iter().filter(|line| line.acts_on(attempt))),
        Err(problems) => {
            let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
            actor.misunderstood(&format!("the demo script is wrong: {}", text.join("; ")))
        }
    }
}
