//! The integration tests, in one binary.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stand outside of the program"
)]

mod agent;
mod claude;
#[expect(dead_code, reason = "the stub can do more than these tests ask of it")]
mod support;
mod worktree;
