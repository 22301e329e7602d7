//! Control groups: a cage around everything that one attempt starts, where this machine lets us make one.
//!
//! What cannot leave a group by a session, a double fork or a clean environment is counted, held to limits, and
//! killed as a whole. It knows workers by name only, and no task. It is no wall against somebody who wants out and
//! has the rights. Invariant: nothing is killed or removed that does not lie in a group whose name was made here.

mod find;
mod group;
mod kill;
mod remains;
mod trial;

use std::fmt;

pub use group::{Group, Held, Seen, Trouble};
pub use kill::Killed;
pub use remains::end_of;
pub use trial::trial;

/// What the groups of this process can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// Of the cgroup interface: 1 or 2.
    pub version: u8,
    /// Memory of the whole tree can be limited.
    pub memory: bool,
    /// The number of processes of the whole tree can be limited.
    pub processes: bool,
}

impl Level {
    /// Nothing is missing.
    pub fn is_whole(self) -> bool {
        self.memory && self.processes
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limited = match (self.memory, self.processes) {
            (true, true) => "each attempt's memory and processes are limited as a whole, and",
            (true, false) => "each attempt's memory is limited as a whole, and it is",
            (false, true) => "each attempt's processes are limited as a whole, and it is",
            (false, false) => "no limits, but each attempt is",
        };
        write!(f, "v{}: {limited} killed as a whole", self.version)
    }
}

/// What can be had here, tried once; an error says why nothing can.
pub fn level() -> Result<Level, &'static str> {
    find::ground().map(|ground| ground.level())
}
