//! The proof that a user can run: this file system, these programs, this machine, under a storm of faults.
//!
//! A queue of its own is made, worked off by the real coordinator and workers while processes are killed and stopped
//! at random, and then looked through. What happens is chosen by a seed. It may not know how the queue does its
//! work: it uses what everybody uses, and judges by what lies on disk and by what its witnesses saw.
//!
//! Names: `domain`, `git`, `queue`, `rehearsal`, `shape`, `site`, `sys`, `worktree`.

mod faults;
mod full;
mod lease;
mod night;
mod order;
mod place;
mod processes;
mod quiet;
mod recovery;
mod report;
mod storm;
mod stuck;
mod tally;
mod task_kinds;
mod test_bed;
mod verdict;
pub mod witness;

use crate::queue::QueueError;
use crate::sys::{fs, random, sweep};

pub use full::fill as fill_a_small_disk;
pub use night::plan_text as night_plan;
pub use order::{Observer, Order};
pub use report::Report;

/// Everything, in order. An error is one of this machine (no git, no room); what is broken is in the report.
pub fn run(order: &Order, observer: &mut dyn Observer) -> Result<Report, QueueError> {
    sweep::become_subreaper().map_err(QueueError::machine("see the ends of agents' children"))?;
    fs::mkdirs(&order.dir)?;
    let mut report = Report::new(order);
    let ended = phases(order, observer, &mut report);
    if ended.is_err() {
        test_bed::end_everything(&order.dir);
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
