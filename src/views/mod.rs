//! What people see: reads the queue, never changes it.
//!
//! [`view`] and [`rows`] gather, [`text`] and [`json`] shape, [`explain`] (with [`failure`]), [`show`], [`summary`] and
//! [`logs`] answer one question each. It may not know terminals' state or exit codes; what it returns is text or JSON. All text
//! from tasks and agents goes through `domain::text` before it is shown.
//!
//! Names: `agent`, `domain`, `queue`, `shape`, `site`, `sys`.

pub(crate) mod bill;
pub mod explain;
pub(crate) mod failure;
pub mod json;
pub(crate) mod live;
pub mod logs;
pub mod rows;
pub mod show;
mod spent;
pub(crate) mod summary;
pub mod text;
pub mod view;
