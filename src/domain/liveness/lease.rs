//! When a heartbeat counts as late and when as dead.
//!
//! A reader compares only what it saw itself, by its own monotonic clock: no two clocks meet. The order of
//! the three constants is the safety argument: a worker that cannot beat has stopped itself before anybody
//! may judge it dead.

/// A worker beats so often, milliseconds.
pub const HEARTBEAT_EVERY_MS: u64 = 2_000;

/// A worker that could not beat for so long kills its agent and stops, milliseconds.
pub const SELF_STOP_AFTER_MS: u64 = 10_000;

/// A heartbeat unchanged for so long, between two looks, is that of a dead worker, milliseconds.
pub const JUDGED_DEAD_AFTER_MS: u64 = 20_000;

const _: () = assert!(HEARTBEAT_EVERY_MS * 3 < SELF_STOP_AFTER_MS);
const _: () = assert!(SELF_STOP_AFTER_MS * 3 / 2 < JUDGED_DEAD_AFTER_MS);

/// What a reader saw of a heartbeat: equal means "has not beaten in between".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pulse {
    /// Modification time of the file, nanoseconds, by the file system's clock.
    pub mtime_ns: i128,
    /// The counter in the file.
    pub count: u64,
}

/// The first sight of a pulse that has not changed since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// What was seen.
    pub pulse: Pulse,
    /// When, by the reader's monotonic clock, milliseconds.
    pub seen_at_ms: u64,
}

impl Look {
    /// The look to remember after seeing `pulse` at `now_ms`: the old one while nothing changed.
    pub fn again(earlier: Option<Look>, pulse: Pulse, now_ms: u64) -> Look {
        match earlier {
            Some(look) if look.pulse == pulse => look,
            _ => Look { pulse, seen_at_ms: now_ms },
        }
    }

    /// Whether the lease has run out by `now_ms`.
    pub fn expired(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.seen_at_ms) >= JUDGED_DEAD_AFTER_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn death_needs_two_looks_a_lease_apart() {
        let still = Pulse { mtime_ns: 5, count: 1 };
        let first = Look::again(None, still, 100);
        assert!(!first.expired(100 + JUDGED_DEAD_AFTER_MS - 1));
        let second = Look::again(Some(first), still, 100 + JUDGED_DEAD_AFTER_MS);
        assert!(second.expired(100 + JUDGED_DEAD_AFTER_MS));
    }

    #[test]
    fn one_beat_starts_the_lease_anew() {
        let first = Look::again(None, Pulse { mtime_ns: 5, count: 1 }, 0);
        let beaten = Look::again(Some(first), Pulse { mtime_ns: 5, count: 2 }, 19_000);
        assert!(!beaten.expired(30_000));
    }
}
