//! An idle worker: waits for a hint, and keeps house now and then. Starts nothing, costs next to nothing.
//!
//! Only so many idle workers watch: one event must not wake a hundred for one task. The others look once a
//! second; whoever of the watchers becomes busy makes room for one of them.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::Shared;
use super::control::{Control, Level};
use super::ticker::Ticker;
use crate::housekeeping::Pass;
use crate::queue::Queue;
use crate::queue::ready::ReadyList;
use crate::site::Dir;
use crate::sys::lock::Lock;
use crate::sys::lookout::ProcessWatcher;
use crate::sys::random;
use crate::sys::watch::FileWatch;

/// Without watches a look every so often, with jitter on top, milliseconds.
const POLL_MS: u64 = 1_000;
/// With watches, for what they may have missed, milliseconds.
const SLOW_POLL_MS: u64 = 5_000;
/// While a file is still being written, milliseconds.
const SETTLING_MS: u64 = 250;
/// Those who wait for a breaker come within so long of its opening, milliseconds.
const GATE_JITTER_MS: u64 = 500;
/// So many idle workers of a machine watch.
const WATCHERS: usize = 12;
/// So many tasks in a row make a busy worker, which needs no hints.
const BUSY_AFTER: u32 = 8;
/// The housekeeper's interval, milliseconds.
const KEEP_MS: u64 = 1_000;

/// What an idle worker has.
pub(super) struct Idle {
    pub(super) ready: ReadyList,
    bell: Receiver<()>,
    control: Control,
    watch: Option<FileWatch>,
    /// The right to watch, while idle.
    seat: Option<Lock>,
    /// Tasks since it last waited.
    since_idle: u32,
    /// Whether the end of others' tasks matters: it ends a drain.
    drains: bool,
}

impl Idle {
    pub(super) fn new(bell: Receiver<()>, control: Control, drains: bool) -> Idle {
        let ready = ReadyList::default();
        Idle { ready, bell, control, watch: None, seat: None, since_idle: 0, drains }
    }

    /// A task is in hand: another idle worker may watch instead.
    pub(super) fn busy(&mut self) {
        self.seat = None;
    }

    /// The task is over. Soon no more hints; but not at once, as making and ending watches takes the kernel
    /// longer than a few hints do.
    pub(super) fn worked(&mut self) {
        self.since_idle += 1;
        if self.since_idle >= BUSY_AFTER {
            self.watch = None;
        }
    }

    /// Waits for a hint, a ring or the timer. A wait that arms returns at once: what came before the watch
    /// existed is found by the look that follows. A breaker that opens by itself ends it.
    pub(super) fn wait(
        &mut self,
        queue: &Queue,
        root: &Path,
        unsettled: bool,
        opens_in_ms: Option<u64>,
    ) {
        self.ready.invalidate();
        self.since_idle = 0;
        if self.seat.is_none() {
            self.seat = seat(queue);
        }
        if self.seat.is_none() {
            // Enough others watch.
            self.watch = None;
        } else if self.watch.is_none() && self.arm(queue, root) {
            return;
        }
        let base = match (unsettled, &self.watch) {
            (true, _) => SETTLING_MS,
            (false, Some(_)) => SLOW_POLL_MS,
            (false, None) => POLL_MS,
        };
        let usual = base + random::below(base / 2);
        // Not all at the very moment at which a breaker opens; after a short wait not much later either.
        let jitter = |ms: u64| random::below(GATE_JITTER_MS.min(ms / 4 + 50));
        let opens = opens_in_ms.map(|ms| ms + jitter(ms));
        self.pause(opens.map_or(usual, |ms| ms.min(usual)));
    }

    /// Waits for a ring of the bell (which hints ring too), at most so long.
    pub(super) fn pause(&self, ms: u64) {
        // A hint and the end of the time mean the same.
        self.bell.recv_timeout(Duration::from_millis(ms)).ok();
    }

    /// Begins to watch, if the machine has watches left. True: it does.
    fn arm(&mut self, queue: &Queue, root: &Path) -> bool {
        let control = self.control.clone();
        self.watch = FileWatch::new(move || control.ring()).and_then(|mut watch| {
            let dir = |dir| queue.paths().dir(dir);
            let mut dirs =
                vec![dir(Dir::Pending), dir(Dir::Ready), dir(Dir::Accounts), root.to_owned()];
            if self.drains {
                // A task leaves `ready/` before its claim goes, and only then the drain is over.
                dirs.push(dir(Dir::Claims));
            }
            dirs.iter().all(|dir| watch.add(dir)).then_some(watch)
        });
        self.watch.is_some()
    }
}

/// One of the places of those who watch; a lock, so that it is free again however its holder ends.
fn seat(queue: &Queue) -> Option<Lock> {
    (0..WATCHERS).find_map(|seat| {
        let path = queue.paths().watcher_lock(seat);
        Lock::try_take(&path).ok().flatten()
    })
}

/// The housekeeper's thread: a pass a second if it is this worker's turn, else a look now and then whether
/// it has become so. The end of a process that matters (of a worker, or of the one who keeps house) wakes it.
pub(super) fn start_housekeeper(shared: &Shared) -> Ticker {
    let shared = shared.clone();
    Ticker::start("housekeeper", KEEP_MS, move |waker| {
        // Where the system has none, the timer has to do.
        let lookout = ProcessWatcher::start(move || waker.wake()).ok();
        move || {
            if shared.control.level() > Level::Drain {
                return KEEP_MS;
            }
            let mut housekeeper = shared.housekeeper();
            // An error here meets the main thread too, which reports it.
            if housekeeper.pass_in_turn(&shared.journal).unwrap_or_default() != Pass::default() {
                shared.control.ring();
            }
            if let Some(lookout) = &lookout {
                lookout.watch(&housekeeper.watched());
            }
            housekeeper.next_look_ms()
        }
    })
}
