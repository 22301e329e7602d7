//! The queue on disk: `queue/README.md` is the specification, and this module follows it row by row.
//!
//! | row of the table | file |
//! |---|---|
//! | register, heartbeat, retire | [`register`] |
//! | intake | [`intake`], with [`pending`] for what is settled |
//! | claim, read | [`claim`] |
//! | publish, give back | [`finish`] |
//! | unblock, re-prioritise, retry | [`shift`] |
//! | cancel | [`cancel`] |
//! | declare dead, reclaim | [`reclaim`] |
//! | sweep | [`sweep`] |
//! | prune | [`sweep`] |
//! | reserve | [`crate::capacity`] |
//!
//! It may not know git, child processes, terminals, or who is calling. Invariants: every transition commits
//! by exactly one link, rename or unlink; a lost race is a value; a task has exactly one name at any instant.
//!
//! Names: `domain`, `site`, `sys`.

pub(crate) mod accounts;
pub mod cancel;
pub mod check;
pub mod claim;
pub(crate) mod error;
pub mod finish;
pub mod intake;
pub(crate) mod journal;
pub(crate) mod known;
pub(crate) mod live;
pub(crate) mod open;
pub mod pending;
pub(crate) mod ready;
pub mod reclaim;
pub mod register;
pub(crate) mod runs;
pub(crate) mod scan;
pub mod shift;
pub(crate) mod spans;
pub(crate) mod sweep;

use std::path::PathBuf;

use crate::domain::settings::choice::Durability;
use crate::site::{Dir, QueuePaths};
use crate::sys::fs;

pub use error::{QueueError, Result};

/// A queue that was opened: its paths, and what is fsynced.
#[derive(Clone, Debug)]
pub struct Queue {
    paths: QueuePaths,
    id: String,
    place: String,
    durability: Durability,
}

impl Queue {
    /// Its random identity, from `FORMAT`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which directory it is, whatever it is called now: a copy of it is another one.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Its paths.
    pub fn paths(&self) -> &QueuePaths {
        &self.paths
    }

    fn file(&self, dir: Dir, name: impl ToString) -> PathBuf {
        self.paths.file(dir, name.to_string())
    }

    fn dir(&self, dir: Dir) -> PathBuf {
        self.paths.dir(dir)
    }

    /// Whether acknowledged work must survive a power cut.
    pub fn strict(&self) -> bool {
        self.durability == Durability::Strict
    }

    /// Makes a directory's names durable, where that was asked for.
    fn sync_dir(&self, dir: Dir) -> Result<()> {
        if self.strict() {
            fs::sync(&self.dir(dir))?;
        }
        Ok(())
    }

    /// A name in `tmp/` that nobody else has.
    fn staging(&self) -> PathBuf {
        self.file(Dir::Tmp, format!("{:016x}", crate::sys::random::number()))
    }
}
