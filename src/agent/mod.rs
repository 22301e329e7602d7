//! One supervised agent: started, listened to, stopped where need be, judged.
//!
//! A [`Job`] goes in, a [`Report`] comes out, and nothing that the agent started is alive then. The rest
//! of the program never sees which kind of agent it was. It knows no queue and no git: it gets a
//! directory, a prompt and limits, and nobody tells it why.
//!
//! **Invariant:** [`Session::run`] returns only when the agent has ended and what it left was swept.
//! **Invariant:** whose fault a failure is follows from structured words of the agent's own program only,
//! never from what the agent read or wrote.
//!
//! Names: `domain`, `form`, `sys`.

pub(crate) mod environment;
pub mod failures;
pub(crate) mod instructions;
mod job;
pub mod program;
mod report;
mod supervise;
pub mod transcript;

pub use job::{AttemptFiles, Bounds, Job, Missing, Request, RunPlace};
pub use report::{MAX_SAID_BYTES, Progress, Report};
pub use supervise::remote::Remote;
pub use supervise::session::Session;
pub use supervise::sign::StopReason;
pub use transcript::RateLimit;
