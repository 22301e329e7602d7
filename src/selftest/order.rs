//! What a run of the self-test is told to do, and whom it tells what happens.

use std::path::PathBuf;

use crate::domain::settings::choice::Durability;

/// What to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where; it must not exist.
    pub dir: PathBuf,
    /// Chooses tasks and faults.
    pub seed: u64,
    /// How long the storm lasts, milliseconds.
    pub storm_ms: u64,
    /// Tasks in it.
    pub tasks: usize,
    /// Workers in it.
    pub workers: usize,
    /// Coordinators in it: 0 to 2.
    pub coordinators: usize,
    /// A task of the storm takes about so long, milliseconds.
    pub work_ms: u64,
    /// A fault so often, milliseconds.
    pub every_ms: u64,
    /// Only `kill -9`: nothing is stopped, cancelled, held or moved.
    pub kills_only: bool,
    /// What is fsynced.
    pub durability: Durability,
    /// Not a storm, but a night: everything that an unattended swarm meets, by a plan.
    pub night: bool,
    /// What is looked at lies there afterwards even if all is well.
    pub keep: bool,
}

/// Is told what happens.
pub trait Observer {
    /// A line of talk.
    fn say(&mut self, line: &str);
}
