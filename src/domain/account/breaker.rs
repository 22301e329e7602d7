//! The gate of an account: whether tasks whose agents use it may be claimed, now and by this worker.
//!
//! A usage limit, an overload or a refused log-in met by one agent would meet all others too. The first one
//! closes the gate for everybody on the queue; after a time one worker tries (the canary), and once the
//! service answered it, the others follow one by one (the ramp). Pure; the files are `queue::gates`.
//! Invariant: a gate is advice. Without one, or with a torn one, the worst is an attempt that is not charged.

use serde::{Deserialize, Serialize};

use crate::domain::failure::policy::{Again, Until};
use crate::domain::outcome::disposition::Fault;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds::LONGEST_WINDOW_MS;

/// One account's gate, as it lies in `gates/ACCOUNT`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Gate {
    /// The latest trouble: a [`Fault::word`]; empty: there was none.
    pub fault: String,
    /// One line for people.
    pub detail: String,
    /// Claims wait until then, unless it was opened since.
    #[serde(rename = "until_ms")]
    pub until: UnixMs,
    /// When it was closed last.
    #[serde(rename = "since_ms")]
    pub since: UnixMs,
    /// How many times in a row.
    pub strikes: u32,
    /// When the service answered for the first time since; `None`: not yet.
    #[serde(rename = "opened_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<UnixMs>,
    /// When it answered last, to within a few minutes.
    #[serde(rename = "heard_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<UnixMs>,
    /// The latest news of the account's usage window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// What the service said of a usage window.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    /// Which: `five_hour`, `seven_day` …
    pub kind: Option<String>,
    /// How full it is, 0 to 1.
    pub utilization: Option<f64>,
    /// When it starts anew.
    #[serde(rename = "resets_at_ms")]
    pub resets_at: Option<UnixMs>,
    /// `allowed`, `allowed_warning` or `rejected`.
    pub status: String,
    /// When that was said.
    #[serde(rename = "seen_at_ms")]
    pub seen_at: UnixMs,
    /// The task whose agent was told.
    pub source: String,
}

/// How the agents of an account show that it works.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Manner {
    /// They do not talk with a service, as far as anybody can see.
    Mute,
    /// What the model says shows it.
    Speaks,
    /// So it does, and many are not started before one of them was answered.
    Checked,
}

/// What a worker that would claim a task of the account has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passage {
    /// Claim.
    Open,
    /// Claim, but not more often than this: the window is nearly used up.
    Slow {
        /// Milliseconds from one claim to the next.
        every_ms: u64,
    },
    /// Claim only as the canary: the one worker who tries whether it works.
    Canary,
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

/// A gate that has been open for so long forgets its strikes, milliseconds.
pub const FORGET_MS: u64 = 10 * 60_000;

/// After a trouble the workers follow the canary over so long a time, milliseconds.
pub const RAMP_MS: u64 = 15_000;

/// After the check at the beginning, milliseconds: processes are started one after another anyway.
pub const START_RAMP_MS: u64 = 400;

/// An answer of the service vouches for the log-in for so long, milliseconds.
pub const FRESH_MS: u64 = 60 * 60_000;

/// Answers are written down once in so long, milliseconds.
const HEARD_EVERY_MS: u64 = 5 * 60_000;

/// Near a limit each worker claims once in so long, on average, milliseconds.
const SLOW_MS: u64 = 30_000;

/// So full a window is nearly used up, whether the service warns or not.
const WARNS_AT: f64 = 0.9;

/// News without a reset time hold so long, milliseconds.
const NEWS_MS: u64 = 15 * 60_000;

/// A limit that was met again right after its reset waits at least so long, then twice that …, milliseconds.
const LIMIT_AGAIN_MS: u64 = 15_000;

impl Gate {
    /// Whether nobody may claim at `now`.
    pub fn closed(&self, now: UnixMs) -> bool {
        self.opened_at.is_none() && now < self.until
    }

    /// What people should know of it, as a word: `closed`, `canary` (the next task tries whether it works
    /// again), `slow`; `None`: all is well.
    pub fn state(&self, now: UnixMs) -> Option<&'static str> {
        if self.closed(now) {
            Some("closed")
        } else if self.half_open(now) {
            Some("canary")
        } else {
            self.slow(now).then_some("slow")
        }
    }

    /// Whether it was closed, and nobody has come through since its time ran out.
    pub fn half_open(&self, now: UnixMs) -> bool {
        self.opened_at.is_none() && now >= self.until
    }

    /// Whether claims are slowed down at `now`.
    pub fn slow(&self, now: UnixMs) -> bool {
        self.opened_at.is_some() && self.window.as_ref().is_some_and(|window| window.warns(now))
    }

    /// What `worker` has to do that would claim a task of the account.
    pub fn passage(gate: Option<&Gate>, now: UnixMs, worker: &str, manner: Manner) -> Passage {
        let unknown = if manner == Manner::Checked { Passage::Canary } else { Passage::Open };
        let Some(gate) = gate else { return unknown };
        if gate.closed(now) {
            return Passage::Closed { until: gate.until };
        }
        if manner == Manner::Mute {
            return Passage::Open;
        }
        let Some(opened) = gate.opened_at else { return Passage::Canary };
        let ramp_ms = if gate.fault.is_empty() { START_RAMP_MS } else { RAMP_MS };
        let from = opened.plus_ms(share(worker, ramp_ms));
        // A clock that was set back must not make the turn come hours later.
        if now < from && from.since(now) <= ramp_ms {
            return Passage::Ramp { from };
        }
        let heard = gate.heard_at.unwrap_or(opened);
        if now.since(heard) >= FRESH_MS && unknown == Passage::Canary {
            return Passage::Canary;
        }
        if gate.slow(now) {
            return Passage::Slow { every_ms: SLOW_MS / 2 + share(worker, SLOW_MS) };
        }
        Passage::Open
    }

    /// The gate after `fault` at `now`, given what lay there; `None` where one task's trouble says nothing
    /// about the others. Several workers that meet one trouble together are one strike.
    pub fn after(earlier: Option<&Gate>, fault: Fault, detail: &str, now: UnixMs) -> Option<Gate> {
        let recent =
            earlier.filter(|gate| gate.fault == fault.word() && now.since(gate.until) < FORGET_MS);
        let strikes = match recent {
            Some(gate) if gate.closed(now) => gate.strikes,
            Some(gate) => gate.strikes.saturating_add(1),
            None => 1,
        };
        let doubled = |first_ms: u64, times: u32| {
            now.plus_ms((first_ms << times.min(10)).min(BACK_OFF_CAP_MS))
        };
        let policy = fault.policy();
        let Again::Waits(_, until) = policy.again else { return None };
        if !policy.gate {
            return None;
        }
        let until = match (until, fault) {
            (Until::BackOff(first_ms), _) => doubled(first_ms, strikes - 1),
            // A reset that is over already (clocks differ) must not make it try without end, nor one that no window has.
            (Until::ResetOr(_), Fault::Limit { resets_at_secs: Some(secs) })
                if UnixMs::from_secs(secs) <= now.plus_ms(LONGEST_WINDOW_MS) =>
            {
                UnixMs::from_secs(secs).max(if strikes == 1 {
                    now.plus_ms(1_000)
                } else {
                    doubled(LIMIT_AGAIN_MS, strikes - 2)
                })
            }
            (Until::ResetOr(ms) | Until::After(ms), _) => now.plus_ms(ms),
            (Until::NextStart, _) => now,
        };
        let still = recent.filter(|gate| gate.closed(now));
        Some(Gate {
            fault: fault.word().into(),
            detail: detail.into(),
            until: still.map_or(until, |gate| gate.until.max(until)),
            since: now,
            strikes,
            opened_at: None,
            heard_at: earlier.and_then(|gate| gate.heard_at),
            window: earlier.and_then(|gate| gate.window.clone()),
        })
    }

    /// The gate after the service answered an agent that was started at `began`; `None`: that says nothing
    /// new. An agent that was at work when the gate was closed proves nothing before its time, and with a
    /// limit that is not used up to the last neither does another one.
    pub fn heard(earlier: Option<&Gate>, began: UnixMs, now: UnixMs) -> Option<Gate> {
        let heard_at = Some(now);
        let Some(gate) = earlier else {
            return Some(Gate { opened_at: heard_at, heard_at, ..Gate::default() });
        };
        if let Some(opened) = gate.opened_at {
            let last = gate.heard_at.unwrap_or(opened);
            let due = now.since(last) >= HEARD_EVERY_MS || now < last;
            return due.then(|| Gate { heard_at, ..gate.clone() });
        }
        let proves = now >= gate.until || (gate.fault != "limit" && gate.since < began);
        proves.then(|| Gate { opened_at: heard_at, heard_at, ..gate.clone() })
    }

    /// The gate after news of a window; `None`: they say nothing new. From `stop_percent` of the window on
    /// it is closed until the reset, and in any case when the service refuses.
    pub fn told(
        earlier: Option<&Gate>,
        window: Window,
        stop_percent: u32,
        now: UnixMs,
    ) -> Option<Gate> {
        let known = earlier.and_then(|gate| gate.window.as_ref());
        let same = known.is_some_and(|known| known.says(&window));
        let closed_by_limit = earlier.is_some_and(|gate| gate.closed(now) && gate.fault == "limit");
        if window.stops(stop_percent, now) {
            if same && closed_by_limit {
                return None;
            }
            let resets_at_secs = window.resets_at.map(UnixMs::secs_ceil);
            let gate = Gate::after(earlier, Fault::Limit { resets_at_secs }, &window.text(), now)?;
            return Some(Gate { window: Some(window), ..gate });
        }
        if same || closed_by_limit {
            return None;
        }
        let fresh = || Gate { opened_at: Some(now), heard_at: Some(now), ..Gate::default() };
        Some(Gate { window: Some(window), ..earlier.cloned().unwrap_or_else(fresh) })
    }

    /// Why it is as it is, for people: `five-hour window 98 %`, or the trouble.
    pub fn why(&self) -> String {
        match &self.window {
            Some(window) if self.fault == "limit" || self.opened_at.is_some() => window.text(),
            _ => self.detail.clone(),
        }
    }
}

impl Window {
    /// One phrase for people.
    pub fn text(&self) -> String {
        let kind = self.kind.as_deref().unwrap_or("usage").replace('_', "-");
        match self.percent() {
            Some(percent) => format!("{kind} window {percent:.0} %"),
            None if self.status == "rejected" => format!("{kind} window used up"),
            None => format!("{kind} window"),
        }
    }

    fn percent(&self) -> Option<f64> {
        self.utilization.map(|part| (part * 100.0).round())
    }

    /// Nothing that matters differs.
    fn says(&self, other: &Window) -> bool {
        (&self.status, &self.kind, self.resets_at, self.percent())
            == (&other.status, &other.kind, other.resets_at, other.percent())
    }

    fn over(&self, now: UnixMs) -> bool {
        now >= self.resets_at.unwrap_or(self.seen_at.plus_ms(NEWS_MS))
    }

    fn warns(&self, now: UnixMs) -> bool {
        let full = self.utilization.is_some_and(|part| part >= WARNS_AT);
        (self.status == "allowed_warning" || full) && !self.over(now)
    }

    fn stops(&self, percent: u32, now: UnixMs) -> bool {
        let full = self.percent().is_some_and(|part| part >= f64::from(percent));
        self.status == "rejected" || (full && percent < 100 && !self.over(now))
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
