//! Signals as ordinary values, in order, on a thread of their own.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A signal that means something to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Ctrl-C: end gently; again: now.
    Interrupt,
    /// Stop now (systemd, shutdown).
    Terminate,
    /// Re-read the configuration.
    HangUp,
}

/// Calls `handle` for each signal, for as long as the process lives. SIGPIPE is ignored, so that a closed
/// pipe is an error value; SIGIO too, which the kernel sends when a writer breaks a read lease.
pub fn listen(mut handle: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    ignore_noise()?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for number in signals.forever() {
            handle(match number {
                SIGINT => Signal::Interrupt,
                SIGTERM => Signal::Terminate,
                _ => Signal::HangUp,
            });
        }
    })?;
    Ok(())
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
