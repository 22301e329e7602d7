//! The worktree mechanism against real git: set up by its command line, checked by it.

mod checkout;
mod collect;
mod contention;
mod crash;
mod enter;
mod heads;
mod include;
mod names;
mod remove;
mod removed;
pub(crate) mod support;
mod timing;
