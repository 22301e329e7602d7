//! Killing all that is in some groups, whoever forks meanwhile, and removing them; the names of groups, which say who
//! made them, and the removal of empty ones whose makers are dead.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::clock::{Backoff, mono_ms};
use crate::sys::grace::{Grace, SweepTarget};
use crate::sys::process::{self, Presence, sight_of};

/// A kernel's count of links of a directory without directories in it.
const CHILDLESS: u64 = 2;

/// What a kill came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CgroupKill {
    /// Who was seen in the groups and is not there any more.
    pub pids: HashSet<i32>,
    /// How many would not die in time.
    pub left: usize,
}

struct CgroupMembers(Vec<PathBuf>);

impl CgroupMembers {
    fn dirs(&self) -> Vec<&Path> {
        self.0.iter().map(PathBuf::as_path).collect()
    }
}

impl SweepTarget for CgroupMembers {
    fn list(&self) -> Vec<i32> {
        self.0.iter().flat_map(|dir| members(dir)).collect()
    }

    fn holds(&self, pid: i32) -> bool {
        is_in(pid, &self.dirs())
    }
}

/// Ends whatever is in these directories, which are all of one group (in several hierarchies), and below them: by TERM
/// within its grace, then by KILL.
pub(super) fn kill_all(dirs: &[&Path], grace: &mut Grace, patience_ms: u64) -> CgroupKill {
    let mut killed = CgroupKill::default();
    if dirs.iter().all(|dir| members(dir).is_empty()) {
        return killed;
    }
    let owned = dirs.iter().map(|dir| (*dir).to_owned()).collect();
    killed.pids.extend(grace.give(&CgroupMembers(owned)));
    let deadline = mono_ms() + patience_ms;
    let mut pace = Backoff::new();
    loop {
        let living: HashSet<i32> = dirs.iter().flat_map(|dir| members(dir)).collect();
        if living.is_empty() {
            return killed;
        }
        for dir in dirs {
            // Version 2 does it in one; version 1 can see to it at least that none is added.
            drop(fs::write(dir.join("cgroup.kill"), "1"));
            // Only where it is counted.
            drop(fs::write(dir.join("pids.max"), "0"));
        }
        for pid in &living {
            process::kill_if(*pid, || is_in(*pid, dirs));
        }
        killed.pids.extend(&living);
        if mono_ms() > deadline {
            return CgroupKill { left: living.len(), ..killed };
        }
        pace.wait();
    }
}

/// Removes a group with what was made in it; false: somebody is in there.
pub(super) fn remove(dir: &Path) -> bool {
    for child in children(dir) {
        remove(&child);
    }
    fs::remove_dir(dir).is_ok() || !dir.exists()
}

/// Living processes of a group and of those below it; never this one.
pub(super) fn members(dir: &Path) -> Vec<i32> {
    let own = process::own_pid();
    // Zero is one of another pid namespace.
    let mut pids = pids_in(&dir.join("cgroup.procs"));
    pids.retain(|pid| *pid > 0 && *pid != own);
    pids.extend(children(dir).iter().flat_map(|child| members(child)));
    pids
}

pub(super) fn pids_in(procs: &Path) -> Vec<i32> {
    let text = fs::read_to_string(procs).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

pub(super) fn children(dir: &Path) -> Vec<PathBuf> {
    if fs::metadata(dir).map_or(true, |meta| meta.nlink() <= CHILDLESS) {
        return Vec::new();
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    dirs.map(|entry| entry.path()).collect()
}

/// Whether a process is in one of these groups, by their names, which nobody else gives.
fn is_in(pid: i32, dirs: &[&Path]) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let names: HashSet<_> = dirs.iter().filter_map(|dir| dir.file_name()?.to_str()).collect();
    text.lines().any(|line| line.split('/').any(|part| names.contains(part)))
}

/// How the name of every group of ours begins.
const PREFIX: &str = "swarmdir-";

pub(super) fn prefix(worker: &str) -> String {
    format!("{PREFIX}{worker}.")
}

/// Removes the empty groups in a directory whose makers are dead, of whichever queue they were.
pub(super) fn tidy_in(dir: &Path) {
    for dir in children(dir) {
        let maker = dir.file_name().and_then(|name| maker(name.to_str()?));
        let dead = maker.is_some_and(|(pid, ticks)| sight_of(pid, ticks) == Presence::Ended);
        if dead && members(&dir).is_empty() {
            remove(&dir);
        }
    }
}

fn maker(name: &str) -> Option<(i32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('.').skip(1);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_who_made_it() {
        assert_eq!(maker("swarmdir-0a1b.42.777.0"), Some((42, 777)));
        assert_eq!(maker("swarmdir-own"), None);
        assert_eq!(maker("user.42.777.0"), None);
    }
}
