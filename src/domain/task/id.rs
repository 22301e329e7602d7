//! Identities: a task's name for ever, a worker's 128 bits, the epoch between them.
//!
//! Parse-only newtypes: a value that exists is safe as one path component (no `/`, no leading dot, no
//! control character, at most [`TaskId::MAX_LEN`] bytes), so no caller checks again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A task's readable name, unique for ever: `20261120T113012123-fix-login-k3f9`
/// (intake time in UTC, slug of the dropped name, random tail).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    /// The branch of a task that names none.
    pub fn default_branch(&self) -> String {
        format!("swarm/{}-{}", self.slug(), self.tail())
    }

    /// The most bytes an id may have, so that every name made from it stays within 255.
    pub const MAX_LEN: usize = 120;

    /// Joins the three parts; the caller provides a slug made by [`crate::domain::text::slug`].
    pub fn compose(stamp: &str, slug: &str, tail: &str) -> Option<TaskId> {
        TaskId::parse(&format!("{stamp}-{slug}-{tail}"))
    }

    /// Accepts exactly what may stand in a file name of the queue.
    pub fn parse(text: &str) -> Option<TaskId> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_LEN;
        let clean = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        (fits && clean && !text.starts_with('-')).then(|| TaskId(text.to_owned()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part between time and tail; what people type.
    pub fn slug(&self) -> &str {
        let rest = self.0.split_once('-').map_or("", |(_, rest)| rest);
        rest.rsplit_once('-').map_or(rest, |(slug, _)| slug)
    }

    /// The random end; what people type when slugs repeat.
    pub fn tail(&self) -> &str {
        self.0.rsplit_once('-').map_or(&self.0, |(_, tail)| tail)
    }
}

/// One process's identity: 128 random bits made at its start, as 32 hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkerId(String);

impl WorkerId {
    /// Formats the bits.
    pub fn from_bits(bits: [u8; 16]) -> WorkerId {
        WorkerId(bits.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Accepts 32 lower-case hex digits.
    pub fn parse(text: &str) -> Option<WorkerId> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 32 && text.bytes().all(hex)).then(|| WorkerId(text.to_owned()))
    }

    /// The whole identity.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

/// Grows by one at every return of a task to `ready/` or `blocked/`, so that no name ever comes back.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch of the next name; saturates, which no task lives to see.
    pub fn next(self) -> Epoch {
        Epoch(self.0.saturating_add(1))
    }

    /// Only the digits that [`fmt::Display`] prints: no sign, no leading zero.
    pub fn parse(text: &str) -> Option<Epoch> {
        let canonical = !text.is_empty() && (text == "0" || !text.starts_with('0'));
        (canonical && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse().ok().map(Epoch))
            .flatten()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

macro_rules! text_identity {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.0
            }
        }
        impl TryFrom<String> for $type {
            type Error = String;
            fn try_from(text: String) -> Result<$type, String> {
                $type::parse(&text).ok_or_else(|| format!("not a {}: {text:?}", stringify!($type)))
            }
        }
    };
}
text_identity!(TaskId);
text_identity!(WorkerId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_safe_path_component() {
        for bad in ["", "-x", "a/b", "..", "a.b", "a b", "a\n", "ü"] {
            assert_eq!(TaskId::parse(bad), None, "{bad:?}");
        }
        assert_eq!(TaskId::parse(&"x".repeat(121)), None);
        assert!(TaskId::parse(&"x".repeat(120)).is_some());
    }

    #[test]
    fn slug_and_tail_are_what_people_type() {
        let id = TaskId::compose("20261120T113012123", "fix-login", "k3f9").expect("valid");
        assert_eq!((id.slug(), id.tail()), ("fix-login", "k3f9"));
    }

    #[test]
    fn an_epoch_has_one_spelling() {
        assert_eq!(Epoch::parse("10"), Some(Epoch(10)));
        for bad in ["", "01", "+1", "-1", "1 ", "4294967296"] {
            assert_eq!(Epoch::parse(bad), None, "{bad:?}");
        }
    }
}
