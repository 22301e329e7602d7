//! A shortage: of which resource, where, and how much; with the words for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Bytes of a file system.
    Disk,
    /// Inodes of a file system.
    Inodes,
    /// Memory.
    Memory,
}

impl Resource {
    /// The word in journals and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Resource::Disk => "disk",
            Resource::Inodes => "inodes",
            Resource::Memory => "memory",
        }
    }
}

/// A shortage, with its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// Of what.
    pub what: Resource,
    /// Where: a path, or whose memory.
    pub place: String,
    /// What there is.
    pub have: u64,
    /// What there must be: what is kept, and on top of it what a new tree takes.
    pub need: u64,
    /// The part of it that a new tree takes.
    pub tree: u64,
}

impl Shortage {
    /// `38 MiB free on /x, 200 MiB are kept free`.
    pub fn evidence(&self) -> String {
        let Shortage { place, have, need, tree, .. } = self;
        match self.what {
            Resource::Disk if *tree > 0 => format!(
                "{} free on {place}, {} are kept free and a new tree takes {}",
                size(*have),
                size(need - tree),
                size(*tree)
            ),
            Resource::Disk => {
                format!("{} free on {place}, {} are kept free", size(*have), size(*need))
            }
            Resource::Inodes if *tree > 0 => format!(
                "{have} inodes free on {place}, {} are kept free and a new tree takes {tree}",
                need - tree
            ),
            Resource::Inodes => format!("{have} inodes free on {place}, {need} are kept free"),
            Resource::Memory => format!(
                "{} of memory available on {place}, {} are kept for the next agent",
                size(*have),
                size(*need)
            ),
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; goes on by itself", self.evidence())
    }
}

/// Bytes for people, rounded down: `38 MiB`, `1.4 GiB`.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..=0x3ff => format!("{bytes} B"),
        0x400..=0xf_ffff => format!("{} KiB", bytes >> 10),
        0x10_0000..=0x3fff_ffff => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", tenths(1 << 30)),
    }
}
