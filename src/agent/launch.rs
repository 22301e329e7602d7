//! A job translated by its agent: what to start, how to stop it, how to judge it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::sys::process::Signal;

use crate::agent::supervise::state::Plan;
use crate::agent::{Job, Missing, Refusal};

/// Everything that is decided before the start.
#[derive(Debug)]
pub(in crate::agent) struct Launch {
    pub(in crate::agent) program: PathBuf,
    pub(in crate::agent) argv0: OsString,
    pub(in crate::agent) args: Vec<OsString>,
    /// What it reads on standard input, where that is not the bare prompt.
    pub(in crate::agent) input: Option<String>,
    pub(in crate::agent) env: Vec<(OsString, OsString)>,
    pub(in crate::agent) plan: Plan,
    /// What the kernel sends it when we die: TERM where it then ends its own children.
    pub(in crate::agent) death_signal: Signal,
    /// Signals go to its whole group, not to it alone.
    pub(in crate::agent) group: bool,
    pub(in crate::agent) verdict: Verdict,
}

/// By which rules it is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Verdict {
    /// A result has to come.
    Result,
    /// A result counts where one comes, else the exit code.
    ExitCode,
}

/// An agent: what it takes to start it on a job. What happens then is the same for all.
pub(in crate::agent) trait Agent {
    /// Where its program is.
    fn program(&self) -> Result<PathBuf, Missing>;

    /// Translates a job, in an environment that is made already. Writes the files that the agent will read.
    fn launch(&self, job: &Job, env: Vec<(OsString, OsString)>) -> Result<Launch, Refusal>;
}

impl Plan {
    /// For an agent that speaks stream-json and ends its own children when it is interrupted.
    pub(in crate::agent) fn speaking(job: &Job) -> Plan {
        let timeouts = &job.bounds.timeouts;
        Plan {
            speaks: true,
            startup_ms: timeouts.startup_ms,
            silence_ms: timeouts.silence_ms,
            wall_ms: timeouts.wall_ms,
            after_result_ms: timeouts.after_result_ms,
            interrupt_grace_ms: Some(timeouts.interrupt_grace_ms),
            terminate_grace_ms: timeouts.terminate_grace_ms,
        }
    }

    /// For any program.
    pub(in crate::agent) fn mute(job: &Job) -> Plan {
        Plan { speaks: false, interrupt_grace_ms: None, ..Plan::speaking(job) }
    }
}
