//! Processes that outlive us: started in a session of their own, logging to a file, reaped without blocking.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{activity, process, signal, sweep};

/// A child that ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reaped {
    /// Its process number, free from now on.
    pub pid: i32,
    /// How.
    pub how: ChildEnd,
}

/// How a worker's process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChildEnd {
    /// By itself, as it should.
    Clean,
    /// By itself, so that a fresh one takes its place.
    Recycled,
    /// Somebody killed it with SIGKILL.
    Killed,
    /// It failed or crashed.
    Crashed,
}

/// Exit codes of a worker that are no crash: all well, a task failed, try later or fenced, and told to end
/// by INT or TERM.
const CLEAN: [i32; 5] = [0, 1, 75, 130, 143];

/// The exit code of a worker that makes room for a fresh one.
pub const RECYCLED: u8 = 76;

/// Starts this very program again (also when its file was replaced meanwhile) in a new session, with these
/// variables on top of ours.
pub fn spawn(argv: &[impl AsRef<OsStr>], env: &[(&str, &str)], log: &Path) -> io::Result<i32> {
    let log = super::fs::open_append(log).map_err(|e| e.source)?;
    let mut command = Command::new("/proc/self/exe");
    command.args(argv).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.arg0("swarmdir-worker").envs(env.iter().copied());
    detach(&mut command);
    let child = command.spawn()?;
    i32::try_from(child.id()).map_err(io::Error::other)
}

#[expect(unsafe_code, reason = "code between fork and exec")]
fn detach(command: &mut Command) {
    // SAFETY: both calls are async-signal-safe and touch no memory.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            // An order that comes before the program listens waits until it does, instead of ending it.
            signal::hold_orders()?;
            Ok(())
        });
    }
}

/// Every child that has ended since the last call, adopted orphans included; but not a helper of another thread, which
/// waits for it itself.
pub fn reap() -> Vec<Reaped> {
    let spared = activity::spared();
    if spared.is_empty() {
        return std::iter::from_fn(|| ended(None)).flatten().collect();
    }
    let children = sweep::children_of(process::own_pid()).into_iter();
    let others = children.filter(|pid| !spared.contains(pid));
    others.filter_map(|pid| ended(Some(Pid::from_raw(pid)))).flatten().collect()
}

/// One child that has ended, this one or any; the inner `None` for news of another kind.
fn ended(pid: Option<Pid>) -> Option<Option<Reaped>> {
    Some(match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(pid, code)) => {
            let how = if code == i32::from(RECYCLED) {
                ChildEnd::Recycled
            } else if CLEAN.contains(&code) {
                ChildEnd::Clean
            } else {
                ChildEnd::Crashed
            };
            Some(Reaped { pid: pid.as_raw(), how })
        }
        Ok(WaitStatus::Signaled(pid, signal, _)) => {
            let killed = signal == nix::sys::signal::Signal::SIGKILL;
            let how = if killed { ChildEnd::Killed } else { ChildEnd::Crashed };
            Some(Reaped { pid: pid.as_raw(), how })
        }
        Ok(WaitStatus::StillAlive) | Err(_) => return None,
        Ok(_) => None,
    })
}
