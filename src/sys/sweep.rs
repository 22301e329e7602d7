//! Killing what a child left behind, wherever it moved to.
//!
//! A process that made itself a subreaper inherits every orphan below it, also those in sessions of their
//! own: when the kernel says that it has no child left, none is left at all. What a *dead* process left is
//! found by a mark in its environment. It knows nothing of tasks. Both may be repeated by anybody.
//!
//! Invariant: [`descendants`] is called only by a process whose children are all of one piece, with no
//! [`super::spawn::Child`] alive but those of [`super::helper`], which it spares: it takes exit statuses.

use std::collections::HashSet;

use super::activity::{all_below, childless};
pub use super::activity::{become_subreaper, children_of, is_subreaper, own_children};
use super::clock::{Backoff, mono_ms};
use super::grace::{Grace, SweepTarget};
use super::identity::{self, start_ticks};
use super::process;
use super::seam::{Call, Op, through};

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Processes that had to be killed.
    pub killed: u32,
    /// Processes that would not die in time (stuck in the kernel), or that we may not kill.
    pub left: u32,
}

/// Ends every process below this one: by TERM within its grace, then by KILL, for at most so long; those that were
/// `killed` already are counted, too. Nothing to kill costs one system call.
pub fn descendants(mut killed: HashSet<i32>, grace: &mut Grace, patience_ms: u64) -> Swept {
    if childless() {
        return Swept { killed: count(killed.len()), left: 0 };
    }
    killed.extend(grace.give(&Descendants));
    let deadline = mono_ms() + patience_ms;
    let mut pace = Backoff::new();
    while !childless() {
        let below = all_below(process::own_pid());
        killed.extend(below.iter().copied().filter(|pid| process::kill_hard(*pid)));
        if mono_ms() > deadline {
            return Swept { killed: count(killed.len()), left: count(below.len()) };
        }
        pace.wait();
    }
    Swept { killed: count(killed.len()), left: 0 }
}

/// A grace for a sweep of what is below this process, whatever else is swept before.
pub fn grace_below() -> Grace {
    Grace::new().also(Descendants)
}

/// Everything below this process. Those of its children that are dead are buried on the way.
struct Descendants;

impl SweepTarget for Descendants {
    fn list(&self) -> Vec<i32> {
        if childless() { Vec::new() } else { all_below(process::own_pid()).into_iter().collect() }
    }

    fn holds(&self, _pid: i32) -> bool {
        // The number of a child is its own until it is waited for, which happens in no other place now.
        true
    }
}

#[derive(Clone, Debug)]
struct EnvMark {
    entry: Vec<u8>,
    /// A variable that, where it is there, has to say this: its name with `=`, and all of it.
    beside: Option<(Vec<u8>, Vec<u8>)>,
}

impl EnvMark {
    fn new(key: &str, value: &str) -> EnvMark {
        EnvMark { entry: entry(key, value), beside: None }
    }

    fn is_in(&self, environ: &[u8]) -> bool {
        let mut entries = environ.split(|byte| *byte == 0);
        let other = |said: &[u8]| {
            let (name, whole) = self.beside.as_ref()?;
            Some(said.starts_with(name) && said != whole.as_slice())
        };
        entries.any(|said| said == self.entry)
            && !environ.split(|byte| *byte == 0).any(|said| other(said) == Some(true))
    }
}

fn entry(key: &str, value: &str) -> Vec<u8> {
    [key.as_bytes(), b"=", value.as_bytes()].concat()
}

struct MarkedProcesses(EnvMark);

impl SweepTarget for MarkedProcesses {
    fn list(&self) -> Vec<i32> {
        bearers(&self.0)
    }

    fn holds(&self, pid: i32) -> bool {
        bears(pid, &self.0)
    }
}

/// Ends every process of this machine, but this one, whose environment says `KEY=VALUE`: by TERM within its grace,
/// then by KILL, for at most so long. Only processes of the same user can be seen (root sees all).
pub fn marked(key: &str, value: &str, grace: &mut Grace, patience_ms: u64) -> Swept {
    end_marked(&EnvMark::new(key, value), grace, patience_ms)
}

/// The same, but for those whose environment says something else under another key.
pub fn marked_beside(
    (key, value): (&str, &str),
    (beside, says): (&str, &str),
    grace: &mut Grace,
    patience_ms: u64,
) -> Swept {
    let beside = Some((entry(beside, ""), entry(beside, says)));
    end_marked(&EnvMark { beside, ..EnvMark::new(key, value) }, grace, patience_ms)
}

fn end_marked(mark: &EnvMark, grace: &mut Grace, patience_ms: u64) -> Swept {
    let mut swept = Swept::default();
    let all = std::path::Path::new("/proc");
    let mut kill = |swept: &mut Swept| {
        *swept = kill_bearers(mark, grace, patience_ms);
        Ok(())
    };
    // Where the call is only pretended nothing was found.
    drop(through(Call::on(Op::Kill, all), |_| kill(&mut swept)));
    swept
}

/// Kills all that a dead worker's agents left: what is in its groups, and what bears the mark.
pub fn left_by(worker: &str, mark: &str, patience_ms: u64) -> Swept {
    let mut swept = Swept::default();
    let kill = |swept: &mut Swept| {
        let mark = EnvMark::new(mark, worker);
        let mut grace = Grace::new().also(MarkedProcesses(mark.clone()));
        let caged = super::cgroup::end_of(worker, &mut grace, patience_ms);
        let free = kill_bearers(&mark, &mut grace, patience_ms);
        let killed = count(caged.pids.len()) + free.killed;
        *swept = Swept { killed, left: count(caged.left) + free.left };
        Ok(())
    };
    let all = std::path::Path::new("/proc");
    // Where the call is only pretended nothing was found.
    drop(through(Call::on(Op::Kill, all), |_| kill(&mut swept)));
    swept
}

fn kill_bearers(mark: &EnvMark, grace: &mut Grace, patience_ms: u64) -> Swept {
    if bearers(mark).is_empty() {
        return Swept::default();
    }
    let mut killed = grace.give(&MarkedProcesses(mark.clone()));
    // One that is on its way out has no environment any more, but still a number: it is waited for.
    let mut going: HashSet<(i32, u64)> = HashSet::new();
    let deadline = mono_ms() + patience_ms;
    let mut pace = Backoff::new();
    loop {
        let found = bearers(mark);
        going.retain(|(pid, began)| start_ticks(*pid) == Some(*began));
        if found.is_empty() && going.is_empty() {
            return Swept { killed: count(killed.len()), left: 0 };
        }
        going.extend(found.iter().filter_map(|pid| Some((*pid, start_ticks(*pid)?))));
        for pid in &found {
            if process::kill_if(*pid, || bears(*pid, mark)) {
                killed.insert(*pid);
            }
        }
        if mono_ms() > deadline {
            return Swept {
                killed: count(killed.len()),
                left: count(found.len().max(going.len())),
            };
        }
        pace.wait();
    }
}

/// Every process of this machine, but this one, whose environment says `KEY=VALUE`.
pub fn bearing(key: &str, value: &str) -> Vec<i32> {
    bearers(&EnvMark::new(key, value))
}

fn bearers(mark: &EnvMark) -> Vec<i32> {
    identity::all().into_iter().filter(|pid| bears(*pid, mark)).collect()
}

/// Whether the process carries the mark; never true of ourselves, of the dead and of strangers.
fn bears(pid: i32, mark: &EnvMark) -> bool {
    pid != process::own_pid()
        && std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| mark.is_in(&environ))
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_mark_beside_another_has_to_fit_where_it_is_there() {
        let beside = Some((entry("Q", ""), entry("Q", "1")));
        let mark = EnvMark { beside, ..EnvMark::new("T", "x") };
        for (environ, is_it) in [
            ("T=x", true),
            ("A=b\0T=x\0Q=1\0", true),
            ("Q=2\0T=x\0", false),
            ("T=x\0Q=12", false),
            ("T=xy\0Q=1", false),
            ("QQ=2\0T=x", true),
            ("", false),
        ] {
            assert_eq!(mark.is_in(environ.as_bytes()), is_it, "{environ:?}");
        }
    }

    #[test]
    fn what_bears_the_mark_is_killed_also_in_a_session_of_its_own() {
        let value = super::super::random::uuid();
        let mut child = Command::new("sh")
            .args(["-c", "setsid sleep 600 & echo ready; exec sleep 600"])
            .env("SWARMDIR_SWEEP_TEST", &value)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        // The child's own corpse stays until it is waited for, but has no environment any more.
        let swept = marked("SWARMDIR_SWEEP_TEST", &value, &mut Grace::new(), 10_000);
        assert_eq!(swept.left, 0);
        assert!((1..=3).contains(&swept.killed), "{swept:?}");
        assert_eq!(child.wait().unwrap().code(), None);
        assert_eq!(marked("SWARMDIR_SWEEP_TEST", &value, &mut Grace::new(), 0), Swept::default());
    }
}
