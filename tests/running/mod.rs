//! The swarm at work, with real processes, signals and kill -9.

mod accounts;
mod aging;
mod cancelling;
mod cgroups;
mod choosing;
mod clocks;
mod crashes;
mod endings;
mod failures;
mod faults;
mod graces;
mod lease;
mod liveness;
mod pool;
mod recycling;
mod rigs;
mod stopping;
mod workplace;
