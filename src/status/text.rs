//! `status` for people.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::style::{Style, dollars, duration};
use super::view::{Row, View};
use crate::domain::state::State;
use crate::domain::text::one_line;
use crate::domain::time::UnixMs;
use crate::sys::clock;

/// Counts, then what needs attention, then the table of tasks.
pub fn status(view: &View, style: Style) -> String {
    let mut out = counts(view, style);
    out.push('\n');
    for line in attention(view, style) {
        out.push_str(&line);
        out.push('\n');
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
    if shown < all {
        let line = format!("{} more: coordinator status --all", all - shown);
        let _written = writeln!(out, "{}", style.dim(&line));
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
    for (agent, gate) in &view.gates {
        let until = clock::local_short(gate.until);
        let detail = one_line(&gate.detail, 80);
        lines.push(style.paint("33", &format!("{agent} waits until {until}: {} ({detail})", gate.fault)));
    }
    let waiting = view.counts.get(&State::Ready).copied().unwrap_or(0) > 0;
    if waiting && view.workers.is_empty() && view.paused.is_none() {
        lines.push(style.paint("33", "nobody works: coordinator --agents 3"));
    }
    lines
}

/// The table of tasks.
pub fn table(rows: &[Row], style: Style) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["TASK", "STATE", "TRY", "TIME", "COST", "BRANCH, REASON"].map(|h| style.dim(h)));
    for row in rows {
        table.add_row(cells(row, style));
    }
    for column in [2, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn cells(row: &Row, style: Style) -> Vec<String> {
    let label = match &row.id {
        Some(id) => format!("{}-{}", id.slug(), id.tail()),
        None => row.label(),
    };
    let time = match row.times {
        (Some(start), Some(end)) => duration(end.since(start)),
        (Some(start), None) if row.state == State::Running => duration(now().since(start)),
        _ => String::new(),
    };
    let cost = row.usage.as_ref().map_or(String::new(), |u| dollars(u.cost_usd, u.estimated));
    let mut word = style.state(row.state);
    if let Some(outcome) = row.outcome.as_deref().filter(|o| shown_outcome(row.state, o)) {
        word = format!("{word} {}", style.dim(&format!("({outcome})")));
    }
    let reason = row.reason.as_deref().map(|reason| one_line(reason, 90));
    let last = [row.branch.clone(), reason].into_iter().flatten().collect::<Vec<_>>().join("  ");
    let tries = if row.attempt > 0 { row.attempt.to_string() } else { String::new() };
    vec![one_line(&label, 60), word, tries, time, cost, last]
}

/// An outcome that says more than the state does.
fn shown_outcome(state: State, outcome: &str) -> bool {
    matches!(state, State::Done | State::Failed) && outcome != state.word()
}

fn now() -> UnixMs {
    clock::now()
}
