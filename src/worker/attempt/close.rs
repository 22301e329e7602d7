//! The end of an attempt: disposition, evidence, durability, then the one rename.

use super::account_news::note_breaker;
use super::earlier::write_context;
use super::not_started::NotStarted;
use super::workplace::{Left, Workplace};
use crate::agent::Report;
use crate::domain::account::breaker::HealthCheck;
use crate::domain::event::Event;
use crate::domain::failure::fault::Fault;
use crate::domain::failure::policy::Class;
use crate::domain::failure::retry_delay::{Next, after_failure};
use crate::domain::outcome::disposition::{Disposition, Outcome, Step, Traces, judge};
use crate::domain::task::name::TaskEpoch;
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::task::record::{AttemptResult, RuleMatch};
use crate::domain::task::state::State;
use crate::domain::time::UnixMs;
use crate::git::GitError;
use crate::queue::claim::{Claim, ClaimState};
use crate::queue::finish::{FinalDir, Transition, Unclosed};
use crate::queue::{QueueError, Result};
use crate::sys::{clock, random};
use crate::worker::account_admission::AccountAdmission;
use crate::worker::control::Level;
use crate::worker::shared::WorkerContext;

/// Everything that an attempt came to.
pub(super) struct Ran {
    pub(super) report: Report,
    pub(super) notes: Vec<String>,
    pub(super) left: Left,
    /// `None`: it never came to run its agent.
    pub(super) place: Option<Workplace>,
}

impl Ran {
    /// An attempt that never came to run its agent.
    pub(super) fn not_started(why: NotStarted) -> Ran {
        let report = Report::not_started(why.fault, why.detail);
        Ran { report, notes: Vec::new(), left: Left::default(), place: None }
    }
}

/// The transition that follows, with the question of another try answered.
#[derive(Clone, PartialEq, Eq, Debug)]
enum NextStep {
    Final(FinalDir),
    /// The reason in the name.
    Blocked(Reason),
}

/// Closes an attempt. True: the task failed for good.
pub(super) fn close(
    context: &WorkerContext,
    accounts: &mut AccountAdmission,
    claim: Claim,
    agent: &str,
    ran: Ran,
) -> Result<bool> {
    let shared = &context.shared;
    let Ran { report, mut notes, left, place } = ran;
    let traces = Traces {
        changed: left.changed,
        uncommitted: left.uncommitted.clone(),
        denied_tools: report.denied_tools.clone(),
    };
    let (mut ending, mut rule_match) = context.blame_the_disk(&report);
    let account_ending = ending.clone();
    if let Some(detail) = unsaved(context, place.as_ref(), &left) {
        rule_match = Some(RuleMatch::ours(Fault::Disk.word(), "worker", &detail));
        ending = Outcome::Failure { fault: Fault::Disk, detail };
    }
    let disposition = judge(&ending, &traces, clock::now());
    notes.extend(left.notes.iter().cloned());
    let branch = place.as_ref().and_then(|place| place.branch()).map(str::to_owned);
    let result = result(&disposition, rule_match, &report, &left, branch.clone(), notes);
    let write = || shared.queue.write_result(claim.attempt(), &result);
    match place {
        // What an agent did is not given up for want of a block.
        Some(_) => context.with_space(QueueError::disk_full, write)?,
        None => write()?,
    }
    if shared.control.level() == Level::Fenced {
        // Its work is saved on its branch. The tree stays its task's, and all else is the reclaimer's.
        drop(place);
        claim.leave_to_reclaimer();
        return Ok(false);
    }
    let began_at = UnixMs(clock::now().0.saturating_sub(report.elapsed_ms));
    tell_breaker(context, accounts, agent, &account_ending, began_at)?;
    // Only now that what counts against the task is written.
    let failures = match disposition.step {
        Step::Failed => shared.queue.tally(&claim.name().at.id)?.failures,
        _ => 0,
    };
    let most = context.config.max_attempts;
    let next = next_step(&disposition.step, failures, most, random::number(), clock::now());
    if let Some(place) = place {
        let goes_on = matches!(next, NextStep::Blocked(..));
        if goes_on {
            let attempt = claim.attempt();
            write_context(context, attempt, agent, &disposition, &left.commits, branch.as_deref());
        }
        // Before the rename: a crash in between leaves a free tree and a branch that the next attempt finds.
        leave(context, place, goes_on);
    }
    conclude(context, claim, &disposition, &next)
}

/// Makes the branch durable. Returns why not everything that the agent did is safe.
fn unsaved(context: &WorkerContext, place: Option<&Workplace>, left: &Left) -> Option<String> {
    let durable = || match place {
        Some(place) if context.shared.queue.strict() => place.make_durable(left),
        _ => Ok(()),
    };
    match context.with_space(GitError::disk_full, durable) {
        Err(e) => Some(format!("the branch could not be made durable: {e}")),
        Ok(()) => {
            let why = left.no_room.as_ref()?;
            Some(format!("what it left could not be committed: {why}"))
        }
    }
}

fn result(
    disposition: &Disposition,
    rule_match: Option<RuleMatch>,
    report: &Report,
    left: &Left,
    branch: Option<String>,
    notes: Vec<String>,
) -> AttemptResult {
    // Denied tools that did not keep it from its work are no failure.
    let failed = disposition.step != Step::Done;
    let class = failed.then(|| Class::of_outcome(&disposition.outcome)).flatten();
    let rule_match = rule_match.filter(|_| class.is_some());
    AttemptResult {
        schema: 1,
        ended_at: clock::now(),
        outcome: disposition.outcome.clone(),
        reason: disposition.reason.clone(),
        charged: disposition.step.charged(),
        exit: report.exit.clone(),
        said: report.said.clone(),
        usage: report.usage.clone(),
        branch,
        head: left.head.clone(),
        commits: left.commits.clone(),
        denied_tools: report.denied_tools.clone(),
        notes,
        class: class.map(|class| class.word().to_owned()),
        rule: rule_match.as_ref().map(|rule_match| rule_match.rule.clone()),
        evidence: rule_match.map(|rule_match| rule_match.evidence),
    }
}

/// Where the task goes, after so many failures.
fn next_step(step: &Step, failures: u32, most: u32, dice: u64, now: UnixMs) -> NextStep {
    match step {
        Step::Done => NextStep::Final(FinalDir::Done),
        Step::GivenUp => NextStep::Final(FinalDir::Failed),
        Step::Blocked(reason) => NextStep::Blocked(reason.clone()),
        Step::Failed => match after_failure(failures, most, dice, now) {
            Next::GiveUp => NextStep::Final(FinalDir::Failed),
            Next::RetryAt(at) => NextStep::Blocked(Reason::until(Wait::Retry, at)),
        },
    }
}

/// The one rename. True: `failed/`.
fn conclude(
    context: &WorkerContext,
    claim: Claim,
    disposition: &Disposition,
    next: &NextStep,
) -> Result<bool> {
    let shared = &context.shared;
    let name = claim.name().clone();
    let queue = &shared.queue;
    let mut held = Some(claim);
    let (state, closed) = context.with_space(QueueError::disk_full, || {
        // Asked before the claim is taken: an error here leaves it for the next try.
        let standing = queue.standing(&shared.registration, &name)?;
        let claim = held.take().expect("a closing that failed brings the claim back");
        let closing = match next {
            _ if standing == ClaimState::CancelWanted => {
                (State::Cancelled, queue.cancel_held(claim))
            }
            NextStep::Final(to @ FinalDir::Done) => (State::Done, queue.publish(claim, *to)),
            NextStep::Final(to @ FinalDir::Failed) => (State::Failed, queue.publish(claim, *to)),
            NextStep::Blocked(reason) => {
                (State::Blocked, queue.give_back_blocked(claim, reason.clone()))
            }
        };
        match closing {
            (state, Ok(closed)) => Ok((state, closed)),
            (_, Err(Unclosed { claim, error })) => {
                held = Some(*claim);
                Err(error)
            }
        }
    })?;
    let reason = match next {
        NextStep::Blocked(reason) if state == State::Blocked => Some(reason),
        _ => None,
    };
    say(context, &name.at, (state, reason), disposition, closed);
    Ok(state == State::Failed && closed == Transition::Won)
}

/// A failure that the account's other tasks would meet too trips its breaker. Of an agent that does not speak a success
/// resets it; what the others said has done so already.
fn tell_breaker(
    context: &WorkerContext,
    accounts: &mut AccountAdmission,
    agent: &str,
    ending: &Outcome,
    began_at: UnixMs,
) -> Result<()> {
    let WorkerContext { shared, config, .. } = context;
    let account = config.account(agent);
    match ending {
        Outcome::Failure { fault, detail } => {
            accounts.invalidate();
            let breaker = shared.queue.trip_breaker(account, *fault, detail, clock::now())?;
            note_breaker(&shared.journal, account, breaker.as_ref());
            Ok(())
        }
        Outcome::Success if config.health_check(account) == HealthCheck::None => {
            shared.queue.reset_breaker(account, began_at)
        }
        Outcome::Success => Ok(()),
    }
}

fn say(
    context: &WorkerContext,
    at: &TaskEpoch,
    (state, reason): (State, Option<&Reason>),
    disposition: &Disposition,
    closed: Transition,
) {
    let refused = closed == Transition::Refused;
    context.shared.journal.record(Event::AttemptClosed {
        task: at.id.clone(),
        epoch: at.epoch,
        worker: context.shared.registration.id().clone(),
        disposition: state,
        reason: reason.map(ToString::to_string),
        outcome: disposition.outcome.clone(),
        refused,
    });
    let retried = reason.is_some_and(|reason| reason.wait == Wait::Retry);
    let word = if retried { "retry" } else { state.word() };
    let why = &disposition.reason;
    let tail = if why.is_empty() { String::new() } else { format!(": {why}") };
    let refused = if refused { " (refused: the task had moved on)" } else { "" };
    context.log(&format!("{} {word}{tail}{refused}", at.id));
}

/// Leaves a place; trouble there must not lose the outcome, and the tree stays locked to its task.
pub(super) fn leave(context: &WorkerContext, place: Workplace, keep: bool) {
    let path = place.path().to_owned();
    if let Err(e) = place.leave(keep) {
        context.log(&format!("{}: {e}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    #[test]
    fn where_a_task_goes_follows_from_its_step_and_its_failures() {
        let waits = Reason::until(Wait::Limit, UnixMs(9_000_000));
        for (step, failures, most, goes, case) in [
            (Step::Done, 0, 3, "done", "done, whatever failed before"),
            (Step::GivenUp, 0, 3, "failed", "another try would end the same"),
            (Step::Failed, 1, 3, "retry", "attempts are left"),
            (Step::Failed, 3, 3, "failed", "none is left"),
            (Step::Failed, 1, 1, "failed", "there was one"),
            (Step::Blocked(waits.clone()), 3, 3, "blocked", "not charged, so not counted"),
        ] {
            let word = match next_step(&step, failures, most, 0, NOW) {
                NextStep::Final(FinalDir::Done) => "done",
                NextStep::Final(FinalDir::Failed) => "failed",
                NextStep::Blocked(reason) if reason.wait == Wait::Retry => "retry",
                NextStep::Blocked(_) => "blocked",
            };
            assert_eq!(word, goes, "{case}");
        }
        let same = NextStep::Blocked(waits.clone());
        assert_eq!(next_step(&Step::Blocked(waits), 0, 3, 0, NOW), same);
    }

    #[test]
    fn what_went_wrong_is_classified_and_a_success_needs_no_evidence() {
        let of = |ending: &Outcome, traces: &Traces| {
            let report = Report::not_started(Fault::Error, "x".into());
            let disposition = judge(ending, traces, NOW);
            result(&disposition, report.rule_match.clone(), &report, &Left::default(), None, vec![])
        };
        let failed = |fault| Outcome::Failure { fault, detail: "seen".into() };
        let none = Traces::default();
        for (ending, charged, evident) in [
            (failed(Fault::Error), true, true),
            (failed(Fault::Overload), false, true),
            (failed(Fault::Stopped), false, true),
            (Outcome::Success, false, false),
        ] {
            let result = of(&ending, &none);
            assert_eq!(result.charged, charged, "{ending:?}");
            assert_eq!(result.class.is_some() && result.evidence.is_some(), evident, "{ending:?}");
        }
        let denied_tools = vec!["Bash".into()];
        let denied = Traces { changed: Some(true), denied_tools, ..Traces::default() };
        assert_eq!(of(&Outcome::Success, &denied).class, None, "denied tools that it did without");
    }
}
