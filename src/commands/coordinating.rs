//! Who coordinates a queue, by the lock that a coordinator holds and the name that it writes there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::CommandError;
use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::domain::time::UnixMs;
use crate::site::Site;
use crate::sys::lock::Lock;
use crate::sys::process::Presence;
use crate::sys::{clock, fs, identity, process};

/// A new coordinator writes its name within so many looks, so many milliseconds apart.
const NAME_LOOKS: u32 = 20;
const NAME_MS: u64 = 50;

/// Who holds the coordinator's lock, as it says itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incumbent {
    /// Its process.
    pub process: ProcessIdentity,
    /// Since when.
    pub since: UnixMs,
}

/// The coordinator of this queue.
pub enum Coordinating {
    /// None runs.
    Nobody,
    /// This process of this machine.
    Here(Incumbent),
    /// Its lock is held, and its process cannot be seen from here: it runs in another pid namespace, on another
    /// machine, or has just begun and not said who it is.
    Elsewhere(Option<Incumbent>),
}

impl Coordinating {
    /// In brackets, for messages; empty where nobody knows.
    pub fn said(&self) -> String {
        match self {
            Coordinating::Nobody | Coordinating::Elsewhere(None) => String::new(),
            Coordinating::Here(i) => format!(
                " (process {} on {}, since {})",
                i.process.pid,
                i.process.host,
                clock::local(i.since)
            ),
            Coordinating::Elsewhere(Some(i)) => {
                format!(" ({}, since {})", whereabouts(&i.process), clock::local(i.since))
            }
        }
    }
}

/// The lock by which a second coordinator is told who runs already. A courtesy: two would do no harm.
pub fn lock_path(root: &Path) -> PathBuf {
    Site::at(root).coordinator_lock()
}

/// Who coordinates.
pub fn coordinating(root: &Path) -> Result<Coordinating, CommandError> {
    let path = lock_path(root);
    if !fs::exists(&path) || Lock::try_take(&path)?.is_some() {
        return Ok(Coordinating::Nobody);
    }
    // An earlier one's name stays until the next has written his, which is at once.
    for _ in 0..NAME_LOOKS {
        match named(&path)? {
            Coordinating::Elsewhere(None) => clock::pause_ms(NAME_MS),
            known => return Ok(known),
        }
    }
    Ok(Coordinating::Elsewhere(None))
}

/// Who holds the lock, by the name on it.
fn named(path: &Path) -> Result<Coordinating, CommandError> {
    let me = identity::me();
    let named = serde_json::from_slice::<Incumbent>(&fs::read(path)?).ok();
    Ok(match named.map(|i| (me.host_match(&i.process), process::sight(&i.process), i)) {
        Some((HostMatch::Here, Presence::Alive, incumbent)) => Coordinating::Here(incumbent),
        Some((HostMatch::Here, Presence::Ended, _)) | None => Coordinating::Elsewhere(None),
        Some((_, _, incumbent)) => Coordinating::Elsewhere(Some(incumbent)),
    })
}

/// Where a process is that cannot be seen from here.
pub(super) fn whereabouts(process: &ProcessIdentity) -> String {
    let me = identity::me();
    let at = format!("process {} on {}", process.pid, process.host);
    let same_spaces =
        process.pid_namespace == me.pid_namespace && process.time_namespace == me.time_namespace;
    match process.boot_id == me.boot_id {
        true if !same_spaces => {
            format!("{at}, in another pid namespace ({}: a container)", process.pid_namespace)
        }
        _ => at,
    }
}
