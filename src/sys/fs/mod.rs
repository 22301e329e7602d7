//! Files: the calls that the queue's transitions are made of, plain writing, and plain reading.
//!
//! What is made here is its owner's alone, or its group's too, whatever the umask: see `fs::access`.
//! Nothing here retries, and nothing follows a symbolic link in the last component of a name that somebody else may
//! have made, unless it says so.
//!
//! Names: `seam`.

mod access;
mod beneath;
mod change;
mod error;
mod read;

pub use access::{
    ModeFlaw, dir_amiss, has_others_in, is_setgid, is_shared_with_group, mend_dir, share_with_group,
};
pub use beneath::{ConfinedDir, FileStart};
pub use change::*;
pub use error::{FsError, Result};
pub use read::*;
