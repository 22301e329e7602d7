//! Writes in the attempt's directory how its agent stands, for `status` and `explain`.
//!
//! Invariant: what was written goes when the agent has ended; a failure of it fails nothing else.

use crate::agent::Progress;
use crate::domain::task::name::AttemptName;
use crate::queue::Queue;

/// Reports on one running agent.
pub(super) struct LiveReporter {
    queue: Queue,
    attempt: AttemptName,
    wrote: bool,
}

impl LiveReporter {
    pub(super) fn new(queue: Queue, attempt: AttemptName) -> LiveReporter {
        LiveReporter { queue, attempt, wrote: false }
    }

    pub(super) fn pass(&mut self, progress: &Progress) {
        if let Progress::Live(live) = progress {
            // What cannot be written now is out of date a second later.
            self.wrote |= self.queue.write_live(&self.attempt, live).is_ok();
        }
    }
}

impl Drop for LiveReporter {
    fn drop(&mut self) {
        if self.wrote {
            // What stays misleads nobody once the name has moved.
            self.queue.forget_live(&self.attempt).ok();
        }
    }
}
