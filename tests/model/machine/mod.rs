//! The queue's protocol at the grain of system calls: `queue/README.md` row by row, as a state machine.
//!
//! One action is one call that another actor can notice, or one listing of any age. What a process does between
//! two such calls nobody else sees, so it belongs to the call before it (`replay` has the table).
//!
//! | row of the table | file |
//! |---|---|
//! | register, claim, read, reject, publish, give back, heartbeat, deregister | [`worker`] |
//! | take up, unblock, declare dead, cancel | [`housekeeper`] |
//! | reclaim, bury | [`reclaim`] |
//! | drop, hold, release, priority, retry, retire, a cancel request | [`user`] |
//! | crashes, deleted claims | [`table`]; lost replies are with each call |
//!
//! Not in it: power cuts and fsync, caches of network file systems (a lost reply is), bands, accounts, charged
//! failures, the reasons' times. That something ends means that a way to the end exists, not that it is taken.

pub(crate) mod configs;
pub(crate) mod explore;
mod housekeeper;
pub(crate) mod label;
pub(crate) mod old;
pub(crate) mod promises;
mod reclaim;
pub(crate) mod rules;
pub(crate) mod state;
mod table;
mod user;
pub(crate) mod variants;
mod worker;
