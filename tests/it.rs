//! The integration tests, in one binary.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stand outside of the program"
)]

#[cfg(debug_assertions)]
mod admission;
mod agent;
mod checkout;
mod claude;
mod cli;
#[cfg(debug_assertions)]
mod crash;
mod crowd;
mod hostile;
mod intake;
mod model;
mod moving;
mod night;
#[cfg(debug_assertions)]
mod power;
mod running;
mod selftest;
mod sharing;
mod stub;
mod support;
mod tidy;
mod trust;
mod worktree;
