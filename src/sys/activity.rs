//! Looking at what processes and files do: CPU time between two looks, the newest change in a directory.
//!
//! It knows nothing of agents. Invariant: every look is bounded, in number and in time; what it did not get to see
//! it says.

use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::clock::mono_ms;
pub use super::family::family;
pub use super::identity::Process;
pub use super::identity::process;

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
