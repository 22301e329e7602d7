//! The agent programs: a folder for each, and one table. Nothing outside of here names one or reads its output.
//!
//! A folder holds a program's [`Capabilities`] and its `Adapter`: arguments and environment, where its file is, what
//! its lines mean, its rules of failures, its example settings, what `doctor` asks of it. A new program is a folder and
//! a row of `PROGRAMS`.
//!
//! Names: `environment`, `job`, `transcript`.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::agent::environment::Inherited;
use crate::agent::job::{Job, Missing, Refusal};
use crate::agent::transcript::{Line, Summary};
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::programs::{AgentKind, Capabilities};
use crate::sys;

pub(in crate::agent) mod adapter;
pub(in crate::agent) mod claude;
mod command;
pub mod demo;

pub(in crate::agent) use adapter::Adapter;
pub use adapter::{Examined, ExaminedState};
pub use command::command;

/// All of them; the first is the default.
static PROGRAMS: [&dyn Adapter; 3] = [&claude::Claude, &command::Command, &demo::Demo];

/// The name of the default one.
pub const DEFAULT: &str = claude::NAME;

/// The variable that marks everything an attempt starts, wherever it moves: the session's id.
pub(in crate::agent) const MARK: &str = "SWARMDIR_SESSION";

/// What each of them can do.
pub fn all() -> &'static [&'static Capabilities] {
    static ALL: LazyLock<Vec<&'static Capabilities>> =
        LazyLock::new(|| PROGRAMS.iter().map(|program| program.capabilities()).collect());
    &ALL
}

/// An agent of the program of this name, without settings.
pub fn kind(name: &str) -> Option<AgentKind> {
    all().iter().find(|program| program.name == name).map(|program| AgentKind::new(program))
}

/// Where the agent's program is. A relative path with a slash is taken from the current directory.
pub fn find(kind: &AgentKind) -> Result<PathBuf, Missing> {
    adapter(kind.word()).find(kind)
}

/// What `doctor` tells of an agent besides its program's file.
pub fn examine(profile: &AgentProfile) -> Vec<Examined> {
    adapter(profile.kind.word()).examine(profile)
}

/// The tables of agents in the commented `swarm.toml`, one of each program that has settings.
pub fn examples() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|program| program.example()).filter(|example| !example.is_empty())
}

/// Reads what an agent said on standard output and was recorded.
#[derive(Clone, Copy)]
pub struct RecordedOutput(&'static dyn Adapter);

impl RecordedOutput {
    /// Of the program of this name; where none is known, of the default one.
    pub fn of(program: Option<&str>) -> RecordedOutput {
        RecordedOutput(adapter(program.unwrap_or(DEFAULT)))
    }

    /// One line.
    pub fn line(self, bytes: &[u8]) -> Line {
        self.0.parse_line(bytes)
    }

    /// The sum of no lines yet.
    pub fn summary(self) -> Summary {
        Summary::new(self.0.price())
    }
}

/// The adapter of this name; of a name that nobody has, the default one.
pub(in crate::agent) fn adapter(name: &str) -> &'static dyn Adapter {
    let named = PROGRAMS.iter().find(|program| program.capabilities().name == name);
    *named.unwrap_or(&PROGRAMS[0])
}

/// Every file of rules, each once.
pub(in crate::agent) fn rule_files() -> Vec<&'static str> {
    let mut files: Vec<&str> = Vec::new();
    for file in PROGRAMS.iter().flat_map(|program| program.rules()) {
        if !files.contains(file) {
            files.push(file);
        }
    }
    files
}

/// Translates a job.
pub(in crate::agent) fn prepare(job: &Job) -> Result<adapter::Launch, Refusal> {
    let mut given = job.place.env.clone();
    given.push((MARK.into(), job.request.session.clone()));
    let env = inherited(&job.place.env_deny).build(&given, &job.place.cwd);
    adapter(job.kind.word()).launch(job, env)
}

/// What the agents of this process inherit; it never changes its own environment.
fn inherited(denies: &[String]) -> Arc<Inherited> {
    static LAST: Mutex<Option<Arc<Inherited>>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some(known) if known.obeys(denies) => known.clone(),
        _ => {
            let programs = PROGRAMS.map(|program| program.environment());
            let inherited = Inherited::new(sys::env::all(), denies, &programs);
            last.insert(Arc::new(inherited)).clone()
        }
    }
}
