//! One worker: claims the best eligible task, works on it in its own tree, publishes, goes on.
//!
//! It works alone or beside any number of others and does not know whether a coordinator exists. The main
//! thread works and waits on one channel; beside it run the heart (`heart`), the housekeeper (`keeper`: a
//! [`crate::housekeeping::Housekeeper`] once a second) and the signal thread ([`control`]). Invariant: whatever the
//! main thread is doing, a worker that cannot beat, or that was declared dead, stops its agent.
//!
//! Names: `agent`, `capacity`, `domain`, `git`, `housekeeping`, `queue`, `site`, `sys`, `worktree`.

mod account_admission;
mod attempt;
mod capacity;
mod claim;
pub mod control;
mod empty_scan;
mod ended;
mod groups;
mod heart;
mod holding;
mod idle;
mod keeper;
mod options;
mod shared;
mod ticker;

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use crate::domain::event::Event;
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::housekeeping::{Housekeeper, Remaining, remaining};
use crate::queue::register::{Card, Registration};
use crate::queue::{Queue, QueueError, Result};
use crate::site::{self, Site};
use crate::sys::{clock, fs, identity, random};
use crate::worktree::Scratch;

use claim::Claimer;
use control::{Control, Level};
use idle::Idle;
use shared::{Shared, WorkerContext};

pub use ended::WorkerEnd;
pub use options::{Log, RunMode, Vet, WorkerOptions};

/// Between two tries while nothing at all can be written, milliseconds.
const FULL_MS: u64 = 2_000;

/// Runs one worker until it ends.
pub fn run(
    config: Config,
    queue: Queue,
    control: &Control,
    wake_ups: Receiver<()>,
    options: WorkerOptions,
) -> Result<WorkerEnd> {
    crate::sys::sweep::become_subreaper().map_err(QueueError::from)?;
    let registration = Arc::new(register(&queue, options.slot)?);
    let journal = Arc::new(queue.journal(registration.id().as_str())?);
    let shared = Shared {
        housekeeper: Arc::new(Mutex::new(Housekeeper::new(queue.clone(), &config))),
        holding: holding::Holding::default(),
        control: control.clone(),
        interrupt: Site::at(&config.root).interrupt(),
        capacity: Arc::new(Mutex::new(capacity::watched(&config))),
        registration,
        journal,
        queue,
    };
    let (group, level) =
        groups::make(&config, shared.registration.id(), &options.log).map_err(QueueError::from)?;
    let pid = shared.registration.card().process.pid;
    let worker = shared.registration.id().clone();
    shared.journal.record(Event::WorkerStarted { worker, pid, cgroups: level });
    let heart = heart::start(&shared);
    let keeper = keeper::start(&shared);
    let mut worker = Worker {
        idle: Idle::new(control.clone(), options.mode != RunMode::Stay),
        claimer: Claimer::new(capacity::admission(&shared.queue, &config, control)),
        failed: false,
        worked: 0,
        context: WorkerContext { shared, config, options, group, wake_ups },
    };
    let ended = worker.go_on();
    heart.stop();
    keeper.stop();
    let WorkerContext { shared, config, options, .. } = worker.context;
    if let Err(e) = Scratch::forget(&site::scratch_dir(&config), shared.registration.id().short()) {
        (options.log)(&e.to_string());
    }
    shared.journal.record(ended::event(shared.registration.id().clone(), &ended));
    if ended.is_err() {
        // What it holds is nobody's fault: it waits again, and no worker loss is counted.
        heart::disown_all(&shared);
    }
    if !matches!(ended, Ok(WorkerEnd::Fenced))
        && let Ok(registration) = Arc::try_unwrap(shared.registration)
    {
        shared.queue.deregister(registration)?;
    }
    ended
}

fn register(queue: &Queue, slot: Option<u32>) -> Result<Registration> {
    queue.register(Card {
        id: WorkerId::from_bits(random::bits()),
        process: identity::me(),
        version: env!("CARGO_PKG_VERSION").into(),
        slot,
        started_at: clock::now(),
        file: None,
        has_claimed: false,
        copied: false,
        other_device: false,
    })
}

/// The run loop.
struct Worker {
    context: WorkerContext,
    claimer: Claimer,
    idle: Idle,
    failed: bool,
    /// Tasks so far.
    worked: u32,
}

/// What one turn of the loop came to.
enum Turned {
    Worked,
    Nothing { unsettled: bool },
    Ended(WorkerEnd),
}

impl Worker {
    fn go_on(&mut self) -> Result<WorkerEnd> {
        let shared = &self.context.shared;
        shared.housekeeper().pass_in_turn(&shared.journal)?;
        loop {
            let began_us = clock::mono_us();
            match self.turn() {
                Ok(Turned::Ended(ended)) => return Ok(ended),
                Ok(Turned::Worked) => {
                    self.worked = self.worked.saturating_add(1);
                    let options = &self.context.options;
                    if options.mode == RunMode::Once {
                        return Ok(self.finished(false));
                    }
                    let most = most_tasks(options, self.context.config.recycle_after);
                    if most.is_some_and(|most| self.worked >= most) {
                        // Without a coordinator nobody takes its place.
                        let pooled = options.slot.is_some();
                        return Ok(if pooled { WorkerEnd::Recycled } else { self.finished(false) });
                    }
                    self.idle.worked();
                }
                Ok(Turned::Nothing { unsettled }) => {
                    if let Some(ended) = self.drained(unsettled)? {
                        return Ok(ended);
                    }
                    let opens_in_ms = self.claimer.opens_in_ms();
                    self.claimer.forget_seen();
                    let look_us = clock::mono_us() - began_us;
                    self.idle.wait(&self.context, look_us, unsettled, opens_in_ms);
                }
                // With the reserve it may go on at once.
                Err(e) if e.disk_full() && capacity::release_reserve(&self.context.shared) => {}
                Err(e) if e.disk_full() => {
                    self.context.log(&format!("{e}; waiting for space"));
                    self.context.pause(FULL_MS);
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn turn(&mut self) -> Result<Turned> {
        match self.context.shared.control.level() {
            Level::Fenced => return Ok(Turned::Ended(WorkerEnd::Fenced)),
            Level::Stop => return Ok(Turned::Ended(WorkerEnd::Stopped)),
            Level::Drain => return Ok(Turned::Ended(self.finished(false))),
            Level::Run => {}
        }
        if self.context.shared.control.take_reload() {
            self.reload();
        }
        let shared = &self.context.shared;
        // `touch interrupt` beside the queue: no new claims.
        if fs::exists(&shared.interrupt) {
            self.claimer.capacity.stop_waiting();
            return Ok(match self.context.options.mode {
                RunMode::Stay => Turned::Nothing { unsettled: false },
                RunMode::Drain | RunMode::Once => Turned::Ended(self.finished(true)),
            });
        }
        let pass = shared.housekeeper().intake(&shared.journal)?;
        let Some(claim) = self.claimer.next(&self.context)? else {
            return Ok(Turned::Nothing { unsettled: pass.unsettled > 0 });
        };
        self.idle.busy();
        self.failed |= attempt::work(&mut self.context, &mut self.claimer, claim)?;
        Ok(Turned::Worked)
    }

    fn reload(&mut self) {
        match (self.context.options.reload)() {
            Ok(config) => {
                self.context.shared.housekeeper().configure(&config);
                let shared = &self.context.shared;
                shared.watch(capacity::watched(&config));
                let admission = capacity::admission(&shared.queue, &config, &shared.control);
                self.claimer.settings_changed(admission);
                self.context.config = config;
                self.context.log("settings re-read");
            }
            Err(why) => self.context.log(&format!("the settings stay as they were: {why}")),
        }
    }

    fn finished(&self, later: bool) -> WorkerEnd {
        let rejected = self.context.shared.housekeeper().rejected() > 0;
        WorkerEnd::Finished { failed: self.failed || rejected, later }
    }

    /// In a drain: whether all is done, or what is left is for a later run.
    fn drained(&self, unsettled: bool) -> Result<Option<WorkerEnd>> {
        let WorkerContext { shared, config, options, .. } = &self.context;
        if options.mode == RunMode::Stay || unsettled {
            return Ok(None);
        }
        if self.claimer.capacity.short_for_ms().is_some_and(|ms| ms >= config.drain_wait_ms)
            && shared.queue.unfinished()?.1 == 0
        {
            return Ok(Some(self.finished(true)));
        }
        Ok(match remaining(&shared.queue, config.drain_wait_ms)? {
            Remaining::Busy => None,
            Remaining::Later => Some(self.finished(true)),
            Remaining::Empty => Some(self.finished(false)),
        })
    }
}

/// After how many tasks a worker ends. Nobody takes the place of one that is alone: only its own options end it.
fn most_tasks(options: &WorkerOptions, recycle_after: Option<u32>) -> Option<u32> {
    options.max_tasks.or(recycle_after.filter(|_| options.slot.is_some()))
}
