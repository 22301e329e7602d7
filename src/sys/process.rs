//! Processes that are not our children by type: looking them up and killing them by identity.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
pub use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::identity::{self, PidState, all, process};
pub use super::identity::{own_pid, own_thread};
use super::seam::{Call, Op, through};
use crate::domain::process::{HostMatch, ProcessIdentity};

/// What can be told of a process of this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// It lives.
    Alive,
    /// It has ended, or its number is another's.
    Ended,
    /// There is a process of this number, and `/proc` does not show which one: it may be this one.
    Hidden,
}

/// Looks for the process with this identity. Where `/proc` does not show it (it hides other users' processes, no file
/// could be opened), the kernel is asked whether there is any of its number: that it tells everybody.
pub fn sight(identity: &ProcessIdentity) -> Presence {
    sight_of(identity.pid, identity.start_ticks)
}

/// The same of a number and the time of its start.
pub(super) fn sight_of(pid: i32, start_ticks: u64) -> Presence {
    match identity::seen(pid) {
        PidState::Since(ticks) if ticks == start_ticks => Presence::Alive,
        PidState::Since(_) | PidState::Ended => Presence::Ended,
        PidState::Nothing if exists(pid) => Presence::Hidden,
        PidState::Nothing => Presence::Ended,
    }
}

/// Whether the process lives and this user may tell it what to do.
pub fn obeys(identity: &ProcessIdentity) -> bool {
    sight(identity) == Presence::Alive && kill(Pid::from_raw(identity.pid), None).is_ok()
}

/// Whether the process with this identity lives, as far as can be told: one that is hidden does, and its lease decides.
pub fn alive(identity: &ProcessIdentity) -> bool {
    sight(identity) != Presence::Ended
}

/// Whether nothing can be done to a process from where `me` stands, nor be told for certain: it lives somewhere else, or
/// is hidden. Only its lease decides.
pub fn out_of_reach(me: &ProcessIdentity, other: &ProcessIdentity) -> bool {
    match me.host_match(other) {
        HostMatch::Elsewhere => true,
        HostMatch::Here => sight(other) == Presence::Hidden,
        HostMatch::Rebooted => false,
    }
}

/// Whether a process of this number has not ended, whoever's it is. What is refused (`EPERM`) is there.
fn exists(pid: i32) -> bool {
    match descriptor(pid) {
        // Readable means ended, and not yet waited for.
        Ok(process) => super::ready::wait([Some(process.as_fd())], Some(0)).ok() != Some([true]),
        Err(Errno::ESRCH | Errno::EINVAL) => false,
        Err(_) => !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH)),
    }
}

/// Whether the process can still do anything: one that is on its way out has no memory any more, long before it is
/// gone.
pub fn works(identity: &ProcessIdentity) -> bool {
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", identity.pid));
    alive(identity) && pages.is_ok_and(|pages| !pages.starts_with("0 "))
}

/// Kills the process with this identity, and waits until it is dead. True when it is (or was already);
/// false where this user may not, or it will not die within `patience_ms`.
pub fn kill_and_see_dead(identity: &ProcessIdentity, patience_ms: u64) -> bool {
    let path = std::path::PathBuf::from(format!("/proc/{}", identity.pid));
    let kill =
        || if kill_patiently(identity, patience_ms) { Ok(()) } else { Err(Errno::EBUSY.into()) };
    through(Call::on(Op::Kill, &path), |_| kill()).is_ok()
}

fn kill_patiently(identity: &ProcessIdentity, patience_ms: u64) -> bool {
    let deadline = super::clock::mono_ms() + patience_ms;
    loop {
        match sight(identity) {
            Presence::Ended => return true,
            // It may be another one by now.
            Presence::Hidden => return false,
            Presence::Alive => {}
        }
        // The number cannot have been given to another process between the look and the kill more than
        // once in a wrap of all numbers; the pidfd makes even that harmless.
        if !kill_by_descriptor(identity) || super::clock::mono_ms() > deadline {
            return false;
        }
        super::clock::pause_ms(1);
    }
}

/// True unless the system refused for another reason than "no such process".
fn kill_by_descriptor(identity: &ProcessIdentity) -> bool {
    match descriptor(identity.pid) {
        Ok(process) => !alive(identity) || signal_exactly(&process, Signal::SIGKILL),
        Err(Errno::ESRCH) => true,
        // An old kernel: fall back to the number.
        Err(_) => !matches!(kill(Pid::from_raw(identity.pid), Signal::SIGKILL), Err(Errno::EPERM)),
    }
}

/// A descriptor that stands for this very process, whoever gets its number later. Readable when the
/// process has ended.
#[expect(unsafe_code, reason = "nix does not wrap pidfd_open")]
pub(super) fn descriptor(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: pidfd_open takes two integers and returns a new descriptor (close-on-exec) or -1.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let raw = i32::try_from(Errno::result(raw)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the descriptor was just made and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

#[expect(unsafe_code, reason = "nix does not wrap pidfd_send_signal")]
fn signal_exactly(process: &OwnedFd, signal: Signal) -> bool {
    let nothing = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open; a null siginfo asks for the default one.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as i32, nothing, 0)
    };
    sent == 0 || Errno::last() == Errno::ESRCH
}

/// Kills a process that is still the right one when it can no longer be mistaken; true if it was.
pub(super) fn kill_if(pid: i32, right: impl FnOnce() -> bool) -> bool {
    signal_if(pid, Signal::SIGKILL, right)
}

pub(super) fn signal_if(pid: i32, what: Signal, right: impl FnOnce() -> bool) -> bool {
    match descriptor(pid) {
        Ok(process) => right() && signal_exactly(&process, what),
        Err(Errno::ESRCH) => false,
        Err(_) => right() && signal(pid, what),
    }
}

/// Kills by number: for our own descendants, whose numbers cannot be given away before we wait for them.
pub(super) fn kill_hard(pid: i32) -> bool {
    kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok()
}

/// Sends a signal to every process of a group; false where there is none.
pub fn signal_group(group: i32, signal: Signal) -> bool {
    nix::sys::signal::killpg(Pid::from_raw(group), signal).is_ok()
}

/// Sends a signal to one process; false where it is gone or not ours.
pub fn signal(pid: i32, signal: Signal) -> bool {
    kill(Pid::from_raw(pid), signal).is_ok()
}

/// Sends a signal to a process (or its whole group), and wakes it where it stands still: it hears of the signal only
/// then, and may end in order. It may be gone this instant, which its end will tell.
pub fn tell(pid: i32, group: bool, signal_to_send: Signal) {
    let send = |what| if group { signal_group(pid, what) } else { signal(pid, what) };
    // The process may be gone.
    send(signal_to_send);
    if process(pid).is_some_and(|process| process.state == 'T') {
        // The process may be gone.
        send(Signal::SIGCONT);
    }
}

/// From now on a panic of any thread ends this process: half a worker would hold its task and never beat.
/// What follows is what follows any crash.
pub fn end_on_panic() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::exit(101);
    }));
}

/// Processes whose working directory is this one or below it, as far as we may see.
pub fn standing_in(dir: &std::path::Path) -> Vec<i32> {
    let stands = |pid: &i32| {
        std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir))
    };
    all().into_iter().filter(stands).collect()
}
