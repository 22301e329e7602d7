//! Tasks: added, held, released, moved to another band, cancelled, tried again.
//!
//! Invariant: of several tasks each is tried, whatever becomes of the others.

use std::ffi::OsStr;

use super::authorize::{Action, Permitted};
use super::error::{CommandError, ErrorKind};
use super::trust::waiting;
use crate::domain::event::Event;
use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{Band, QueueName};
use crate::domain::task::reason::Wait;
use crate::housekeeping::{Intake, known_names};
use crate::queue::Queue;
use crate::queue::cancel::Cancelled;
use crate::queue::finish::Transition;
use crate::queue::intake::{IntakeResult, MAX_TASK_BYTES};
use crate::queue::scan::FoundTask;
use crate::queue::shift::{EndedTask, TaskPlace};
use crate::site::Dir;
use crate::sys::{clock, fs};
use crate::taskfile::{self, GivenKey};
use crate::views::rows::state_of;
use crate::views::view::rejected_report;

/// A task that hops is looked for so many times before we say that it is nowhere.
const LOOKS: u32 = 40;
/// Between two such looks, milliseconds; all together longer than a lease.
const LOOK_MS: u64 = 500;

/// A task that was added.
pub struct Added {
    /// Its id.
    pub id: TaskId,
    /// Its intake is not finished: it waits for something.
    pub unfinished: bool,
}

/// What became of one task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskChange {
    /// It waits to run.
    Ready(TaskId),
    /// It is held.
    Held(TaskId),
    /// It is in this band.
    Moved(TaskId, Band),
    /// It is cancelled.
    Cancelled(TaskId),
    /// Its intake was tried again: what came of that.
    Intake(TaskId, IntakeResult),
}

/// What became of each task, in the order in which they were named.
type Changes = Vec<Result<TaskChange, CommandError>>;

/// A task file with keys that are given beside it.
pub fn with_keys(name: &OsStr, bytes: &[u8], keys: &[GivenKey]) -> Result<Vec<u8>, CommandError> {
    let name = name.to_string_lossy();
    taskfile::with_keys(&name, bytes, keys).map_err(|problems| wrong(&name, bytes, &problems))
}

fn wrong(name: &str, bytes: &[u8], problems: &[Problem]) -> CommandError {
    let report = taskfile::explain(name, bytes, "TASK", problems);
    CommandError::usage(format!("nothing was added\n{}", report.trim_end()))
}

/// Whether a task file is right, before a queue is made for it.
pub fn validate(config: &Config, name: &OsStr, bytes: &[u8]) -> Result<(), CommandError> {
    let parsed = known_names(config).parse(name, bytes).map(drop);
    parsed.map_err(|problems| wrong(&name.to_string_lossy(), bytes, &problems))
}

/// Queues a task file. It is durable when this returns.
pub fn add(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    name: &OsStr,
    bytes: &[u8],
) -> Result<Added, CommandError> {
    permitted.require(Action::Add)?;
    match queue.enqueue(name, bytes, &Intake::new(config))? {
        IntakeResult::Ready(id) => {
            queue.commands_journal()?.record(Event::TaskAdded { task: id.clone() });
            Ok(Added { id, unfinished: false })
        }
        IntakeResult::Unfinished(id) => Ok(Added { id, unfinished: true }),
        IntakeResult::Rejected(id) => {
            let report = queue.ended(&id)?.map(|ended| rejected_report(queue, ended.at()));
            let text = report.and_then(|path| fs::read_foreign(&path, MAX_TASK_BYTES).ok()?);
            let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
            Err(CommandError::usage(format!("{id} was rejected\n{}", text.trim_end())))
        }
        IntakeResult::Lost | IntakeResult::Stuck(_) => {
            Err(CommandError::new(ErrorKind::Missing, "the staged file vanished")
                .hint("coordinator check"))
        }
    }
}

/// Another run for what ended badly; what is blocked goes on now.
pub fn retry(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    tasks: &[String],
) -> Result<Changes, CommandError> {
    permitted.require(Action::Retry)?;
    let intake = Intake::new(config);
    Ok(each(queue, tasks, |id| {
        let closed = match queue.whereabouts(id)? {
            Some(TaskPlace::Ended(EndedTask::Done(_))) => {
                return Err(CommandError::usage(format!("{id} is done"))
                    .hint("to do more: coordinator add"));
            }
            Some(TaskPlace::Ended(ended)) => queue.retry(&ended)?,
            Some(TaskPlace::Waiting(name)) => match &name.reason {
                Some(reason) if reason.wait == Wait::Intake => {
                    let taken = queue.finish_intake(&name, &intake)?;
                    return Ok(TaskChange::Intake(id.clone(), taken));
                }
                Some(_) => queue.unblock(&name)?,
                None => {
                    return Err(CommandError::usage(format!("{id} is {}", progress(queue, &name))));
                }
            },
            None => return Err(moved(id)),
        };
        finish_intake_again(queue, &intake, id)?;
        settled(closed, id, TaskChange::Ready(id.clone()))
    }))
}

/// A rejected file is read anew at once, so that its author sees what is still wrong.
fn finish_intake_again(queue: &Queue, intake: &Intake, id: &TaskId) -> Result<(), CommandError> {
    if let Some(TaskPlace::Waiting(name)) = queue.whereabouts(id)?
        && name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake)
        && let IntakeResult::Rejected(id) = queue.finish_intake(&name, intake)?
    {
        return Err(CommandError::usage(format!("{id} is still wrong")).hint(format!(
            "coordinator explain {}-{}",
            id.slug(),
            id.tail()
        )));
    }
    Ok(())
}

fn progress(queue: &Queue, name: &QueueName) -> &'static str {
    if queue.is_claimed(&name.at) { "running" } else { "ready already" }
}

/// The request to cancel is written first, then carried out; a name in `pending/` is taken in for it.
pub fn cancel(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    tasks: &[String],
) -> Result<Changes, CommandError> {
    permitted.require(Action::Cancel)?;
    let intake = Intake::new(config);
    let mut meant = Vec::new();
    let untrusted = waiting(queue);
    for text in tasks {
        if untrusted.contains(text) {
            let message =
                format!("{text:?} came with a clone and is not taken in: nothing to cancel");
            return Err(CommandError::new(ErrorKind::Untrusted, message)
                .hint("remove the file; or read it, then: coordinator trust"));
        }
        let dropped = queue.take_in_named(text, &intake)?;
        meant.push(dropped.map_or_else(|| text.clone(), |id| id.to_string()));
    }
    Ok(each(queue, &meant, |id| cancel_one(queue, id)))
}

fn cancel_one(queue: &Queue, id: &TaskId) -> Result<TaskChange, CommandError> {
    if let Some(ended) = queue.ended(id)? {
        let state = state_of(&ended).word();
        return Err(CommandError::usage(format!("{id} has ended: it is {state}")));
    }
    let request = queue.request_cancel(id)?;
    for _ in 0..LOOKS {
        match queue.carry_out(&request)? {
            Cancelled::Now => return Ok(TaskChange::Cancelled(id.clone())),
            Cancelled::Ended => {
                let ended = queue.ended(id)?;
                // Whoever met the request first carried it out: that is what was asked for.
                if let Some(EndedTask::Cancelled(_)) = ended {
                    return Ok(TaskChange::Cancelled(id.clone()));
                }
                let state = ended.map_or("gone", |ended| state_of(&ended).word());
                return Err(CommandError::usage(format!("{id} ended meanwhile: it is {state}")));
            }
            Cancelled::NotSeen => clock::pause_ms(LOOK_MS),
        }
    }
    Err(moved(id))
}

/// Keeps waiting tasks from running.
pub fn hold(
    permitted: &Permitted,
    queue: &Queue,
    tasks: &[String],
) -> Result<Changes, CommandError> {
    permitted.require(Action::Hold)?;
    Ok(each(queue, tasks, |id| {
        settled(queue.hold(&unclaimed(queue, id)?)?, id, TaskChange::Held(id.clone()))
    }))
}

/// Lets held tasks run.
pub fn release(
    permitted: &Permitted,
    queue: &Queue,
    tasks: &[String],
) -> Result<Changes, CommandError> {
    permitted.require(Action::Release)?;
    Ok(each(queue, tasks, |id| match queue.whereabouts(id)? {
        Some(TaskPlace::Waiting(name))
            if name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Hold) =>
        {
            settled(queue.unblock(&name)?, id, TaskChange::Ready(id.clone()))
        }
        _ => Err(CommandError::usage(format!("{id} is not held"))
            .hint(format!("coordinator explain {}", id.tail()))),
    }))
}

/// Moves waiting tasks to another band.
pub fn prioritise(
    permitted: &Permitted,
    queue: &Queue,
    tasks: &[String],
    band: Band,
) -> Result<Changes, CommandError> {
    permitted.require(Action::Prioritise)?;
    Ok(each(queue, tasks, |id| {
        let closed = queue.reprioritise(&unclaimed(queue, id)?, band)?;
        settled(closed, id, TaskChange::Moved(id.clone(), band))
    }))
}

fn unclaimed(queue: &Queue, id: &TaskId) -> Result<QueueName, CommandError> {
    match queue.whereabouts(id)? {
        Some(TaskPlace::Waiting(name)) if name.reason.is_none() && queue.is_claimed(&name.at) => {
            Err(CommandError::usage(format!("{id} is running"))
                .hint(format!("coordinator cancel {}", id.tail())))
        }
        // It has no record yet: only its intake may move it.
        Some(TaskPlace::Waiting(name))
            if name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake) =>
        {
            Err(CommandError::new(ErrorKind::Later, format!("the intake of {id} is not finished"))
                .hint(format!("coordinator explain {}", id.tail())))
        }
        Some(TaskPlace::Waiting(name)) => Ok(name),
        Some(TaskPlace::Ended(ended)) => {
            let state = state_of(&ended).word();
            Err(CommandError::usage(format!("{id} has ended: it is {state}")))
        }
        None => Err(moved(id)),
    }
}

fn moved(id: &TaskId) -> CommandError {
    CommandError::new(
        ErrorKind::Later,
        format!("{id} was not found: it moves, or its name is lost"),
    )
    .hint("try again; if it stays so: coordinator check")
}

fn settled(
    closed: Transition,
    id: &TaskId,
    change: TaskChange,
) -> Result<TaskChange, CommandError> {
    match closed {
        Transition::Won => Ok(change),
        Transition::Refused => Err(moved(id)),
    }
}

/// Does the same to each task.
fn each(
    queue: &Queue,
    tasks: &[String],
    act: impl Fn(&TaskId) -> Result<TaskChange, CommandError>,
) -> Changes {
    tasks.iter().map(|text| find_task(queue, text).and_then(|id| act(&id))).collect()
}

/// The one task that is meant.
pub fn find_task(queue: &Queue, text: &str) -> Result<TaskId, CommandError> {
    match queue.find(text)? {
        FoundTask::One(id) => Ok(id),
        FoundTask::Several(ids) => {
            let all: Vec<String> = ids.iter().take(8).map(|id| format!("  {id}")).collect();
            let message = format!("{text:?} means {} tasks:\n{}", ids.len(), all.join("\n"));
            Err(CommandError::usage(message).hint("name one by its id or its tail"))
        }
        FoundTask::None(alike) => Err(not_found(queue, text, &alike)),
    }
}

fn not_found(queue: &Queue, text: &str, alike: &[TaskId]) -> CommandError {
    let failure = CommandError::new(ErrorKind::Usage, format!("there is no task {text:?}"));
    if queue.dropped_as(text).unwrap_or(false) {
        let dir = queue.paths().dir(Dir::Pending);
        return failure
            .hint(format!("it lies in {dir:?} and is not taken in yet: coordinator --agents 3"));
    }
    match alike.first() {
        Some(id) => failure.hint(format!("did you mean {}-{}?", id.slug(), id.tail())),
        None => failure.hint("coordinator status --all"),
    }
}
