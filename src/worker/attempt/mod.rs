//! One attempt, from claim to verdict: read, enter, prepare, run, collect, close.
//!
//! Each step that fails for a reason outside the task ends in `blocked/` with that reason. Invariant: the
//! claim is consumed on every path, or left (on an error of the queue itself) to the heart, which gives it
//! back.

mod close;
mod earlier;
mod job;
pub(super) mod live_reporter;
mod own_state;
mod rules;
mod shutdown_race;
mod workplace;

use crate::agent::{Job, Progress, Report, Session};
use crate::domain::event::Event;
use crate::domain::outcome::disposition::{Fault, Outcome};
use crate::domain::settings::agents::{AgentKind, AgentProfile};
use crate::domain::settings::problem::Problem;
use crate::domain::task::record::{AttemptStart, TaskRecord};
use crate::domain::task::spec::TaskSpec;
use crate::git::GitError;
use crate::housekeeping::known_names;
use crate::queue::claim::Claim;
use crate::queue::intake::MAX_TASK_BYTES;
use crate::queue::{QueueError, Result};
use crate::sys::clock;
use crate::sys::lock::Lock;
use crate::taskfile;
use crate::worker::Worker;
use crate::worker::account_admission::ProgressRelay;
use crate::worker::control::Level;
use close::Close;
use earlier::{after, cannot_go_on};
use live_reporter::LiveReporter;
use workplace::{Left, NoPlace, Workplace};

impl Worker {
    /// Works on a claimed task. True: the task failed.
    pub(super) fn attempt(&mut self, claim: Claim) -> Result<bool> {
        let at = claim.name().at.clone();
        let closed = self.work(claim);
        self.shared.holding.set(None);
        self.capacity.tree_is_made();
        let ours = self.shared.control.level() < Level::Fenced;
        if ours && closed.as_ref().is_err_and(QueueError::disk_full) {
            // Nothing of it counts: it waits as if it had not been claimed. What fails here the heart does later.
            // A later pass disowns it.
            drop(self.shared.queue.disown(&at));
        }
        self.admission.end_probe(&self.shared);
        closed
    }

    fn work(&mut self, claim: Claim) -> Result<bool> {
        let queue = self.shared.queue.clone();
        if queue.cancel_wanted(&claim.name().at.id)? {
            // Whoever won the race, the attempt has ended.
            let _ = queue.cancel_held(claim)?;
            return Ok(false);
        }
        let bytes = claim.read(&queue, MAX_TASK_BYTES)?;
        let dropped = queue.dropped_name(&claim.name().at.id);
        let spec = match known_names(&self.config).parse(&dropped, &bytes) {
            Ok(spec) => spec,
            Err(problems) => {
                return self.reject(claim, &dropped.to_string_lossy(), &bytes, &problems);
            }
        };
        let record = queue.record(&claim.name().at.id);
        self.carry_out(claim, &spec, record)
    }

    fn reject(&self, claim: Claim, name: &str, bytes: &[u8], problems: &[Problem]) -> Result<bool> {
        let at = claim.name().at.clone();
        let report = taskfile::explain(name, bytes, at.id.as_str(), problems);
        // Whoever won the race, the attempt has ended.
        let _ = self.shared.queue.reject(claim, &report, problems)?;
        let (task, epoch) = (at.id.clone(), Some(at.epoch));
        self.shared.journal.record(Event::TaskRejected { task, epoch });
        (self.options.log)(&format!(
            "{} rejected: {}",
            at.id,
            problems.first().map_or(String::new(), ToString::to_string)
        ));
        Ok(true)
    }

    fn carry_out(
        &mut self,
        claim: Claim,
        spec: &TaskSpec,
        record: Option<TaskRecord>,
    ) -> Result<bool> {
        let agent = spec.agent.clone().unwrap_or_else(|| self.config.agent.clone());
        let Some(profile) = self.config.profiles.get(&agent).cloned() else {
            let detail = format!("the settings name no agent {agent:?}");
            return self.close_unstarted(claim, &agent, NoPlace { fault: Fault::Missing, detail });
        };
        self.admission.claimed(&self.shared, self.config.account(&agent));
        let origin = record.as_ref().and_then(|record| record.origin.as_ref());
        let mut place = match self.enter(&claim, &profile, origin) {
            Ok(place) => place,
            Err(no_place) => return self.close_unstarted(claim, &agent, no_place),
        };
        let mut notes = place.prepare();
        // The first epoch that can be claimed is 1: nothing was tried before it.
        let number = match claim.name().at.epoch.0 {
            0 | 1 => 1,
            _ => self.shared.queue.attempt_count(&claim.name().at.id)?,
        };
        let earlier = self.earlier(claim.attempt(), &agent, &place)?;
        let job = self.job(claim.attempt(), number, spec, &profile, &place, &earlier);
        let (rules, trouble) = self.own_rules(&agent);
        notes.extend(trouble);
        let job = match job {
            Ok(job) => Job { rules, ..job },
            Err(detail) => {
                self.leave(place, true);
                return self.close_unstarted(
                    claim,
                    &agent,
                    NoPlace { fault: Fault::Missing, detail },
                );
            }
        };
        if earlier.attempts > 0 && job.request.max_budget_usd <= 0.0 {
            self.leave(place, true);
            let detail = format!("its budget is spent: ${:.2}", earlier.spent_usd);
            return self.close_unstarted(claim, &agent, NoPlace { fault: Fault::Budget, detail });
        }
        self.write_start(&claim, &agent, &job, &place)?;
        self.capacity.tree_is_made();
        (self.options.log)(&format!(
            "{} attempt {number}: {agent} in {}",
            claim.name().at.id,
            job.place.cwd.display()
        ));
        let report = match self.set_up(&claim, spec, &job, &place) {
            Some(failed) => failed,
            None => self.run_agent(&job, &profile, self.messenger(&claim, &agent)),
        };
        let report = match cannot_go_on(job.request.resume, job.request.max_budget_usd, &report) {
            Some(why) => {
                notes.push(why);
                let job = earlier.begin_anew(job, report.usage.cost_usd, spec, &place);
                self.write_start(&claim, &agent, &job, &place)?;
                after(report, self.run_agent(&job, &profile, self.messenger(&claim, &agent)))
            }
            None => report,
        };
        let report = self.unless_shutting_down(report);
        notes.extend(report.notes.clone());
        let left = self.collect(&claim, spec, &mut place, &mut notes);
        self.close(Close { claim, agent, report, left, place, notes })
    }

    fn write_start(&self, claim: &Claim, agent: &str, job: &Job, place: &Workplace) -> Result<()> {
        let card = self.shared.registration.card();
        self.shared.queue.write_start(
            claim.attempt(),
            &AttemptStart {
                schema: 1,
                worker: card.id.clone(),
                host: card.process.host.clone(),
                process: Some(card.process.clone()),
                agent: agent.to_owned(),
                started_at: clock::now(),
                cwd: job.place.cwd.display().to_string(),
                branch: place.branch().map(str::to_owned),
                base: place.base().map(str::to_owned),
                session: matches!(job.kind, AgentKind::Claude { .. })
                    .then(|| job.request.session.clone()),
                continued: place.continued(),
            },
        )
    }

    /// Runs the setup command in a fresh tree; a report means that it failed.
    fn set_up(
        &self,
        claim: &Claim,
        spec: &TaskSpec,
        job: &Job,
        place: &Workplace,
    ) -> Option<Report> {
        let rig = spec.rig.as_ref().or(self.config.rig.as_ref());
        let rig = rig.and_then(|rig| self.config.rigs.get(rig)?.setup.clone());
        let argv = rig.unwrap_or_else(|| self.config.setup.clone());
        if argv.is_empty() || place.continued() || place.branch().is_none() {
            return None;
        }
        let mut report = self.supervise(&self.setup_job(claim.attempt(), argv, job), None, None);
        match &mut report.ending {
            Outcome::Success => None,
            Outcome::Failure { fault, detail } => {
                if fault.is_the_tasks() || *fault == Fault::Missing {
                    *fault = Fault::Setup;
                    *detail = format!("the setup command failed: {detail}");
                }
                Some(report)
            }
        }
    }

    fn run_agent(&self, job: &Job, profile: &AgentProfile, breaker: ProgressRelay) -> Report {
        let turn = matches!(profile.kind, AgentKind::Claude { .. }).then(|| self.start_slot());
        self.supervise(job, turn.flatten(), Some(breaker))
    }

    /// What passes on the agent's news of its account.
    fn messenger(&self, claim: &Claim, agent: &str) -> ProgressRelay {
        let account = self.config.account(agent);
        ProgressRelay {
            shared: self.shared.clone(),
            account: account.to_owned(),
            health_check: self.config.health_check(account),
            stop_at: self.config.limit_stop_at,
            source: claim.name().at.id.to_string(),
            began: clock::now(),
            answered_ms: None,
            reporter: LiveReporter::new(self.shared.queue.clone(), claim.attempt().clone()),
        }
    }

    /// Runs a job within reach of the other threads; `turn` ends with the first word of the agent.
    fn supervise(
        &self,
        job: &Job,
        mut turn: Option<Lock>,
        mut breaker: Option<ProgressRelay>,
    ) -> Report {
        let session = Session::new();
        self.shared.control.attach(session.remote());
        let report = session.run(job, &mut |progress| {
            if !matches!(progress, Progress::Started { .. }) {
                turn = None;
            }
            if let Some(breaker) = &mut breaker {
                breaker.pass(progress);
            }
        });
        self.shared.control.detach();
        report
    }

    fn collect(
        &self,
        claim: &Claim,
        spec: &TaskSpec,
        place: &mut Workplace,
        notes: &mut Vec<String>,
    ) -> Left {
        let id = claim.name().at.id.as_str();
        let title = spec.title.clone().unwrap_or_else(|| claim.name().at.id.slug().to_owned());
        let subject = format!("swarmdir: what {title} left uncommitted");
        let trailers = [("Swarmdir-Task", id)];
        match self.with_space(GitError::disk_full, || place.collect(&subject, &trailers)) {
            Ok(left) => left,
            Err(e) => {
                notes.push(format!("what is uncommitted stays in {}: {e}", place.path().display()));
                Left::uncommitted(e.disk_full().then(|| e.to_string()))
            }
        }
    }

    /// Leaves a place; trouble there must not lose the outcome, and the tree stays locked to its task.
    fn leave(&self, place: Workplace, keep: bool) {
        let path = place.path().to_owned();
        if let Err(e) = place.leave(keep) {
            (self.options.log)(&format!("{}: {e}", path.display()));
        }
    }
}
