//! How a worker ended, for its caller and for its journal.

use crate::domain::event::{Event, ProcessEnd};
use crate::domain::task::id::WorkerId;
use crate::queue::QueueError;

/// Why a worker ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerEnd {
    /// Nothing is left to do, or it was told to end after its task.
    Finished {
        /// A task failed on the way, or a file was rejected.
        failed: bool,
        /// Something waits for a later run.
        later: bool,
    },
    /// It has done as many tasks as it should: a fresh one goes on.
    Recycled,
    /// It was told to stop now.
    Stopped,
    /// It was declared dead, or could not beat: it left everything to the others.
    Fenced,
}

/// The last event of its journal.
pub(super) fn event(worker: WorkerId, ended: &Result<WorkerEnd, QueueError>) -> Event {
    let how = match ended {
        Ok(WorkerEnd::Finished { .. }) => ProcessEnd::Finished,
        Ok(WorkerEnd::Recycled) => ProcessEnd::Recycled,
        Ok(WorkerEnd::Stopped) => ProcessEnd::Stopped,
        Ok(WorkerEnd::Fenced) => ProcessEnd::Fenced,
        Err(_) => ProcessEnd::Error,
    };
    Event::WorkerEnded { worker, how, error: ended.as_ref().err().map(ToString::to_string) }
}
