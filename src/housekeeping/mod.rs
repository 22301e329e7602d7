//! Housekeeping that coordinator and workers share: intake, unblock, cancel, reclaim, sweep.
//!
//! All of it is safe for any number of processes at once. A lock, a courtesy, lets one of them do it at a time; who finds
//! it held for long does the work all the same. It may not know how tasks are worked on, or who is calling.
//!
//! Names: `capacity`, `domain`, `git`, `queue`, `site`, `sys`, `taskfile`, `trust`, `worktree`.

pub mod capacity;
mod heartbeats;
mod housekeeper;
mod intake;
mod leader;
mod reclaim;
mod remaining;
mod trees;
mod waits;

pub use housekeeper::{Housekeeper, Pass};
pub use intake::{Intake, KnownNames, known_names};
pub use reclaim::WORKER_MARK;
pub use remaining::{Remaining, remaining};
