//! What a coordinator is started with, and whom it tells what happens.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::queue::Queue;
use crate::sys::signal::Signal;

/// What a coordinator is started with.
pub struct CoordinatorOptions {
    /// End when nothing is ready or running.
    pub drain: bool,
    /// A worker's argv without its slot.
    pub worker_argv: Vec<OsString>,
    /// Where workers write what they have to say.
    pub log_dir: PathBuf,
    /// Re-reads the settings.
    pub reload: Box<dyn Fn() -> Result<Config, Problem>>,
    /// Where the ends of adopted workers are told: as the signal that those of children are.
    pub ended: Sender<Signal>,
}

/// Is told what happens, for people.
pub trait PoolObserver {
    /// A line of talk.
    fn say(&mut self, line: &str);
    /// Once a look: how many workers run, and how many should.
    fn tick(&mut self, queue: &Queue, running: usize, wanted: usize);
}
