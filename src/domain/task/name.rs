//! File names of the queue, both ways: typed name to text and back.
//!
//! | directory | name | type |
//! |---|---|---|
//! | `ready/`, `blocked/` | `B-T.e`, `B-T.e~REASON` | [`QueueName`] |
//! | `claims/`, `cancelled/`, `rejected/` | `T.e` | [`TaskEpoch`] |
//! | `done/`, `failed/` | `T.e.W` | [`AttemptName`] |
//!
//! Each type has exactly one spelling; a name that does not parse is foreign and is left alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::task::id::{Epoch, TaskId, WorkerId};
use crate::domain::task::reason::Reason;

/// Priority band: 0 is worked on first, 9 last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Band(u8);

impl Band {
    /// Where a task goes that says nothing.
    pub const DEFAULT: Band = Band(5);

    /// 0 to 9.
    pub fn new(band: u8) -> Option<Band> {
        (band <= 9).then_some(Band(band))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Band {
    fn default() -> Band {
        Band::DEFAULT
    }
}

impl From<Band> for u8 {
    fn from(band: Band) -> u8 {
        band.0
    }
}

impl TryFrom<u8> for Band {
    type Error = String;
    fn try_from(band: u8) -> Result<Band, String> {
        Band::new(band).ok_or_else(|| format!("priority {band} is not within 0 to 9"))
    }
}

/// A task at one epoch: the name of a claim, a cancelled or a rejected task.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskEpoch {
    /// Which task.
    pub id: TaskId,
    /// Which of its names.
    pub epoch: Epoch,
}

/// A task in `ready/` (no reason) or `blocked/` (with one).
///
/// The order of the derived `Ord` is the order of work: band, then intake time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct QueueName {
    /// Priority band.
    pub band: Band,
    /// Which task, at which epoch.
    pub at: TaskEpoch,
    /// Present exactly in `blocked/`.
    pub reason: Option<Reason>,
}

/// One attempt of a task: the name of its outcome in `done/` and `failed/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptName {
    /// The task and epoch that was claimed.
    pub at: TaskEpoch,
    /// By whom.
    pub worker: WorkerId,
}

impl TaskEpoch {
    /// Reads `T.e`.
    pub fn parse(text: &str) -> Option<TaskEpoch> {
        let (id, epoch) = text.split_once('.')?;
        Some(TaskEpoch { id: TaskId::parse(id)?, epoch: Epoch::parse(epoch)? })
    }

    /// The same task at its next epoch.
    pub fn next(&self) -> TaskEpoch {
        TaskEpoch { id: self.id.clone(), epoch: self.epoch.next() }
    }
}

impl QueueName {
    /// Reads `B-T.e` or `B-T.e~REASON`.
    pub fn parse(text: &str) -> Option<QueueName> {
        let (band, rest) = text.split_once('-')?;
        let band = match band.as_bytes() {
            [digit @ b'0'..=b'9'] => Band(digit - b'0'),
            _ => return None,
        };
        let (at, reason) = match rest.split_once('~') {
            Some((at, reason)) => (at, Some(Reason::parse(reason)?)),
            None => (rest, None),
        };
        Some(QueueName { band, at: TaskEpoch::parse(at)?, reason })
    }

    /// Its next name in `ready/`.
    pub fn ready_next(&self) -> QueueName {
        QueueName { band: self.band, at: self.at.next(), reason: None }
    }

    /// Its next name in `blocked/`.
    pub fn blocked_next(&self, reason: Reason) -> QueueName {
        QueueName { band: self.band, at: self.at.next(), reason: Some(reason) }
    }
}

impl AttemptName {
    /// Reads `T.e.W`.
    pub fn parse(text: &str) -> Option<AttemptName> {
        let (at, worker) = text.rsplit_once('.')?;
        Some(AttemptName { at: TaskEpoch::parse(at)?, worker: WorkerId::parse(worker)? })
    }

    /// `e.W`, the attempt's directory within its task's.
    pub fn dir(&self) -> String {
        format!("{}.{}", self.at.epoch, self.worker)
    }

    /// Reads `e.W` for a known task.
    pub fn parse_dir(id: &TaskId, text: &str) -> Option<AttemptName> {
        AttemptName::parse(&format!("{id}.{text}"))
    }
}

impl fmt::Display for TaskEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.epoch)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.band.0, self.at)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, "~{reason}"))
    }
}

impl fmt::Display for AttemptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, self.worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(text: &str) {
        let read = QueueName::parse(text).expect(text);
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn names_read_back_as_written() {
        both_ways("5-20261120T113012123-fix-login-k3f9.1");
        both_ways("0-20261120T113012123-a-k3f9.12~limit-1795172864");
        let attempt = format!("20261120T113012123-a-k3f9.3.{}", "0a".repeat(16));
        assert_eq!(AttemptName::parse(&attempt).expect("valid").to_string(), attempt);
    }

    #[test]
    fn a_foreign_name_is_not_ours() {
        for bad in [
            "",
            "5-",
            "x-a.1",
            "15-a.1",
            "5-a",
            "5-a.01",
            "5-a.1~",
            "5-a.1~A",
            "5-a/b.1",
            "5-a.1.2",
            "-a.1",
            "5--a.1",
            ".nfs000",
            "5-a.1~x~y",
        ] {
            assert_eq!(QueueName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn no_name_ever_comes_back() {
        let name = QueueName::parse("5-a.7").expect("valid");
        let back = name.blocked_next(Reason::open(crate::domain::task::reason::Wait::Hold));
        assert_eq!(back.to_string(), "5-a.8~hold");
        assert_eq!(back.ready_next().to_string(), "5-a.9");
    }
}
