//! A snapshot as people see it: counts, tasks, workers, why nothing goes on.
//!
//! Names tell almost all; a task's files are read only where it has run, and for what is shown, so that a
//! hundred thousand waiting tasks cost a listing.

use std::collections::BTreeMap;
use std::path::Path;

use super::spent::spent;
use crate::domain::account::breaker::AccountState;
use crate::domain::account::breaker::Breaker;
use crate::domain::account::usage::Usage;
use crate::domain::capacity::shortage::Shortage;
use crate::domain::liveness::lease::Pulse;
use crate::domain::liveness::report::Live;
use crate::domain::process::HostMatch;
use crate::domain::task::id::{TaskId, WorkerId};
use crate::domain::task::name::{AttemptName, QueueName};
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::task::record::Rejection;
use crate::domain::task::state::State;
use crate::domain::text;
use crate::domain::time::UnixMs;
use crate::domain::trust::TrustState;
use crate::queue::register::Card;
use crate::queue::runs::AttemptFiles;
use crate::queue::scan::Snapshot;
use crate::queue::shift::EndedTask;
use crate::queue::{Queue, Result};
use crate::site::{INTERRUPT, Site};
use crate::sys::{clock, fs, identity, process};

/// Terminal tasks that are shown unless all are asked for.
pub const LAST: usize = 100;

/// No list of reasons is longer, bytes.
const REJECTION_MAX: u64 = 1 << 20;

/// Everything at a glance.
#[derive(Clone, Debug)]
pub struct View {
    /// How many tasks are in each state.
    pub counts: BTreeMap<State, usize>,
    /// Those not terminal, and the last ones that are, oldest first.
    pub tasks: Vec<TaskRow>,
    /// Registered workers.
    pub workers: Vec<WorkerRow>,
    /// Why no task is claimed, where the operator said so.
    pub paused: Option<String>,
    /// What there is too little of, so that nothing is claimed; who gathers the view leaves it to its caller.
    pub shortage: Option<Shortage>,
    /// Whether the settings are in force, and which task files wait for trust; left to the caller, too.
    pub trust: TrustView,
    /// Accounts that are not simply open, by account.
    pub accounts: Vec<(String, Breaker)>,
}

/// What the user has not said yes to.
#[derive(Clone, Debug, Default)]
pub struct TrustView {
    /// The settings.
    pub settings: TrustState,
    /// Names of task files in `pending/` that came with a clone.
    pub waiting: Vec<String>,
}

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
    /// What came of it: `done`, `no_change`, `denied`, `error` …
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

/// One worker.
#[derive(Clone, Debug)]
pub struct WorkerRow {
    /// Who it is.
    pub card: Card,
    /// What it works on.
    pub task: Option<TaskId>,
    /// Its process lives; `None` where that cannot be seen from here.
    pub alive: Option<bool>,
    /// Its last heartbeat, by the clock of its file system.
    pub beat_at: UnixMs,
}

/// Which rows to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope {
    /// Terminal tasks at most.
    pub last: usize,
    /// Waiting tasks at most.
    pub waiting: usize,
}

impl Scope {
    /// Everything.
    pub const ALL: Scope = Scope { last: usize::MAX, waiting: usize::MAX };
    /// What `status --json` shows.
    pub const USUAL: Scope = Scope { last: LAST, waiting: usize::MAX };
}

/// Gathers the view of a queue beside `root`'s `interrupt`.
pub fn view(queue: &Queue, root: &Path, scope: Scope) -> Result<View> {
    let snapshot = queue.scan()?;
    let now = clock::now();
    Ok(View {
        counts: counts(&snapshot),
        tasks: rows(queue, &snapshot, scope),
        workers: workers(&snapshot),
        paused: paused(root),
        shortage: None,
        trust: TrustView::default(),
        accounts: accounts(queue, now)?,
    })
}

/// The accounts that people should know of, by account.
pub fn accounts(queue: &Queue, now: UnixMs) -> Result<Vec<(String, Breaker)>> {
    let accounts = queue.accounts()?.accounts;
    Ok(accounts
        .into_iter()
        .filter(|(_, breaker)| breaker.state(now) != AccountState::Open)
        .collect())
}

/// The reason in `interrupt`, where it exists.
pub fn paused(root: &Path) -> Option<String> {
    let bytes = fs::read_if_any(&Site::at(root).interrupt()).ok().flatten()?;
    let said = text::one_line(&String::from_utf8_lossy(&bytes), 200);
    Some(if said.is_empty() { INTERRUPT.into() } else { said })
}

fn counts(snapshot: &Snapshot) -> BTreeMap<State, usize> {
    let mut counts: BTreeMap<State, usize> = State::ALL.iter().map(|state| (*state, 0)).collect();
    let mut add = |state, n| *counts.entry(state).or_default() += n;
    let running = snapshot.ready.iter().filter(|name| is_running(snapshot, name)).count();
    add(State::Pending, snapshot.pending.len());
    add(State::Blocked, snapshot.blocked.len());
    add(State::Ready, snapshot.ready.len() - running);
    add(State::Running, running);
    for ended in &snapshot.ended {
        add(state_of(ended), 1);
    }
    counts
}

fn is_running(snapshot: &Snapshot, name: &QueueName) -> bool {
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

fn rows(queue: &Queue, snapshot: &Snapshot, scope: Scope) -> Vec<TaskRow> {
    let mut ended: Vec<&EndedTask> = snapshot.ended.iter().collect();
    ended.sort_by(|a, b| a.at().cmp(b.at()));
    let skipped = ended.len().saturating_sub(scope.last);
    let mut rows: Vec<TaskRow> =
        ended[skipped..].iter().map(|ended| ended_row(queue, ended)).collect();
    let running = snapshot.ready.iter().filter(|name| is_running(snapshot, name));
    rows.extend(running.map(|name| waiting_row(queue, snapshot, name)));
    let idle = snapshot.ready.iter().filter(|name| !is_running(snapshot, name));
    let waiting = snapshot.blocked.iter().chain(idle).take(scope.waiting);
    rows.extend(waiting.map(|name| waiting_row(queue, snapshot, name)));
    let room = scope.waiting.saturating_sub(rows.len());
    rows.extend(snapshot.pending.iter().take(room).map(|name| TaskRow {
        name: name.to_string_lossy().into_owned(),
        ..TaskRow::of(None, State::Pending)
    }));
    rows
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

fn ended_row(queue: &Queue, ended: &EndedTask) -> TaskRow {
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

fn rejection(queue: &Queue, id: &TaskId) -> Option<String> {
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

fn workers(snapshot: &Snapshot) -> Vec<WorkerRow> {
    let me = identity::me();
    let row = |card: &Card, pulse: Pulse| {
        let task = snapshot.claims.iter().find(|(_, holder)| holder.id == card.id);
        WorkerRow {
            task: task.map(|(at, _)| at.id.clone()),
            alive: (card.host_match(&me) == HostMatch::Here).then(|| process::alive(&card.process)),
            beat_at: UnixMs(u64::try_from(pulse.mtime_ns / 1_000_000).unwrap_or(0)),
            card: card.clone(),
        }
    };
    let mut rows: Vec<WorkerRow> =
        snapshot.workers.iter().map(|(card, pulse)| row(card, *pulse)).collect();
    rows.sort_by_key(|row| (row.card.slot, row.card.started_at));
    rows
}

/// The directory of a rejected file's reasons, for hints.
pub fn rejected_report(
    queue: &Queue,
    at: &crate::domain::task::name::TaskEpoch,
) -> std::path::PathBuf {
    queue.paths().report(at)
}
