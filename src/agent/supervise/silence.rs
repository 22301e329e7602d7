//! What an agent's silence means: when to look at its processes and files, and what a look proves.
//!
//! Pure, and without a clock of its own. Looks come at half a silence: one to compare with, and one that decides;
//! then at every further half while it is at work. Invariant: [`Silence::look_due`] is never in the past for long
//! after a look, so there is always a next one.

use crate::agent::program::adapter::Deadlines;
use crate::agent::supervise::sign::{Sign, Why};
use crate::domain::liveness::judgement::{Facts, Liveness, Look, PATIENCE, judge};

/// What was heard and seen of an agent, and when (milliseconds).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) struct Silence {
    must_speak: bool,
    startup_ms: u64,
    silence_ms: u64,
    spoke: bool,
    /// Silence counts from here: the last word, or the end of an announced wait.
    counted_ms: u64,
    /// The last sign of any kind; the last that was new.
    heard_ms: u64,
    news_ms: u64,
    retries: Option<Retries>,
    /// When a look was last asked for, and what it found.
    asked_ms: Option<u64>,
    look: Option<Look>,
    /// When it was last seen at work, and when a file was last seen to have changed.
    worked_ms: u64,
    changed_ms: u64,
    /// Since when every look found all its processes stopped.
    still_ms: Option<u64>,
}

/// Retries in a row, without an answer in between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Retries {
    count: u32,
    since_ms: u64,
    /// By then there has to be an answer.
    end_ms: u64,
}

impl Silence {
    pub(in crate::agent) fn new(deadlines: &Deadlines, now_ms: u64) -> Silence {
        Silence {
            must_speak: deadlines.speaks,
            startup_ms: deadlines.startup_ms.max(1),
            silence_ms: deadlines.silence_ms.max(1),
            spoke: false,
            counted_ms: now_ms,
            heard_ms: now_ms,
            news_ms: now_ms,
            retries: None,
            asked_ms: None,
            look: None,
            worked_ms: now_ms,
            changed_ms: now_ms,
            still_ms: None,
        }
    }

    /// Bytes came, of a line or not. From one that has to speak they prove nothing before they are one.
    pub(in crate::agent) fn bytes(self, now_ms: u64) -> Silence {
        if self.must_speak {
            return self;
        }
        let heard = Silence { heard_ms: now_ms, ..self };
        heard.counted_from(now_ms.max(self.counted_ms))
    }

    /// A line came.
    pub(in crate::agent) fn heard(self, sign: Sign, now_ms: u64) -> Silence {
        let limit = self.silence_ms;
        let heard = Silence { heard_ms: now_ms, spoke: true, ..self };
        match sign {
            Sign::Noise if self.must_speak => Silence { heard_ms: now_ms, ..self },
            Sign::Noise => Silence { heard_ms: now_ms, ..self.bytes(now_ms) },
            Sign::Turn | Sign::Event | Sign::Result => {
                let new = Silence { news_ms: now_ms, retries: None, ..heard };
                new.counted_from(now_ms.max(self.counted_ms))
            }
            Sign::Beat => {
                let end_ms = match self.retries {
                    Some(retries) => retries.end_ms,
                    None => self.news_ms.saturating_add(limit.saturating_mul(PATIENCE)),
                };
                let counts = now_ms.min(end_ms.saturating_sub(limit));
                heard.counted_from(counts.max(self.counted_ms))
            }
            Sign::Retry { delay_ms } => {
                let wait_ms = now_ms.saturating_add(delay_ms);
                let patience = now_ms.saturating_add(limit.saturating_mul(PATIENCE));
                let end_ms = patience.max(wait_ms.saturating_add(limit));
                let first = Retries { count: 0, since_ms: now_ms, end_ms };
                let mut retries = self.retries.unwrap_or(first);
                retries.count = retries.count.saturating_add(1);
                let counts = wait_ms.min(retries.end_ms.saturating_sub(limit));
                Silence { retries: Some(retries), ..heard }.counted_from(counts)
            }
        }
    }

    /// A silence that begins anew has not been looked at.
    fn counted_from(self, counted_ms: u64) -> Silence {
        let look = self.look.filter(|_| self.asked_ms.is_some_and(|at| at >= counted_ms));
        let still_ms = self.still_ms.filter(|_| look.is_some());
        Silence { counted_ms, look, still_ms, ..self }
    }

    /// So long it may be silent before it has to be at work.
    fn limit_ms(&self) -> u64 {
        if self.must_speak && !self.spoke { self.startup_ms } else { self.silence_ms }
    }

    fn speaks(&self) -> bool {
        self.must_speak || self.spoke
    }

    /// When to look next.
    pub(in crate::agent) fn look_due(&self) -> u64 {
        let from = self.asked_ms.unwrap_or(0).max(self.counted_ms);
        from.saturating_add(self.limit_ms().div_ceil(2))
    }

    /// A look is asked for now; whether it is the first of this silence, with nothing to compare with.
    pub(in crate::agent) fn ask(self, now_ms: u64) -> (Silence, bool) {
        let first = self.asked_ms.is_none_or(|at| at < self.counted_ms);
        (Silence { asked_ms: Some(now_ms), ..self }, first)
    }

    /// What the look found.
    pub(in crate::agent) fn looked(self, look: Look, now_ms: u64) -> Silence {
        let worked_ms = if look.works() { now_ms } else { self.worked_ms };
        let changed_ms = if look.changed == Some(true) { now_ms } else { self.changed_ms };
        // Until the next one, however long this one took.
        let asked_ms = Some(now_ms);
        let still_ms = look.stands_still().then_some(self.still_ms.unwrap_or(now_ms));
        Silence { look: Some(look), worked_ms, changed_ms, still_ms, asked_ms, ..self }
    }

    pub(in crate::agent) fn facts(&self, now_ms: u64) -> Facts {
        let since = |at: u64| now_ms.saturating_sub(at);
        Facts {
            limit_ms: self.limit_ms(),
            speaks: self.speaks(),
            quiet_ms: since(self.counted_ms),
            heard_ms: since(self.heard_ms),
            news_ms: since(self.news_ms),
            wait_ms: self.counted_ms.saturating_sub(now_ms),
            retries: self.retries.map_or(0, |retries| retries.count),
            unanswered_ms: self.retries.map_or(0, |retries| since(retries.since_ms)),
            idle_ms: since(self.counted_ms.max(self.worked_ms)),
            fruitless_ms: since(self.counted_ms.max(self.changed_ms)),
            still_ms: self.still_ms.map_or(0, since),
            look: self.look,
        }
    }

    pub(in crate::agent) fn verdict(&self, now_ms: u64) -> Liveness {
        judge(&self.facts(now_ms))
    }

    /// Where it hangs: what that is called.
    pub(in crate::agent) fn why(&self) -> Why {
        match self.retries {
            Some(_) => Why::Unanswered,
            None if self.must_speak && !self.spoke => Why::Startup,
            None => Why::Silent,
        }
    }

    /// After so much silence it is stopped, unless it is at work; `None`: it may be silent.
    pub(in crate::agent) fn limit_of_one_that_speaks(&self) -> Option<u64> {
        self.speaks().then(|| self.limit_ms())
    }
}

#[cfg(test)]
#[path = "silence_tests.rs"]
mod tests;
