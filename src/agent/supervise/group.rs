//! The control group of an agent: entered before it begins, emptied after it, asked what happened in there.
//!
//! Where there is none, nothing here does anything, and the sweep by descent and by mark has to do.

use std::collections::HashSet;

use crate::agent::job::{Job, Refusal};
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::outcome::overuse::{Overuse, explain};
use crate::sys::cgroup::{CgroupEntry, CgroupError, CgroupLimits};
use crate::sys::grace::Grace;
use crate::sys::spawn::{Child, SpawnError, SpawnRequest, SpawnStep, spawn, spawn_in};

/// Starts a child in the group of its job. One that cannot be entered is made anew once; then the child starts
/// outside of it, if it may.
pub(in crate::agent) fn start(
    job: &Job,
    order: &SpawnRequest<'_>,
    notes: &mut Vec<String>,
) -> Result<Result<Child, SpawnError>, Refusal> {
    let Some(group) = &job.bounds.group else { return Ok(spawn(order)) };
    let mut why = String::new();
    for _ in 0..2 {
        match hold(job) {
            Ok(entrance) => match spawn_in(&entrance, order) {
                Err(e) if e.at == SpawnStep::Cgroup => why = e.to_string(),
                other => return Ok(other),
            },
            Err(error) => why = error.to_string(),
        }
        group.forget();
    }
    if group.is_required() {
        return Err(Refusal::new(Fault::Machine, format!("no control group for it: {why}")));
    }
    notes.push(format!("it ran outside of a control group: {why}"));
    Ok(spawn(order))
}

fn hold(job: &Job) -> Result<CgroupEntry, CgroupError> {
    let Some(group) = &job.bounds.group else { return Ok(CgroupEntry::default()) };
    let limits = &job.bounds.limits;
    group.hold(CgroupLimits { memory: limits.tree_memory_bytes, processes: limits.tree_processes })
}

/// Ends what is in the group, and says who that was and how many would not die.
pub(in crate::agent) fn empty(
    job: &Job,
    grace: &mut Grace,
    patience_ms: u64,
) -> (HashSet<i32>, usize) {
    let group = job.bounds.group.as_ref();
    let killed = group.map(|group| group.kill(grace, patience_ms)).unwrap_or_default();
    (killed.pids, killed.left)
}

/// The ending in the light of what the group saw, and what people should know.
pub(in crate::agent) fn explained(job: &Job, ending: Outcome) -> (Outcome, Vec<String>) {
    let Some(group) = &job.bounds.group else { return (ending, Vec::new()) };
    let seen = group.look();
    let seen = Overuse {
        oom_kills: seen.oom_kills,
        at_memory_limit: seen.at_memory_limit,
        forks_refused: seen.forks_refused,
    };
    explain(ending, seen, &job.bounds.limits)
}
