//! Whether the machine has capacity for one more agent.

pub mod decision;
pub mod reserve;
pub mod shortage;
