//! One supervised agent: started, listened to, stopped where need be, judged.
//!
//! A [`Job`] goes in, a [`Report`] comes out, and nothing that the agent started is alive then. The rest
//! of the program never sees which kind of agent it was. It knows no queue and no git: it gets a
//! directory, a prompt and limits, and nobody tells it why.
//!
//! **Invariant:** [`Session::run`] returns only when the agent has ended and what it left was swept.
//! **Invariant:** whose fault a failure is follows from structured words of the agent's own program only,
//! never from what the agent read or wrote.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::account::usage::Usage;
use crate::domain::failure::rules::Rule;
use crate::domain::liveness::report::Live;
use crate::domain::outcome::disposition::{Fault, Outcome};
use crate::domain::settings::agents::AgentKind;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::timeouts::Timeouts;
use crate::domain::task::record::Ground;
use crate::domain::task::spec::PermissionMode;
use crate::sys;

pub mod environment;
pub mod failures;
pub mod instructions;
mod launch;
pub mod program;
mod supervise;
pub mod transcript;

pub use supervise::session::{Remote, Session};
pub use supervise::state::StopReason;
pub use transcript::RateLimit;

/// One run of an agent program: everything is decided, its adapter only translates.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which implementation.
    pub kind: AgentKind,
    /// What it is asked to do.
    pub request: Request,
    /// Where it runs.
    pub place: RunPlace,
    /// What it is held to.
    pub bounds: Bounds,
    /// Rules that tell what a failure of this agent means, asked before the built-in ones (see [`failures`]).
    pub rules: Vec<Rule>,
    /// Program and first arguments of the demo agent; see [`program::demo::default_argv`].
    pub demo_argv: Vec<OsString>,
}

impl Job {
    /// A plain command, which is asked nothing.
    pub fn command(argv: Vec<String>, session: String, place: RunPlace, bounds: Bounds) -> Job {
        Job {
            kind: AgentKind::Command { argv },
            request: Request { session, ..Request::default() },
            place,
            bounds,
            rules: Vec::new(),
            demo_argv: Vec::new(),
        }
    }
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
    /// Standing instructions, rendered (see [`instructions::render`]).
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
    /// What it does not inherit, on top of [`environment::DENIED`].
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

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub ending: Outcome,
    /// What that rests on, where it is a failure.
    pub ground: Option<Ground>,
    /// `exit 0`, `signal 9`; `None` where nothing was started.
    pub exit: Option<String>,
    /// Last words, bounded to [`MAX_SAID_BYTES`], raw: made safe by whoever shows them.
    pub said: Option<String>,
    /// The bill.
    pub usage: Usage,
    /// Tools that were denied, in order, without repeats.
    pub denied_tools: Vec<String>,
    /// The session, as the agent called it.
    pub session: Option<String>,
    /// The service refused the first request itself, before the model said anything.
    pub refused_at_once: bool,
    /// The last news of the account's limits.
    pub rate_limit: Option<RateLimit>,
    /// From start to the first event, milliseconds.
    pub first_event_ms: Option<u64>,
    /// From start to end, milliseconds.
    pub elapsed_ms: u64,
    /// Processes that it left and that had to be killed.
    pub swept: u32,
    /// What else people should know.
    pub notes: Vec<String>,
}

impl Report {
    /// Of an agent that was not started, for a reason that we saw ourselves.
    pub fn not_started(fault: Fault, detail: String) -> Report {
        Report {
            ground: Some(Ground::ours(fault.word(), "worker", &detail)),
            ending: Outcome::Failure { fault, detail },
            exit: None,
            said: None,
            usage: Usage::default(),
            denied_tools: Vec::new(),
            session: None,
            refused_at_once: false,
            rate_limit: None,
            first_event_ms: None,
            elapsed_ms: 0,
            swept: 0,
            notes: Vec::new(),
        }
    }
}

/// The length of [`Report::said`].
pub const MAX_SAID_BYTES: usize = 4096;

/// A sign of life, for whoever shows it.
#[derive(Clone, PartialEq, Debug)]
pub enum Progress {
    /// It was started.
    Started {
        /// Its process number.
        pid: i32,
    },
    /// What it does now, one line, safe for a terminal.
    Doing(String),
    /// The line was none to show; it lives.
    Alive,
    /// The service answered: the model said or did something. Told besides what it did.
    Answered,
    /// News of the account's limits. Told besides what is shown of them.
    Limit(RateLimit),
    /// It is being stopped.
    Stopping,
    /// How it stands, for people: at most once a second, and only where there is something new.
    Live(Box<Live>),
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
    fn unless_found(name: &str, hint: &'static str) -> Result<PathBuf, Missing> {
        sys::env::find_program(name).ok_or_else(|| Missing { program: name.to_owned(), hint })
    }
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Refusal {
        Refusal::new(Fault::Missing, format!("{missing}: {}", missing.hint))
    }
}

/// Where the agent's program is. A relative path with a slash is taken from the current directory.
pub fn find(kind: &AgentKind) -> Result<PathBuf, Missing> {
    program::agent(kind).program()
}

/// Why a job was not started or an adapter refused it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Refusal {
    fault: Fault,
    detail: String,
}

impl Refusal {
    fn new(fault: Fault, detail: impl Into<String>) -> Refusal {
        Refusal { fault, detail: detail.into() }
    }
}

impl From<sys::fs::FsError> for Refusal {
    fn from(error: sys::fs::FsError) -> Refusal {
        let fault = if error.disk_full() { Fault::Disk } else { Fault::Machine };
        Refusal::new(fault, error.to_string())
    }
}
