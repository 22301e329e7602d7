//! Exit codes: an interface, the same for every command, listed in the README and in `--help`.

use crate::sys::signal::Signal;

/// All well.
pub const OK: u8 = 0;
/// A task failed, or a check found something.
pub const FOUND: u8 = 1;
/// The command, a file or a setting is wrong.
pub const USAGE: u8 = 2;
/// Something needed is missing; `coordinator doctor` says what.
pub const MISSING: u8 = 69;
/// What the command was asked for could not be printed.
pub const UNPRINTED: u8 = 74;
/// Not now: another coordinator runs, the queue is paused, or something waits for a later run.
pub const LATER: u8 = 75;

/// Settings, or a queue, came with a clone, and the user has not said that they may run anything.
pub const UNTRUSTED: u8 = 77;

/// Ended by a signal: 128 and its number.
pub fn signalled(signal: Signal) -> u8 {
    128_u8.saturating_add(u8::try_from(signal.number() as i32).unwrap_or(0))
}

/// The table of `--help`.
pub const HELP: &str = "Exit codes:
  0    all well
  1    a task failed, or a check found something
  2    the command, a file or a setting is wrong
  69   something needed is missing (coordinator doctor says what)
  74   what was asked for could not be printed (a full disk)
  75   try again later: another coordinator runs, the queue is paused, something waits
  77   settings came with a clone, and are not trusted (coordinator trust)
  128+n  ended by signal n";
