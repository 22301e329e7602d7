//! How an attempt ended, and what that means for its task.
//!
//! An agent's adapter says how the process ended ([`Ending`]); [`judge`] turns that, with what was left in
//! the tree, into a [`Verdict`]. What is not the task's fault never counts against it.

use serde::{Deserialize, Serialize};

use super::reason::{Reason, Wait};
use super::time::UnixMs;

/// How the agent's process ended, in the terms of its adapter.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
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

/// What went wrong. The first group is the task's own, the second is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The agent reported an error, or exited non-zero.
    Error,
    /// It used up its turns.
    MaxTurns,
    /// It used up its own budget.
    Budget,
    /// It ran into the wall-clock deadline.
    Timeout,
    /// It gave no sign of life for too long.
    Silent,
    /// It was killed by a signal that was not ours (a crash, the OOM killer, a limit).
    Crashed,
    /// It would not end after its result, or could not be judged.
    NoResult,
    /// The setup command of the tree failed.
    Setup,
    /// It wrote more than an attempt may: a runaway.
    Output,

    /// It never said a word after its start.
    Startup,
    /// The account's usage limit; due at the reset.
    Limit {
        /// Unix seconds of the reset, where the service said so.
        resets_at_secs: Option<u64>,
    },
    /// The service is overloaded or rate-limits for a short time.
    Overload,
    /// Not logged in, or the key is refused.
    Auth,
    /// The account has no credit, or reached its spending limit.
    Spend,
    /// The agent's program is missing or cannot be executed.
    Missing,
    /// No space left, or a quota.
    Disk,
    /// A repository, a tree or our own start failed.
    Machine,
    /// We were told to stop.
    Stopped,
}

impl Fault {
    /// Whether the task itself is charged.
    pub fn is_the_tasks(self) -> bool {
        match self {
            Fault::Error
            | Fault::MaxTurns
            | Fault::Budget
            | Fault::Timeout
            | Fault::Silent
            | Fault::Crashed
            | Fault::NoResult
            | Fault::Setup
            | Fault::Output => true,
            Fault::Startup
            | Fault::Limit { .. }
            | Fault::Overload
            | Fault::Auth
            | Fault::Spend
            | Fault::Missing
            | Fault::Disk
            | Fault::Machine
            | Fault::Stopped => false,
        }
    }

    /// The word in records, JSON and summaries.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Error => "error",
            Fault::MaxTurns => "max_turns",
            Fault::Budget => "budget",
            Fault::Timeout => "timeout",
            Fault::Silent => "silent",
            Fault::Crashed => "crashed",
            Fault::NoResult => "no_result",
            Fault::Setup => "setup",
            Fault::Output => "output",
            Fault::Startup => "startup",
            Fault::Limit { .. } => "limit",
            Fault::Overload => "overload",
            Fault::Auth => "auth",
            Fault::Spend => "spend",
            Fault::Missing => "missing",
            Fault::Disk => "disk",
            Fault::Machine => "machine",
            Fault::Stopped => "stopped",
        }
    }
}

/// What the attempt left behind, as far as the verdict depends on it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Traces {
    /// Commits or files were made; `None` where nobody can tell (a scratch directory).
    pub changed: Option<bool>,
    /// Tools that the agent asked for and was denied, in order, without repeats.
    pub denied_tools: Vec<String>,
}

/// What comes of the attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The word in records and JSON: `done`, `no_change`, `denied`, or a [`Fault::word`].
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
    /// Not charged: back to `blocked/` for this reason.
    Blocked(Reason),
}

/// Waits that end by themselves, milliseconds; the reset of a usage limit comes from the service.
pub mod waits {
    /// A usage limit without a reset time.
    pub const LIMIT_MS: u64 = 15 * 60_000;
    /// First back-off of an overload; doubles with each strike in a row (see `domain::gate`).
    pub const OVERLOAD_MS: u64 = 30_000;
    /// Log-in, credit, a missing program: a person has to act, so look again rarely.
    pub const PERSON_MS: u64 = 10 * 60_000;
    /// The disk: nothing is claimed before there is room, so this only keeps what was misjudged from spinning.
    pub const DISK_MS: u64 = 10_000;
    /// Repository, start-up.
    pub const MACHINE_MS: u64 = 60_000;
}

/// Decides what comes of an attempt that ended at `now`.
pub fn judge(ending: &Ending, traces: &Traces, now: UnixMs) -> Verdict {
    match ending {
        Ending::Success => success(traces),
        Ending::Failure { fault, detail } => Verdict {
            outcome: fault.word().into(),
            reason: detail.clone(),
            step: step(*fault, now),
        },
    }
}

fn success(traces: &Traces) -> Verdict {
    let verdict =
        |outcome: &str, reason: String, step| Verdict { outcome: outcome.into(), reason, step };
    let unchanged = traces.changed == Some(false);
    if !traces.denied_tools.is_empty() {
        let tools = traces.denied_tools.join(", ");
        let reason = format!("tools were denied: {tools}");
        return verdict("denied", reason, if unchanged { Step::Failed } else { Step::Done });
    }
    if unchanged {
        return verdict("no_change", "it ended well and changed nothing".into(), Step::Done);
    }
    verdict("done", String::new(), Step::Done)
}

fn step(fault: Fault, now: UnixMs) -> Step {
    let until = |wait, ms| Step::Blocked(Reason::until(wait, now.plus_ms(ms)));
    match fault {
        fault if fault.is_the_tasks() => Step::Failed,
        Fault::Limit { resets_at_secs: Some(secs) } => {
            Step::Blocked(Reason { wait: Wait::Limit, until_secs: Some(secs) })
        }
        Fault::Limit { resets_at_secs: None } => until(Wait::Limit, waits::LIMIT_MS),
        Fault::Overload => until(Wait::Overload, waits::OVERLOAD_MS),
        Fault::Auth => until(Wait::Auth, waits::PERSON_MS),
        Fault::Spend => until(Wait::Spend, waits::PERSON_MS),
        Fault::Missing => until(Wait::Missing, waits::PERSON_MS),
        Fault::Disk => until(Wait::Disk, waits::DISK_MS),
        // Due at once: the next run, which may begin within this very second, goes on with it.
        Fault::Stopped => {
            Step::Blocked(Reason { wait: Wait::Park, until_secs: Some(now.0 / 1000) })
        }
        _ => until(Wait::Machine, waits::MACHINE_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn failed_by(fault: Fault) -> Verdict {
        judge(&Ending::Failure { fault, detail: "seen".into() }, &Traces::default(), NOW)
    }

    #[test]
    fn what_is_not_the_tasks_fault_costs_it_nothing() {
        for fault in [
            Fault::Startup,
            Fault::Limit { resets_at_secs: None },
            Fault::Overload,
            Fault::Auth,
            Fault::Spend,
            Fault::Missing,
            Fault::Disk,
            Fault::Machine,
            Fault::Stopped,
        ] {
            assert!(matches!(failed_by(fault).step, Step::Blocked(_)), "{fault:?}");
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
    fn a_limit_waits_for_the_reset_that_the_service_named() {
        let verdict = failed_by(Fault::Limit { resets_at_secs: Some(1_795_172_864) });
        let reason = Reason { wait: Wait::Limit, until_secs: Some(1_795_172_864) };
        assert_eq!(verdict.step, Step::Blocked(reason));
    }

    #[test]
    fn no_change_and_denied_tools_are_never_a_silent_done() {
        let traces = |changed, denied: &[&str]| Traces {
            changed,
            denied_tools: denied.iter().map(|t| (*t).to_owned()).collect(),
        };
        let of = |traces| judge(&Ending::Success, &traces, NOW);
        assert_eq!(of(traces(Some(true), &[])).outcome, "done");
        assert_eq!(of(traces(None, &[])).outcome, "done");
        assert_eq!(of(traces(Some(false), &[])).outcome, "no_change");
        assert_eq!(of(traces(Some(true), &["Bash"])).step, Step::Done);
        assert_eq!(of(traces(Some(false), &["Bash"])).step, Step::Failed);
        assert_eq!(of(traces(Some(false), &["Bash"])).outcome, "denied");
    }
}
