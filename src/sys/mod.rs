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

pub mod activity;
pub mod cgroup;
pub mod clock;
pub mod daemon;
pub mod dir;
pub mod disk;
pub mod env;
mod family;
pub mod fs;
pub mod grace;
pub mod helper;
pub mod identity;
pub mod lock;
pub mod lookout;
pub mod memory;
pub mod mount;
pub mod process;
pub mod random;
pub mod ready;
pub mod rlimit;
pub mod seam;
pub mod settled;
pub mod signal;
pub mod spawn;
pub mod sweep;
pub mod talk;
pub mod tool;
mod vfork;
pub mod walk;
pub mod watch;
