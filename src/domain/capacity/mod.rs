//! Whether the machine has capacity for one more agent.
//!
//! Names: none.

pub mod decision;
pub mod reserve;
pub mod shortage;
