//! A closed gate: claims of one agent's tasks wait, because the trouble is not one task's.
//!
//! An overload or a refused log-in met by one worker would meet all others too. The first one closes the
//! gate for everybody on the queue; it opens by itself at a time.

use serde::{Deserialize, Serialize};

use super::outcome::{Fault, waits};
use super::time::UnixMs;

/// One agent's gate, as it lies in `gates/NAME`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gate {
    /// The trouble: a [`Fault::word`].
    pub fault: String,
    /// One line for people.
    pub detail: String,
    /// Claims wait until then.
    #[serde(rename = "until_ms")]
    pub until: UnixMs,
    /// When it was closed last.
    #[serde(rename = "since_ms")]
    pub since: UnixMs,
    /// How many times in a row.
    pub strikes: u32,
}

/// The longest overload back-off, milliseconds.
pub const OVERLOAD_CAP_MS: u64 = 15 * 60_000;

/// A gate that has been open for so long forgets its strikes, milliseconds.
pub const FORGET_MS: u64 = 10 * 60_000;

impl Gate {
    /// Whether claims must wait at `now`.
    pub fn closed(&self, now: UnixMs) -> bool {
        now < self.until
    }

    /// The gate after `fault` at `now`, given what lay there; `None` where one task's trouble says nothing
    /// about the others. Several workers that meet one overload together are one strike.
    pub fn after(earlier: Option<&Gate>, fault: Fault, detail: &str, now: UnixMs) -> Option<Gate> {
        let recent =
            earlier.filter(|gate| gate.fault == fault.word() && now.since(gate.until) < FORGET_MS);
        let strikes = match recent {
            Some(gate) if gate.closed(now) => gate.strikes,
            Some(gate) => gate.strikes.saturating_add(1),
            None => 1,
        };
        let until = match fault {
            Fault::Overload => {
                let doubled = waits::OVERLOAD_MS << (strikes - 1).min(10);
                now.plus_ms(doubled.min(OVERLOAD_CAP_MS))
            }
            Fault::Limit { resets_at_secs: Some(secs) } => UnixMs::from_secs(secs),
            Fault::Limit { resets_at_secs: None } => now.plus_ms(waits::LIMIT_MS),
            Fault::Auth | Fault::Spend | Fault::Missing => now.plus_ms(waits::PERSON_MS),
            _ => return None,
        };
        let until = recent.map_or(until, |gate| gate.until.max(until));
        Some(Gate { fault: fault.word().into(), detail: detail.into(), until, since: now, strikes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overload_met_by_ten_workers_is_one_strike() {
        let first = Gate::after(None, Fault::Overload, "529", UnixMs(0)).expect("closes");
        let tenth = Gate::after(Some(&first), Fault::Overload, "529", UnixMs(5)).expect("closes");
        assert_eq!(tenth.strikes, 1);
        let later = first.until.plus_ms(1_000);
        let again = Gate::after(Some(&first), Fault::Overload, "529", later).expect("closes");
        assert_eq!(again.strikes, 2);
        assert_eq!(again.until, later.plus_ms(2 * waits::OVERLOAD_MS));
    }

    #[test]
    fn a_tasks_own_failure_closes_nothing() {
        assert_eq!(Gate::after(None, Fault::Error, "", UnixMs(0)), None);
        assert_eq!(Gate::after(None, Fault::Disk, "", UnixMs(0)), None);
    }

    #[test]
    fn strikes_are_forgotten_after_a_quiet_time() {
        let old = Gate::after(None, Fault::Overload, "", UnixMs(0)).expect("closes");
        let now = old.until.plus_ms(FORGET_MS);
        assert_eq!(Gate::after(Some(&old), Fault::Overload, "", now).expect("closes").strikes, 1);
    }
}
