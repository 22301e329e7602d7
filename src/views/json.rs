//! `status --json`, schema 1: documented in `docs/json.md`; fields are added, never changed.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::live;
use super::rows::TaskRow;
use super::view::{View, WorkerRow};
use crate::domain::account::breaker::Breaker;
use crate::domain::capacity::shortage::Shortage;
use crate::domain::task::id::{TaskId, WorkerId};
use crate::domain::task::state::State;
use crate::domain::time::UnixMs;
use crate::sys::clock;

/// The whole view. Its lists borrow from it: over very many tasks a tree of values costs more than all else.
#[derive(Serialize)]
pub struct Status<'a> {
    schema: u32,
    counts: Value,
    tasks: Vec<Task<'a>>,
    workers: Vec<Value>,
    paused: Option<&'a str>,
    shortage: Option<Value>,
    settings: Value,
    waiting_for_trust: &'a [String],
    accounts: Vec<Value>,
}

#[derive(Serialize)]
struct Task<'a> {
    id: Option<&'a str>,
    name: &'a str,
    state: &'static str,
    attempt: u32,
    worker: Option<&'a WorkerId>,
    reason: Option<&'a str>,
    outcome: Option<&'a str>,
    branch: Option<&'a str>,
    cost_usd: Option<f64>,
    cost_estimated: bool,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    started_at_ms: Option<UnixMs>,
    ended_at_ms: Option<UnixMs>,
    live: Option<Value>,
}

/// What `status --json` prints.
pub fn status(view: &View) -> Status<'_> {
    Status {
        schema: 1,
        counts: counts(view),
        tasks: view.tasks.iter().map(task).collect(),
        workers: view.workers.iter().map(worker).collect(),
        paused: view.paused.as_deref(),
        shortage: view.shortage.as_ref().map(shortage),
        settings: settings(view),
        waiting_for_trust: &view.trust.waiting,
        accounts: accounts(&view.accounts),
    }
}

/// Accounts that are not simply open, as `status` and `account` print them.
pub fn accounts(accounts: &[(String, Breaker)]) -> Vec<Value> {
    accounts.iter().map(breaker).collect()
}

/// What stands between `swarm.toml` and its effect.
fn settings(view: &View) -> Value {
    let standing = &view.trust.settings;
    json!({
        "state": standing.word(),
        "text": standing.hint().map(|_| standing.to_string()),
        "hint": standing.hint(),
    })
}

fn shortage(short: &Shortage) -> Value {
    json!({
        "what": short.what.word(),
        "place": short.place,
        "have": short.have,
        "need": short.need,
        "text": short.to_string(),
    })
}

fn breaker((account, breaker): &(String, Breaker)) -> Value {
    json!({
        "agent": account,
        "account": account,
        "state": breaker.state(clock::now()),
        "fault": breaker.fault,
        "detail": breaker.detail,
        "until_ms": breaker.until,
        "since_ms": breaker.since,
        "consecutive_failures": breaker.consecutive_failures,
        "window": breaker.window,
    })
}

fn counts(view: &View) -> Value {
    let count = |state: &State| json!(view.counts.get(state).copied().unwrap_or(0));
    let counts: Map<String, Value> =
        State::ALL.iter().map(|state| (state.word().to_owned(), count(state))).collect();
    Value::Object(counts)
}

fn task(row: &TaskRow) -> Task<'_> {
    let usage = row.usage.as_ref();
    Task {
        id: row.id.as_ref().map(TaskId::as_str),
        name: &row.name,
        state: row.state.word(),
        attempt: row.attempt,
        worker: row.worker.as_ref(),
        reason: row.reason.as_deref(),
        outcome: row.outcome.as_deref(),
        branch: row.branch.as_deref(),
        cost_usd: usage.map(|usage| usage.cost_usd),
        cost_estimated: usage.is_some_and(|usage| usage.estimated),
        input_tokens: usage.map(|usage| usage.input_tokens),
        output_tokens: usage.map(|usage| usage.output_tokens),
        started_at_ms: row.times.0,
        ended_at_ms: row.times.1,
        live: row.live.as_ref().map(|live| live::json(live, clock::now())),
    }
}

fn worker(row: &WorkerRow) -> Value {
    json!({
        "id": row.card.id,
        "host": row.card.process.host,
        "pid": row.card.process.pid,
        "slot": row.card.slot,
        "version": row.card.version,
        "started_at_ms": row.card.started_at,
        "alive": row.alive,
        "state": live::worker_word(row.alive, clock::now().since(row.beat_at)),
        "beat_at_ms": row.beat_at,
        "task": row.task,
    })
}
