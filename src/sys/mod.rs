//! The operating system: the only module that touches files, processes, clocks and signals.
//!
//! It knows no tasks and no directory names. A lost race (`EEXIST`, `ENOENT` where expected) is a value,
//! not an error; every error carries what was tried on which path.
//!
//! Names: `domain`.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the door that the rest of the program is kept from building beside"
)]

pub(crate) mod activity;
pub mod cgroup;
pub mod clock;
pub mod daemon;
pub(crate) mod dir;
pub mod disk;
pub mod env;
pub mod fs;
pub mod grace;
pub mod helper;
pub mod identity;
pub(crate) mod lock;
pub mod memory;
pub mod process;
pub mod random;
pub(crate) mod ready;
pub(crate) mod rlimit;
pub mod seam;
pub mod settled;
pub(crate) mod signal;
pub mod spawn;
pub mod sweep;
pub(crate) mod talk;
pub(crate) mod tool;
mod vfork;
pub(crate) mod walk;
pub(crate) mod watch;
