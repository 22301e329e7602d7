//! Control groups: a cage around everything that one attempt starts, where this machine lets us make one.
//!
//! What cannot leave a group by a session, a double fork or a clean environment is counted, held to limits, and
//! killed as a whole. It knows workers by name only, and no task. It is no wall against somebody who wants out and
//! has the rights. Invariant: nothing is killed or removed that does not lie in a group whose name was made here.
//!
//! Names: `clock`, `env`, `grace`, `identity`, `process`, `random`, `spawn`.

mod error;
mod find;
mod group;
mod kill;
mod made;
mod remains;
mod spawner;
mod tidy;
mod trial;

pub use error::CgroupError;
pub use find::{CgroupSupport, level};
pub use group::{Cgroup, CgroupEvents};
pub use kill::CgroupKill;
pub use made::{CgroupEntry, CgroupLimits};
pub use remains::end_of;
pub use trial::trial;
