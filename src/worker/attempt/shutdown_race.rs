//! An agent that a signal ended, and not ours: did it end alone, or is the machine shutting down?
//!
//! A machine that is shut down signals all processes, in whatever order. Invariant: an agent that ended by what ended
//! its worker too is not charged for it.

use crate::agent::Report;
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::task::record::RuleMatch;
use crate::sys::clock;
use crate::worker::control::Level;
use crate::worker::shared::WorkerContext;

/// What ends the agent reaches its worker within so long, milliseconds. If that is a kill, the worker is lost with the
/// task in its hand, which costs the task nothing.
const TOGETHER_MS: u64 = 500;

/// The report; where the worker is told to stop a moment after its agent crashed, that of a stopped one.
pub(super) fn unless_shutting_down(context: &WorkerContext, report: Report) -> Report {
    if !has_crashed(&report) {
        return report;
    }
    let deadline = clock::mono_ms() + TOGETHER_MS;
    loop {
        if context.shared.control.level() >= Level::Stop {
            return stopped(report);
        }
        let left = deadline.saturating_sub(clock::mono_ms());
        if left == 0 {
            return report;
        }
        context.pause(left);
    }
}

fn has_crashed(report: &Report) -> bool {
    matches!(report.ending, Outcome::Failure { fault: Fault::Crashed, .. })
}

/// What crashed was stopped.
fn stopped(report: Report) -> Report {
    let Outcome::Failure { fault: Fault::Crashed, detail } = &report.ending else { return report };
    let detail = format!("it ended as its worker was told to stop: {detail}");
    let rule_match = RuleMatch::ours(Fault::Stopped.word(), "worker", &detail);
    let ending = Outcome::Failure { fault: Fault::Stopped, detail };
    Report { ending, rule_match: Some(rule_match), ..report }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_crash_becomes_a_stop_and_its_words_are_kept() {
        let failed = |fault| Report::not_started(fault, "signal 15".into());
        let report = stopped(failed(Fault::Crashed));
        let Outcome::Failure { fault: Fault::Stopped, detail } = &report.ending else {
            panic!("{:?}", report.ending)
        };
        assert!(detail.ends_with("told to stop: signal 15"), "{detail}");
        assert_eq!(report.rule_match.unwrap().rule, "swarmdir.stopped");
        for fault in [Fault::Error, Fault::Timeout, Fault::Stopped] {
            assert!(!has_crashed(&failed(fault)));
            assert_eq!(stopped(failed(fault)).ending, failed(fault).ending);
        }
    }
}
