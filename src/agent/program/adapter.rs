//! What a folder of an agent program provides: where its file is, how a job is translated, what its output means.
//!
//! What happens then is the same for all of them. It knows no program.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::agent::job::{Job, Missing, Refusal};
use crate::agent::transcript::{Line, Price};
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::programs::{AgentKind, Capabilities};
use crate::sys::process::Signal;

/// An agent program.
pub(in crate::agent) trait Adapter: Sync {
    /// What it can do, and its settings.
    fn capabilities(&self) -> &'static Capabilities;

    /// Where its file is. A relative path with a slash is taken from the current directory.
    fn find(&self, kind: &AgentKind) -> Result<PathBuf, Missing>;

    /// Translates a job, in an environment that is made already. Writes the files that the agent will read.
    fn launch(&self, job: &Job, env: Environment) -> Result<Launch, Refusal>;

    /// What its agents do not inherit, and what is set for them.
    fn environment(&self) -> ProgramEnv {
        ProgramEnv::default()
    }

    /// One line of its standard output. Total: what it cannot read is [`Line::Unknown`].
    fn parse_line(&self, bytes: &[u8]) -> Line;

    /// A record that tells of a failure, without what does not: one line.
    fn excerpt(&self, bytes: &[u8]) -> String;

    /// What tokens cost, where it left no account.
    fn price(&self) -> Price;

    /// The files of rules by which its failures are judged, in their order.
    fn rules(&self) -> &'static [&'static str];

    /// Its tables in the commented `swarm.toml`.
    fn example(&self) -> &'static str {
        ""
    }

    /// What `doctor` tells of its log-in and of settings that it would refuse.
    fn examine(&self, _profile: &AgentProfile) -> Vec<Examined> {
        Vec::new()
    }
}

/// An environment that is made.
pub(in crate::agent) type Environment = Vec<(OsString, OsString)>;

/// A program's part in the environment of agents. It holds for all of them: any agent may start any program.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::agent) struct ProgramEnv {
    /// Variables that no agent inherits, with the reason.
    pub(in crate::agent) denied: &'static [(&'static str, &'static str)],
    /// Set where the user did not.
    pub(in crate::agent) defaults: &'static [(&'static str, &'static str)],
}

/// A finding of `doctor` about an agent program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Examined {
    /// What was looked at, a word.
    pub topic: &'static str,
    /// How bad it is.
    pub state: ExaminedState,
    /// What was found.
    pub found: String,
    /// What to do; empty where there is nothing.
    pub hint: &'static str,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExaminedState {
    /// It is as it should be.
    Good,
    /// It may not work.
    Doubtful,
    /// It will not work.
    Wrong,
}

/// Everything that is decided before the start.
#[derive(Debug)]
pub(in crate::agent) struct Launch {
    pub(in crate::agent) program: PathBuf,
    pub(in crate::agent) argv0: OsString,
    pub(in crate::agent) args: Vec<OsString>,
    /// What it reads on standard input, where that is not the bare prompt.
    pub(in crate::agent) input: Option<String>,
    pub(in crate::agent) env: Environment,
    pub(in crate::agent) deadlines: Deadlines,
    /// What the kernel sends it when we die: TERM where it then ends its own children.
    pub(in crate::agent) death_signal: Signal,
    /// Signals go to its whole group, not to it alone.
    pub(in crate::agent) group: bool,
    pub(in crate::agent) success: SuccessBy,
}

/// What tells that it did well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum SuccessBy {
    /// A result has to come.
    Result,
    /// A result counts where one comes, else the exit code.
    ExitCode,
}

/// What a particular agent and job ask for, milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) struct Deadlines {
    /// It has to speak: silence at the start is a failure. One that need not may be silent for as long as it likes,
    /// until it speaks (but not stand still).
    pub(in crate::agent) speaks: bool,
    pub(in crate::agent) startup_ms: u64,
    pub(in crate::agent) silence_ms: u64,
    pub(in crate::agent) wall_ms: u64,
    pub(in crate::agent) after_result_ms: u64,
    /// From INT to TERM; `None`: it starts with TERM.
    pub(in crate::agent) interrupt_grace_ms: Option<u64>,
    pub(in crate::agent) terminate_grace_ms: u64,
}

impl Deadlines {
    /// For an agent that speaks and ends its own children when it is interrupted.
    pub(in crate::agent) fn speaking(job: &Job) -> Deadlines {
        let timeouts = &job.bounds.timeouts;
        Deadlines {
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
    pub(in crate::agent) fn mute(job: &Job) -> Deadlines {
        Deadlines { speaks: false, interrupt_grace_ms: None, ..Deadlines::speaking(job) }
    }
}
