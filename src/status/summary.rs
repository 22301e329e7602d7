//! The morning summary: what a run came to, and the command to look at each branch.

use std::fmt::Write;

use super::text::table;
use super::view::{Row, View};
use crate::domain::state::State;
use crate::domain::time::UnixMs;
use crate::shape::style::{Style, dollars, duration};

/// Branches whose commands are printed; more than these nobody pastes one by one.
const BRANCHES: usize = 10;

/// How the commands are to be typed where they are printed.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The repository that the branches are in.
    pub repository: &'a str,
    /// This program with the arguments that lead to this queue: `coordinator`, or with `--root DIR`.
    pub program: &'a str,
}

/// What ended since `since`, what still waits, and the commands.
pub fn summary(view: &View, since: UnixMs, now: UnixMs, words: Words<'_>, style: Style) -> String {
    let ended: Vec<Row> =
        view.tasks.iter().filter(|row| ended_since(row, since)).cloned().collect();
    let waiting: Vec<Row> =
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
    let _written = writeln!(out, "{}", style.bold(&line));
    if !ended.is_empty() || !waiting.is_empty() {
        let rows: Vec<Row> = ended.iter().chain(&waiting).cloned().collect();
        let _written = writeln!(out, "\n{}", table(&rows, style));
    }
    out.push_str(&commands(&ended, words, style));
    out
}

fn ended_since(row: &Row, since: UnixMs) -> bool {
    // What was rejected or cancelled unworked has no times; its id begins with the time of its take-up.
    let taken = || {
        let stamp = row.id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
        stamp >= crate::sys::clock::stamp(since)
    };
    row.state.terminal() && row.times.1.map_or_else(taken, |ended| ended >= since)
}

/// What to type to look at and take over each branch, and to learn why a task failed.
fn commands(ended: &[Row], words: Words<'_>, style: Style) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _written = writeln!(out, "{text}");
    };
    let git = |args: &str| format!("  git -C {} {args}", shell_words::quote(words.repository));
    let branches: Vec<_> = ended
        .iter()
        .filter(|row| row.state == State::Done && row.outcome.as_deref() != Some("no_change"))
        .filter_map(|row| row.branch.as_deref().map(shell_words::quote))
        .collect();
    if let Some(first) = branches.first() {
        line(format!("\n{}", style.dim("look at a branch, then take it over:")));
        line(git(&format!("log --stat HEAD..{first}")));
    }
    for branch in branches.iter().take(BRANCHES) {
        line(git(&format!("merge {branch}")));
    }
    let failed = ended.iter().filter(|row| matches!(row.state, State::Failed | State::Rejected));
    let failed: Vec<_> = failed.filter_map(|row| row.id.as_ref()).collect();
    if !failed.is_empty() {
        line(format!("\n{}", style.dim("why a task failed:")));
    }
    for id in failed.into_iter().take(BRANCHES) {
        line(format!("  {} explain {}-{}", words.program, id.slug(), id.tail()));
    }
    out
}
