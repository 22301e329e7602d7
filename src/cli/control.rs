//! Commands that steer what runs: pause, resume, scale, stop.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::error::{Failure, Outcome};
use super::exit;
use crate::coordinator::scale_file;
use crate::domain::identity::{ProcessIdentity, Vantage};
use crate::domain::time::UnixMs;
use crate::queue::register::Card;
use crate::queue::{Queue, QueueError};
use crate::sys::lock::Lock;
use crate::sys::signal::Signal;
use crate::sys::{clock, fs, identity, process};

/// Who holds the coordinator's lock, as it says itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Incumbent {
    pub(super) process: ProcessIdentity,
    pub(super) since: UnixMs,
}

/// The lock by which a second coordinator is told who runs already. A courtesy: two would do no harm.
pub(super) fn lock_path(context: &Context) -> PathBuf {
    context.config().root.join(".swarmdir").join("coordinator.lock")
}

/// The coordinator that runs on this machine, if one does.
pub(super) fn incumbent(context: &Context) -> Result<Option<Incumbent>, Failure> {
    let path = lock_path(context);
    if !fs::exists(&path) || Lock::try_take(&path)?.is_some() {
        return Ok(None);
    }
    let note = fs::read(&path)?;
    Ok(serde_json::from_slice::<Incumbent>(&note).ok().filter(|i| process::alive(&i.process)))
}

/// `pause`
pub(super) fn pause(context: &Context, reason: Option<&str>, now: bool) -> Outcome {
    let path = context.config().root.join("interrupt");
    let first = if now { "now\n" } else { "" };
    fs::write_with_umask(&path, format!("{first}{}\n", reason.unwrap_or_default()).as_bytes())?;
    context.ui.say(if now {
        "paused: what runs is stopped within seconds and its work kept; coordinator resume"
    } else {
        "paused: running tasks go on, no new ones start; coordinator resume"
    });
    Ok(exit::OK)
}

/// `resume`
pub(super) fn resume(context: &Context) -> Outcome {
    let was = fs::unlink(&context.config().root.join("interrupt"))?;
    context.ui.say(if was { "resumed" } else { "it was not paused" });
    Ok(exit::OK)
}

/// `scale`
pub(super) fn scale(context: &Context, agents: u32) -> Outcome {
    let Some(incumbent) = incumbent(context)? else {
        return Err(Failure::new(exit::MISSING, "no coordinator runs here")
            .hint(format!("coordinator --agents {agents}")));
    };
    let path = scale_file(&context.config().root);
    let staged = path.with_extension("new");
    fs::write(&staged, format!("{agents}\n").as_bytes())?;
    let _placed = fs::rename(&staged, &path)?;
    context
        .ui
        .say(&format!("coordinator (process {}) keeps {agents} workers", incumbent.process.pid));
    Ok(exit::OK)
}

/// `stop`: asks the coordinator and every worker of this machine, and waits until they are gone.
pub(super) fn stop(context: &Context, now: bool) -> Outcome {
    let queue = context.queue()?;
    let signal = if now { Signal::Terminate } else { Signal::Interrupt };
    let coordinator = incumbent(context)?.map(|incumbent| incumbent.process);
    let workers = workers_here(&queue)?;
    if coordinator.is_none() && workers.is_empty() {
        context.ui.say("nothing runs here");
        return Ok(exit::OK);
    }
    // The coordinator first: it must not replace the workers that end. It tells those of its pool, and a
    // second interrupt would mean: stop now.
    let told = |card: &Card| now || coordinator.is_none() || card.slot.is_none();
    let alone = workers.iter().filter(|card| told(card)).map(|card| &card.process);
    for target in coordinator.iter().chain(alone) {
        process::signal(target.pid, signal.number());
    }
    let processes: Vec<ProcessIdentity> =
        coordinator.into_iter().chain(workers.into_iter().map(|card| card.process)).collect();
    context.ui.say(if now {
        "stopping now: work in hand is committed, its tasks are parked"
    } else {
        "ending after the running tasks; `coordinator stop --now` does not wait for them"
    });
    while processes.iter().any(process::alive) {
        clock::pause_ms(50);
    }
    context.ui.say("stopped");
    Ok(exit::OK)
}

/// Live workers of this machine.
fn workers_here(queue: &Queue) -> Result<Vec<Card>, QueueError> {
    let me = identity::me();
    let here = |p: &ProcessIdentity| me.vantage(p) == Vantage::Here && process::alive(p);
    let workers = queue.workers()?.into_iter().map(|(card, _)| card);
    Ok(workers.filter(|card| here(&card.process)).collect())
}
