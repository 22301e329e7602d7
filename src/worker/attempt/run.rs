//! Runs what a plan says, within reach of the worker's other threads.

use super::account_news::AccountNews;
use super::live_reporter::LiveReporter;
use super::plan::AttemptPlan;
use crate::agent::{Job, Progress, Report, Session};
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::task::name::AttemptName;
use crate::sys::clock;
use crate::worker::shared::WorkerContext;

/// The setup command, and if that went well the agent.
pub(super) fn set_up_and_run(
    context: &WorkerContext,
    attempt: &AttemptName,
    agent: &str,
    plan: &AttemptPlan,
) -> Report {
    let set_up = plan.setup.as_ref().map(|setup| supervise(context, setup, &mut |_| {}));
    match set_up.and_then(failed_setup) {
        Some(failed) => failed,
        None => run_agent(context, attempt, agent, plan),
    }
}

/// The report of a setup command, where it failed.
fn failed_setup(mut report: Report) -> Option<Report> {
    let Outcome::Failure { fault, detail } = &mut report.ending else { return None };
    if fault.is_the_tasks() || *fault == Fault::Missing {
        *fault = Fault::Setup;
        *detail = format!("the setup command failed: {detail}");
    }
    Some(report)
}

/// The agent; its news of its account and of itself are passed on.
pub(super) fn run_agent(
    context: &WorkerContext,
    attempt: &AttemptName,
    agent: &str,
    plan: &AttemptPlan,
) -> Report {
    let WorkerContext { shared, config, .. } = context;
    let mut slot = plan.slow_start.then(|| context.start_slot()).flatten();
    let account = config.account(agent);
    let mut news = AccountNews {
        shared: shared.clone(),
        account: account.to_owned(),
        health_check: config.health_check(account),
        stop_at: config.limit_stop_at,
        source: attempt.at.id.to_string(),
        began: clock::now(),
        answered_ms: None,
    };
    let mut reporter = LiveReporter::new(shared.queue.clone(), attempt.clone());
    supervise(context, &plan.job, &mut |progress| {
        if !matches!(progress, Progress::Started { .. }) {
            // Its first word: the next one may start.
            slot = None;
        }
        reporter.pass(progress);
        news.pass(progress);
    })
}

fn supervise(context: &WorkerContext, job: &Job, seen: &mut dyn FnMut(&Progress)) -> Report {
    let session = Session::new();
    context.shared.control.attach(session.remote());
    let report = session.run(job, seen);
    context.shared.control.detach();
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_command_that_failed_by_itself_is_the_tasks_setup_and_any_other_end_its_own() {
        use Fault::{Crashed, Disk, Error, Machine, Missing, Setup, Stopped, Timeout};
        for (ended, becomes) in [
            (Error, Setup),
            (Timeout, Setup),
            (Crashed, Setup),
            (Missing, Setup),
            (Stopped, Stopped),
            (Disk, Disk),
            (Machine, Machine),
        ] {
            let failed = failed_setup(Report::not_started(ended, "exit 1".into()));
            let Some(Report { ending: Outcome::Failure { fault, detail }, .. }) = failed else {
                panic!("{ended:?} is a failure")
            };
            assert_eq!(fault, becomes);
            assert_eq!(detail.starts_with("the setup command failed"), becomes == Setup);
        }
        let well = Report { ending: Outcome::Success, ..Report::not_started(Error, String::new()) };
        assert!(failed_setup(well).is_none());
    }
}
