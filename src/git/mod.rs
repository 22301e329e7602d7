//! A user's git repository: found and read in process, and git's own command line for what only git knows.
//!
//! It knows no task, no tree of ours and no queue. Invariants: the user's checkout, index, HEAD, stash, hooks and
//! configuration are only read, except where he asks for a merge; no program that a repository's configuration names is started where it has not been
//! the user's before; nothing waits for a person or for ever.
//!
//! Names: `domain`, `site`, `sys`.

pub(crate) mod command;
pub(crate) mod compare;
pub(crate) mod config;
pub mod doctor;
pub(crate) mod durable;
pub(crate) mod error;
mod fingerprint;
pub(crate) mod head;
mod merge;
pub(crate) mod overrides;
pub(crate) mod patience;
pub(crate) mod refs;
pub(crate) mod repo;
pub(crate) mod sample;
pub(crate) mod submodule;

pub use compare::{Proof, TargetChanges};
pub use error::GitError;
pub use fingerprint::Fingerprint;
pub use merge::Merged;
pub use refs::ResolvedBase;
pub use repo::{Repo, checkout_size};
