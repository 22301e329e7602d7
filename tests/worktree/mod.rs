//! The worktree mechanism against real git: set up by its command line, checked by it.

mod checkout;
mod collect;
mod content;
mod contention;
mod crash;
mod enter;
mod heads;
mod include;
mod kept;
mod names;
mod places;
mod remove;
mod removed;
mod replaced;
pub(crate) mod support;
mod timing;
