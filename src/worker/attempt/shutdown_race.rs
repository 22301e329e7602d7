//! An agent that a signal ended, and not ours: did it fall alone, or does everything here go down?
//!
//! A machine that is shut down signals all processes, in whatever order. Invariant: an agent that ended by what ended
//! its worker too is not charged for it.

use crate::agent::Report;
use crate::domain::outcome::disposition::{Fault, Outcome};
use crate::domain::task::record::Ground;
use crate::sys::clock;
use crate::worker::Worker;
use crate::worker::control::Level;

/// What ends the agent reaches its worker within so long, milliseconds. If that is a kill, the worker dies with the
/// task in its hand, which costs the task nothing.
const TOGETHER_MS: u64 = 500;

impl Worker {
    /// The report, with an agent's end by a signal seen in the light of what the worker is told.
    pub(super) fn unless_shutting_down(&self, report: Report) -> Report {
        let Outcome::Failure { fault: Fault::Crashed, detail } = &report.ending else {
            return report;
        };
        let deadline = clock::mono_ms() + TOGETHER_MS;
        loop {
            if self.shared.control.level() >= Level::Stop {
                let detail = format!("it ended as its worker was told to stop: {detail}");
                let ground = Ground::ours(Fault::Stopped.word(), "worker", &detail);
                let ending = Outcome::Failure { fault: Fault::Stopped, detail };
                return Report { ending, ground: Some(ground), ..report };
            }
            let left = deadline.saturating_sub(clock::mono_ms());
            if left == 0 {
                return report;
            }
            self.idle.pause(left);
        }
    }
}
