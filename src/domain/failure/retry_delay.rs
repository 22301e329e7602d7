//! When a task is tried again, and when enough is enough.

use crate::domain::time::UnixMs;

/// First back-off after a failure of its own, milliseconds; doubles, up to [`BACKOFF_CAP_MS`].
pub const BACKOFF_BASE_MS: u64 = 10_000;
/// The longest back-off, milliseconds.
pub const BACKOFF_CAP_MS: u64 = 30 * 60_000;

/// What follows a charged failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Tried again at this time.
    RetryAt(UnixMs),
    /// No attempt is left.
    GiveUp,
}

/// After the `failures`-th charged failure of this life (1 for the first). `dice` is uniform in 0..2^64:
/// full jitter, so that tasks that failed together do not come back together.
pub fn after_failure(failures: u32, max_attempts: u32, dice: u64, now: UnixMs) -> Next {
    if failures >= max_attempts {
        return Next::GiveUp;
    }
    let ceiling = BACKOFF_BASE_MS
        .saturating_mul(1_u64 << failures.saturating_sub(1).min(20))
        .min(BACKOFF_CAP_MS);
    Next::RetryAt(now.plus_ms(dice % (ceiling + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_is_the_last() {
        assert_eq!(after_failure(1, 1, 7, UnixMs(0)), Next::GiveUp);
        assert_eq!(after_failure(3, 3, 7, UnixMs(0)), Next::GiveUp);
    }

    #[test]
    fn back_off_grows_is_capped_and_jitters_from_zero() {
        let at = |failures, dice| match after_failure(failures, 99, dice, UnixMs(0)) {
            Next::RetryAt(at) => at.0,
            Next::GiveUp => panic!("attempts are left"),
        };
        assert_eq!(at(1, 0), 0);
        assert_eq!(at(1, BACKOFF_BASE_MS), BACKOFF_BASE_MS);
        assert_eq!(at(2, 2 * BACKOFF_BASE_MS), 2 * BACKOFF_BASE_MS);
        assert_eq!(at(60, BACKOFF_CAP_MS), BACKOFF_CAP_MS);
    }
}
