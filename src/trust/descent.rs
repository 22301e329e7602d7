//! Whether this process descends from an agent's attempt: an agent must not say that its own changes are meant.

use crate::domain::process::ProcessIdentity;
use crate::sys::{identity, process};

/// What attempts mark their environment with; nobody else sets these.
const MARKS: [&str; 4] =
    ["SWARMDIR_SESSION", "SWARMDIR_TASK", "SWARMDIR_ATTEMPT", "SWARMDIR_WORKER"];

/// The process that shows it: this one, or one above it, that carries an attempt's mark or is one of these workers. An
/// agent may empty its environment and leave its session; it then still stands below its worker.
pub fn attempt_above(workers: &[ProcessIdentity]) -> Option<i32> {
    let is_worker =
        |pid: i32| workers.iter().any(|worker| worker.pid == pid && process::alive(worker));
    identity::ancestry()
        .into_iter()
        .find(|pid| identity::was_given(*pid, &MARKS) || is_worker(*pid))
}
