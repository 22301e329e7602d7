//! Tasks as people see them, a row each.
//!
//! A task's files are read only where it has run, and for what is shown, so that a hundred thousand waiting tasks
//! cost a listing, and a look each.

use super::spent::spent;
use crate::domain::account::usage::Usage;
use crate::domain::liveness::report::Live;
use crate::domain::task::id::{TaskId, WorkerId};
use crate::domain::task::name::{AttemptName, QueueName};
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::task::record::Rejection;
use crate::domain::task::state::State;
use crate::domain::text;
use crate::domain::time::UnixMs;
use crate::queue::Queue;
use crate::queue::register::Card;
use crate::queue::runs::AttemptFiles;
use crate::queue::scan::Snapshot;
use crate::queue::shift::EndedTask;
use crate::sys::{clock, fs};

/// Terminal tasks that are shown unless all are asked for.
pub const LAST: usize = 100;

/// No list of reasons is longer, bytes.
const REJECTION_MAX: u64 = 1 << 20;

/// One task.
#[derive(Clone, Debug)]
pub struct TaskRow {
    /// Its id; `None` while it lies in `pending/`.
    pub id: Option<TaskId>,
    /// The name that it was dropped under.
    pub name: String,
    /// Its state.
    pub state: State,
    /// How many attempts were begun.
    pub attempt: u32,
    /// Who works on it.
    pub worker: Option<WorkerId>,
    /// Why it is where it is, where there is more to say than the state.
    pub reason: Option<String>,
    /// What came of it: `done`, `no_changes`, `denied`, `error` …
    pub outcome: Option<String>,
    /// Its branch, once there is one.
    pub branch: Option<String>,
    /// All attempts together; `None` before the first.
    pub usage: Option<Usage>,
    /// When its latest attempt began and ended.
    pub times: (Option<UnixMs>, Option<UnixMs>),
    /// What its worker sees of the running agent.
    pub live: Option<Live>,
}

/// Which rows to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope {
    /// Terminal tasks at most.
    pub last: usize,
    /// Waiting tasks at most.
    pub waiting: usize,
    /// For people: what went wrong (so many at most), then what runs and waits, then what ended otherwise.
    pub wrong: Option<usize>,
}

impl Scope {
    /// Everything.
    pub const ALL: Scope = Scope { last: usize::MAX, waiting: usize::MAX, wrong: None };
    /// What `status --json` shows.
    pub const USUAL: Scope = Scope { last: LAST, waiting: usize::MAX, wrong: None };
}

/// Whether somebody holds it.
pub(super) fn is_running(snapshot: &Snapshot, name: &QueueName) -> bool {
    snapshot.claims.contains_key(&name.at)
}

/// The state that an ended task's directory means.
pub fn state_of(ended: &EndedTask) -> State {
    match ended {
        EndedTask::Done(_) => State::Done,
        EndedTask::Failed(_) => State::Failed,
        EndedTask::Cancelled(_) => State::Cancelled,
        EndedTask::Rejected(_) => State::Rejected,
    }
}

/// The tasks as rows, in the order that their scope wants.
pub(super) fn rows(queue: &Queue, snapshot: &Snapshot, scope: Scope) -> Vec<TaskRow> {
    let goes_first = |ended: &&EndedTask| {
        scope.wrong.is_some() && matches!(ended, EndedTask::Failed(_) | EndedTask::Rejected(_))
    };
    let (wrong, ended) = snapshot.ended.iter().partition(goes_first);
    let rows_of = |ended: Vec<&EndedTask>| -> Vec<TaskRow> {
        ended.into_iter().map(|ended| ended_row(queue, ended)).collect()
    };
    let mut rows = rows_of(latest(wrong, scope.wrong.unwrap_or(0)));
    let ended = rows_of(latest(ended, scope.last));
    let live = unfinished(queue, snapshot, scope.waiting);
    let (first, then) = if scope.wrong.is_some() { (live, ended) } else { (ended, live) };
    rows.extend(first);
    rows.extend(then);
    rows
}

/// The latest so many, oldest first.
fn latest(mut ended: Vec<&EndedTask>, most: usize) -> Vec<&EndedTask> {
    let skipped = ended.len().saturating_sub(most);
    if skipped > 0 {
        ended.select_nth_unstable_by(skipped - 1, |a, b| a.at().cmp(b.at()));
    }
    let mut latest = ended.split_off(skipped);
    latest.sort_by(|a, b| a.at().cmp(b.at()));
    latest
}

/// What runs, then at most so many of what waits.
fn unfinished(queue: &Queue, snapshot: &Snapshot, most: usize) -> Vec<TaskRow> {
    let (running, idle): (Vec<&QueueName>, Vec<&QueueName>) =
        snapshot.ready.iter().partition(|name| is_running(snapshot, name));
    let row = |name: &&QueueName| waiting_row(queue, snapshot, name);
    let mut rows: Vec<TaskRow> = running.iter().map(row).collect();
    let waiting: Vec<&QueueName> = snapshot.blocked.iter().chain(idle).take(most).collect();
    rows.extend(side_by_side(&waiting, row));
    let room = most - waiting.len();
    rows.extend(snapshot.pending.iter().take(room).map(|name| TaskRow {
        name: name.to_string_lossy().into_owned(),
        ..TaskRow::of(None, State::Pending)
    }));
    rows
}

/// Makes a row of each, in order. A row costs a look at the disk: many are shared out to all processors.
fn side_by_side<T: Sync, R: Send>(items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    const MANY: usize = 1_000;
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = items.len().div_ceil(processors).max(MANY);
    let rows = |part: &[T]| part.iter().map(&make).collect::<Vec<R>>();
    let (first, others) = items.split_at(part.min(items.len()));
    std::thread::scope(|scope| {
        let others: Vec<_> = others.chunks(part).map(|part| scope.spawn(|| rows(part))).collect();
        let mut all = rows(first);
        all.extend(others.into_iter().flat_map(|other| other.join().expect("no row panics")));
        all
    })
}

impl TaskRow {
    fn of(id: Option<TaskId>, state: State) -> TaskRow {
        TaskRow {
            id,
            name: String::new(),
            state,
            attempt: 0,
            worker: None,
            reason: None,
            outcome: None,
            branch: None,
            usage: None,
            times: (None, None),
            live: None,
        }
    }

    /// Its id, or for what lies in `pending/` its name.
    pub fn label(&self) -> String {
        self.id.as_ref().map_or_else(|| text::one_line(&self.name, 80), TaskId::to_string)
    }

    fn with_attempts(mut self, queue: &Queue) -> TaskRow {
        let Some(id) = &self.id else { return self };
        let attempts = queue.attempts(id).unwrap_or_default();
        self.attempt = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        if attempts.is_empty() {
            return self;
        }
        let mut usage = Usage::default();
        // What runs is billed when it ends: its transcript may be long, and still grows.
        let over = attempts.len() - usize::from(self.state == State::Running);
        attempts[..over].iter().for_each(|attempt| usage.add(&spent(queue, attempt)));
        self.usage = Some(usage);
        self.branch = attempts.iter().rev().find_map(branch_of);
        if let Some(last) = attempts.last() {
            let started = last.start.as_ref().map(|start| start.started_at);
            self.times = (started, last.result.as_ref().map(|result| result.ended_at));
            self.outcome = last.result.as_ref().map(|result| result.outcome.clone());
            self.reason = last_reason(last);
        }
        self
    }
}

fn branch_of(attempt: &AttemptFiles) -> Option<String> {
    let ended = attempt.result.as_ref().and_then(|result| result.branch.clone());
    ended.or_else(|| attempt.start.as_ref()?.branch.clone())
}

fn last_reason(last: &AttemptFiles) -> Option<String> {
    if let Some(lost) = &last.lost {
        return Some(format!("its worker died ({})", lost.evidence));
    }
    let reason = last.result.as_ref().map(|result| result.reason.clone())?;
    (!reason.is_empty()).then_some(reason)
}

/// The row of a task that has ended.
pub fn ended_row(queue: &Queue, ended: &EndedTask) -> TaskRow {
    let id = &ended.at().id;
    let row = TaskRow {
        name: queue.shown_name(id),
        ..TaskRow::of(Some(id.clone()), state_of(ended)).with_attempts(queue)
    };
    match ended {
        EndedTask::Rejected(_) => TaskRow { reason: rejection(queue, id), ..row },
        EndedTask::Cancelled(_) => TaskRow { reason: None, outcome: None, ..row },
        EndedTask::Done(_) | EndedTask::Failed(_) => row,
    }
}

/// The first of the reasons for which a file was rejected.
pub(super) fn rejection(queue: &Queue, id: &TaskId) -> Option<String> {
    let path = queue.paths().run(id).rejection();
    let bytes = fs::read_foreign(&path, REJECTION_MAX).ok()??;
    let rejection: Rejection = serde_json::from_slice(&bytes).ok()?;
    let more = rejection.problems.len().saturating_sub(1);
    let first = rejection.problems.first()?.to_string();
    Some(if more > 0 { format!("{first} (and {more} more)") } else { first })
}

fn waiting_row(queue: &Queue, snapshot: &Snapshot, name: &QueueName) -> TaskRow {
    let id = &name.at.id;
    let holder = snapshot.claims.get(&name.at);
    let state = match (&name.reason, holder) {
        (Some(_), _) => State::Blocked,
        (None, Some(_)) => State::Running,
        (None, None) => State::Ready,
    };
    let mut row = TaskRow {
        name: queue.shown_name(id),
        worker: holder.map(|card| card.id.clone()),
        ..TaskRow::of(Some(id.clone()), state)
    };
    // An attempt leaves a trace at its epoch, and every return to the queue raises the epoch.
    if name.at.epoch.0 > 1 || holder.is_some() {
        row = row.with_attempts(queue);
    }
    match &name.reason {
        Some(reason) => row.reason = Some(blocked_reason(reason, row.reason.as_deref())),
        None if state == State::Running => {
            row.reason = None;
            let attempt =
                |card: &Card| AttemptName { at: name.at.clone(), worker: card.id.clone() };
            row.live = holder.and_then(|card| queue.live(&attempt(card)));
        }
        None => {}
    }
    row
}

/// `limit until 15:50: You've hit …`
fn blocked_reason(reason: &Reason, detail: Option<&str>) -> String {
    let mut said = reason.wait.word().to_owned();
    let until = reason.until_secs.map(UnixMs::from_secs).filter(|_| reason.wait != Wait::Park);
    // A date ahead that nobody believes is none to show.
    let now = clock::now();
    if let Some(until) = until.filter(|until| *until <= now || !reason.due(now)) {
        said = format!("{said} until {}", clock::local_short(until));
    }
    match detail {
        Some(detail) => format!("{said}: {detail}"),
        None => said,
    }
}
