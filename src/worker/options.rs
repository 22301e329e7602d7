//! What a worker is started with.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;

/// How long a worker goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunMode {
    /// Until it is told to end.
    Stay,
    /// Until nothing is ready or running (or due soon).
    Drain,
    /// One task.
    Once,
}

/// What a worker is started with.
pub struct WorkerOptions {
    /// When to end.
    pub mode: RunMode,
    /// The place in a coordinator's pool.
    pub slot: Option<u32>,
    /// It ends after so many tasks, whatever the settings say of a pool's workers.
    pub max_tasks: Option<u32>,
    /// How to run the demo agent: this program's argv up to the hidden subcommand.
    pub demo_argv: Vec<OsString>,
    /// Re-reads the settings; the last good ones stay in force where that fails.
    pub reload: Box<dyn Fn() -> Result<Config, Problem> + Send>,
    /// Judges texts that settings name and that are read anew for each attempt: an error says why one may not be used.
    pub vet: Vet,
    /// Lines for people.
    pub log: Log,
}

/// Judges a text by its path and content.
pub type Vet = Box<dyn Fn(&Path, &[u8]) -> Result<(), Problem> + Send>;

/// Where lines for people go.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;
