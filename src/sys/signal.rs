//! Signals as ordinary values, in order, on a thread of their own.

use std::io;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Ctrl-C: end gently; again: now.
    Interrupt,
    /// Stop now (systemd, shutdown).
    Terminate,
    /// Re-read the configuration.
    HangUp,
    Child,
}

impl Signal {
    pub fn number(self) -> nix::sys::signal::Signal {
        use nix::sys::signal::Signal as Unix;
        match self {
            Signal::Interrupt => Unix::SIGINT,
            Signal::Terminate => Unix::SIGTERM,
            Signal::HangUp => Unix::SIGHUP,
            Signal::Child => Unix::SIGCHLD,
        }
    }
}

/// Signals that every process of ours listens to.
pub const ORDERS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// The same, and the ends of children.
pub const ORDERS_AND_CHILDREN: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGCHLD];

/// Calls `handle` for each of `signals`, for as long as the process lives. SIGPIPE is ignored, so that a closed
/// pipe is an error value; SIGIO too, which the kernel sends when a writer breaks a read lease.
pub fn listen(signals: &[i32], mut handle: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    ignore_noise()?;
    let mut signals = Signals::new(signals)?;
    orders().thread_unblock()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for number in signals.forever() {
            handle(match number {
                SIGINT => Signal::Interrupt,
                SIGTERM => Signal::Terminate,
                SIGCHLD => Signal::Child,
                _ => Signal::HangUp,
            });
        }
    })?;
    Ok(())
}

/// Holds back the signals of [`ORDERS`] until [`listen`], in this thread and in what it executes.
pub(super) fn hold_orders() -> nix::Result<()> {
    orders().thread_block()
}

fn orders() -> nix::sys::signal::SigSet {
    [Signal::Interrupt, Signal::Terminate, Signal::HangUp].map(Signal::number).into_iter().collect()
}

/// Ignores SIGPIPE and SIGIO; see [`listen`]. For processes that handle no other signal.
#[expect(unsafe_code, reason = "nix marks sigaction unsafe")]
pub fn ignore_noise() -> io::Result<()> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal as Unix, sigaction};
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    for signal in [Unix::SIGPIPE, Unix::SIGIO] {
        // SAFETY: SIG_IGN runs no code of ours.
        unsafe { sigaction(signal, &ignore) }?;
    }
    Ok(())
}
