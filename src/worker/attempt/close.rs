//! The end of an attempt: verdict, evidence, durability, then the one rename.

use super::workplace::{Left, NoPlace, Workplace};
use crate::agent::Report;
use crate::domain::account::breaker::HealthCheck;
use crate::domain::account::usage::Usage;
use crate::domain::event::Event;
use crate::domain::failure::policy::Class;
use crate::domain::failure::retry_delay::{Next, after_failure};
use crate::domain::outcome::disposition::{Disposition, Fault, Outcome, Step, Traces, judge};
use crate::domain::task::name::TaskEpoch;
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::task::record::{AttemptResult, Ground};
use crate::domain::task::state::State;
use crate::domain::time::UnixMs;
use crate::git::GitError;
use crate::queue::claim::{Claim, ClaimState};
use crate::queue::finish::{FinalDir, Transition};
use crate::queue::{QueueError, Result};
use crate::sys::{clock, random};
use crate::worker::Worker;
use crate::worker::account_admission::note_breaker;
use crate::worker::control::Level;

/// Everything that an attempt came to.
pub(super) struct Close {
    pub(super) claim: Claim,
    pub(super) agent: String,
    pub(super) report: Report,
    pub(super) left: Left,
    pub(super) place: Workplace,
    pub(super) notes: Vec<String>,
}

/// A verdict's step, with the question of another try answered.
enum Resolved {
    Final(FinalDir),
    /// The reason in the name.
    Blocked(Reason),
}

/// The class of what went wrong. Denied tools that did not keep it from its work are no failure.
fn class(verdict: &Disposition) -> Option<String> {
    let failed = verdict.step != Step::Done;
    failed.then(|| Class::of_outcome(&verdict.outcome))?.map(|class| class.word().to_owned())
}

impl Worker {
    /// Closes an attempt that ran. True: the task failed for good.
    pub(super) fn close(&mut self, close: Close) -> Result<bool> {
        let Close { claim, agent, report, left, place, mut notes } = close;
        let traces = Traces { changed: left.changed, denied_tools: report.denied_tools.clone() };
        let (ending, mut ground) = self.blame_the_disk(&report);
        let mut verdict = judge(&ending, &traces, clock::now());
        let durable =
            || if self.shared.queue.strict() { place.make_durable(&left) } else { Ok(()) };
        let unsaved = match self.with_space(GitError::disk_full, durable) {
            Err(e) => Some(format!("the branch could not be made durable: {e}")),
            Ok(()) => {
                let why = left.no_room.as_ref();
                why.map(|e| format!("what it left could not be committed: {e}"))
            }
        };
        if let Some(detail) = unsaved {
            ground = Some(Ground::ours(Fault::Disk.word(), "worker", &detail));
            let ending = Outcome::Failure { fault: Fault::Disk, detail };
            verdict = judge(&ending, &traces, clock::now());
        }
        notes.extend(left.notes.iter().cloned());
        let class = class(&verdict);
        let ground = ground.filter(|_| class.is_some());
        let result = AttemptResult {
            schema: 1,
            ended_at: clock::now(),
            outcome: verdict.outcome.clone(),
            reason: verdict.reason.clone(),
            charged: verdict.step.charged(),
            exit: report.exit.clone(),
            said: report.said.clone(),
            usage: report.usage.clone(),
            branch: place.branch().map(str::to_owned),
            head: left.head.clone(),
            commits: left.commits.clone(),
            denied_tools: report.denied_tools.clone(),
            notes,
            class,
            rule: ground.as_ref().map(|ground| ground.rule.clone()),
            evidence: ground.map(|ground| ground.evidence),
            start: None,
        };
        let write = || self.shared.queue.write_result(claim.attempt(), &result);
        self.with_space(QueueError::disk_full, write)?;
        if self.shared.control.level() == Level::Fenced {
            // Its work is saved on its branch. The tree stays its task's, and all else is the reclaimer's.
            drop(place);
            claim.leave_to_reclaimer();
            return Ok(false);
        }
        let began_at = UnixMs(clock::now().0.saturating_sub(report.elapsed_ms));
        self.mind_breaker(&agent, &ending, began_at)?;
        let step = self.resolve(&claim, &verdict)?;
        if let Resolved::Blocked(..) = step {
            self.write_context(claim.attempt(), &verdict, &left, place.branch());
        }
        // Before the rename: a crash in between leaves a free tree and a branch that the next attempt finds.
        self.leave(place, matches!(step, Resolved::Blocked(..)));
        self.conclude(claim, &verdict, step)
    }

    /// Closes an attempt that never came to run its agent.
    pub(super) fn close_unstarted(
        &mut self,
        claim: Claim,
        agent: &str,
        why: NoPlace,
    ) -> Result<bool> {
        let ending = Outcome::Failure { fault: why.fault, detail: why.detail };
        let verdict = judge(&ending, &Traces::default(), clock::now());
        let ground = Ground::ours(&verdict.outcome, "worker", &verdict.reason);
        let result = AttemptResult {
            schema: 1,
            ended_at: clock::now(),
            outcome: verdict.outcome.clone(),
            reason: verdict.reason.clone(),
            charged: verdict.step.charged(),
            exit: None,
            said: None,
            usage: Usage::default(),
            branch: None,
            head: None,
            commits: Vec::new(),
            denied_tools: Vec::new(),
            notes: Vec::new(),
            class: class(&verdict),
            rule: Some(ground.rule),
            evidence: Some(ground.evidence),
            start: None,
        };
        self.shared.queue.write_result(claim.attempt(), &result)?;
        self.mind_breaker(agent, &ending, clock::now())?;
        let step = self.resolve(&claim, &verdict)?;
        self.conclude(claim, &verdict, step)
    }

    /// The transition that follows, now that what counts against the task is written.
    fn resolve(&self, claim: &Claim, verdict: &Disposition) -> Result<Resolved> {
        Ok(match &verdict.step {
            Step::Done => Resolved::Final(FinalDir::Done),
            Step::GivenUp => Resolved::Final(FinalDir::Failed),
            Step::Blocked(reason) => Resolved::Blocked(reason.clone()),
            Step::Failed => {
                let failures = self.shared.queue.tally(&claim.name().at.id)?.failures;
                let dice = random::number();
                match after_failure(failures, self.config.max_attempts, dice, clock::now()) {
                    Next::GiveUp => Resolved::Final(FinalDir::Failed),
                    Next::RetryAt(at) => Resolved::Blocked(Reason::until(Wait::Retry, at)),
                }
            }
        })
    }

    /// The one rename. True: `failed/`.
    fn conclude(&self, claim: Claim, verdict: &Disposition, step: Resolved) -> Result<bool> {
        let queue = &self.shared.queue;
        let at = claim.name().at.clone();
        let (disposition, closed) = self.with_space(QueueError::disk_full, || {
            let standing = queue.standing(&self.shared.registration, claim.name())?;
            let claim = claim.again();
            Ok(match &step {
                _ if standing == ClaimState::CancelWanted => {
                    (State::Cancelled, queue.cancel_held(claim)?)
                }
                Resolved::Final(to @ FinalDir::Done) => (State::Done, queue.publish(claim, *to)?),
                Resolved::Final(to @ FinalDir::Failed) => {
                    (State::Failed, queue.publish(claim, *to)?)
                }
                Resolved::Blocked(reason) => {
                    (State::Blocked, queue.give_back_blocked(claim, reason.clone())?)
                }
            })
        })?;
        let reason = match step {
            Resolved::Blocked(reason) if disposition == State::Blocked => Some(reason),
            _ => None,
        };
        self.say(&at, disposition, reason.as_ref(), verdict, closed);
        Ok(disposition == State::Failed && closed == Transition::Won)
    }

    /// A trouble that the account's other tasks would meet too closes its breaker. Of an agent that does not
    /// speak a success opens it; what the others said has done so already.
    fn mind_breaker(&mut self, agent: &str, ending: &Outcome, began_at: UnixMs) -> Result<()> {
        let account = self.config.account(agent);
        match ending {
            Outcome::Failure { fault, detail } => {
                self.admission.invalidate();
                let queue = &self.shared.queue;
                let breaker = queue.trip_breaker(account, *fault, detail, clock::now())?;
                note_breaker(&self.shared.journal, account, breaker.as_ref());
                Ok(())
            }
            Outcome::Success if self.config.health_check(account) == HealthCheck::None => {
                self.shared.queue.reset_breaker(account, began_at)
            }
            Outcome::Success => Ok(()),
        }
    }

    fn say(
        &self,
        at: &TaskEpoch,
        disposition: State,
        reason: Option<&Reason>,
        verdict: &Disposition,
        closed: Transition,
    ) {
        let refused = closed == Transition::Refused;
        self.shared.journal.record(Event::AttemptClosed {
            task: at.id.clone(),
            epoch: at.epoch,
            worker: self.shared.registration.id().clone(),
            disposition,
            reason: reason.map(ToString::to_string),
            outcome: verdict.outcome.clone(),
            refused,
        });
        let retried = reason.is_some_and(|reason| reason.wait == Wait::Retry);
        let word = if retried { "retry" } else { disposition.word() };
        let tail =
            if verdict.reason.is_empty() { String::new() } else { format!(": {}", verdict.reason) };
        let refused = if refused { " (refused: the task had moved on)" } else { "" };
        (self.options.log)(&format!("{} {word}{tail}{refused}", at.id));
    }
}
