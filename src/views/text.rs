//! `status` for people.

use std::fmt::Write;

use super::live::{words, worker_word};
use super::rows::TaskRow;
use super::view::{View, WorkerRow};
use crate::domain::account::breaker::AccountState;
use crate::domain::account::breaker::Breaker;
use crate::domain::liveness::lease::JUDGED_DEAD_AFTER_MS;
use crate::domain::task::state::State;
use crate::domain::text::{one_line, printable};
use crate::shape::columns::Align::{Left, Right};
use crate::shape::columns::{Cell, Table};
use crate::shape::style::{Style, dollars, duration};
use crate::sys::clock;

/// Counts, then what needs attention, then the table of tasks; `filtered`: of those that were asked for.
pub fn status(view: &View, filtered: bool, style: Style) -> String {
    let mut out = counts(view, style);
    out.push('\n');
    for line in attention(view, style) {
        out.push_str(&line);
        out.push('\n');
    }
    if view.tasks.is_empty() && filtered {
        out.push_str("no task is like that\n");
        return out;
    }
    if view.tasks.is_empty() {
        out.push_str("no tasks yet: coordinator add -m \"what is to be done\"\n");
        return out;
    }
    out.push('\n');
    out.push_str(&table(&view.tasks, style));
    out.push('\n');
    let shown = view.tasks.len();
    let all: usize = view.counts.values().sum();
    if shown < all && !filtered {
        let line = format!("{} more: coordinator status --all", all - shown);
        writeln!(out, "{}", style.dim(&line)).ok();
    }
    out
}

/// One line: `2 running · 3 ready · 1 blocked · 12 done · $4.10`.
pub fn counts(view: &View, style: Style) -> String {
    let order = [
        State::Running,
        State::Ready,
        State::Pending,
        State::Blocked,
        State::Done,
        State::Failed,
        State::Rejected,
        State::Cancelled,
    ];
    let counted = order.iter().filter_map(|state| {
        let n = view.counts.get(state).copied().unwrap_or(0);
        (n > 0).then(|| format!("{n} {}", style.state(*state)))
    });
    let mut parts: Vec<String> = counted.collect();
    if parts.is_empty() {
        parts.push("empty".into());
    }
    let workers = view.workers.iter().filter(|worker| worker.alive != Some(false)).count();
    parts.push(format!("{workers} worker{}", if workers == 1 { "" } else { "s" }));
    parts.join(&style.dim(" · "))
}

fn attention(view: &View, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reason) = &view.paused {
        lines.push(style.paint("33", &format!("paused: {reason} (coordinator resume)")));
    }
    if let Some(short) = &view.shortage {
        lines.push(style.paint("33", &format!("paused: {}", one_line(&short.to_string(), 300))));
    }
    if let Some(hint) = view.trust.settings.hint() {
        let line = format!("{}; {hint}", one_line(&view.trust.settings.to_string(), 500));
        lines.push(style.paint("33", &line));
    }
    lines.extend(untrusted_tasks(&view.trust.waiting).map(|line| style.paint("33", &line)));
    let accounts = view
        .accounts
        .iter()
        .map(|(account, breaker)| format!("{}: {}", one_line(account, 64), breaker_line(breaker)));
    lines.extend(accounts.map(|line| style.paint("33", &line)));
    let waiting = view.counts.get(&State::Ready).copied().unwrap_or(0) > 0;
    lines.extend(view.workers.iter().filter_map(|row| Some(style.paint("33", &worker_line(row)?))));
    if waiting && view.workers.is_empty() && view.paused.is_none() {
        lines.push(style.paint("33", "nobody works: coordinator --agents 3"));
    }
    lines
}

fn untrusted_tasks(names: &[String]) -> Option<String> {
    let first = one_line(names.first()?, 64);
    let (files, waits) = if names.len() == 1 { ("file", "waits") } else { ("files", "wait") };
    Some(format!(
        "{} task {files} came with a clone and {waits} for trust ({first}): read, then: coordinator trust",
        names.len()
    ))
}

/// A worker whose heart does not beat as it should.
fn worker_line(row: &WorkerRow) -> Option<String> {
    let ago = clock::now().since(row.beat_at);
    let word = worker_word(row.alive, ago);
    let process = &row.card.process;
    let task = row.task.as_ref().map(|id| format!(", which holds {}-{}", id.slug(), id.tail()));
    let who = format!(
        "worker {} (process {} on {}){}",
        row.card.id.short(),
        process.pid,
        one_line(&process.host, 64),
        task.unwrap_or_default()
    );
    let after = duration(JUDGED_DEAD_AFTER_MS);
    let ago = duration(ago);
    match word {
        "dead" => Some(format!("{who}: its process is gone; its task goes on elsewhere")),
        "late" => Some(format!("{who}: no heartbeat for {ago}; after {after} it counts as dead")),
        "suspect" => Some(format!("{who}: no heartbeat for {ago}: whoever tends judges it dead")),
        _ => None,
    }
}

/// What an account's breaker does, and why: `paused until 15:50, five-hour window 98 % (limit)`.
pub fn breaker_line(breaker: &Breaker) -> String {
    let now = clock::now();
    let why = one_line(&breaker.why(), 100);
    let until = clock::local_short(breaker.until);
    match breaker.state(now) {
        AccountState::Closed => {
            format!("paused until {until}, {why} ({})", one_line(&breaker.fault, 40))
        }
        AccountState::Probe => {
            format!(
                "one task tries whether it works again, {why} ({})",
                one_line(&breaker.fault, 40)
            )
        }
        AccountState::Slow | AccountState::Open => format!("claims are slowed down, {why}"),
    }
}

/// A task that has just ended, on one line: `done  fix-login-k3f9  34 s  $0.12  swarm/fix-login-k3f9`.
pub fn ended_line(row: &TaskRow, style: Style) -> String {
    let [label, state, _, time, cost, last] = cells(row).map(|cell| cell.alone(style));
    let parts = [state, label, time, cost, last];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// The table of tasks.
pub fn table(rows: &[TaskRow], style: Style) -> String {
    let head = ["TASK", "STATE", "TRY", "TIME", "COST", "BRANCH, REASON"];
    let mut table = Table::new([Left, Left, Right, Right, Right, Left]);
    table.row(head.map(|title| Cell::new(title, "2")));
    for row in rows {
        table.row(cells(row));
    }
    table.fit(style)
}

fn cells(row: &TaskRow) -> [Cell; 6] {
    let label = match &row.id {
        Some(id) => format!("{}-{}", id.slug(), id.tail()),
        None => row.label(),
    };
    let time = match row.times {
        (Some(start), Some(end)) => duration(end.since(start)),
        (Some(start), None) if row.state == State::Running => duration(clock::now().since(start)),
        _ => String::new(),
    };
    let billed = row.usage.as_ref().filter(|usage| usage.cost_usd > 0.0 || usage.estimated);
    let cost = billed.map_or(String::new(), |u| dollars(u.cost_usd, u.estimated));
    let outcome = row.outcome.as_deref().filter(|outcome| shown_outcome(row.state, outcome));
    let outcome = outcome.map(|word| format!(" ({})", one_line(word, 40))).unwrap_or_default();
    let reason = row.reason.as_deref().map(|reason| one_line(reason, 90));
    let stands = row.live.as_ref().map(|live| one_line(&words(live, clock::now()), 90));
    let reason = stands.or(reason);
    // One that is called after the task says nothing new.
    let branch = row.branch.as_deref().filter(|branch| *branch != format!("swarm/{label}"));
    let branch = branch.map(|branch| printable(branch, false));
    let last = [branch, reason].into_iter().flatten().collect::<Vec<_>>().join("  ");
    let tries = if row.attempt > 0 { row.attempt.to_string() } else { String::new() };
    [
        Cell::new(one_line(&label, 60), ""),
        Cell::new(format!("{}{outcome}", row.state.word()), Style::color_of(row.state)),
        Cell::new(tries, ""),
        Cell::new(time, ""),
        Cell::new(cost, ""),
        Cell::new(last, ""),
    ]
}

/// An outcome that says more than the state does.
fn shown_outcome(state: State, outcome: &str) -> bool {
    matches!(state, State::Done | State::Failed) && outcome != state.word()
}
