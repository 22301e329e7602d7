//! Many processes at once: every task runs exactly once, none is lost, whoever is killed.

mod contention;
mod git;
mod killing;
