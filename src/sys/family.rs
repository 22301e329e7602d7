//! Who is below a process: its children, and all that they started.
//!
//! A process that made itself a subreaper inherits every orphan below it, also those in sessions of their own. It knows
//! nothing of tasks and kills nobody. Invariant: helpers of this process's threads are nobody else's to wait for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::identity::{self, Process, own_pid, process};

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
