//! The queue's protocol at the grain of system calls: `queue/README.md` row by row, as a state machine.
//!
//! One action is one call that another actor can notice, or one listing of any age. What a process does between
//! two such calls nobody else sees, so it belongs to the call before it.

pub(crate) mod configs;
pub(crate) mod explore;
pub(crate) mod label;
pub(crate) mod old;
pub(crate) mod promises;
mod reclaim;
pub(crate) mod rules;
pub(crate) mod state;
mod table;
mod tender;
mod user;
pub(crate) mod variants;
mod worker;
