//! What an agent is to do: everything is decided, a program's adapter only translates it. And why that may be refused.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::failure::fault::Fault;
use crate::domain::failure::rules::Rule;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::programs::AgentKind;
use crate::domain::settings::timeouts::Timeouts;
use crate::domain::task::spec::PermissionMode;
use crate::sys;

/// One run of an agent program: everything is decided, its adapter only translates.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which program.
    pub kind: AgentKind,
    /// What it is asked to do.
    pub request: Request,
    /// Where it runs.
    pub place: RunPlace,
    /// What it is held to.
    pub bounds: Bounds,
    /// Rules that tell what a failure of this agent means, asked before the built-in ones (see [`crate::agent::failures`]).
    pub rules: Vec<Rule>,
    /// Program and first arguments of the demo agent; see [`crate::agent::program::demo::default_argv`].
    pub demo_argv: Vec<OsString>,
}

/// What an agent is asked to do, and with which means.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The task's words.
    pub prompt: String,
    /// A UUID for the agent's session; whatever it starts is marked with it.
    pub session: String,
    /// The session exists already and goes on; nobody else may use it meanwhile.
    pub resume: bool,
    /// Model, as the agent understands it.
    pub model: Option<String>,
    /// Reasoning effort, as the agent understands it.
    pub effort: Option<String>,
    /// Turns of the attempt.
    pub max_turns: u32,
    /// US dollars of the attempt.
    pub max_budget_usd: f64,
    /// Tools that it may use without being asked.
    pub allowed_tools: Vec<String>,
    /// Tools taken away, on top of those that make no sense unattended.
    pub disallowed_tools: Vec<String>,
    /// How it treats what is not allowed.
    pub permission_mode: PermissionMode,
    /// Standing instructions, rendered (see [`crate::agent::instructions::render`]).
    pub instructions: String,
    /// What the repository brings for the agent's own program takes effect.
    pub trust_repository: bool,
}

/// Where an agent runs.
#[derive(Clone, Debug)]
pub struct RunPlace {
    /// The tree or scratch directory; absolute.
    pub cwd: PathBuf,
    /// `SWARMDIR_*` and the variables of the profile and the task; later ones win.
    pub env: Vec<(String, String)>,
    /// What it does not inherit, on top of [`crate::agent::environment::DENIED`].
    pub env_deny: Vec<String>,
    /// Where everything is written.
    pub files: AttemptFiles,
}

/// What a run is held to.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// By the kernel.
    pub limits: Limits,
    /// By us.
    pub timeouts: Timeouts,
    /// The control group that it is put into, where there is one. Nobody else uses it meanwhile.
    pub group: Option<Arc<sys::cgroup::Cgroup>>,
}

/// The files of one attempt. Their directory exists.
#[derive(Clone, Debug)]
pub struct AttemptFiles {
    /// Gets the raw standard output.
    pub events: PathBuf,
    /// Gets the raw standard error.
    pub stderr: PathBuf,
    /// A directory for what only the agent may read; made when needed.
    pub private: PathBuf,
}

/// The agent's program cannot be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// What was looked for.
    pub program: String,
    /// What to do.
    pub hint: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the agent's program {:?} is missing or not executable", self.program)
    }
}

impl std::error::Error for Missing {}

impl Missing {
    pub(in crate::agent) fn unless_found(
        name: &str,
        hint: &'static str,
    ) -> Result<PathBuf, Missing> {
        sys::env::find_program(name).ok_or_else(|| Missing { program: name.to_owned(), hint })
    }
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Refusal {
        Refusal::new(Fault::Missing, format!("{missing}: {}", missing.hint))
    }
}

/// Why a job was not started or an adapter refused it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::agent) struct Refusal {
    pub(in crate::agent) fault: Fault,
    pub(in crate::agent) detail: String,
}

impl Refusal {
    pub(in crate::agent) fn new(fault: Fault, detail: impl Into<String>) -> Refusal {
        Refusal { fault, detail: detail.into() }
    }
}

impl From<sys::fs::FsError> for Refusal {
    fn from(error: sys::fs::FsError) -> Refusal {
        let fault = if error.disk_full() { Fault::Disk } else { Fault::Machine };
        Refusal::new(fault, error.to_string())
    }
}
