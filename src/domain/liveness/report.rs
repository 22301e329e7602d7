//! `runs/T/e.W/live.json`: what the supervisor of a running agent sees of it, for people.
//!
//! Evidence, never state: written at most once a second while something happens and not at all while nothing does,
//! so a reader says how it stands by what time has passed since. Invariant: [`Live::verdict`] grows stricter with
//! time and never says that something hangs: that is for the supervisor alone, who looks before he says it.

use serde::{Deserialize, Serialize};

use crate::domain::liveness::judgement::{Liveness, Look};
use crate::domain::time::UnixMs;

/// What is seen of a running agent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Live {
    /// 1.
    pub schema: u32,
    /// When this was written.
    #[serde(rename = "at_ms")]
    pub at: UnixMs,
    /// The agent's process.
    pub pid: i32,
    /// How it stood then.
    pub verdict: Liveness,
    /// When it last gave a sign of life.
    #[serde(rename = "answered_at_ms")]
    pub answered_at: UnixMs,
    /// What it said that it does.
    pub doing: Option<String>,
    /// A tool that runs.
    pub tool: Option<Tool>,
    /// Until then it waits, as it announced.
    #[serde(rename = "waits_until_ms")]
    pub waits_until: Option<UnixMs>,
    /// After so much silence without work it is stopped, milliseconds; `None`: it may be silent.
    pub silence_ms: Option<u64>,
    /// The latest look at its processes and files in this silence.
    pub look: Option<LookedAt>,
    /// It is being stopped, and why.
    pub stopping: Option<String>,
}

/// A tool at work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Since when.
    #[serde(rename = "since_ms")]
    pub since: UnixMs,
}

/// A look, and when it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LookedAt {
    /// When.
    #[serde(rename = "at_ms")]
    pub at: UnixMs,
    /// What was found.
    #[serde(flatten)]
    pub found: Look,
}

/// Silence up to this is nothing to speak of, milliseconds.
const NOTABLE_MS: u64 = 60_000;

impl Live {
    /// How long it has been silent.
    pub fn quiet_ms(&self, now: UnixMs) -> u64 {
        now.since(self.answered_at)
    }

    /// How it stands at `now`, by what was seen.
    pub fn verdict(&self, now: UnixMs) -> Liveness {
        match self.verdict {
            Liveness::Stalled | Liveness::Dead => return self.verdict,
            Liveness::Busy | Liveness::Quiet | Liveness::Waiting => {}
        }
        if self.waits_until.is_some_and(|until| until > now) {
            return Liveness::Waiting;
        }
        let works = self.look.is_some_and(|look| look.found.works());
        let notable = self.silence_ms.map_or(NOTABLE_MS, |ms| NOTABLE_MS.min(ms.div_ceil(2)));
        if works || self.quiet_ms(now) < notable { Liveness::Busy } else { Liveness::Quiet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_busy_is_quiet_when_nothing_more_came_and_busy_where_it_was_seen_at_work() {
        let mut live = Live {
            schema: 1,
            at: UnixMs(1_000),
            pid: 7,
            verdict: Liveness::Busy,
            answered_at: UnixMs(1_000),
            doing: None,
            tool: None,
            waits_until: None,
            silence_ms: Some(900_000),
            look: None,
            stopping: None,
        };
        assert_eq!(live.verdict(UnixMs(60_999)), Liveness::Busy);
        assert_eq!(live.verdict(UnixMs(61_000)), Liveness::Quiet);
        live.waits_until = Some(UnixMs(500_000));
        assert_eq!(live.verdict(UnixMs(499_999)), Liveness::Waiting);
        assert_eq!(live.verdict(UnixMs(500_000)), Liveness::Quiet);
        let found = Look { over_ms: 1_000, cpu_ms: 900, ..Look::default() };
        live.look = Some(LookedAt { at: UnixMs(451_000), found });
        assert_eq!(live.verdict(UnixMs(600_000)), Liveness::Busy);
        live.verdict = Liveness::Stalled;
        assert_eq!(live.verdict(UnixMs(1_000)), Liveness::Stalled);
        let json = serde_json::to_value(&live).unwrap();
        assert_eq!(json["look"]["cpu_ms"], 900);
        assert_eq!(serde_json::from_value::<Live>(json).unwrap(), live);
    }
}
