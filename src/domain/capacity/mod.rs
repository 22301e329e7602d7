//! Whether the machine has capacity for one more agent.

pub mod admission;
