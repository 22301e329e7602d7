//! Says in the attempt's directory how its agent stands, for `status` and `explain`.
//!
//! Invariant: what was said goes when the agent has ended; trouble with it is nobody's trouble.

use crate::agent::Progress;
use crate::domain::task::name::AttemptName;
use crate::queue::Queue;

/// Speaks for one running agent.
pub(in crate::worker) struct LiveReporter {
    queue: Queue,
    attempt: AttemptName,
    spoke: bool,
}

impl LiveReporter {
    pub(in crate::worker) fn new(queue: Queue, attempt: AttemptName) -> LiveReporter {
        LiveReporter { queue, attempt, spoke: false }
    }

    pub(in crate::worker) fn pass(&mut self, progress: &Progress) {
        if let Progress::Live(live) = progress {
            // What cannot be written now is out of date a second later.
            self.spoke |= self.queue.write_live(&self.attempt, live).is_ok();
        }
    }
}

impl Drop for LiveReporter {
    fn drop(&mut self) {
        if self.spoke {
            // Nobody reads it once the name has moved.
            drop(self.queue.forget_live(&self.attempt));
        }
    }
}
