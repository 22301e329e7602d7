//! The variables that an attempt's processes are given, on top of what they inherit. Pure.

use super::inputs::{Attempt, Means};
use super::workplace::{QUEUE_MARK, TASK_MARK};
use crate::housekeeping::WORKER_MARK;

/// In this order, as later ones win: what git needs, what profile and task add, what we say.
pub(super) fn environment(attempt: &Attempt<'_>, means: &Means<'_>) -> Vec<(String, String)> {
    let Attempt { name, number, spec, profile, place, earlier, .. } = attempt;
    let mut env: Vec<(String, String)> = Vec::new();
    if place.lacks_identity {
        for role in ["AUTHOR", "COMMITTER"] {
            env.push((format!("GIT_{role}_NAME"), "swarmdir".into()));
            env.push((format!("GIT_{role}_EMAIL"), "swarmdir@localhost".into()));
        }
    }
    let added = profile.env.iter().chain(&spec.env);
    env.extend(added.map(|(name, value)| (name.clone(), value.clone())));
    let ours = [
        (TASK_MARK, name.at.id.to_string()),
        (QUEUE_MARK, means.queue_place.to_owned()),
        ("SWARMDIR_ATTEMPT", number.to_string()),
        (WORKER_MARK, name.worker.to_string()),
        ("SWARMDIR_ROOT", means.config.root.display().to_string()),
        ("SWARMDIR_BRANCH", place.branch().unwrap_or_default().to_owned()),
    ];
    env.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    if earlier.attempts > 0 {
        env.push(("SWARMDIR_CONTEXT".into(), means.context_file.display().to_string()));
    }
    env
}
