//! The integration tests, in one binary.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the program"
)]

mod agent;
mod checkout;
mod claude;
mod cli;
mod intake;
mod running;
mod support;
mod worktree;
