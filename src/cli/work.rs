//! `worker`, and the pool's hidden `work`: one worker process.

use std::sync::Arc;

use super::args::{Common, Work};
use super::config::{self, Flags, Purpose};
use super::context::Context;
use super::error::CommandResult;
use super::exit;
use crate::site::Site;
use crate::sys::signal::{self, ORDERS};
use crate::sys::talk::LogFile;
use crate::sys::{clock, daemon, env, fs};
use crate::worker::control::Control;
use crate::worker::{self, Log, RunMode, WorkerEnd, WorkerOptions};

/// Runs one worker until it ends.
pub(super) fn work(common: &Common, work: &Work) -> CommandResult {
    // First of all: one that is told to stop while it looks around ends as any other.
    let (control, wake_ups) = Control::new();
    let heard = control.clone();
    signal::listen(&ORDERS, move |signal| heard.signal(signal))?;
    let flags = Flags { agent: work.agent.clone(), ..Flags::default() };
    let purpose = if work.slot.is_some() { Purpose::Pool } else { Purpose::Run };
    let context = Context::to_run(common, flags, purpose)?;
    let queue = context.queue_or_make()?;
    super::needs::check(&context)?;
    let mode = match (work.drain, work.once) {
        (true, _) => RunMode::Drain,
        (_, true) => RunMode::Once,
        _ => RunMode::Stay,
    };
    let order = WorkerOptions {
        mode,
        slot: work.slot,
        max_tasks: work.max_tasks,
        demo_argv: crate::agent::program::demo::default_argv(),
        reload: super::run::reload(&context, purpose),
        vet: config::vetting(&context.loaded),
        log: log(&context, work)?,
    };
    let ended = worker::run(context.config().clone(), queue.clone(), &control, wake_ups, order)?;
    if work.slot.is_none() {
        config::keep_seen(&context.config().root);
    }
    if let (Some(signal), false) = (control.ordered_by(), ended == WorkerEnd::Fenced) {
        return Ok(exit::signalled(signal));
    }
    Ok(match ended {
        WorkerEnd::Finished { later: true, .. } => exit::LATER,
        WorkerEnd::Finished { failed: true, .. } => exit::FOUND,
        WorkerEnd::Finished { .. } if work.drain && context.tasks_wait_for_trust(&queue) => {
            exit::LATER
        }
        WorkerEnd::Finished { .. } => exit::OK,
        WorkerEnd::Recycled => daemon::RECYCLED,
        WorkerEnd::Stopped => exit::signalled(signal::Signal::Terminate),
        WorkerEnd::Fenced => exit::LATER,
    })
}

/// A worker writes to a log file of its slot, or to the one that all who are alone share, and the latter to the
/// terminal where there is one. Cron hears nothing.
fn log(context: &Context, work: &Work) -> Result<Log, super::error::Failure> {
    let ui = context.ui;
    let to_stderr = work.slot.is_none() && env::stderr_is_terminal();
    let dir = Site::at(&context.config().root).logs();
    fs::mkdirs(&dir)?;
    let name = work.slot.map_or("worker.log".into(), |slot| format!("worker-{slot}.log"));
    let talk = LogFile::open(&dir.join(name))?;
    Ok(Arc::new(move |line: &str| {
        let line = format!(
            "{} {}",
            clock::local(clock::now()),
            crate::domain::text::printable(line, false)
        );
        if to_stderr {
            ui.say(&line);
        }
        // The log is not worth stopping for.
        drop(talk.line(&line));
    }))
}
