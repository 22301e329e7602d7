//! Whether a worker and an agent live: heartbeats, silence, and what is shown of a running agent.
//!
//! Names: `settings`, `time`.

pub mod judgement;
pub mod lease;
pub mod report;
