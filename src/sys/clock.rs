//! Clocks: monotonic for deadlines, calendar for people.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::UnixMs;

/// Milliseconds on this process's monotonic clock (from its first call).
pub fn mono_ms() -> u64 {
    mono_us() / 1000
}

/// The same in microseconds.
pub fn mono_us() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The calendar time.
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Pauses this thread. Only for pacing what cannot be waited for; never to synchronise.
pub fn pause_ms(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// A time stamp for names: `20261120T113012123`, UTC.
pub fn stamp(at: UnixMs) -> String {
    timestamp(at).strftime("%Y%m%dT%H%M%S%3f").to_string()
}

/// Local time for people: `2026-11-20 11:30:12`.
pub fn local(at: UnixMs) -> String {
    let zone = jiff::tz::TimeZone::system();
    timestamp(at).to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Local clock time for people: `11:30` of today, `Sun 11:30` within a week, else with its date.
pub fn local_short(at: UnixMs) -> String {
    short(at, now(), &jiff::tz::TimeZone::system())
}

fn short(at: UnixMs, now: UnixMs, zone: &jiff::tz::TimeZone) -> String {
    let [at, now] = [at, now].map(|time| timestamp(time).to_zoned(zone.clone()));
    let days = (at.date() - now.date()).get_days();
    let format = match days {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ => "%Y-%m-%d %H:%M",
    };
    at.strftime(format).to_string()
}

fn timestamp(at: UnixMs) -> jiff::Timestamp {
    i64::try_from(at.0)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}

/// How long ago this was, by the calendar, milliseconds; zero for what lies ahead.
pub fn since_ms(then_ms: u64) -> u64 {
    now().0.saturating_sub(then_ms)
}

/// Looks again soon, then more rarely: dying takes the kernel a moment, and it tells nobody but parents.
pub(super) struct Backoff(u64);

impl Backoff {
    pub(super) fn new() -> Backoff {
        Backoff(1)
    }

    pub(super) fn wait(&mut self) {
        pause_ms(self.0);
        self.0 = (self.0 * 2).min(20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_sorts_by_time_and_is_a_file_name() {
        assert_eq!(stamp(UnixMs(1_795_172_864_007)), "20261120T110744007");
    }

    #[test]
    fn a_time_of_another_day_says_which() {
        let now = UnixMs(1_795_172_864_007);
        let (hour, day) = (3_600_000, 86_400_000);
        for (ahead, said) in [
            (0, "11:07"),
            (12 * hour, "23:07"),
            (13 * hour, "Sat 00:07"),
            (6 * day, "Thu 11:07"),
            (7 * day, "2026-11-27 11:07"),
        ] {
            assert_eq!(short(UnixMs(now.0 + ahead), now, &jiff::tz::TimeZone::UTC), said);
        }
        let yesterday = UnixMs(now.0 - day);
        assert_eq!(short(yesterday, now, &jiff::tz::TimeZone::UTC), "2026-11-19 11:07");
    }
}
