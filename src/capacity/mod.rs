//! Whether one more agent may start on this machine: disk, inodes, memory, and how starts are spaced.
//!
//! Workers decide for themselves, each by its own look ([`CapacityProbe`]) and by locks that they share
//! ([`StartAdmission`], [`StartSlots`], [`CapacitySettings::take_relief_turn`]); `queue/README.md`, *Capacity*, is the
//! specification. It may not know what a task is or where trees come from: that is told to it ([`CapacityFacts`]).
//! Invariants: the decisions are pure ([`crate::domain::capacity`], `plan`); nothing depends on a lock: where locks do
//! not work, or a holder is stopped, agents start all the same or are reclaimed with their worker.
//!
//! Names: `domain`, `git`, `site`, `sys`.

mod plan;
mod probe;
mod settings;
mod start;

pub use plan::{CapacityNews, StartAnswer};
pub use probe::{CapacityFacts, CapacityProbe, Load, shortage_as_seen};
pub use settings::{CapacitySettings, ReserveFile};
pub use start::{StartAdmission, StartSlot, StartSlots};
