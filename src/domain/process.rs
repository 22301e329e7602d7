//! Who a process is, so that it can be told from a later one of the same number.

use serde::{Deserialize, Serialize};

/// A process for ever: its number, when it started, and on which boot of which machine.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Host name, for people.
    pub host: String,
    /// The kernel's boot id: numbers and start times mean something only within it.
    pub boot_id: String,
    /// Process number in its own namespace.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// The pid namespace: containers share a boot id.
    pub pid_namespace: u64,
    /// The time namespace: it shifts start times.
    pub time_namespace: u64,
}

/// Where a reader stands relative to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostMatch {
    /// Same boot and namespaces: the process can be looked up and killed.
    Here,
    /// Same host name but another boot: the machine restarted, so it is dead.
    Rebooted,
    /// Another machine or container: only its heartbeat can be judged.
    Elsewhere,
}

impl ProcessIdentity {
    /// How `self` (the reader) stands to `other`. A restart is only believed where host and namespaces
    /// are the initial kind alike, as clones of a machine share host names but not heartbeats: the caller
    /// still needs an expired lease for [`HostMatch::Rebooted`].
    pub fn host_match(&self, other: &ProcessIdentity) -> HostMatch {
        let same_boot = self.boot_id == other.boot_id;
        let same_spaces = self.pid_namespace == other.pid_namespace
            && self.time_namespace == other.time_namespace;
        match (same_boot, same_spaces) {
            (true, true) => HostMatch::Here,
            (false, _) if self.host == other.host => HostMatch::Rebooted,
            _ => HostMatch::Elsewhere,
        }
    }
}
