//! Why a task is not eligible, as it stands in its name in `blocked/`.
//!
//! `WORD` or `WORD-SECONDS` (due at that second of Unix time). The word set is open: a word that this
//! version does not know is kept as it is and is never due by itself.

use std::fmt;

use crate::domain::time::UnixMs;
use crate::domain::time_bounds::{LONGEST_WAIT_MS, LONGEST_WINDOW_MS};

/// What a blocked task waits for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wait {
    /// Intake is under way (or its process died: anybody finishes it).
    Intake,
    /// A person holds it.
    Hold,
    /// A worker was told to stop; the work is saved and goes on at the next start.
    Park,
    /// The account's usage limit.
    Limit,
    /// The service is overloaded.
    Overload,
    /// Nobody is logged in, or the key is refused.
    Auth,
    /// The account's spending limit or credit is used up.
    Spend,
    /// The agent's program (or the repository) is missing.
    Missing,
    /// The disk is full.
    Disk,
    /// The machine or our own harness failed.
    Machine,
    /// It failed and is tried again after a back-off.
    Retry,
    /// A later version's word.
    Other(String),
}

/// A wait and, where it ends by itself, when.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reason {
    /// What for.
    pub wait: Wait,
    /// Due at this second of Unix time; `None`: not by itself.
    pub until_secs: Option<u64>,
}

/// Each wait that this version knows, and its word in a name.
pub const WAIT_WORDS: [(&str, Wait); 11] = [
    ("intake", Wait::Intake),
    ("hold", Wait::Hold),
    ("park", Wait::Park),
    ("limit", Wait::Limit),
    ("overload", Wait::Overload),
    ("auth", Wait::Auth),
    ("spend", Wait::Spend),
    ("missing", Wait::Missing),
    ("disk", Wait::Disk),
    ("machine", Wait::Machine),
    ("retry", Wait::Retry),
];

impl Wait {
    /// The word in the file name.
    pub fn word(&self) -> &str {
        if let Wait::Other(word) = self {
            return word;
        }
        WAIT_WORDS.iter().find(|(_, wait)| wait == self).map_or("", |(word, _)| word)
    }

    /// No wait for this that anybody of us begins is longer, milliseconds; `None`: a person's, or a later version's.
    pub fn longest_ms(&self) -> Option<u64> {
        match self {
            Wait::Limit => Some(LONGEST_WINDOW_MS),
            Wait::Park
            | Wait::Overload
            | Wait::Auth
            | Wait::Spend
            | Wait::Missing
            | Wait::Disk
            | Wait::Machine
            | Wait::Retry => Some(LONGEST_WAIT_MS),
            Wait::Intake | Wait::Hold | Wait::Other(_) => None,
        }
    }

    fn parse(word: &str) -> Option<Wait> {
        let plain = !word.is_empty() && word.len() <= 20;
        if !plain || !word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return None;
        }
        let known =
            WAIT_WORDS.iter().find(|(known, _)| *known == word).map(|(_, wait)| wait.clone());
        Some(known.unwrap_or_else(|| Wait::Other(word.to_owned())))
    }
}

impl Reason {
    /// A wait that ends only by somebody's act.
    pub fn open(wait: Wait) -> Reason {
        Reason { wait, until_secs: None }
    }

    /// A wait that ends at `until` (rounded up to a second).
    pub fn until(wait: Wait, until: UnixMs) -> Reason {
        Reason { wait, until_secs: Some(until.secs_ceil()) }
    }

    /// Whether the wait is over. One that would last longer than any of its kind was begun by a clock that was ahead, and
    /// is over too.
    pub fn due(&self, now: UnixMs) -> bool {
        let Some(until) = self.until_secs.map(UnixMs::from_secs) else { return false };
        until <= now || self.wait.longest_ms().is_some_and(|ms| until > now.plus_ms(ms))
    }

    /// `WORD` or `WORD-SECONDS`.
    pub fn parse(text: &str) -> Option<Reason> {
        let (word, until_secs) = match text.split_once('-') {
            Some((word, secs)) => (word, Some(seconds(secs)?)),
            None => (text, None),
        };
        Some(Reason { wait: Wait::parse(word)?, until_secs })
    }
}

/// Only the digits that are written: no sign, no leading zero.
fn seconds(text: &str) -> Option<u64> {
    let secs: u64 = text.parse().ok()?;
    (secs.to_string() == text).then_some(secs)
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wait.word())?;
        self.until_secs.map_or(Ok(()), |secs| write!(f, "-{secs}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_back_as_written() {
        for (_, wait) in WAIT_WORDS {
            for until_secs in [None, Some(1_795_172_864)] {
                let reason = Reason { wait: wait.clone(), until_secs };
                assert_eq!(Reason::parse(&reason.to_string()), Some(reason));
            }
        }
    }

    #[test]
    fn a_wait_beyond_its_kinds_longest_is_over() {
        let now = UnixMs(1_795_000_000_000);
        let due = |word: &str, secs: u64| {
            let reason = format!("{word}-{}", now.plus_ms(secs * 1_000).secs_ceil());
            Reason::parse(&reason).expect("a reason").due(now)
        };
        let week = 7 * 86_400;
        assert!(!due("limit", week) && due("limit", week + 7_200));
        for word in ["overload", "auth", "spend", "missing", "disk", "machine", "retry", "park"] {
            assert!(!due(word, 1_800) && due(word, 3_700), "{word}");
            assert!(due(word, 10 * 365 * 86_400), "{word}");
        }
        // A person's, and a later version's.
        assert!(!due("hold", 10 * week) && !due("embargo", 10 * week));
        assert!(!Reason::open(Wait::Limit).due(now));
    }

    #[test]
    fn an_unknown_word_is_kept_and_never_due_by_itself() {
        let reason = Reason::parse("embargo").expect("open set");
        assert_eq!(reason.to_string(), "embargo");
        assert!(!reason.due(UnixMs(u64::MAX)));
        assert_eq!(Reason::parse("Bad"), None);
        for bad in ["limit-x", "limit-", "limit-+5", "limit--5", "limit-007"] {
            assert_eq!(Reason::parse(bad), None, "{bad}");
        }
    }
}
