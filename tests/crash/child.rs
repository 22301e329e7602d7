//! A process that dies by SIGKILL in the middle of what it does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, alarm, fork};

/// A child that hangs is ended after so long, seconds.
const PATIENCE_SECS: u32 = 30;

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The body returned this.
    Came(bool),
    /// By SIGKILL.
    Killed,
}

/// Runs `body` in a copy of this process; it must not print, and not wait for another thread. To be called in
/// a process whose other threads stand still (see [`crate::support::alone`]): what they hold, they hold for ever.
#[expect(unsafe_code, reason = "fork: the child is this very test, up to the call it dies at")]
pub(crate) fn child(body: impl FnOnce() -> bool) -> End {
    // SAFETY: the only other thread of this process waits for a channel, so no lock (the allocator's included,
    // which the C library itself takes care of) is held at the fork; the child only runs `body` and ends.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            alarm::set(PATIENCE_SECS);
            std::panic::set_hook(Box::new(|_| {}));
            let code = catch_unwind(AssertUnwindSafe(body)).map_or(101, i32::from);
            // SAFETY: ends the process without running anything of the parent's.
            unsafe { nix::libc::_exit(code) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).unwrap() {
            WaitStatus::Exited(_, code @ (0 | 1)) => End::Came(code == 1),
            WaitStatus::Signaled(_, Signal::SIGKILL, _) => End::Killed,
            other => panic!("the child neither came back nor was killed: {other:?}"),
        },
    }
}
