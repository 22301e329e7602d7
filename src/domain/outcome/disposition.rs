//! How an attempt ended, and what that means for its task.
//!
//! An agent's adapter says how the process ended ([`Outcome`]); [`judge`] turns that, with what was left in
//! the tree, into a [`Disposition`]. What is not the task's fault never counts against it.

use crate::domain::failure::fault::Fault;
use crate::domain::failure::policy::{Again, Until};
use crate::domain::task::reason::Reason;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds::LONGEST_WINDOW_MS;

/// How the agent's process ended, in the terms of its adapter.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Exit 0 and, where the agent reports one, a result that says success.
    Success,
    /// Anything else.
    Failure {
        /// Which kind.
        fault: Fault,
        /// One line for people: what was seen.
        detail: String,
    },
}

/// What the attempt left behind, as far as the verdict depends on it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Traces {
    /// Commits or files were made; `None` where nobody can tell (a scratch directory).
    pub changed: Option<bool>,
    /// Why what it left could not be committed; it lies in the tree only.
    pub uncommitted: Option<String>,
    /// Tools that the agent asked for and was denied, in order, without repeats.
    pub denied_tools: Vec<String>,
}

/// What comes of the attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct Disposition {
    /// The word in records and JSON: `done`, `no_changes`, `uncommitted`, `denied`, or a [`Fault::word`].
    pub outcome: String,
    /// One line for people; empty for a plain success.
    pub reason: String,
    /// Where the task goes.
    pub step: Step,
}

/// The transition that follows.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// `done/`.
    Done,
    /// Charged: tried again while attempts are left, then `failed/`.
    Failed,
    /// Charged, and `failed/` at once: another try would end the same until somebody changes something.
    GivenUp,
    /// Not charged: back to `blocked/` for this reason.
    Blocked(Reason),
}

impl Step {
    /// The attempt counts against the task.
    pub fn charged(&self) -> bool {
        matches!(self, Step::Failed | Step::GivenUp)
    }
}

/// Decides what comes of an attempt that ended at `now`.
pub fn judge(ending: &Outcome, traces: &Traces, now: UnixMs) -> Disposition {
    match ending {
        Outcome::Success => success(traces),
        Outcome::Failure { fault, detail } => Disposition {
            outcome: fault.word().into(),
            reason: detail.clone(),
            step: step(*fault, now),
        },
    }
}

fn success(traces: &Traces) -> Disposition {
    let done = |outcome: &str, reason: String| Disposition {
        outcome: outcome.into(),
        reason,
        step: Step::Done,
    };
    if let Some(why) = &traces.uncommitted {
        return done("uncommitted", why.clone());
    }
    let unchanged = traces.changed == Some(false);
    if !traces.denied_tools.is_empty() {
        let reason = format!("tools were denied: {}", traces.denied_tools.join(", "));
        // The time does not matter: nothing waits.
        let step = if unchanged { step(Fault::Denied, UnixMs(0)) } else { Step::Done };
        return Disposition { step, ..done(Fault::Denied.word(), reason) };
    }
    if unchanged {
        return done("no_changes", "it ended well and changed nothing".into());
    }
    done("done", String::new())
}

fn step(fault: Fault, now: UnixMs) -> Step {
    let (wait, until) = match fault.policy().again {
        Again::WhileAttemptsLast => return Step::Failed,
        Again::ByAPerson => return Step::GivenUp,
        Again::Waits(wait, until) => (wait, until),
    };
    Step::Blocked(match (until, fault) {
        // Whoever names a reset knows which window it is of; whatever he says, none is longer than the longest.
        (Until::ResetOr(_), Fault::Limit { resets_at_secs: Some(secs) })
            if UnixMs::from_secs(secs) <= now.plus_ms(LONGEST_WINDOW_MS) =>
        {
            Reason { wait, until_secs: Some(secs) }
        }
        (Until::ResetOr(ms) | Until::BackOff(ms) | Until::After(ms), _) => {
            Reason::until(wait, now.plus_ms(ms))
        }
        // Due at once: the next run, which may begin within this very second, goes on with it.
        (Until::NextStart, _) => Reason { wait, until_secs: Some(now.0 / 1000) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::reason::Wait;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn failed_by(fault: Fault) -> Disposition {
        judge(&Outcome::Failure { fault, detail: "seen".into() }, &Traces::default(), NOW)
    }

    #[test]
    fn every_step_follows_from_the_policy() {
        for fault in Fault::ALL {
            let step = failed_by(fault).step;
            assert_eq!(step.charged(), fault.is_the_tasks(), "{fault:?}");
            match fault.policy().again {
                Again::WhileAttemptsLast => assert_eq!(step, Step::Failed),
                Again::ByAPerson => assert_eq!(step, Step::GivenUp),
                Again::Waits(wait, until) => {
                    let Step::Blocked(reason) = step else { panic!("{fault:?}: {step:?}") };
                    assert_eq!(reason.wait, wait);
                    // All of them end by themselves, and only what was parked is due at once.
                    assert_eq!(reason.due(NOW), until == Until::NextStart, "{fault:?}");
                    assert!(reason.until_secs.is_some());
                }
            }
        }
        for fault in [
            Fault::Error,
            Fault::MaxTurns,
            Fault::Budget,
            Fault::Timeout,
            Fault::Silent,
            Fault::Output,
        ] {
            assert_eq!(failed_by(fault).step, Step::Failed, "{fault:?}");
        }
    }

    #[test]
    fn a_limit_waits_for_the_reset_that_the_service_named_if_there_is_such_a_window() {
        for (named, waits_until) in [(90_000, 90_000), (1_795_172_864, 1_900), (u64::MAX, 1_900)] {
            let verdict = failed_by(Fault::Limit { resets_at_secs: Some(named) });
            let reason = Reason { wait: Wait::Limit, until_secs: Some(waits_until) };
            assert_eq!(verdict.step, Step::Blocked(reason));
        }
    }

    #[test]
    fn no_change_lost_work_and_denied_tools_are_never_a_silent_done() {
        let traces = |changed, denied: &[&str]| Traces {
            changed,
            uncommitted: None,
            denied_tools: denied.iter().map(|t| (*t).to_owned()).collect(),
        };
        let of = |traces| judge(&Outcome::Success, &traces, NOW);
        assert_eq!(of(traces(Some(true), &[])).outcome, "done");
        assert_eq!(of(traces(None, &[])).outcome, "done");
        assert_eq!(of(traces(Some(false), &[])).outcome, "no_changes");
        let left = Traces { uncommitted: Some("it stays".into()), ..traces(Some(true), &[]) };
        assert_eq!((&*of(left.clone()).outcome, of(left).step), ("uncommitted", Step::Done));
        assert_eq!(of(traces(Some(true), &["Bash"])).step, Step::Done);
        // Another try would be denied the same.
        assert_eq!(of(traces(Some(false), &["Bash"])).step, Step::GivenUp);
        assert_eq!(of(traces(Some(false), &["Bash"])).outcome, "denied");
    }
}
