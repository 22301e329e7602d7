//! Real control groups, where this machine has them; a loud word where it has none.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use swarmdir::domain::task::id::WorkerId;
use swarmdir::sys::cgroup::{self, Cgroup};
use swarmdir::sys::random;

/// Whether groups with limits of memory and processes can be had. Fails for their lack only where `CI` is set.
pub(crate) fn are_here() -> bool {
    let why = match cgroup::level() {
        Ok(level) if level.is_whole() => return true,
        Ok(level) => level.to_string(),
        Err(why) => why.to_owned(),
    };
    assert!(std::env::var_os("CI").is_none(), "no control groups: {why}");
    println!("*** NOT TESTED: no control groups: {why} ***");
    false
}

/// A group for the agents of a test.
pub(crate) fn group() -> Arc<Cgroup> {
    let worker = WorkerId::from_bits(random::bits());
    Arc::new(Cgroup::make(worker.as_str(), true).expect("they are here"))
}

/// The groups of a worker that are there, in all hierarchies.
pub(crate) fn groups_of(worker: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let ours =
                entry.file_name().to_string_lossy().starts_with(&format!("swarmdir-{worker}."));
            if ours { found.push(entry.path()) } else { todo.push(entry.path()) }
        }
    }
    found
}
