//! A look at an agent's processes and files, and what has changed since the look before.
//!
//! Invariant: a look never takes longer than [`WAIT_MS`], even where the agent's disk does not answer: files are
//! looked at by a thread of their own, and while one of those is stuck no other is started.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::domain::liveness::judgement::{Look, Processes};
use crate::sys::activity::{DirChanges, Process, cpu_between, family, newest_change};
use crate::sys::clock::{mono_ms, now};

/// At most so many names, and for so long, milliseconds.
const NAMES: usize = 20_000;
const WALK_MS: u64 = 200;
/// A walk that has not ended by then is stuck on a disk, milliseconds.
const WAIT_MS: u64 = 2_000;
/// Every command of git changes something in there, also one that only looks.
const LEFT_OUT: &str = ".git";

/// Looks, and remembers.
pub(in crate::agent) struct Looker {
    dir: PathBuf,
    /// The look before, and when it was.
    before: Option<(u64, Vec<Process>, DirChanges)>,
    /// A walk that has not come back.
    stuck: Option<Receiver<DirChanges>>,
}

impl Looker {
    pub(in crate::agent) fn new(dir: &Path) -> Looker {
        Looker { dir: dir.to_owned(), before: None, stuck: None }
    }

    /// Looks at a process with all below it; the first look of a silence has nothing to compare with.
    pub(in crate::agent) fn look(&mut self, pid: i32, first: bool) -> Look {
        let changes = self.changes();
        let processes = family(pid);
        let at_ms = mono_ms();
        let mut look = Look {
            change_ago_ms: changes.newest_ns.map(ago_ms),
            processes: count(&processes),
            ..Look::default()
        };
        if let Some((before_ms, before, earlier)) = self.before.as_ref().filter(|_| !first) {
            look.over_ms = at_ms.saturating_sub(*before_ms).max(1);
            look.cpu_ms = cpu_between(before, &processes);
            look.changed = changed(earlier, &changes);
        }
        self.before = Some((at_ms, processes, changes));
        look
    }

    fn changes(&mut self) -> DirChanges {
        let walk = match self.stuck.take() {
            Some(walk) => walk,
            None => {
                let (sender, walk) = channel();
                let dir = self.dir.clone();
                let run = move || {
                    // Nobody may be waiting for it any more.
                    let _ = sender.send(newest_change(&dir, LEFT_OUT, NAMES, WALK_MS));
                };
                if std::thread::Builder::new().name("look".into()).spawn(run).is_err() {
                    return DirChanges::default();
                }
                walk
            }
        };
        match walk.recv_timeout(Duration::from_millis(WAIT_MS)) {
            Ok(changes) => changes,
            Err(RecvTimeoutError::Timeout) => {
                self.stuck = Some(walk);
                DirChanges::default()
            }
            Err(RecvTimeoutError::Disconnected) => DirChanges::default(),
        }
    }
}

/// Where one of the two walks was cut short, only a change that was seen proves something.
fn changed(before: &DirChanges, now: &DirChanges) -> Option<bool> {
    match (before.newest_ns, now.newest_ns) {
        (Some(before_ns), Some(now_ns)) if now_ns > before_ns && !before.cut => Some(true),
        (Some(before_ns), Some(now_ns)) if !now.cut && !before.cut => Some(now_ns > before_ns),
        _ => None,
    }
}

fn ago_ms(newest_ns: i128) -> u64 {
    let newest_ms = u64::try_from(newest_ns / 1_000_000).unwrap_or(0);
    now().0.saturating_sub(newest_ms)
}

fn count(processes: &[Process]) -> Processes {
    let in_state = |state: char| {
        let n = processes.iter().filter(|process| process.state == state).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    let all = u32::try_from(processes.len()).unwrap_or(u32::MAX);
    let alive = all - in_state('Z') - in_state('X');
    // Where nothing can be seen at all, nothing says that it is dead.
    let alive = if processes.is_empty() { 1 } else { alive };
    Processes { alive, stopped: in_state('T'), stuck: in_state('D') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_was_cut_proves_no_stillness() {
        let whole = |newest_ns| DirChanges { newest_ns: Some(newest_ns), cut: false };
        let cut = |newest_ns| DirChanges { newest_ns: Some(newest_ns), cut: true };
        assert_eq!(changed(&whole(5), &whole(5)), Some(false));
        assert_eq!(changed(&whole(5), &whole(6)), Some(true));
        assert_eq!(changed(&whole(5), &cut(6)), Some(true));
        assert_eq!(changed(&whole(5), &cut(5)), None);
        assert_eq!(changed(&cut(5), &whole(6)), None);
        assert_eq!(changed(&DirChanges::default(), &whole(6)), None);
    }

    #[test]
    fn states_are_counted_and_the_invisible_is_not_dead() {
        let process = |state| Process { pid: 1, start_ticks: 1, state, own_ms: 0, all_ms: 0 };
        let seen = count(&['S', 'T', 'D', 'Z', 'R'].map(process));
        assert_eq!(seen, Processes { alive: 4, stopped: 1, stuck: 1 });
        assert_eq!(count(&[process('Z')]).alive, 0);
        assert_eq!(count(&[]).alive, 1);
    }
}
