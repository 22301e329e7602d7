//! Commands that add and move tasks: add, retry, cancel, hold, release, priority.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::Path;

use super::add_args::{Add, Keys};
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use crate::commands::{self, Action, CommandError, TaskChange};
use crate::domain::task::name::Band;
use crate::queue::intake::MAX_TASK_BYTES;
use crate::queue::shift::EndedTask;
use crate::sys::fs;
use crate::taskfile::GivenKey;

/// `add`: all are checked before one is queued, each printed once it is durable.
pub(super) fn add(context: &Context, add: &Add) -> CommandResult {
    let (config, permitted) = (context.config(), context.permit(Action::Add)?);
    let keys = keys_of(&add.keys);
    let mut texts = Vec::new();
    for (name, bytes) in texts_of(add)? {
        let text = commands::with_keys(&name, &bytes, &keys)?;
        commands::validate(config, &name, &text)?;
        texts.push((name, text));
    }
    let queue = context.queue_or_make()?;
    for (name, text) in texts {
        let added = commands::add(&permitted, &queue, config, &name, &text)?;
        context.ui.print(&format!("{}\n", added.id)).map_err(|unprinted| {
            let message = format!("{unprinted}; the task was added: {}", added.id);
            Failure { message, ..unprinted }
        })?;
        if added.unfinished {
            let tail = added.id.tail();
            context
                .ui
                .say(&format!("it is queued, but its intake waits: coordinator explain {tail}"));
        }
    }
    Ok(exit::OK)
}

/// What front matter would say.
fn keys_of(given: &Keys) -> Vec<GivenKey> {
    let texts = [
        ("agent", &given.agent),
        ("model", &given.model),
        ("base", &given.base),
        ("title", &given.title),
        ("timeout", &given.timeout),
    ];
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key, text.clone()?.into())));
    let priority = given.priority.map(|band| ("priority", band.into()));
    let labels = (!given.labels.is_empty()).then(|| ("labels", given.labels.clone().into()));
    texts.chain(priority).chain(labels).collect()
}

fn texts_of(add: &Add) -> Result<Vec<(OsString, Vec<u8>)>, Failure> {
    let given = add.name.as_ref().map(OsString::from);
    if let Some(text) = &add.message {
        let words: Vec<&str> = text.split_whitespace().take(6).collect();
        let name = given.unwrap_or_else(|| words.join(" ").into());
        return Ok(vec![(name, text.clone().into_bytes())]);
    }
    if given.is_some() && add.files.len() > 1 {
        return Err(Failure::usage("--name is for one task").hint("add them one by one"));
    }
    add.files.iter().map(|path| text_of(path, given.clone())).collect()
}

fn text_of(path: &Path, given: Option<OsString>) -> Result<(OsString, Vec<u8>), Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_TASK_BYTES + 1).read_to_end(&mut bytes)?;
        return Ok((given.unwrap_or_else(|| "stdin".into()), bytes));
    }
    let wrong = |e: fs::FsError| {
        Failure::usage(e.to_string()).hint("name a task file, or `-`, or say -m TEXT")
    };
    let file = fs::open(path).map_err(wrong)?;
    let bytes = fs::read_up_to(&file, path, MAX_TASK_BYTES).map_err(wrong)?;
    let own = path.file_name().unwrap_or(OsStr::new("task")).to_owned();
    Ok((given.unwrap_or(own), bytes))
}

/// `retry`
pub(super) fn retry(context: &Context, tasks: &[String]) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Retry)?, context.queue()?);
    report(context, commands::retry(&permitted, &queue, context.config(), tasks)?)
}

/// `retry --failed`
pub(super) fn retry_failed(context: &Context) -> CommandResult {
    let failed = context.queue()?.all_ended()?.into_iter();
    let failed = failed.filter(|ended| matches!(ended, EndedTask::Failed(_)));
    let ids: Vec<String> = failed.map(|ended| ended.at().id.to_string()).collect();
    if ids.is_empty() {
        context.ui.say("no task has failed");
        return Ok(exit::OK);
    }
    retry(context, &ids)
}

/// `merge`
pub(super) fn merge(context: &Context, task: &str) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Merge)?, context.queue()?);
    let id = context.task(&queue, task)?;
    let said = commands::merge(&permitted, &queue, context.config(), &id)?;
    context.ui.say(&said);
    Ok(exit::OK)
}

/// `cancel`
pub(super) fn cancel(context: &Context, tasks: &[String]) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Cancel)?, context.queue()?);
    report(context, commands::cancel(&permitted, &queue, context.config(), tasks)?)
}

/// `hold`
pub(super) fn hold(context: &Context, tasks: &[String]) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Hold)?, context.queue()?);
    report(context, commands::hold(&permitted, &queue, tasks)?)
}

/// `release`
pub(super) fn release(context: &Context, tasks: &[String]) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Release)?, context.queue()?);
    report(context, commands::release(&permitted, &queue, tasks)?)
}

/// `priority`
pub(super) fn priority(context: &Context, task: &str, band: u8) -> CommandResult {
    let band =
        Band::new(band).ok_or_else(|| Failure::usage("a priority is 0 (first) to 9 (last)"))?;
    let (permitted, queue) = (context.permit(Action::Prioritise)?, context.queue()?);
    report(context, commands::prioritise(&permitted, &queue, &[task.to_owned()], band)?)
}

/// Says what became of each task; the worst code counts.
fn report(context: &Context, changes: Vec<Result<TaskChange, CommandError>>) -> CommandResult {
    let mut failures: Vec<Failure> = Vec::new();
    for change in changes {
        match change {
            Ok(change) => context.ui.say(&said(&change)),
            Err(e) => failures.push(e.into()),
        }
    }
    let worst = failures.iter().map(|failure| failure.code).max();
    let (Some(last), Some(code)) = (failures.pop(), worst) else { return Ok(exit::OK) };
    for failure in &failures {
        context.ui.report("coordinator", failure);
    }
    Err(Failure { code, ..last })
}

fn said(change: &TaskChange) -> String {
    match change {
        TaskChange::Ready(id) => format!("{id} waits to run"),
        TaskChange::Held(id) => format!("{id} is held"),
        TaskChange::Moved(id, band) => format!("{id} is in band {}", band.get()),
        TaskChange::Cancelled(id) => format!("{id} cancelled"),
        TaskChange::Intake(id, taken) => format!("{id}: {taken:?}"),
    }
}
