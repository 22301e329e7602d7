//! One attempt, from claim to disposition: read, enter, look back, plan, run, collect, close.
//!
//! What fails for a reason outside the task ends in `blocked/` with that reason. Invariant: the claim is consumed on
//! every path, or left (on an error of the queue itself) to the heart, which gives it back.
//!
//! Names: `account_admission`, `claim`, `control`, `options`, `shared`.

mod account_news;
mod close;
mod earlier;
mod environment;
mod inputs;
mod live_reporter;
mod not_started;
mod own_state;
mod plan;
mod run;
mod shutdown_race;
mod texts;
mod workplace;

use super::claim::Claimer;
use super::control::Level;
use super::shared::WorkerContext;
use crate::domain::event::Event;
use crate::domain::settings::problem::Problem;
use crate::domain::task::record::AttemptStart;
use crate::domain::task::spec::TaskSpec;
use crate::git::GitError;
use crate::housekeeping::known_names;
use crate::queue::claim::Claim;
use crate::queue::intake::MAX_TASK_BYTES;
use crate::queue::{QueueError, Result};
use crate::sys::{clock, random};
use crate::taskfile;

use close::{Ran, close, leave};
use inputs::{Attempt, Means};
use not_started::{Halt, NotStarted};
use plan::{AttemptPlan, after};
use workplace::{Left, PlaceFacts, Workplace, enter};

/// Works on a claimed task. True: the task failed.
pub(super) fn work(
    context: &mut WorkerContext,
    claimer: &mut Claimer,
    claim: Claim,
) -> Result<bool> {
    let at = claim.name().at.clone();
    let closed = read_and_work(context, claimer, claim);
    let shared = &context.shared;
    shared.holding.set(None);
    claimer.capacity.tree_is_made();
    let ours = shared.control.level() < Level::Fenced;
    if ours && closed.as_ref().is_err_and(QueueError::disk_full) {
        // Nothing of it counts: it waits as if it had not been claimed. What fails here the heart does later.
        shared.queue.disown(&at).ok();
    }
    claimer.accounts.end_probe(shared);
    closed
}

fn read_and_work(context: &mut WorkerContext, claimer: &mut Claimer, claim: Claim) -> Result<bool> {
    let queue = context.shared.queue.clone();
    let id = claim.name().at.id.clone();
    if queue.cancel_wanted(&id)? {
        // Won or refused: it is not this worker's any more.
        let _ = queue.cancel_held(claim)?;
        return Ok(false);
    }
    let bytes = claim.read(&queue, MAX_TASK_BYTES)?;
    let dropped = queue.dropped_name(&id);
    let spec = match known_names(&context.config).parse(&dropped, &bytes) {
        Ok(spec) => spec,
        Err(problems) => {
            return reject(context, claim, &dropped.to_string_lossy(), &bytes, &problems);
        }
    };
    let agent = spec.agent.clone().unwrap_or_else(|| context.config.agent.clone());
    let rules = texts::read_rules(&mut context.config, &context.options.vet);
    let notes = rules.err().map(|e| format!("{e}: the earlier rules hold"));
    let ran = match carry_out(context, claimer, &claim, &spec, &agent) {
        Ok(ran) => ran,
        Err(Halt::NotStarted(why)) => Ran::not_started(why),
        Err(Halt::Queue(error)) => return Err(error),
    };
    let notes = notes.into_iter().chain(ran.notes).collect();
    close(context, &mut claimer.accounts, claim, &agent, Ran { notes, ..ran })
}

fn reject(
    context: &WorkerContext,
    claim: Claim,
    name: &str,
    bytes: &[u8],
    problems: &[Problem],
) -> Result<bool> {
    let at = claim.name().at.clone();
    let report = taskfile::explain(name, bytes, at.id.as_str(), problems);
    // Won or refused: it is not this worker's any more.
    let _ = context.shared.queue.reject(claim, &report, problems)?;
    let (task, epoch) = (at.id.clone(), Some(at.epoch));
    context.shared.journal.record(Event::TaskRejected { task, epoch });
    let first = problems.first().map_or(String::new(), ToString::to_string);
    context.log(&format!("{} rejected: {first}", at.id));
    Ok(true)
}

/// Everything between reading a task and closing it.
fn carry_out(
    context: &WorkerContext,
    claimer: &mut Claimer,
    claim: &Claim,
    spec: &TaskSpec,
    agent: &str,
) -> std::result::Result<Ran, Halt> {
    let WorkerContext { shared, config, .. } = context;
    let attempt = claim.attempt();
    let Some(profile) = config.profiles.get(agent) else {
        let missing = format!("the settings name no agent {agent:?}");
        return Err(NotStarted::missing(&missing).into());
    };
    claimer.accounts.claimed(shared, config.account(agent));

    let record = shared.queue.record(&attempt.at.id);
    let origin = record.as_ref().and_then(|record| record.origin.as_ref());
    let mut place = enter(context, attempt, profile.worktree, origin)?;
    let mut notes = place.prepare();
    let facts = place.facts();

    // The first epoch that can be claimed is 1: nothing was tried before it.
    let number = match attempt.at.epoch.0 {
        0 | 1 => 1,
        _ => shared.queue.attempt_count(&attempt.at.id)?,
    };
    let earlier = earlier::look_back(context, attempt, agent, &place, &facts)?;
    let planned =
        Attempt { name: attempt, number, spec, agent, profile, place: &facts, earlier: &earlier };
    let plan = match plan_with_texts(context, &planned) {
        Ok(plan) => plan,
        Err(why) => {
            leave(context, place, true);
            return Err(why.into());
        }
    };

    write_start(context, claim, agent, &plan, &facts)?;
    claimer.capacity.tree_is_made();
    context.log(&format!(
        "{} attempt {number}: {agent} in {}",
        attempt.at.id,
        facts.path.display()
    ));
    let mut report = run::set_up_and_run(context, attempt, agent, &plan);
    if let Some(why) = plan.begins_anew(&report) {
        notes.push(why);
        let plan = plan.anew(report.usage.cost_usd, random::uuid());
        write_start(context, claim, agent, &plan, &facts)?;
        report = after(report, run::run_agent(context, attempt, agent, &plan));
    }
    let report = shutdown_race::unless_shutting_down(context, report);

    notes.extend(report.notes.clone());
    let mut left = collect(context, claim, spec, &mut place, &mut notes);
    // Where nothing is to be changed nobody asks.
    left.changed = left.changed.filter(|changed| *changed || !spec.changes_nothing);
    Ok(Ran { report, notes, left, place: Some(place) })
}

fn plan_with_texts(
    context: &WorkerContext,
    attempt: &Attempt<'_>,
) -> std::result::Result<AttemptPlan, NotStarted> {
    let WorkerContext { shared, config, options, .. } = context;
    let template = texts::template(config, &options.vet).map_err(|e| NotStarted::missing(&e))?;
    attempt.plan(&Means {
        config,
        template: &template,
        queue_place: shared.queue.place(),
        paths: shared.queue.paths().attempt(attempt.name),
        context_file: shared.queue.context_file(&attempt.name.at.id),
        group: context.group.clone(),
        demo_argv: &options.demo_argv,
        fresh_session: random::uuid(),
    })
}

fn write_start(
    context: &WorkerContext,
    claim: &Claim,
    agent: &str,
    plan: &AttemptPlan,
    place: &PlaceFacts,
) -> Result<()> {
    let card = context.shared.registration.card();
    let start = AttemptStart {
        schema: 1,
        worker: card.id.clone(),
        host: card.process.host.clone(),
        process: Some(card.process.clone()),
        agent: agent.to_owned(),
        program: Some(plan.job.kind.word().to_owned()),
        started_at: clock::now(),
        cwd: place.path.display().to_string(),
        branch: place.branch.clone(),
        base: place.base.clone(),
        session: plan.keeps_session.then(|| plan.job.request.session.clone()),
        continued: place.continued,
    };
    context.shared.queue.write_start(claim.attempt(), &start)
}

/// Commits what the agent left uncommitted.
fn collect(
    context: &WorkerContext,
    claim: &Claim,
    spec: &TaskSpec,
    place: &mut Workplace,
    notes: &mut Vec<String>,
) -> Left {
    let id = &claim.name().at.id;
    let title = spec.title.as_deref().unwrap_or(id.slug());
    let subject = format!("swarmdir: what {title} left uncommitted");
    let trailers = [("Swarmdir-Task", id.as_str())];
    match context.with_space(GitError::disk_full, || place.collect(&subject, &trailers)) {
        Ok(left) => left,
        Err(e) => {
            let why = format!("what is uncommitted stays in {}: {e}", place.path().display());
            notes.push(why.clone());
            match e.disk_full() {
                true => Left { no_room: Some(e.to_string()), ..Left::default() },
                false => Left { uncommitted: Some(why), ..Left::default() },
            }
        }
    }
}
