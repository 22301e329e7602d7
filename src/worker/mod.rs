//! One worker: claims the best eligible task, works on it in its own tree, publishes, goes on.
//!
//! It works alone or beside any number of others and does not know whether a coordinator exists. The main
//! thread works and waits on one channel; beside it beat the heart (`heart`), the housekeeper (a
//! [`crate::housekeeping::Housekeeper`] once a second) and the signal thread ([`control`]). Invariant: whatever the
//! main thread is doing, a worker that cannot beat, or that was declared dead, stops its agent.

mod account_admission;
mod attempt;
mod capacity;
mod claim;
pub mod control;
mod ended;
mod groups;
mod heart;
mod idle;
mod ticker;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::capacity::{CapacitySettings, StartAdmission};
use crate::domain::event::Event;
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::housekeeping::{Housekeeper, Remaining, remaining};
use crate::queue::journal::Journal;
use crate::queue::register::{Card, Registration};
use crate::queue::{Queue, QueueError};
use crate::site::{self, Site};
use crate::sys::cgroup::Cgroup;
use crate::sys::{clock, fs, identity, random};

use crate::worktree::Scratch;

use control::{Control, Level};
pub use ended::WorkerEnd;
use idle::Idle;

/// Between two tries while nothing at all can be written, milliseconds.
const FULL_MS: u64 = 2_000;

/// How long a worker goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
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
    pub mode: Mode,
    /// The place in a coordinator's pool.
    pub slot: Option<u32>,
    /// It ends after so many tasks, whatever the settings say of a pool's workers.
    pub max_tasks: Option<u32>,
    /// How to run the demo agent: this program's argv up to the hidden subcommand.
    pub demo_argv: Vec<OsString>,
    /// Re-reads the settings; the last good ones stay in force where that fails.
    pub reload: Box<dyn Fn() -> Result<Config, String> + Send>,
    /// Judges texts that settings name and that are read anew for each attempt: an error says why one may not be used.
    pub vet: Vet,
    /// Talk for people.
    pub log: Log,
}

/// Judges a text by its path and content.
pub type Vet = Box<dyn Fn(&Path, &[u8]) -> Result<(), String> + Send>;

/// Where talk goes.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// Runs one worker until it ends.
pub fn run(
    config: Config,
    queue: Queue,
    control: &Control,
    bell: Receiver<()>,
    options: WorkerOptions,
) -> Result<WorkerEnd, QueueError> {
    crate::sys::sweep::become_subreaper().map_err(QueueError::from)?;
    let registration = Arc::new(register(&queue, options.slot)?);
    let journal = Arc::new(queue.journal(registration.id().as_str())?);
    let shared = Shared {
        housekeeper: Arc::new(Mutex::new(Housekeeper::new(queue.clone(), &config))),
        holding: claim::Holding::default(),
        control: control.clone(),
        interrupt: Site::at(&config.root).interrupt(),
        capacity: Arc::new(Mutex::new(capacity::watched(&config))),
        registration,
        journal,
        queue,
    };
    let log = options.log.clone();
    let (group, level) =
        groups::make(&config, shared.registration.id(), &log).map_err(QueueError::from)?;
    let pid = shared.registration.card().process.pid;
    let worker = shared.registration.id().clone();
    shared.journal.record(Event::WorkerStarted { worker, pid, cgroups: level });
    let heart = heart::start(&shared);
    let keeper = idle::start_housekeeper(&shared);
    let mut worker = Worker {
        idle: Idle::new(bell, control.clone(), options.mode != Mode::Stay),
        capacity: capacity::admission(&shared.queue, &config, control),
        config,
        options,
        failed: false,
        worked: 0,
        admission: account_admission::AccountAdmission::default(),
        empty_scan: None,
        group,
        shared,
    };
    let ended = worker.go_on();
    heart.stop();
    keeper.stop();
    let Worker { shared, config, .. } = worker;
    if let Err(e) = Scratch::forget(&site::scratch_dir(&config), shared.registration.id().short()) {
        (log)(&e.to_string());
    }
    shared.journal.record(ended::event(shared.registration.id().clone(), &ended));
    if ended.is_err() {
        // What it holds is nobody's fault: it waits again, and no death is counted.
        heart::disown_all(&shared);
    }
    if !matches!(ended, Ok(WorkerEnd::Fenced))
        && let Ok(registration) = Arc::try_unwrap(shared.registration)
    {
        shared.queue.deregister(registration)?;
    }
    ended
}

fn register(queue: &Queue, slot: Option<u32>) -> Result<Registration, QueueError> {
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

/// What the threads of one worker share; each field is safe by itself.
#[derive(Clone)]
struct Shared {
    queue: Queue,
    registration: Arc<Registration>,
    journal: Arc<Journal>,
    housekeeper: Arc<Mutex<Housekeeper>>,
    holding: claim::Holding,
    control: Control,
    /// While this file exists, nobody claims.
    interrupt: PathBuf,
    /// The disks that must not become full.
    capacity: Arc<Mutex<CapacitySettings>>,
}

impl Shared {
    fn capacity(&self) -> CapacitySettings {
        self.capacity.lock().expect("nothing panics while it holds this lock").clone()
    }

    fn watch(&self, config: &Config) {
        *self.capacity.lock().expect("nothing panics while it holds this lock") =
            capacity::watched(config);
    }

    fn housekeeper(&self) -> MutexGuard<'_, Housekeeper> {
        self.housekeeper.lock().expect("a panic ends the process, so nobody sees a poisoned lock")
    }
}

struct Worker {
    shared: Shared,
    config: Config,
    options: WorkerOptions,
    idle: Idle,
    failed: bool,
    /// Tasks so far.
    worked: u32,
    admission: account_admission::AccountAdmission,
    capacity: StartAdmission,
    empty_scan: Option<claim::EmptyScan>,
    /// The control group of whatever runs.
    group: Option<Arc<Cgroup>>,
}

/// What one look at the queue came to.
enum Looked {
    Worked,
    Nothing { unsettled: bool },
    Ended(WorkerEnd),
}

impl Worker {
    fn go_on(&mut self) -> Result<WorkerEnd, QueueError> {
        self.shared.housekeeper().pass_in_turn(&self.shared.journal)?;
        loop {
            match self.look() {
                Ok(Looked::Ended(ended)) => return Ok(ended),
                Ok(Looked::Worked) if self.options.mode == Mode::Once => {
                    return Ok(self.finished(false));
                }
                Ok(Looked::Worked) => {
                    self.worked = self.worked.saturating_add(1);
                    if self.has_done_enough() {
                        // Without a coordinator nobody takes its place.
                        let pooled = self.options.slot.is_some();
                        return Ok(if pooled { WorkerEnd::Recycled } else { self.finished(false) });
                    }
                    self.idle.worked();
                }
                Ok(Looked::Nothing { unsettled }) => {
                    if let Some(ended) = self.drained(unsettled)? {
                        return Ok(ended);
                    }
                    let opens = [self.admission.opens_in_ms(), self.capacity.ask_again_in_ms()];
                    let opens_in_ms = opens.into_iter().flatten().min();
                    let queue = &self.shared.queue;
                    self.idle.wait(queue, &self.config.root, unsettled, opens_in_ms);
                    self.admission.invalidate();
                }
                // With the reserve it may go on at once.
                Err(e) if e.disk_full() && capacity::release_reserve(&self.shared) => {}
                Err(e) if e.disk_full() => {
                    (self.options.log)(&format!("{e}; waiting for space"));
                    self.idle.pause(FULL_MS);
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn look(&mut self) -> Result<Looked, QueueError> {
        match self.shared.control.level() {
            Level::Fenced => return Ok(Looked::Ended(WorkerEnd::Fenced)),
            Level::Stop => return Ok(Looked::Ended(WorkerEnd::Stopped)),
            Level::Drain => return Ok(Looked::Ended(self.finished(false))),
            Level::Run => {}
        }
        if self.shared.control.take_reload() {
            self.reload();
        }
        if self.paused() {
            self.capacity.stop_waiting();
            return Ok(match self.options.mode {
                Mode::Stay => Looked::Nothing { unsettled: false },
                Mode::Drain | Mode::Once => Looked::Ended(self.finished(true)),
            });
        }
        let pass = self.shared.housekeeper().intake(&self.shared.journal)?;
        match self.claim_next()? {
            Some(claim) => {
                self.idle.busy();
                self.failed |= self.attempt(claim)?;
                Ok(Looked::Worked)
            }
            None => Ok(Looked::Nothing { unsettled: pass.unsettled > 0 }),
        }
    }

    /// Nobody takes the place of one that is alone: only its own options ends it.
    fn has_done_enough(&self) -> bool {
        let pooled = self.config.recycle_after.filter(|_| self.options.slot.is_some());
        self.options.max_tasks.or(pooled).is_some_and(|most| self.worked >= most)
    }

    /// `touch interrupt` beside the queue: no new claims.
    fn paused(&self) -> bool {
        fs::exists(&self.shared.interrupt)
    }

    fn reload(&mut self) {
        match (self.options.reload)() {
            Ok(config) => {
                self.shared.housekeeper().configure(&config);
                self.config = config;
                // Another default agent may have an open breaker.
                self.empty_scan = None;
                self.admission.invalidate();
                self.shared.watch(&self.config);
                let Shared { queue, control, .. } = &self.shared;
                self.capacity = capacity::admission(queue, &self.config, control);
                (self.options.log)("settings re-read");
            }
            Err(why) => (self.options.log)(&format!("the settings stay as they were: {why}")),
        }
    }

    fn finished(&self, later: bool) -> WorkerEnd {
        let rejected = self.shared.housekeeper().rejected() > 0;
        WorkerEnd::Finished { failed: self.failed || rejected, later }
    }

    /// In a drain: whether all is done, or what is left is for a later run.
    fn drained(&mut self, unsettled: bool) -> Result<Option<WorkerEnd>, QueueError> {
        if self.options.mode == Mode::Stay || unsettled {
            return Ok(None);
        }
        if self.capacity.short_for_ms().is_some_and(|ms| ms >= self.config.drain_wait_ms)
            && self.shared.queue.unfinished()?.1 == 0
        {
            return Ok(Some(self.finished(true)));
        }
        let rest = remaining(&self.shared.queue, self.config.drain_wait_ms)?;
        Ok(match rest {
            Remaining::Busy => None,
            Remaining::Later => Some(self.finished(true)),
            Remaining::Empty => Some(self.finished(false)),
        })
    }
}
