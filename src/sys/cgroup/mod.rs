//! Control groups: a cage around everything that one attempt starts, where this machine lets us make one.
//!
//! What cannot leave a group by a session, a double fork or a clean environment is counted, held to limits, and
//! killed as a whole. It knows workers by name only, and no task. It is no wall against somebody who wants out and
//! has the rights. Invariant: nothing is killed or removed that does not lie in a group whose name was made here.
//!
//! Names: `clock`, `env`, `grace`, `identity`, `process`, `random`, `spawn`.

mod find;
mod group;
mod kill;
mod made;
mod spawner;
mod trial;

pub use find::{CgroupSupport, level};
pub use group::{Cgroup, CgroupEvents, end_of};
pub use kill::CgroupKill;
pub use made::{CgroupEntry, CgroupError, CgroupLimits};
pub use trial::trial;
