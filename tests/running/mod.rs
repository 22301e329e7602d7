//! The swarm at work, with real processes, signals and kill -9.

mod cancelling;
mod choosing;
mod crashes;
mod endings;
mod faults;
mod gates;
mod lease;
mod liveness;
mod pool;
mod rigs;
mod stopping;
mod workplace;
