//! Commands that look: status, explain, show, logs, config.

use super::config::{render_config, to_json};
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use super::status_args::Status;
use crate::commands;
use crate::domain::task::state::State;
use crate::housekeeping::capacity::QueueCapacity;
use crate::queue::{Queue, QueueError};
use crate::sys::clock;
use crate::views::rows::Scope;
use crate::views::view::{TrustView, View, view};
use crate::views::{explain, json, logs, show, text};

/// Rows of waiting tasks in the text form, unless all are asked for.
const ROWS: usize = 50;
/// Ended tasks in the text form.
const ENDED: usize = 20;
/// Between two pictures of `--watch`, and two looks of `logs -f`, milliseconds.
const WATCH_MS: u64 = 1_000;
const FOLLOW_MS: u64 = 200;

/// `status`
pub(super) fn status(context: &Context, wanted: &Status) -> CommandResult {
    let wrong = |most| (!wanted.json).then_some(most);
    let scope = match (wanted.all || wanted.filters(), wanted.json) {
        (true, _) => Scope { wrong: wrong(usize::MAX), ..Scope::ALL },
        (false, true) => Scope::USUAL,
        (false, false) => Scope { last: ENDED, waiting: ROWS, wrong: wrong(ENDED) },
    };
    let queue = match context.queue() {
        // An empty queue is a queue: nothing was dropped yet.
        Err(failure) if !wanted.json => return Err(failure),
        other => other?,
    };
    let seen = || -> Result<View, QueueError> {
        let mut seen = look(context, &queue, scope)?;
        seen.tasks.retain(|row| wanted.admits(row));
        Ok(seen)
    };
    if wanted.json {
        context.ui.print_json(&json::status(&seen()?))?;
        return Ok(exit::OK);
    }
    loop {
        let picture = text::status(&seen()?, wanted.filters(), context.ui.style());
        if !wanted.watch {
            context.ui.print(&picture)?;
            return Ok(exit::OK);
        }
        context.ui.repaint(&picture)?;
        clock::pause_ms(WATCH_MS);
    }
}

fn look(context: &Context, queue: &Queue, scope: Scope) -> Result<View, QueueError> {
    let config = context.config();
    let shortage = QueueCapacity { queue, config }.shortage_for_workers()?;
    let view = view(queue, &context.config().root, scope)?;
    let dropped = view.counts.get(&State::Pending).copied().unwrap_or(0) > 0;
    let waiting = if dropped { crate::commands::waiting(queue) } else { Vec::new() };
    let trust = TrustView { settings: context.loaded.standing.clone(), waiting };
    Ok(View { shortage, trust, ..view })
}

/// `explain`
pub(super) fn explain(context: &Context, task: &str, as_json: bool) -> CommandResult {
    let queue = context.queue()?;
    let id = context.task(&queue, task)?;
    let config = context.config();
    let shortage = QueueCapacity { queue: &queue, config }.shortage_for_workers()?;
    let explanation = explain::explain(&queue, config, &id, shortage.as_ref())?;
    if as_json {
        context.ui.print_json(&explanation.json(&id))?;
    } else {
        context.ui.print(&format!("{id}\n{}", explanation.text()))?;
    }
    Ok(exit::OK)
}

/// `show`
pub(super) fn show(context: &Context, task: &str, as_json: bool) -> CommandResult {
    let queue = context.queue()?;
    let id = context.task(&queue, task)?;
    let task = show::task(&queue, &id)?.located(context.config());
    if as_json {
        context.ui.print_json(&show::json(&task))?;
    } else {
        context.ui.print(&show::text(&task, context.ui.style()))?;
        // What cannot be compared any more is not what was asked for.
        if let Ok(stat) = commands::changes(&queue, context.config(), &id, true) {
            context.ui.print(&String::from_utf8_lossy(&stat))?;
        }
    }
    Ok(exit::OK)
}

/// `diff`
pub(super) fn diff(context: &Context, task: &str, stat: bool) -> CommandResult {
    let queue = context.queue()?;
    let id = context.task(&queue, task)?;
    context.ui.print_raw(&commands::changes(&queue, context.config(), &id, stat)?)?;
    Ok(exit::OK)
}

/// `logs`
pub(super) fn logs(
    context: &Context,
    task: Option<&str>,
    attempt: Option<u32>,
    follow: bool,
    raw: bool,
) -> CommandResult {
    let queue = context.queue()?;
    let id = match task {
        Some(task) => context.task(&queue, task)?,
        None => logs::tried_last(&queue)?.ok_or_else(|| {
            Failure::new(exit::LATER, "no task has been tried yet").hint("coordinator status")
        })?,
    };
    if task.is_none() {
        context.ui.say(&format!("{id}:"));
    }
    let Some(mut transcript) = logs::follow(&queue, &id, attempt, raw)? else {
        let short = format!("{}-{}", id.slug(), id.tail());
        return Err(match attempt.filter(|_| queue.attempt_count(&id).is_ok_and(|n| n > 0)) {
            Some(number) => Failure::usage(format!("{id} has no attempt {number}"))
                .hint(format!("coordinator show {short}")),
            None => Failure::new(exit::LATER, format!("{id} has not been tried yet"))
                .hint(format!("coordinator explain {short}")),
        });
    };
    let show = |part: &[u8]| {
        if raw {
            context.ui.print_raw(part)
        } else {
            context.ui.print(&String::from_utf8_lossy(part))
        }
    };
    loop {
        // Looked up before reading: what was written until it ended is then read for certain.
        let running = follow && logs::running(&queue, &id)?;
        while let Some(part) = transcript.more()? {
            show(&part)?;
        }
        if !running {
            show(&transcript.rest())?;
            return Ok(exit::OK);
        }
        clock::pause_ms(FOLLOW_MS);
    }
}

/// `config`
pub(super) fn config(context: &Context, as_json: bool) -> CommandResult {
    if as_json {
        context.ui.print_json(&to_json(&context.loaded))?;
    } else {
        context.ui.print(&render_config(&context.loaded))?;
    }
    Ok(exit::OK)
}
