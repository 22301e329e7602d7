//! The morning summary: what a run came to, and the command to look at each branch.

use std::fmt::Write;

use super::rows::TaskRow;
use super::text::table;
use super::view::View;
use crate::domain::task::id::TaskId;
use crate::domain::task::state::State;
use crate::domain::time::UnixMs;
use crate::shape::paste::quoted;
use crate::shape::style::{Style, dollars, duration};

/// How the commands that are printed begin.
#[derive(Clone, Copy, Debug)]
pub struct Commands<'a> {
    /// This program as it was called: `coordinator --root DIR`.
    pub program: &'a str,
    /// The repository for `git -C`.
    pub repository: &'a str,
}

/// Commands for at most so many branches.
const BRANCHES: usize = 40;
/// At most so many hints of one kind.
const HINTS: usize = 8;

/// What ended in a period (from, to), what still waits, and what to type next. What went wrong comes first.
pub fn summary(
    view: &View,
    period: (UnixMs, UnixMs),
    commands: &Commands<'_>,
    style: Style,
) -> String {
    let (since, now) = period;
    let mut ended: Vec<TaskRow> =
        view.tasks.iter().filter(|row| ended_since(row, since)).cloned().collect();
    ended.sort_by_key(|row| row.state == State::Done);
    let waiting: Vec<TaskRow> =
        view.tasks.iter().filter(|row| !row.state.terminal()).cloned().collect();
    let mut out = String::new();
    let cost: f64 =
        ended.iter().chain(&waiting).filter_map(|row| Some(row.usage.as_ref()?.cost_usd)).sum();
    let estimated = ended.iter().any(|row| row.usage.as_ref().is_some_and(|usage| usage.estimated));
    let of = |state| ended.iter().filter(|row| row.state == state).count();
    let mut parts = vec![format!("{} done", of(State::Done))];
    for state in [State::Failed, State::Rejected, State::Cancelled] {
        if of(state) > 0 {
            parts.push(format!("{} {}", of(state), style.state(state)));
        }
    }
    if !waiting.is_empty() {
        parts.push(format!("{} waiting", waiting.len()));
    }
    let took = duration(now.since(since));
    let bill = if cost > 0.0 { format!(", {}", dollars(cost, estimated)) } else { String::new() };
    let line = format!("{} in {took}{bill}", parts.join(", "));
    writeln!(out, "{}", style.bold(&line)).ok();
    if !ended.is_empty() || !waiting.is_empty() {
        let rows: Vec<TaskRow> = ended.iter().chain(&waiting).cloned().collect();
        writeln!(out, "\n{}", table(&rows, style)).ok();
    }
    out.push_str(&next(&ended, commands, style));
    out
}

fn ended_since(row: &TaskRow, since: UnixMs) -> bool {
    // What was rejected or cancelled unworked has no times; its id begins with the time of its intake.
    let taken = || {
        let stamp = row.id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
        stamp >= crate::sys::clock::stamp(since)
    };
    row.state.terminal() && row.times.1.map_or_else(taken, |ended| ended >= since)
}

/// What to type to look at and take over each branch.
fn next(ended: &[TaskRow], commands: &Commands<'_>, style: Style) -> String {
    let mut out = String::new();
    let git = |args: &str| format!("git -C {} {args}", quoted(commands.repository));
    let done = ended
        .iter()
        .filter(|row| row.state == State::Done && row.outcome.as_deref() != Some("no_changes"));
    let branches: Vec<&str> = done.filter_map(|row| row.branch.as_deref()).collect();
    if let Some(first) = branches.first() {
        writeln!(out, "\n{}", style.dim("look at a branch, then take it over:")).ok();
        let first = quoted(first);
        writeln!(out, "  {}", git(&format!("log --stat -p HEAD..{first}"))).ok();
        for branch in branches.iter().take(BRANCHES) {
            writeln!(out, "  {}", git(&format!("merge {}", quoted(branch)))).ok();
        }
        let more = branches.len().saturating_sub(BRANCHES);
        if more > 0 {
            writeln!(out, "  {}", style.dim(&format!("and {more} more, as in the table"))).ok();
        }
    }
    let wrong = ended.iter().filter(|row| matches!(row.state, State::Failed | State::Rejected));
    let wrong: Vec<&TaskId> = wrong.filter_map(|row| row.id.as_ref()).take(HINTS).collect();
    if !wrong.is_empty() {
        writeln!(out, "\n{}", style.dim("see what went wrong:")).ok();
    }
    for id in wrong {
        writeln!(out, "  {} explain {}-{}", commands.program, id.slug(), id.tail()).ok();
    }
    out
}
