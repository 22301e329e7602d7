//! A snapshot as people see it: counts, tasks, workers, why nothing goes on.
//!
//! Names tell almost all: what is opened are claims, workers and what the rows show.

use std::collections::BTreeMap;
use std::path::Path;

use super::rows::{Scope, TaskRow, is_running, rows, state_of};
use crate::domain::account::breaker::AccountState;
use crate::domain::account::breaker::Breaker;
use crate::domain::capacity::shortage::Shortage;
use crate::domain::liveness::lease::Pulse;
use crate::domain::process::HostMatch;
use crate::domain::task::id::TaskId;
use crate::domain::task::state::State;
use crate::domain::text;
use crate::domain::time::UnixMs;
use crate::domain::trust::TrustState;
use crate::queue::register::Card;
use crate::queue::scan::Snapshot;
use crate::queue::{Queue, Result};
use crate::site::{INTERRUPT, Site};
use crate::sys::{clock, fs, identity, process};

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
