//! `show TASK`: everything that is known of one task.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::rows::{rejection, state_of};
use super::spent::spent;
use crate::domain::account::usage::Usage;
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::domain::task::record::{CommitRecord, Origin, TaskRecord};
use crate::domain::task::state::State;
use crate::domain::text::{one_line, printable};
use crate::queue::intake::MAX_TASK_BYTES;
use crate::queue::runs::AttemptFiles;
use crate::queue::shift::{EndedTask, TaskPlace};
use crate::queue::{Queue, Result};
use crate::shape::style::{Style, dollars, duration};
use crate::site::Dir;
use crate::sys::{clock, fs};

/// One task with its attempts.
#[derive(Debug)]
pub struct TaskView {
    /// Its id.
    pub id: TaskId,
    /// The dropped name.
    pub name: String,
    /// Where it is; `None`: nowhere (it moved while we looked, or only its record is left).
    pub place: Option<TaskPlace>,
    /// Somebody works on it.
    pub claimed: bool,
    /// The record made at intake.
    pub record: Option<TaskRecord>,
    /// Every attempt, oldest first.
    pub attempts: Vec<AttemptFiles>,
    /// What all of them cost together, the one that runs included.
    pub usage: Usage,
    /// Why it was rejected.
    pub rejected: Option<String>,
    /// Its text is not what the latest attempt worked on: how long that was and how long it is, bytes.
    pub text_changed: Option<(usize, usize)>,
}

impl TaskView {
    /// Says where its repository is under these settings.
    #[must_use]
    pub fn located(mut self, config: &Config) -> TaskView {
        if let Some(origin) = self.record.as_mut().and_then(|record| record.origin.as_mut()) {
            origin.repository = config.repository_of(origin).display().to_string();
        }
        self
    }
}

/// Gathers what is known.
pub fn task(queue: &Queue, id: &TaskId) -> Result<TaskView> {
    let place = queue.whereabouts(id)?;
    let claimed = match &place {
        Some(TaskPlace::Waiting(name)) => queue.is_claimed(&name.at),
        _ => false,
    };
    let attempts = queue.attempts(id)?;
    let mut usage = Usage::default();
    attempts.iter().for_each(|attempt| usage.add(&spent(queue, attempt)));
    let rejected = matches!(place, Some(TaskPlace::Ended(EndedTask::Rejected(_))));
    Ok(TaskView {
        rejected: rejected.then(|| rejection(queue, id)).flatten(),
        text_changed: place.as_ref().and_then(|at| text_changed(queue, at, attempts.last()?)),
        id: id.clone(),
        name: queue.dropped_name(id).to_string_lossy().into_owned(),
        place,
        claimed,
        record: queue.record(id),
        attempts,
        usage,
    })
}

/// An attempt works on a copy: whoever still wrote when the file was taken up, or edits it later, is told.
fn text_changed(queue: &Queue, at: &TaskPlace, latest: &AttemptFiles) -> Option<(usize, usize)> {
    let read = |path: &Path| fs::read_foreign(path, MAX_TASK_BYTES).ok().flatten();
    let worked_on = read(&queue.paths().attempt(&latest.name).task())?;
    let now = read(&match at {
        TaskPlace::Waiting(name) => {
            let dir = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
            queue.paths().file(dir, name.to_string())
        }
        TaskPlace::Ended(ended) => queue.ended_file(ended),
    })?;
    (now != worked_on).then_some((worked_on.len(), now.len()))
}

impl TaskView {
    /// Its state.
    pub fn state(&self) -> Option<State> {
        match self.place.as_ref()? {
            TaskPlace::Waiting(name) if name.reason.is_some() => Some(State::Blocked),
            TaskPlace::Waiting(_) if self.claimed => Some(State::Running),
            TaskPlace::Waiting(_) => Some(State::Ready),
            TaskPlace::Ended(ended) => Some(state_of(ended)),
        }
    }

    /// What came of it: only once it is in `done/` or `failed/`.
    pub fn outcome(&self) -> Option<&str> {
        let ended = matches!(self.state()?, State::Done | State::Failed);
        let lost = self.attempts.last().is_some_and(|attempt| attempt.lost.is_some());
        if ended && lost {
            return Some("lost");
        }
        ended
            .then(|| self.attempts.iter().rev().find_map(|a| a.result.as_ref()))?
            .map(|r| r.outcome.as_str())
    }

    /// Its branch, once there is one.
    pub fn branch(&self) -> Option<&str> {
        self.attempts.iter().rev().find_map(|attempt| {
            let ended = attempt.result.as_ref().and_then(|result| result.branch.as_deref());
            ended.or_else(|| attempt.start.as_ref()?.branch.as_deref())
        })
    }

    /// Where it is worked on.
    pub fn origin(&self) -> Option<&Origin> {
        self.record.as_ref()?.origin.as_ref()
    }

    /// Commits on its branch, oldest first.
    pub fn commits(&self) -> &[CommitRecord] {
        self.attempts.iter().rev().find_map(|a| a.result.as_ref()).map_or(&[], |r| &r.commits)
    }
}

/// `show TASK --json`, schema 1.
pub fn json(task: &TaskView) -> Value {
    json!({
        "schema": 1,
        "id": task.id,
        "name": task.name,
        "title": task.record.as_ref().and_then(|record| record.title.clone()),
        "state": task.state().map(State::word),
        "outcome": task.outcome(),
        "rejected": task.rejected,
        "text_changed": task.text_changed.is_some(),
        "branch": task.branch(),
        "base": task.origin().map(|origin| origin.base.clone()),
        "base_name": task.origin().map(|origin| origin.base_name.clone()),
        "repository": task.origin().map(|origin| origin.repository.clone()),
        "labels": task.record.as_ref().map(|record| record.labels.clone()).unwrap_or_default(),
        "commits": task.commits(),
        "usage": task.usage,
        "attempts": task.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
    })
}

fn attempt_json(attempt: &AttemptFiles) -> Value {
    json!({
        "epoch": attempt.name.at.epoch,
        "worker": attempt.name.worker,
        "start": attempt.start,
        "result": attempt.result,
        "lost": attempt.lost,
    })
}

/// `show TASK` for people.
pub fn text(task: &TaskView, style: Style) -> String {
    let mut out = String::new();
    let mut line = |key: &str, value: String| {
        writeln!(out, "{} {value}", style.dim(&format!("{key:>9}"))).ok();
    };
    line("task", style.bold(task.id.as_str()));
    if let Some(title) = task.record.as_ref().and_then(|record| record.title.as_deref()) {
        line("title", one_line(title, 100));
    }
    line("dropped as", one_line(&task.name, 100));
    let state = task.state().map_or_else(|| "unknown".into(), |state| style.state(state));
    let outcome = task.outcome().map(|word| format!(" ({})", one_line(word, 40)));
    let outcome = outcome.unwrap_or_default();
    line("state", format!("{state}{outcome}"));
    if let Some(why) = &task.rejected {
        line("reason", one_line(why, 500));
    }
    if let Some((worked_on, now)) = task.text_changed {
        line(
            "note",
            format!(
                "its text changed after it was taken up: {worked_on} bytes were worked on, now it has {now}"
            ),
        );
    }
    if let Some(origin) = task.origin() {
        line(
            "base",
            format!(
                "{} ({}) in {}",
                short(&origin.base),
                one_line(&origin.base_name, 60),
                printable(&origin.repository, false)
            ),
        );
    }
    if let Some(branch) = task.branch() {
        line("branch", printable(branch, false));
    }
    let usage = &task.usage;
    if !task.attempts.is_empty() {
        line("cost", dollars(usage.cost_usd, usage.estimated));
    }
    for (number, attempt) in (1..).zip(&task.attempts) {
        line("attempt", attempt_line(number, attempt, style));
        for note in attempt.result.iter().flat_map(|result| &result.notes) {
            line("", style.dim(&one_line(note, 160)));
        }
    }
    for commit in task.commits() {
        line("commit", format!("{} {}", short(&commit.id), one_line(&commit.subject, 100)));
    }
    if let Some(said) = task.attempts.iter().rev().find_map(|a| a.result.as_ref()?.said.as_deref())
    {
        writeln!(out, "\n{}", printable(said.trim_end(), true)).ok();
    }
    out
}

fn attempt_line(number: u32, attempt: &AttemptFiles, style: Style) -> String {
    let start = attempt.start.as_ref();
    let when = start.map_or_else(|| "not begun".into(), |start| clock::local(start.started_at));
    let agent = start.map_or_else(String::new, |start| one_line(&start.agent, 64));
    let came_to = match (&attempt.lost, &attempt.result) {
        (Some(lost), _) => format!("lost: {}", one_line(&lost.evidence, 120)),
        (None, Some(result)) => {
            let took = start.map_or(0, |start| result.ended_at.since(start.started_at));
            let cost = dollars(result.usage.cost_usd, result.usage.estimated);
            let reason = if result.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", one_line(&result.reason, 500))
            };
            let outcome = one_line(&result.outcome, 40);
            format!("{outcome} after {}, {cost}{reason}", duration(took))
        }
        (None, None) => "running, or its worker died and nobody noticed yet".into(),
    };
    format!("{} {when} {agent} {came_to}", style.dim(&number.to_string()))
}

/// The beginning of a commit's number.
fn short(oid: &str) -> String {
    printable(oid.get(..10).unwrap_or(oid), false)
}
