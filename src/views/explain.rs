//! `explain TASK`: why it is where it is, what it waits for, and what to do.

use std::path::Path;

use serde_json::{Value, json};

use super::failure::FailureView;
use super::live;
use super::show::{TaskView, task};
use super::text::breaker_line;
use super::view::{accounts, paused, rejected_report};
use crate::domain::capacity::shortage::{Resource, Shortage};
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{AttemptName, QueueName};
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::text::{one_line, printable};
use crate::domain::time::UnixMs;
use crate::queue::shift::{EndedTask, TaskPlace};
use crate::queue::{Queue, Result};
use crate::site::Dir;
use crate::sys::{clock, fs};

/// Of a longer note so much is shown, bytes.
const NOTE_MAX: u64 = 1 << 20;

/// The answer, in order of importance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explanation {
    /// Why it is where it is.
    pub because: Vec<String>,
    /// Commands that change that.
    pub commands: Vec<String>,
    /// What the latest attempt failed of, where that is why.
    pub failure: Option<FailureView>,
}

impl Explanation {
    fn because(mut self, line: impl Into<String>) -> Explanation {
        self.because.push(line.into());
        self
    }

    fn command(mut self, line: impl Into<String>) -> Explanation {
        self.commands.push(line.into());
        self
    }

    /// Schema 1.
    pub fn json(&self, id: &TaskId) -> Value {
        let mut value =
            json!({ "schema": 1, "id": id, "because": self.because, "commands": self.commands });
        for (key, part) in FailureView::json(self.failure.as_ref()) {
            value[key] = part;
        }
        value
    }

    /// With what the latest attempt failed of.
    fn failed_of(mut self, queue: &Queue, task: &TaskView, short: &str) -> Explanation {
        let Some(attempt) = task.attempts.last() else { return self };
        self.failure = FailureView::of(attempt);
        let lines = self.failure.iter().flat_map(|failure| failure.lines(queue, attempt, short));
        self.because.extend(lines.collect::<Vec<_>>());
        self
    }

    /// With what went wrong the last time, of a task that is to be tried again.
    fn after_failure(self, queue: &Queue, task: &TaskView, short: &str) -> Explanation {
        match task.attempts.last().and_then(FailureView::of) {
            Some(_) => self.because("its latest attempt failed").failed_of(queue, task, short),
            None => self,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = self.because.join("\n");
        out.push('\n');
        for command in &self.commands {
            out.push_str(&format!("hint: {command}\n"));
        }
        out
    }
}

/// Explains one task; `shortage`: what there is too little of, where nothing is claimed for that.
pub fn explain(
    queue: &Queue,
    config: &Config,
    id: &TaskId,
    shortage: Option<&Shortage>,
) -> Result<Explanation> {
    let task = task(queue, id)?;
    let short = format!("{}-{}", id.slug(), id.tail());
    let explanation = Explanation::default();
    Ok(match &task.place {
        None => explanation.because("it has a record but no name now: it is moving, or a crash of the machine took its name").command("coordinator check"),
        Some(TaskPlace::Ended(ended)) => why_ended(queue, &task, ended, &short),
        Some(TaskPlace::Waiting(name)) => match &name.reason {
            Some(reason) => why_blocked(queue, &task, reason, &short),
            None if task.claimed => why_running(queue, name, &short)?,
            None => {
                why_waiting(queue, config, name, shortage)?.after_failure(queue, &task, &short)
            }
        },
    })
}

fn why_ended(queue: &Queue, task: &TaskView, ended: &EndedTask, short: &str) -> Explanation {
    let explanation = Explanation::default();
    match ended {
        EndedTask::Done(_) => {
            let outcome = one_line(task.outcome().unwrap_or("done"), 40);
            let reason = last_reason(task).map(|reason| format!(": {reason}")).unwrap_or_default();
            explanation
                .because(format!("it is done ({outcome}){reason}"))
                .command(format!("coordinator show {short}"))
        }
        EndedTask::Failed(_) => {
            let tries = task.attempts.len();
            let mut explanation =
                explanation.because(format!("it failed after {tries} attempt(s)"));
            for (number, attempt) in (1..).zip(&task.attempts) {
                let why = match (&attempt.lost, &attempt.result) {
                    (Some(lost), _) => {
                        format!("its worker died ({})", one_line(&lost.evidence, 120))
                    }
                    (None, Some(result)) => {
                        let outcome = one_line(&result.outcome, 40);
                        format!("{outcome}: {}", one_line(&result.reason, 500))
                    }
                    (None, None) => "it left no result".into(),
                };
                explanation = explanation.because(format!("  attempt {number}: {why}"));
            }
            let explanation = explanation.failed_of(queue, task, short);
            let permission = explanation.failure.as_ref().is_some_and(FailureView::is_permission);
            if permission {
                return allow(queue, task, ended, explanation, short);
            }
            explanation
                .command(format!("coordinator logs {short}"))
                .command(format!("coordinator retry {short}"))
        }
        EndedTask::Cancelled(_) => explanation
            .because("somebody cancelled it")
            .command(format!("coordinator retry {short}")),
        EndedTask::Rejected(at) => {
            let report = rejected_report(queue, at);
            let text = read_note(&report).unwrap_or_else(|| format!("{report:?} cannot be read"));
            // The report's own last word is a hint for whoever finds the file; here comes a better one.
            let said = text.rsplit_once("\nhint:").map_or(text.as_str(), |(said, _)| said);
            explanation.because("its file is wrong:").because(said.trim_end().to_owned()).command(
                format!(
                    "mend the file in {:?}, then: coordinator retry {short}",
                    report.with_extension("").with_extension("")
                ),
            )
        }
    }
}

/// Another try ends the same until somebody allows what was denied.
fn allow(
    queue: &Queue,
    task: &TaskView,
    ended: &EndedTask,
    explanation: Explanation,
    short: &str,
) -> Explanation {
    let EndedTask::Failed(name) = ended else { return explanation };
    let last = task.attempts.last();
    let denied = last.and_then(|attempt| attempt.result.as_ref());
    let denied = denied.map(|result| result.denied_tools.join(", ")).unwrap_or_default();
    let tools = if denied.is_empty() { "what it needs".to_owned() } else { one_line(&denied, 120) };
    let agent = last.and_then(|attempt| attempt.start.as_ref()).map(|start| &start.agent);
    let agent = agent.map_or("NAME".to_owned(), |agent| one_line(agent, 64));
    let file = queue.paths().file(Dir::Failed, name.to_string());
    explanation
        .because("it is not tried again by itself: it would be denied the same")
        .command(format!(
            "allow {tools}: allowed_tools under [agent.{agent}] in swarm.toml, or in the task's own file {file:?}"
        ))
        .command(format!("coordinator retry {short}    # then"))
        .command(format!("coordinator logs {short}"))
}

/// A text that somebody may have changed, safe for a terminal.
fn read_note(path: &Path) -> Option<String> {
    let bytes = fs::read_foreign(path, NOTE_MAX).ok()??;
    Some(printable(&String::from_utf8_lossy(&bytes), true))
}

fn last_reason(task: &TaskView) -> Option<String> {
    let reason = &task.attempts.last()?.result.as_ref()?.reason;
    (!reason.is_empty()).then(|| one_line(reason, 500))
}

fn why_blocked(queue: &Queue, task: &TaskView, reason: &Reason, short: &str) -> Explanation {
    let when = match reason.until_secs.map(UnixMs::from_secs) {
        None => "it does not go on by itself".into(),
        Some(_) if is_over(queue, task, reason) => "it goes on as soon as somebody works".into(),
        Some(at) => format!("it goes on at {}", clock::local(at)),
    };
    let cost = match reason.wait {
        Wait::Retry => "that attempt counts",
        _ => "this cost it no attempt",
    };
    let what = match &reason.wait {
        Wait::Intake => "its intake is not finished",
        Wait::Hold => "somebody holds it",
        Wait::Park => {
            "its worker was told to stop; the work is saved in its branch and goes on from there"
        }
        Wait::Limit => "the account's usage limit is reached",
        Wait::Overload => "the service is overloaded",
        Wait::Auth => "the agent is not logged in, or its key is refused",
        Wait::Spend => "the account has no credit left",
        Wait::Missing => "the agent's program is missing",
        Wait::Disk => "the disk was full, or nearly so",
        Wait::Machine => "something on this machine failed, not the task",
        Wait::Retry => "it failed and is tried again",
        Wait::Other(word) => word,
    };
    let mut explanation = Explanation::default().because(what);
    if let Some(detail) = last_reason(task) {
        explanation = explanation.because(format!("  seen: {detail}"));
    }
    if reason.wait == Wait::Intake {
        let waiting = read_note(&queue.paths().run(&task.id).waiting()).unwrap_or_default();
        return explanation
            .because(format!("  {}", one_line(&waiting, 300)))
            .command("coordinator doctor");
    }
    if reason.wait != Wait::Hold {
        explanation = explanation.failed_of(queue, task, short);
    }
    let now = if reason.wait == Wait::Hold { "release" } else { "retry" };
    explanation = explanation
        .because(format!("{when}; {cost}"))
        .command(format!("coordinator {now} {short}    # now"));
    match reason.wait {
        Wait::Auth | Wait::Spend | Wait::Missing | Wait::Machine | Wait::Disk => {
            explanation.command("coordinator doctor")
        }
        _ => explanation,
    }
}

/// A date that a clock wrote which was ahead is over, as for whoever works.
fn is_over(queue: &Queue, task: &TaskView, reason: &Reason) -> bool {
    let now = clock::now();
    let ours = reason.wait.longest_ms().is_some();
    reason.due(now) || (ours && queue.waits_by_a_wrong_clock(&task.id, now).unwrap_or(false))
}

fn why_running(queue: &Queue, name: &QueueName, short: &str) -> Result<Explanation> {
    let holder = queue.claims()?.into_iter().find(|claim| claim.at == name.at);
    let who = holder.as_ref().map_or_else(
        || "a worker".into(),
        |claim| {
            let process = &claim.card.process;
            format!(
                "worker {} (process {} on {})",
                claim.card.id.short(),
                process.pid,
                one_line(&process.host, 64)
            )
        },
    );
    let live = holder
        .and_then(|claim| queue.live(&AttemptName { at: name.at.clone(), worker: claim.card.id }));
    let mut explanation = Explanation::default().because(format!("{who} works on it"));
    for line in live.iter().flat_map(|live| live::details(live, clock::now())) {
        explanation = explanation.because(line);
    }
    Ok(explanation
        .command(format!("coordinator logs -f {short}"))
        .command(format!("coordinator cancel {short}")))
}

fn why_waiting(
    queue: &Queue,
    config: &Config,
    name: &QueueName,
    shortage: Option<&Shortage>,
) -> Result<Explanation> {
    let snapshot = queue.scan()?;
    let ahead = snapshot.ready.iter().filter(|other| *other < name).count();
    let mut explanation = Explanation::default()
        .because(format!("it is ready, in band {}, with {ahead} before it", name.band.get()));
    if let Some(reason) = paused(Path::new(&config.root)) {
        explanation = explanation
            .because(format!("the queue is paused: {reason}"))
            .command("coordinator resume");
    }
    if let Some(short) = shortage {
        explanation = explanation.because(format!("nothing is claimed: {short}"));
        if short.what != Resource::Memory {
            explanation = explanation.command("coordinator gc    # shows what may go");
        }
    }
    let agent = queue
        .record(&name.at.id)
        .and_then(|record| record.agent)
        .unwrap_or_else(|| config.agent.clone());
    let (own, shown) = (config.account(&agent), one_line(&agent, 64));
    let closed = accounts(queue, clock::now())?.into_iter().find(|(account, _)| account == own);
    if let Some((account, breaker)) = closed {
        let line = breaker_line(&breaker);
        let account = one_line(&account, 64);
        explanation = explanation.because(format!("its agent {shown} waits: {account} {line}"));
    } else if queue.accounts()?.probe(own).is_some() {
        explanation = explanation.because(format!(
            "its agent {shown} waits: one task tries the account first, and the others begin when it is answered"
        ));
    }
    let busy = snapshot.claims.len();
    Ok(match snapshot.workers.len() {
        0 => explanation.because("nobody works on this queue").command("coordinator --agents 3"),
        workers => explanation.because(format!("{busy} of {workers} worker(s) are busy")),
    })
}
