//! What is believed of a date: no wait is longer than what is waited for can last, and nothing was written in the future.
//!
//! Dates come from services (through agents, which can say anything) and from clocks that may have been wrong when they
//! were written. Pure. Invariant: whatever a date says, what follows from it ends within a time that is a constant here.

use crate::domain::time::UnixMs;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Clocks that somebody keeps agree to within so much, milliseconds.
pub const SKEW_MS: u64 = MINUTE_MS;

/// The longest usage window that is known, and a little, milliseconds.
pub const LONGEST_WINDOW_MS: u64 = 7 * DAY_MS + HOUR_MS;

/// No wait of ours for anything but a window is as long, milliseconds.
pub const LONGEST_WAIT_MS: u64 = HOUR_MS;

/// The longest wait of an agent between two calls that is believed, milliseconds: the shortest window.
pub const ANNOUNCED_MAX_MS: u64 = 5 * HOUR_MS + 5 * MINUTE_MS;

/// How long a usage window of this kind can still last, and a little, milliseconds. One that nobody knows: a day, after
/// which one task tries.
pub fn window_ms(kind: Option<&str>) -> u64 {
    match kind {
        Some("five_hour") => 5 * HOUR_MS + 5 * MINUTE_MS,
        Some(kind) if kind.starts_with("seven_day") => LONGEST_WINDOW_MS,
        Some(_) | None => DAY_MS,
    }
}

/// The reset of a window, seconds since 1970, where the window can be as long as that; else nobody named one.
pub fn reset(kind: Option<&str>, at_secs: Option<u64>, now: UnixMs) -> Option<u64> {
    let latest = now.plus_ms(window_ms(kind));
    at_secs.filter(|secs| UnixMs::from_secs(*secs) <= latest)
}

/// Whether only a clock that was ahead can have written this: it lies in the future.
pub fn written_ahead(at: UnixMs, now: UnixMs) -> bool {
    at > now.plus_ms(SKEW_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);

    #[test]
    fn a_reset_is_believed_within_its_own_window() {
        let hours = |hours: u64| NOW.plus_ms(hours * HOUR_MS).secs_ceil();
        for (kind, at, believed) in [
            (Some("five_hour"), hours(5), true),
            (Some("five_hour"), hours(6), false),
            (Some("five_hour"), 4_102_444_800, false),
            (Some("seven_day"), hours(7 * 24), true),
            (Some("seven_day_opus"), hours(7 * 24), true),
            (Some("seven_day"), hours(8 * 24), false),
            (Some("overage"), hours(24), true),
            (Some("overage"), hours(25), false),
            (Some("five_hour "), hours(25), false),
            (None, hours(23), true),
            (None, u64::MAX, false),
            // It is over: whoever knows that tries.
            (Some("five_hour"), 0, true),
        ] {
            let expected = believed.then_some(at);
            assert_eq!(reset(kind, Some(at), NOW), expected, "{kind:?} {at}");
        }
        assert_eq!(reset(Some("five_hour"), None, NOW), None);
    }

    #[test]
    fn only_what_lies_clearly_ahead_was_written_by_a_wrong_clock() {
        assert!(!written_ahead(UnixMs(0), NOW) && !written_ahead(NOW.plus_ms(SKEW_MS), NOW));
        assert!(
            written_ahead(NOW.plus_ms(SKEW_MS + 1), NOW) && written_ahead(UnixMs(u64::MAX), NOW)
        );
    }
}
