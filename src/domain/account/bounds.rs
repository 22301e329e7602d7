//! What is believed of a breaker that lies in the queue: it may have been written by a clock that was wrong.
//!
//! Pure. Invariant: a clock that was ahead and is corrected leaves nothing closed, and no closing lasts longer than any
//! of its kind can.

use crate::domain::account::breaker::Breaker;
use crate::domain::account::window::Window;
use crate::domain::failure::fault::Fault;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds::{LONGEST_WAIT_MS, LONGEST_WINDOW_MS, window_ms, written_ahead};

impl Breaker {
    /// The breaker as it was written, as far as that can be believed at `now`. What was written in the future says nothing.
    pub fn believed(self, now: UnixMs) -> Option<Breaker> {
        if written_ahead(self.since, now) || self.opened_at.is_some_and(|at| written_ahead(at, now))
        {
            return None;
        }
        Some(Breaker {
            until: self.until.min(self.since.plus_ms(longest_ms(&self.fault))),
            answered_at: self.answered_at.filter(|at| !written_ahead(*at, now)),
            window: self.window.and_then(|window| believed(window, now)),
            ..self
        })
    }
}

fn believed(window: Window, now: UnixMs) -> Option<Window> {
    if written_ahead(window.seen_at, now) {
        return None;
    }
    let latest = window.seen_at.plus_ms(window_ms(window.kind.as_deref()));
    Some(Window { resets_at: window.resets_at.filter(|at| *at <= latest), ..window })
}

/// The longest time for which an account is closed after a fault of this word; a later version's may mean a window.
fn longest_ms(word: &str) -> u64 {
    let known = Fault::ALL.iter().find(|fault| fault.word() == word);
    match known {
        Some(Fault::Limit { .. }) | None => LONGEST_WINDOW_MS,
        Some(_) => LONGEST_WAIT_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);
    const HOUR: u64 = 3_600_000;
    const YEARS: u64 = 10 * 365 * 24 * HOUR;

    fn limit(since: UnixMs, until: UnixMs) -> Breaker {
        Breaker {
            fault: "limit".into(),
            since,
            until,
            consecutive_failures: 1,
            ..Breaker::default()
        }
    }

    #[test]
    fn what_was_written_in_the_future_says_nothing() {
        let ago = |ms| UnixMs(NOW.0 - ms);
        let good = limit(ago(HOUR), NOW.plus_ms(HOUR));
        assert_eq!(good.clone().believed(NOW), Some(good.clone()));
        for ahead in [120_000, HOUR, 24 * HOUR, YEARS] {
            let at = NOW.plus_ms(ahead);
            assert_eq!(limit(at, at.plus_ms(HOUR)).believed(NOW), None, "{ahead}");
            let opened = Breaker { opened_at: Some(at), ..good.clone() };
            assert_eq!(opened.believed(NOW), None, "{ahead}");
            // Who vouched for the log-in then vouches for nothing now.
            let heard = Breaker { answered_at: Some(at), ..good.clone() };
            assert_eq!(heard.believed(NOW), Some(good.clone()), "{ahead}");
            let window = Some(Window { seen_at: at, ..Window::default() });
            assert_eq!(
                Breaker { window, ..good.clone() }.believed(NOW),
                Some(good.clone()),
                "{ahead}"
            );
        }
        assert!(
            limit(NOW.plus_ms(30_000), NOW.plus_ms(HOUR)).believed(NOW).is_some(),
            "two machines"
        );
    }

    #[test]
    fn no_closing_lasts_longer_than_its_kind() {
        let closed = |fault: &str, at: UnixMs| {
            let breaker = Breaker { fault: fault.into(), ..limit(NOW, NOW.plus_ms(YEARS)) };
            breaker.believed(NOW).is_some_and(|breaker| breaker.tripped(at))
        };
        for fault in ["overload", "auth", "spend", "missing"] {
            assert!(closed(fault, NOW.plus_ms(1)) && !closed(fault, NOW.plus_ms(HOUR)), "{fault}");
        }
        for fault in ["limit", "of_a_later_version"] {
            assert!(closed(fault, NOW.plus_ms(7 * 24 * HOUR)), "{fault}");
            assert!(!closed(fault, NOW.plus_ms(8 * 24 * HOUR)), "{fault}");
        }
    }

    #[test]
    fn a_window_of_five_hours_does_not_slow_claims_for_years() {
        let window = Window {
            kind: Some("five_hour".into()),
            utilization: Some(0.95),
            resets_at: Some(NOW.plus_ms(YEARS)),
            status: "allowed_warning".into(),
            seen_at: NOW,
            source: "x".into(),
        };
        let open = Breaker { opened_at: Some(NOW), window: Some(window), ..Breaker::default() };
        let breaker = open.believed(NOW).expect("believed");
        assert!(breaker.slow(NOW) && !breaker.slow(NOW.plus_ms(HOUR)));
    }
}
