//! `status --json`, schema 1: documented in `docs/json.md`; fields are added, never changed.

use serde_json::{Map, Value, json};

use super::live;
use super::view::{TaskRow, View, WorkerRow};
use crate::domain::account::breaker::Breaker;
use crate::domain::capacity::shortage::Shortage;
use crate::domain::task::id::TaskId;
use crate::domain::task::state::State;
use crate::sys::clock;

/// The whole view.
pub fn status(view: &View) -> Value {
    json!({
        "schema": 1,
        "counts": counts(view),
        "tasks": view.tasks.iter().map(task).collect::<Vec<_>>(),
        "workers": view.workers.iter().map(worker).collect::<Vec<_>>(),
        "paused": view.paused,
        "shortage": view.shortage.as_ref().map(shortage),
        "settings": settings(view),
        "waiting_for_trust": view.trust.waiting,
        "accounts": view.accounts.iter().map(breaker).collect::<Vec<_>>(),
    })
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

fn task(row: &TaskRow) -> Value {
    json!({
        "id": row.id.as_ref().map(TaskId::as_str),
        "name": row.name,
        "state": row.state.word(),
        "attempt": row.attempt,
        "worker": row.worker,
        "reason": row.reason,
        "outcome": row.outcome,
        "branch": row.branch,
        "cost_usd": row.usage.as_ref().map(|usage| usage.cost_usd),
        "cost_estimated": row.usage.as_ref().is_some_and(|usage| usage.estimated),
        "input_tokens": row.usage.as_ref().map(|usage| usage.input_tokens),
        "output_tokens": row.usage.as_ref().map(|usage| usage.output_tokens),
        "started_at_ms": row.times.0,
        "ended_at_ms": row.times.1,
        "live": row.live.as_ref().map(|live| live::json(live, clock::now())),
    })
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
