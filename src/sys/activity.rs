//! Who is below a process, and what processes and files do: CPU time between two looks, the newest change in a directory.
//!
//! A process that made itself a subreaper inherits every orphan below it, also those in sessions of their own. It knows
//! nothing of agents and kills nobody. Invariants: helpers of this process's threads are nobody else's to wait for; every
//! look is bounded, in number and in time, and what it did not get to see it says.

use std::collections::{BTreeSet, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::clock::mono_ms;
use super::identity::{self, own_pid};
pub use super::identity::{Process, process};

/// CPU time that was used between two looks at a family, milliseconds. Never more than was; what processes used that
/// came and went unseen may be missing.
pub fn cpu_between(before: &[Process], now: &[Process]) -> u64 {
    let known = |process: &Process| {
        before.iter().find(|old| (old.pid, old.start_ticks) == (process.pid, process.start_ticks))
    };
    let of_survivors: u64 = now
        .iter()
        .map(|process| process.own_ms.saturating_sub(known(process).map_or(0, |old| old.own_ms)))
        .sum();
    // Of those that ended in between the parents know, and only the sum tells what of it is new.
    let sum = |family: &[Process]| family.iter().map(|process| process.all_ms).sum::<u64>();
    of_survivors.max(sum(now).saturating_sub(sum(before)))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DirChanges {
    /// When, by the clock of its file system, nanoseconds since 1970; `None`: nothing could be looked at.
    pub newest_ns: Option<i128>,
    /// There was more than could be looked at.
    pub cut: bool,
}

/// Looks for the newest change in a directory, the upper levels first, at most so many names and for so long. What
/// lies in a directory of the name `but` is left out; links are not followed.
pub fn newest_change(dir: &Path, but: &str, names: usize, patience_ms: u64) -> DirChanges {
    let deadline = mono_ms().saturating_add(patience_ms);
    let mut changes = DirChanges::default();
    changes.see(std::fs::symlink_metadata(dir).ok().as_ref());
    let mut todo: VecDeque<PathBuf> = VecDeque::from([dir.to_owned()]);
    let mut left = names;
    while let Some(dir) = todo.pop_front() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            if left == 0 || mono_ms() > deadline {
                return DirChanges { cut: true, ..changes };
            }
            left -= 1;
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() && entry.file_name() == but {
                continue;
            }
            changes.see(Some(&meta));
            if meta.is_dir() {
                todo.push_back(entry.path());
            }
        }
    }
    changes
}

impl DirChanges {
    /// The time of the change of the inode: nobody can set it to something else.
    fn see(&mut self, meta: Option<&std::fs::Metadata>) {
        let at = |meta: &std::fs::Metadata| {
            i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec())
        };
        self.newest_ns = self.newest_ns.max(meta.map(at));
    }
}

/// More processes than this are not looked at.
const MAX_PROCESSES: usize = 4096;

static SUBREAPER: AtomicBool = AtomicBool::new(false);
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// The helpers that threads of this process wait for: nobody else takes their status, or sweeps them.
pub(super) fn spared() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on orphans below this process become its children. For processes that own all their children.
pub fn become_subreaper() -> std::io::Result<()> {
    nix::sys::prctl::set_child_subreaper(true)?;
    SUBREAPER.store(true, Ordering::Relaxed);
    Ok(())
}

/// Whether [`become_subreaper`] was called.
pub fn is_subreaper() -> bool {
    SUBREAPER.load(Ordering::Relaxed)
}

/// The children of a process, as the kernel lists them; without its list, by everybody's parent.
pub fn children_of(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        match std::fs::read_to_string(thread.path().join("children")) {
            Ok(list) => {
                children.extend(list.split_whitespace().filter_map(|n| n.parse::<i32>().ok()))
            }
            // A thread that ended has none; a kernel without the list has it for no thread.
            Err(_) if thread.file_name().to_str() == Some(&pid.to_string()) => {
                return children_by_parent(pid);
            }
            Err(_) => {}
        }
    }
    children
}

fn children_by_parent(pid: i32) -> Vec<i32> {
    let parent_is = |child: &i32| identity::parent(*child) == Some(pid);
    identity::all().into_iter().filter(parent_is).collect()
}

/// Children, their children and so on; a fork during the look is found by the next one.
pub(super) fn all_below(top: i32) -> BTreeSet<i32> {
    let spared = spared();
    let mut below = BTreeSet::new();
    let mut todo = vec![top];
    while let Some(pid) = todo.pop() {
        let children = children_of(pid).into_iter().filter(|child| !spared.contains(child));
        todo.extend(children.filter(|child| below.insert(*child)));
    }
    below
}

/// A process and all below it. Of a process of ours that is a subreaper: everything below us, which is where its
/// orphans are.
pub fn family(pid: i32) -> Vec<Process> {
    let numbers: Vec<i32> = if is_subreaper() {
        all_below(own_pid()).into_iter().collect()
    } else {
        std::iter::once(pid).chain(all_below(pid)).collect()
    };
    numbers.into_iter().take(MAX_PROCESSES).filter_map(process).collect()
}

/// Children of this process that are no helpers of another of its threads.
pub fn own_children() -> Vec<i32> {
    let spared = spared();
    children_of(own_pid()).into_iter().filter(|pid| !spared.contains(pid)).collect()
}

/// Takes the status of every child that is dead; true once the kernel says that there is no child. Helpers of other
/// threads are theirs to wait for, and do not count.
pub(super) fn childless() -> bool {
    let spared = spared();
    let no_hang = Some(WaitPidFlag::WNOHANG);
    if !spared.is_empty() {
        let alive = |pid: &i32| waitpid(Pid::from_raw(*pid), no_hang) == Ok(WaitStatus::StillAlive);
        let others = children_of(own_pid()).into_iter().filter(|p| !spared.contains(p));
        return others.filter(alive).count() == 0;
    }
    loop {
        match waitpid(Pid::from_raw(-1), no_hang) {
            Err(Errno::ECHILD) => return true,
            Ok(WaitStatus::StillAlive) => return false,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(pid: i32, own_ms: u64, all_ms: u64) -> Process {
        Process { pid, start_ticks: 1, state: 'S', own_ms, all_ms }
    }

    #[test]
    fn time_of_children_that_ended_counts_once() {
        // 2 ends, and 1 waits for it: what it used before is not new.
        let before = [used(1, 10, 10), used(2, 500, 500)];
        assert_eq!(cpu_between(&before, &[used(1, 10, 510)]), 0);
        assert_eq!(cpu_between(&before, &[used(1, 10, 540)]), 30);
        // Nobody waits for it: its time is lost, and that of the others is not made less by it.
        assert_eq!(cpu_between(&before, &[used(1, 40, 40)]), 30);
        // A new one has used all it has since then; its number may have been another's.
        let new = Process { start_ticks: 9, ..used(2, 70, 70) };
        assert_eq!(cpu_between(&before, &[used(1, 10, 10), new]), 70);
    }

    #[test]
    fn this_process_is_seen_at_work_and_a_child_in_its_family() {
        let me = super::super::process::own_pid();
        let before = process(me).unwrap();
        while process(me).unwrap().own_ms < before.own_ms + 20 {
            std::hint::black_box(0);
        }
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(family(me).iter().any(|process| process.pid == pid && process.state != 'Z'));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(process(pid), None);
    }

    #[test]
    fn the_newest_change_is_found_below_but_not_in_what_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::fs::create_dir_all(at(".git/x")).unwrap();
        std::fs::write(at("a/b/c"), "1").unwrap();
        let look = || newest_change(dir.path(), ".git", 1_000, 60_000);
        let first = look();
        assert!(first.newest_ns.is_some() && !first.cut);
        // A clock of a file system may stand still for some milliseconds.
        let newer = |path: &Path, than: DirChanges| loop {
            std::fs::write(path, "2").unwrap();
            let meta = std::fs::symlink_metadata(path).unwrap();
            let mut seen = DirChanges::default();
            seen.see(Some(&meta));
            if seen.newest_ns > than.newest_ns {
                return;
            }
        };
        newer(&at(".git/x/y"), first);
        assert_eq!(look(), first);
        newer(&at("a/b/c"), first);
        assert!(look().newest_ns > first.newest_ns);
        assert!(newest_change(dir.path(), ".git", 2, 60_000).cut);
        assert_eq!(newest_change(&at("nowhere"), ".git", 9, 60_000), DirChanges::default());
    }
}

#[cfg(test)]
mod family_tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn children_are_found_both_ways() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(children_of(own_pid()).contains(&pid));
        assert!(children_by_parent(own_pid()).contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
