//! An idle worker: waits for a hint, and keeps house now and then. Starts nothing, costs next to nothing.
//!
//! Watches exist only while it is idle: a busy worker must not be woken for every rename of the others.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::Shared;
use super::control::{Control, Level};
use super::heart::Ticker;
use crate::queue::ready::ReadyList;
use crate::queue::{Dir, Queue};
use crate::sys::random;
use crate::sys::watch::Watch;
use crate::tending::Round;

/// Without watches a look every so often, with jitter on top, milliseconds.
const POLL_MS: u64 = 1_000;
/// With watches, for what they may have missed, milliseconds.
const SLOW_POLL_MS: u64 = 5_000;
/// While a file is still being written, milliseconds.
const SETTLING_MS: u64 = 250;
/// So many tasks in a row make a busy worker, which needs no hints.
const BUSY_AFTER: u32 = 8;
/// The housekeeper's interval, milliseconds.
const KEEP_MS: u64 = 1_000;
/// While another process keeps house: how often to see whether it still does, with as much jitter on top.
const STAND_BY_MS: u64 = 3_000;

/// What an idle worker has.
pub(super) struct Idle {
    pub(super) ready: ReadyList,
    bell: Receiver<()>,
    control: Control,
    watch: Option<Watch>,
    armed: bool,
    /// Tasks since it last waited.
    since_idle: u32,
    /// Whether the end of others' tasks matters: it ends a drain.
    drains: bool,
}

impl Idle {
    pub(super) fn new(bell: Receiver<()>, control: Control, drains: bool) -> Idle {
        Idle {
            ready: ReadyList::default(),
            bell,
            control,
            watch: None,
            armed: false,
            since_idle: 0,
            drains,
        }
    }

    /// Busy again. Soon no more hints; but not at once, as making and ending watches takes the kernel
    /// longer than a few hints do.
    pub(super) fn worked(&mut self) {
        self.since_idle += 1;
        if self.since_idle >= BUSY_AFTER {
            self.watch = None;
            self.armed = false;
        }
    }

    /// Waits for a hint, a ring or the timer. The first wait only arms: what came before the watch existed is
    /// found by the look that follows at once.
    pub(super) fn wait(&mut self, queue: &Queue, root: &Path, unsettled: bool) {
        self.ready.invalidate();
        self.since_idle = 0;
        if !self.armed {
            self.arm(queue, root);
            return;
        }
        let base = match (unsettled, &self.watch) {
            (true, _) => SETTLING_MS,
            (false, Some(_)) => SLOW_POLL_MS,
            (false, None) => POLL_MS,
        };
        self.pause(base + random::below(base / 2));
    }

    /// Waits for a ring of the bell (which hints ring too), at most so long.
    pub(super) fn pause(&self, ms: u64) {
        let _hint_or_timer = self.bell.recv_timeout(Duration::from_millis(ms));
    }

    fn arm(&mut self, queue: &Queue, root: &Path) {
        self.armed = true;
        let control = self.control.clone();
        let watch = Watch::new(move || control.ring());
        let dir = |dir| queue.layout().dir(dir);
        let mut dirs = vec![dir(Dir::Pending), dir(Dir::Ready), root.to_owned()];
        if self.drains {
            // A task leaves `ready/` before its claim goes, and only then the drain is over.
            dirs.push(dir(Dir::Claims));
        }
        self.watch =
            watch.and_then(|mut watch| dirs.iter().all(|dir| watch.add(dir)).then_some(watch));
    }
}

/// The housekeeper's thread: a round a second if it is this worker's turn, else a look now and then whether
/// it has become so.
pub(super) fn start_housekeeper(shared: &Shared) -> Ticker {
    let shared = shared.clone();
    Ticker::start("housekeeper", KEEP_MS, move || {
        if shared.control.level() > Level::Drain {
            return KEEP_MS;
        }
        let mut tender = shared.tender();
        // An error here meets the main thread too, which reports it.
        if tender.tend(&shared.journal).unwrap_or_default() != Round::default() {
            shared.control.ring();
        }
        if tender.leads() { KEEP_MS } else { STAND_BY_MS + random::below(STAND_BY_MS) }
    })
}
