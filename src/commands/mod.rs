//! What people and programs may do with a swarm: one function for each act, which returns a value and prints nothing.
//!
//! Whatever has a surface (the command line, a dashboard, a server of tools) calls these. **One door:** each act takes a
//! [`Permitted`], which only [`authorize()`] makes. It may not know arguments, terminals and settings files; who reads only
//! asks `views`.
//!
//! Names: `domain`, `gc`, `git`, `housekeeping`, `queue`, `site`, `sys`, `taskfile`, `trust`, `views`, `worktree`.

mod accounts;
mod authorize;
mod care;
mod coordinating;
mod error;
mod hide;
mod merge;
mod pool;
mod restore;
mod stop;
mod tasks;
mod trust;

pub use accounts::reopen;
pub use authorize::{Action, Actor, Permitted, authorize};
pub use care::{collect_garbage, mend};
pub use coordinating::{Incumbent, coordinating, lock_path};
pub use error::{CommandError, ErrorKind};
pub use hide::hide;
pub use merge::{changes, merge};
pub use pool::{pause, resume, scale};
pub use restore::{RestoredWork, restore};
pub use stop::stop;
pub use tasks::{
    TaskChange, add, cancel, find_task, hold, prioritise, release, retry, validate, with_keys,
};
pub use trust::{TrustItem, grant, records, revoke, waiting, waiting_in};
