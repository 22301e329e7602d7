//! Settings as plain data, the words and quantities that people write in them, and what may be wrong with them.
//!
//! Names: `account`, `capacity`, `failure`, `task`, `text`.

pub mod agents;
pub mod choice;
pub mod config;
pub mod limits;
pub mod problem;
pub mod programs;
pub(crate) mod quantity;
pub mod repositories;
pub(crate) mod retention;
pub mod timeouts;
