//! The integration tests, in one binary.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the program"
)]

mod agent;
mod claude;
#[expect(dead_code, reason = "the stub can do more than these tests ask of it")]
mod support;
