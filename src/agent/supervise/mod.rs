//! One process of an agent, from its start to the last thing it left: deadlines, the stop ladder, the sweep, what it said
//! and how it ended.
//!
//! [`state`] decides, [`run`] carries out. It knows no agent program: what to start comes as a `Launch`.
//!
//! Names: `failures`, `job`, `program`, `report`, `transcript`.

mod group;
mod interpreter;
mod look;
pub(super) mod outcome;
pub(super) mod output;
mod record;
pub(super) mod remote;
pub(super) mod run;
pub(super) mod session;
pub(super) mod sign;
mod silence;
pub(super) mod state;
mod watch;
