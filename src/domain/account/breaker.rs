//! The breaker of an account: whether tasks whose agents use it may be claimed, now and by this worker.
//!
//! A usage limit, an overload or a refused log-in met by one agent would meet all others too. The first one
//! closes the account for everybody on the queue; after a time one worker tries (the probe), and once the
//! service answered it, the others follow one by one (the ramp). Pure; the files are `queue::accounts`.
//! Invariant: a breaker is advice. Without one, or with a torn one, the worst is an attempt that is not charged.

use serde::{Deserialize, Serialize};

use super::window::Window;
use crate::domain::failure::fault::Fault;
use crate::domain::failure::policy::{Again, Until};
use crate::domain::time::UnixMs;
use crate::domain::time_bounds::LONGEST_WINDOW_MS;

/// One account's breaker, as it lies in `accounts/ACCOUNT`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Breaker {
    /// The latest trouble: a [`Fault::word`]; empty: there was none.
    pub fault: String,
    /// One line for people.
    pub detail: String,
    /// Claims wait until then, unless the account was opened since.
    #[serde(rename = "until_ms")]
    pub until: UnixMs,
    /// When it tripped last.
    #[serde(rename = "since_ms")]
    pub since: UnixMs,
    /// How many times in a row.
    pub consecutive_failures: u32,
    /// When the service answered for the first time since; `None`: not yet.
    #[serde(rename = "opened_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<UnixMs>,
    /// When it answered last, to within a few minutes.
    #[serde(rename = "answered_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<UnixMs>,
    /// The latest news of the account's usage window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// Whether an account's tasks are claimed; the words of JSON and events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// All is well.
    Open,
    /// Claims are slowed down near a limit.
    Slow,
    /// One worker tries whether the account works again.
    Probe,
    /// Nothing is claimed.
    Closed,
}

/// How the agents of an account show that it works.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum HealthCheck {
    /// They do not talk with a service, as far as anybody can see.
    None,
    /// What the model says shows it.
    Passive,
    /// So it does, and many are not started before one of them was answered.
    ProbeFirst,
}

/// What a worker that would claim a task of the account has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permit {
    /// Claim.
    Open,
    /// Claim, but not more often than this: the window is nearly used up.
    Slow {
        /// Milliseconds from one claim to the next.
        every_ms: u64,
    },
    /// Claim only as the probe: the one worker who tries whether it works.
    Probe,
    /// Claim from then on.
    Ramp {
        /// This worker's turn.
        from: UnixMs,
    },
    /// Wait.
    Closed {
        /// Until then.
        until: UnixMs,
    },
}

/// The longest back-off of an overload, and of a limit that names no later time, milliseconds.
pub const BACK_OFF_CAP_MS: u64 = 15 * 60_000;

/// An account that has been open for so long is forgiven its consecutive failures, milliseconds.
pub const FORGET_MS: u64 = 10 * 60_000;

/// After a trouble the workers follow the probe over so long a time, milliseconds.
pub const RAMP_MS: u64 = 15_000;

/// After the check at the beginning, milliseconds: processes are started one after another anyway.
pub const START_RAMP_MS: u64 = 400;

/// An answer of the service vouches for the log-in for so long, milliseconds.
pub const FRESH_MS: u64 = 60 * 60_000;

/// Answers are written down once in so long, milliseconds.
const HEARD_EVERY_MS: u64 = 5 * 60_000;

/// Near a limit each worker claims once in so long, on average, milliseconds.
const SLOW_MS: u64 = 30_000;

/// A limit that was met again right after its reset waits at least so long, then twice that …, milliseconds.
const LIMIT_AGAIN_MS: u64 = 15_000;

impl Breaker {
    /// Whether nobody may claim at `now`.
    pub fn tripped(&self, now: UnixMs) -> bool {
        self.opened_at.is_none() && now < self.until
    }

    /// How the account stands at `now`.
    pub fn state(&self, now: UnixMs) -> AccountState {
        match (self.tripped(now), self.half_open(now), self.slow(now)) {
            (true, _, _) => AccountState::Closed,
            (_, true, _) => AccountState::Probe,
            (_, _, true) => AccountState::Slow,
            _ => AccountState::Open,
        }
    }

    /// Whether it tripped, and nobody has come through since its time ran out.
    pub fn half_open(&self, now: UnixMs) -> bool {
        self.opened_at.is_none() && now >= self.until
    }

    /// Whether claims are slowed down at `now`.
    pub fn slow(&self, now: UnixMs) -> bool {
        self.opened_at.is_some() && self.window.as_ref().is_some_and(|window| window.warns(now))
    }

    /// What `worker` has to do that would claim a task of the account.
    pub fn permit(
        breaker: Option<&Breaker>,
        now: UnixMs,
        worker: &str,
        health_check: HealthCheck,
    ) -> Permit {
        let unknown =
            if health_check == HealthCheck::ProbeFirst { Permit::Probe } else { Permit::Open };
        let Some(breaker) = breaker else { return unknown };
        if breaker.tripped(now) {
            return Permit::Closed { until: breaker.until };
        }
        if health_check == HealthCheck::None {
            return Permit::Open;
        }
        let Some(opened) = breaker.opened_at else { return Permit::Probe };
        let ramp_ms = if breaker.fault.is_empty() { START_RAMP_MS } else { RAMP_MS };
        let from = opened.plus_ms(share(worker, ramp_ms));
        // A clock that was set back must not make the turn come hours later.
        if now < from && from.since(now) <= ramp_ms {
            return Permit::Ramp { from };
        }
        let heard = breaker.answered_at.unwrap_or(opened);
        if now.since(heard) >= FRESH_MS && unknown == Permit::Probe {
            return Permit::Probe;
        }
        if breaker.slow(now) {
            return Permit::Slow { every_ms: SLOW_MS / 2 + share(worker, SLOW_MS) };
        }
        Permit::Open
    }

    /// The breaker after `fault` at `now`, given what lay there; `None` where one task's trouble says nothing
    /// about the others. Several workers that meet one trouble together are one failure.
    pub fn after_fault(
        earlier: Option<&Breaker>,
        fault: Fault,
        detail: &str,
        now: UnixMs,
    ) -> Option<Breaker> {
        let recent = earlier.filter(|breaker| {
            breaker.fault == fault.word() && now.since(breaker.until) < FORGET_MS
        });
        let consecutive_failures = match recent {
            Some(breaker) if breaker.tripped(now) => breaker.consecutive_failures,
            Some(breaker) => breaker.consecutive_failures.saturating_add(1),
            None => 1,
        };
        let doubled = |first_ms: u64, times: u32| {
            now.plus_ms((first_ms << times.min(10)).min(BACK_OFF_CAP_MS))
        };
        let policy = fault.policy();
        let Again::Waits(_, until) = policy.again else { return None };
        if !policy.breaker {
            return None;
        }
        let until = match (until, fault) {
            (Until::BackOff(first_ms), _) => doubled(first_ms, consecutive_failures - 1),
            // A reset that is over already (clocks differ) must not make it try without end, nor one that no window has.
            (Until::ResetOr(_), Fault::Limit { resets_at_secs: Some(secs) })
                if UnixMs::from_secs(secs) <= now.plus_ms(LONGEST_WINDOW_MS) =>
            {
                UnixMs::from_secs(secs).max(if consecutive_failures == 1 {
                    now.plus_ms(1_000)
                } else {
                    doubled(LIMIT_AGAIN_MS, consecutive_failures - 2)
                })
            }
            (Until::ResetOr(ms) | Until::After(ms), _) => now.plus_ms(ms),
            (Until::NextStart, _) => now,
        };
        let still = recent.filter(|breaker| breaker.tripped(now));
        Some(Breaker {
            fault: fault.word().into(),
            detail: detail.into(),
            until: still.map_or(until, |breaker| breaker.until.max(until)),
            since: now,
            consecutive_failures,
            opened_at: None,
            answered_at: earlier.and_then(|breaker| breaker.answered_at),
            window: earlier.and_then(|breaker| breaker.window.clone()),
        })
    }

    /// The breaker after the service answered an agent that was started at `began`; `None`: that says nothing
    /// new. An agent that was at work when the breaker tripped proves nothing before its time, and with a
    /// limit that is not used up to the last neither does another one.
    pub fn after_answer(earlier: Option<&Breaker>, began: UnixMs, now: UnixMs) -> Option<Breaker> {
        let answered_at = Some(now);
        let Some(breaker) = earlier else {
            return Some(Breaker { opened_at: answered_at, answered_at, ..Breaker::default() });
        };
        if let Some(opened) = breaker.opened_at {
            let last = breaker.answered_at.unwrap_or(opened);
            let due = now.since(last) >= HEARD_EVERY_MS || now < last;
            return due.then(|| Breaker { answered_at, ..breaker.clone() });
        }
        let proves = now >= breaker.until || (breaker.fault != "limit" && breaker.since < began);
        proves.then(|| Breaker { opened_at: answered_at, answered_at, ..breaker.clone() })
    }

    /// The breaker after news of a window; `None`: they say nothing new. From `stop_percent` of the window on
    /// the account is closed until the reset, and in any case when the service refuses.
    pub fn after_usage_window(
        earlier: Option<&Breaker>,
        window: Window,
        stop_percent: u32,
        now: UnixMs,
    ) -> Option<Breaker> {
        let known = earlier.and_then(|breaker| breaker.window.as_ref());
        let same = known.is_some_and(|known| known.says(&window));
        let closed_by_limit =
            earlier.is_some_and(|breaker| breaker.tripped(now) && breaker.fault == "limit");
        if window.stops(stop_percent, now) {
            if same && closed_by_limit {
                return None;
            }
            let resets_at_secs = window.resets_at.map(UnixMs::secs_ceil);
            let breaker = Breaker::after_fault(
                earlier,
                Fault::Limit { resets_at_secs },
                &window.text(),
                now,
            )?;
            return Some(Breaker { window: Some(window), ..breaker });
        }
        if same || closed_by_limit {
            return None;
        }
        let fresh =
            || Breaker { opened_at: Some(now), answered_at: Some(now), ..Breaker::default() };
        Some(Breaker { window: Some(window), ..earlier.cloned().unwrap_or_else(fresh) })
    }

    /// Why it is as it is, for people: `five-hour window 98 %`, or the trouble.
    pub fn why(&self) -> String {
        match &self.window {
            Some(window) if self.fault == "limit" || self.opened_at.is_some() => window.text(),
            _ => self.detail.clone(),
        }
    }
}

/// A worker's place in a span of time: always the same, and spread evenly over the workers.
fn share(worker: &str, span_ms: u64) -> u64 {
    let hash = worker.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The upper bits: the lower ones of similar names are similar.
    (hash >> 24) % span_ms
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
