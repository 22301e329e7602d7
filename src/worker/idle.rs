//! An idle worker: waits for a hint from the file system, or for the next look.
//!
//! Only so many idle workers watch: one event must not wake a hundred for one task. The others wait for the lock of one
//! of them; whoever of the watchers becomes busy gives it to one that waits.

use std::path::PathBuf;
use std::sync::Arc;

use super::control::Control;
use super::shared::WorkerContext;
use crate::queue::Queue;
use crate::site::Dir;
use crate::sys::lock::{Lock, LockWaiter};
use crate::sys::random;
use crate::sys::watch::FileWatch;

/// Without watches a look every so often, with jitter on top, milliseconds.
const POLL_MS: u64 = 1_000;
/// With watches (or while others watch), for what they may have missed, milliseconds.
const SLOW_POLL_MS: u64 = 5_000;
/// While a file is still being written, milliseconds.
const SETTLING_MS: u64 = 250;
/// Those who wait for an account come within so long of its opening, milliseconds.
const OPENING_JITTER_MS: u64 = 500;
/// So many idle workers of a machine watch.
const WATCHERS: usize = 12;
/// So many looks in a row may find nothing, each at once when a hint comes; where others take what comes, hints are many.
const AT_ONCE: u32 = 3;
/// After that looking takes at most one part in so many of a worker's time.
const LOOK_SHARE: u64 = 20;
/// It rests for no longer between two of them, milliseconds.
const REST_MS: u64 = 250;
/// So many tasks in a row make a busy worker, which needs no hints.
const BUSY_AFTER: u32 = 8;

/// What an idle worker has.
pub(super) struct Idle {
    control: Control,
    watch: Option<FileWatch>,
    /// The right to watch, while idle.
    seat: Option<Lock>,
    seat_waiter: LockWaiter,
    /// Tasks since it last waited.
    since_idle: u32,
    /// Looks in a row that a hint led to, or the last task, and that found none.
    fruitless: u32,
    /// Whether the end of others' tasks matters: it ends a drain.
    drains: bool,
}

impl Idle {
    pub(super) fn new(control: Control, drains: bool) -> Idle {
        let waking = control.clone();
        let seat_waiter = LockWaiter::new(Arc::new(move || waking.wake()));
        Idle { control, watch: None, seat: None, seat_waiter, since_idle: 0, fruitless: 0, drains }
    }

    /// A task is in hand: another idle worker may watch instead.
    pub(super) fn busy(&mut self) {
        self.seat = None;
        self.seat_waiter.stop();
    }

    /// The task is over. Soon no more hints; but not at once, as making and ending watches takes the kernel
    /// longer than a few hints do.
    pub(super) fn worked(&mut self) {
        self.since_idle += 1;
        self.fruitless = 0;
        if self.since_idle >= BUSY_AFTER {
            self.watch = None;
        }
    }

    /// Waits for a hint, another thread or the timer, after a look that took `look_us`. A wait that begins to watch
    /// returns at once: what came before the watch existed is found by the look that follows. An account that opens by
    /// itself ends it.
    pub(super) fn wait(
        &mut self,
        context: &WorkerContext,
        look_us: u64,
        unsettled: bool,
        opens_in_ms: Option<u64>,
    ) {
        let (queue, root) = (&context.shared.queue, &context.config.root);
        self.since_idle = 0;
        if self.seat.is_none() {
            // Where locks do not work nobody watches.
            self.seat = self.seat_waiter.take_any(&seats(queue)).ok().flatten();
        }
        if self.seat.is_none() {
            // Enough others watch.
            self.watch = None;
        } else if self.watch.is_none() && self.arm(queue, root) {
            return;
        }
        self.fruitless = self.fruitless.saturating_add(1);
        if context.rest(rest_ms(self.fruitless, look_us)) {
            return;
        }
        let hears = self.watch.is_some() || self.seat_waiter.is_waiting();
        if !context.pause(wait_ms(unsettled, hears, opens_in_ms, random::below)) {
            // Hints that come one by one are followed at once.
            self.fruitless = 0;
        }
    }

    /// Begins to watch, if the machine has watches left. True: it does.
    fn arm(&mut self, queue: &Queue, root: &std::path::Path) -> bool {
        let control = self.control.clone();
        self.watch = FileWatch::new(move || control.wake()).and_then(|mut watch| {
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

/// The places of those who watch; locks, so that each is free again however its holder ends.
fn seats(queue: &Queue) -> Vec<PathBuf> {
    let seat = |seat| queue.paths().watcher_lock(seat);
    (0..WATCHERS).map(seat).collect()
}

/// How long hints are left alone, after so many looks in a row that found nothing, the last of which took so long.
fn rest_ms(fruitless: u32, look_us: u64) -> u64 {
    if fruitless < AT_ONCE { 0 } else { (look_us * LOOK_SHARE / 1000).min(REST_MS) }
}

/// How long to wait; `below` throws a die of so many sides, so that not all come at the very same moment.
fn wait_ms(
    unsettled: bool,
    hears: bool,
    opens_in_ms: Option<u64>,
    below: impl Fn(u64) -> u64,
) -> u64 {
    let base = match (unsettled, hears) {
        (true, _) => SETTLING_MS,
        (false, true) => SLOW_POLL_MS,
        (false, false) => POLL_MS,
    };
    let usual = base + below(base / 2);
    // After a short wait not much later either.
    let opens = opens_in_ms.map(|ms| ms + below(OPENING_JITTER_MS.min(ms / 4 + 50)));
    opens.map_or(usual, |ms| ms.min(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_hints_that_lead_nowhere_are_followed_in_a_part_of_the_time() {
        for (fruitless, look_us, rest, case) in [
            (1, 10_000, 0, "the first hint is followed at once"),
            (2, 10_000, 0, "and the next"),
            (3, 10_000, 200, "then looks take a twentieth of the time"),
            (3, 40, 0, "a quick look costs nobody anything"),
            (900, 1_000_000, 250, "what waits is found within this all the same"),
        ] {
            assert_eq!(rest_ms(fruitless, look_us), rest, "{case}");
        }
    }

    #[test]
    fn a_wait_is_as_long_as_nothing_can_be_missed() {
        let least = |_| 0;
        let most = |sides: u64| sides - 1;
        for (unsettled, hears, opens, from, to, case) in [
            (false, true, None, 5_000, 7_499, "a watcher looks for what its watch missed"),
            (false, false, None, 1_000, 1_499, "who hears of nothing looks"),
            (true, true, None, 250, 374, "a file is still being written"),
            (false, true, Some(0), 0, 49, "an account opens now"),
            (false, true, Some(400), 400, 549, "soon, and not all at once"),
            (false, false, Some(60_000), 1_000, 1_499, "later than the usual look"),
        ] {
            assert_eq!(wait_ms(unsettled, hears, opens, least), from, "{case}");
            assert_eq!(wait_ms(unsettled, hears, opens, most), to, "{case}");
        }
    }
}
