//! Keeps the pool at its size and the queue tended; if it dies, the work goes on.
//!
//! Workers are processes in sessions of their own, known only through their files in the queue and their
//! process identities: a coordinator that starts anew adopts those that live. It may not know what a task
//! says or how an agent runs. It wakes once a second and on signals; it decides nothing about outcomes.
//!
//! Names: `capacity`, `domain`, `housekeeping`, `queue`, `site`, `sys`.

mod capacity;
pub mod decide;
mod members;
mod options;
pub mod pool;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::domain::event::{Event, ProcessEnd};
use crate::domain::settings::config::Config;
use crate::housekeeping::capacity::reserve_file;
use crate::housekeeping::{Housekeeper, Remaining, remaining};
use crate::queue::journal::Journal;
use crate::queue::{Queue, QueueError};
use crate::site::Site;
use crate::sys::signal::Signal;
use crate::sys::watch::ProcessWatcher;
use crate::sys::{clock, fs};

use decide::{DrainStep, Phase, SignalAction, drain_step, on_signal};
use pool::Pool;

pub use options::{CoordinatorOptions, PoolObserver};

/// Between two looks, milliseconds.
const TICK_MS: u64 = 1_000;
/// The same while housekeeping has nothing to do, so that a `scale` is heard within this.
const LONGEST_TICK_MS: u64 = 2_000;
/// On top of the agents' own graces, before a worker that will not stop is killed, milliseconds.
const STOP_MARGIN_MS: u64 = 15_000;

/// Why a coordinator ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorEnd {
    /// The drain is over; `later`: something waits for a later run.
    Drained {
        /// Something waits for a later run.
        later: bool,
    },
    /// By this signal.
    Signalled(Signal),
    /// Workers could not be started.
    NoWorkers,
}

/// Runs until drained or told to end.
pub fn run(
    config: Config,
    queue: Queue,
    signals: &Receiver<Signal>,
    options: CoordinatorOptions,
    observer: &mut dyn PoolObserver,
) -> Result<CoordinatorEnd, QueueError> {
    crate::sys::sweep::become_subreaper()
        .map_err(QueueError::machine("see the ends of agents' children"))?;
    let journal = queue.journal(&format!("coordinator-{:016x}", crate::sys::random::number()))?;
    journal.record(Event::CoordinatorStarted { agents: config.agents, drain: options.drain });
    let housekeeper = Housekeeper::new(queue.clone(), &config);
    let ended = options.ended.clone();
    // Where the system has none, the timer has to do.
    let lookout = ProcessWatcher::start(move || {
        // Nobody listens once the coordinator has ended.
        ended.send(Signal::Child).ok();
    })
    .ok();
    let pool = Pool::adopt(&queue, &options, config.agents)?;
    if pool.running() > 0 {
        observer.say(&format!("adopted {} running worker(s)", pool.running()));
    }
    let mut coordinator = Coordinator {
        capacity: capacity::CapacityNotice::new(&queue, &config),
        config,
        queue,
        options,
        pool,
        housekeeper,
        lookout,
        journal,
        phase: Phase::Running,
    };
    let ended = coordinator.go_on(signals, observer);
    coordinator.journal.record(end_event(&ended));
    ended
}

/// The last event of its journal.
fn end_event(ended: &Result<CoordinatorEnd, QueueError>) -> Event {
    let how = match ended {
        Ok(CoordinatorEnd::Drained { .. }) => ProcessEnd::Finished,
        Ok(CoordinatorEnd::Signalled(_)) => ProcessEnd::Stopped,
        Ok(CoordinatorEnd::NoWorkers) => ProcessEnd::NoWorkers,
        Err(_) => ProcessEnd::Error,
    };
    Event::CoordinatorEnded { how, error: ended.as_ref().err().map(ToString::to_string) }
}

struct Coordinator {
    config: Config,
    queue: Queue,
    options: CoordinatorOptions,
    pool: Pool,
    housekeeper: Housekeeper,
    lookout: Option<ProcessWatcher>,
    journal: Journal,
    capacity: capacity::CapacityNotice,
    phase: Phase,
}

impl Coordinator {
    fn go_on(
        &mut self,
        signals: &Receiver<Signal>,
        observer: &mut dyn PoolObserver,
    ) -> Result<CoordinatorEnd, QueueError> {
        loop {
            self.pool.reap(&self.queue, observer);
            if let Some(ended) = self.look(observer)? {
                self.pool.sweep_orphans();
                return Ok(ended);
            }
            observer.tick(&self.queue, self.pool.running(), self.pool.wanted());
            // Our options hold a sender, so the channel lasts: an error is the time.
            if let Ok(signal) = signals.recv_timeout(Duration::from_millis(self.tick_ms())) {
                self.hear(signal, observer);
            }
        }
    }

    /// How long nothing is looked at unless something is heard.
    fn tick_ms(&self) -> u64 {
        match self.phase {
            Phase::Running => self.housekeeper.next_look_ms().clamp(TICK_MS, LONGEST_TICK_MS),
            Phase::Finishing(_) | Phase::Stopping(..) => TICK_MS,
        }
    }

    fn look(
        &mut self,
        observer: &mut dyn PoolObserver,
    ) -> Result<Option<CoordinatorEnd>, QueueError> {
        match self.phase {
            Phase::Running => self.look_running(observer),
            Phase::Finishing(signal) => {
                Ok((self.pool.running() == 0).then_some(CoordinatorEnd::Signalled(signal)))
            }
            Phase::Stopping(signal, deadline_ms) => {
                if self.pool.running() > 0 && clock::mono_ms() >= deadline_ms {
                    observer
                        .say("a worker does not stop: killing it, its task goes back to the queue");
                    self.pool.kill();
                }
                if self.pool.running() > 0 {
                    return Ok(None);
                }
                // What was killed goes back; what was parked stays parked, for the next run.
                self.housekeeper.reclaim(&self.journal)?;
                Ok(Some(CoordinatorEnd::Signalled(signal)))
            }
        }
    }

    fn look_running(
        &mut self,
        observer: &mut dyn PoolObserver,
    ) -> Result<Option<CoordinatorEnd>, QueueError> {
        let pass = match self.housekeeper.pass_in_turn(&self.journal) {
            Err(e) if e.disk_full() => {
                if reserve_file(&self.queue).release() {
                    self.journal.record(Event::ReserveReleased);
                    return Ok(None);
                }
                observer.say(&format!("{e}; waiting for space"));
                return Ok(None);
            }
            other => other?,
        };
        if let Some(lookout) = &self.lookout {
            lookout.watch(&self.housekeeper.watched());
        }
        self.capacity.tell(&self.queue, &self.config, observer)?;
        self.rescale(observer);
        if self.options.drain {
            self.pool.retire_stayers(&self.queue)?;
        }
        if self.options.drain && self.pool.all_finished() {
            match self.drain_step(pass.unsettled > 0, observer)? {
                DrainStep::End { later } => return Ok(Some(CoordinatorEnd::Drained { later })),
                DrainStep::Restart => self.pool.restart(),
            }
        }
        if self.pool.broken() && self.options.drain {
            return Ok(Some(CoordinatorEnd::NoWorkers));
        }
        self.pool.keep(&self.queue, &self.options, observer)?;
        Ok(None)
    }

    fn drain_step(
        &mut self,
        unsettled: bool,
        observer: &mut dyn PoolObserver,
    ) -> Result<DrainStep, QueueError> {
        let left = remaining(&self.queue, self.config.drain_wait_ms)?;
        let short = left == Remaining::Busy
            && self.capacity.is_missing(&self.queue, &self.config, observer)?;
        let paused = fs::exists(&Site::at(&self.config.root).interrupt());
        Ok(drain_step(left, short, paused, unsettled))
    }

    /// `coordinator scale N` leaves its number in a file; it holds until the next start.
    fn rescale(&mut self, observer: &mut dyn PoolObserver) {
        let path = Site::at(&self.config.root).scale();
        let text = fs::read_if_any(&path).ok().flatten();
        let wanted = text.and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok());
        let wanted = wanted.unwrap_or(self.config.agents);
        if wanted as usize != self.pool.wanted() {
            observer.say(&format!("scaling from {} to {wanted} workers", self.pool.wanted()));
            self.pool.scale(wanted);
        }
    }

    fn hear(&mut self, signal: Signal, observer: &mut dyn PoolObserver) {
        match on_signal(signal, self.phase) {
            SignalAction::None => {}
            SignalAction::Reload => self.reload(observer),
            SignalAction::Finish => {
                observer.say("ending after the running tasks; again to stop now");
                self.pool.signal(Signal::Interrupt);
                self.phase = Phase::Finishing(signal);
            }
            SignalAction::Stop => {
                observer.say("stopping now: work in hand is committed, its tasks are parked");
                self.pool.signal(Signal::Terminate);
                let timeouts = &self.config.timeouts;
                let grace_ms =
                    timeouts.interrupt_grace_ms + timeouts.terminate_grace_ms + STOP_MARGIN_MS;
                self.phase = Phase::Stopping(signal, clock::mono_ms() + grace_ms);
            }
        }
    }

    fn reload(&mut self, observer: &mut dyn PoolObserver) {
        match (self.options.reload)() {
            Ok(config) => {
                self.housekeeper.configure(&config);
                self.capacity.configure(&self.queue, &config);
                self.config = config;
                self.pool.signal(Signal::HangUp);
                observer.say("settings re-read");
            }
            Err(why) => observer.say(&format!("the settings stay as they were: {why}")),
        }
    }
}
