//! Processes that are not our children by type: looking them up and killing them by identity.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::identity::start_ticks;
use crate::domain::identity::ProcessIdentity;

/// Whether the process with this identity lives; only for one that can be seen from here.
pub fn alive(identity: &ProcessIdentity) -> bool {
    start_ticks(identity.pid) == Some(identity.start_ticks)
}

/// Kills the process with this identity, and waits until it is dead. True when it is (or was already);
/// false where this user may not, or it will not die within `patience_ms`.
pub fn kill_and_see_dead(identity: &ProcessIdentity, patience_ms: u64) -> bool {
    let deadline = super::clock::mono_ms() + patience_ms;
    while alive(identity) {
        // The number cannot have been given to another process between the look and the kill more than
        // once in a wrap of all numbers; the pidfd makes even that harmless.
        if !kill_by_descriptor(identity) || super::clock::mono_ms() > deadline {
            return false;
        }
        super::clock::pause_ms(1);
    }
    true
}

/// True unless the system refused for another reason than "no such process".
#[expect(unsafe_code, reason = "nix wraps neither pidfd_open nor pidfd_send_signal")]
fn kill_by_descriptor(identity: &ProcessIdentity) -> bool {
    use nix::libc;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    // SAFETY: pidfd_open takes two integers and returns a new descriptor or -1.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, identity.pid, 0) };
    let Ok(raw) = i32::try_from(raw) else { return false };
    if raw < 0 {
        return match Errno::last() {
            Errno::ESRCH => true,
            // An old kernel: fall back to the number.
            _ => !matches!(kill(Pid::from_raw(identity.pid), Signal::SIGKILL), Err(Errno::EPERM)),
        };
    }
    // SAFETY: the descriptor was just made and nobody else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    if !alive(identity) {
        return true;
    }
    let nothing = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open; a null siginfo asks for the default one.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), libc::SIGKILL, nothing, 0)
    };
    sent == 0 || Errno::last() == Errno::ESRCH
}

/// Sends a signal to one process; false where it is gone or not ours.
pub fn signal(pid: i32, signal: Signal) -> bool {
    kill(Pid::from_raw(pid), signal).is_ok()
}
