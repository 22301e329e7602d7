//! Waiting for what other processes do: the one place where tests poll, and the one deadline they share.
//!
//! Invariant: a wait ends at once when its condition holds; the deadline is only for what never comes.

use std::time::{Duration, Instant};

/// So long may anything take on a busy machine before it counts as never.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks.
const PACE: Duration = Duration::from_millis(10);

/// Waits until `look` finds something; `what` says what, where it never does.
#[track_caller]
pub(crate) fn wait_for<T>(what: impl std::fmt::Display, look: impl FnMut() -> Option<T>) -> T {
    wait_within(DEADLINE, what, look)
}

/// As [`wait_for`], with a deadline of its own.
#[track_caller]
pub(crate) fn wait_within<T>(
    limit: Duration,
    what: impl std::fmt::Display,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < limit, "never came: {what}");
        std::thread::sleep(PACE);
    }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: impl std::fmt::Display, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}

/// Asserts that a condition holds for as long as a thing that must not happen would take to happen.
#[track_caller]
pub(crate) fn stays(what: impl std::fmt::Display, long: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < long {
        assert!(holds(), "did not stay: {what}");
        std::thread::sleep(PACE);
    }
}

/// Whether a condition comes to hold within a time.
pub(crate) fn comes_within(long: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < long {
        if holds() {
            return true;
        }
        std::thread::sleep(PACE);
    }
    holds()
}
