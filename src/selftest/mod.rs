//! The proof that a user can run: this file system, these programs, this machine, under a storm of faults.
//!
//! A queue of its own is made, worked off by the real coordinator and workers while processes are killed and stopped
//! at random, and then looked through. What happens is chosen by a seed. It may not know how the queue does its
//! work: it uses what everybody uses, and judges by what lies on disk and by what its witnesses saw.

mod calm;
mod crew;
mod deeds;
mod faults;
mod full;
mod ground;
mod lease;
mod night;
mod place;
mod quiet;
mod recovery;
mod report;
mod storm;
mod verdict;
pub mod witness;

use std::path::PathBuf;

use crate::domain::settings::choice::Durability;
use crate::queue::QueueError;
use crate::sys::{fs, random, sweep};

pub use full::fill as fill_a_small_disk;
pub use night::plan_text as night_plan;
pub use report::Report;

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

/// Everything, in order. An error is one of this machine (no git, no room); what is broken is in the report.
pub fn run(order: &Order, observer: &mut dyn Observer) -> Result<Report, QueueError> {
    sweep::become_subreaper()?;
    fs::mkdirs(&order.dir)?;
    let mut report = Report::new(order);
    let ended = phases(order, observer, &mut report);
    if ended.is_err() {
        ground::end_everything(&order.dir);
    }
    ended.map(|()| report)
}

fn phases(
    order: &Order,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), QueueError> {
    observer.say("trying the file system");
    place::examine(&order.dir, report);
    if order.night {
        return if report.is_sound() { night::run(order, observer, report) } else { Ok(()) };
    }
    if report.is_sound() {
        observer.say("one of each: done, failed, poison, rejected, cancelled");
        quiet::run(order, report)?;
        full::run(order, report)?;
    }
    if report.is_sound() {
        storm::run(order, observer, report)?;
    }
    Ok(())
}

/// A seed for who brings none.
pub fn any_seed() -> u64 {
    random::number() % 1_000_000_000
}
