//! How an attempt ended, and where its task goes.

pub mod disposition;
pub(crate) mod overuse;
