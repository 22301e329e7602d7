//! Commands that add and move tasks: add, retry, cancel, hold, release, priority.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::Path;

use super::args::Add;
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use super::ui::Ui;
use crate::domain::event::Event;
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{Band, QueueName};
use crate::domain::task::reason::Wait;
use crate::housekeeping::{Intake, known_names};
use crate::queue::Queue;
use crate::queue::cancel::Cancelled;
use crate::queue::finish::Transition;
use crate::queue::intake::{IntakeResult, MAX_TASK_BYTES};
use crate::queue::shift::{EndedTask, TaskPlace};
use crate::sys::{clock, fs};
use crate::taskfile;

/// A task that hops is looked for so many times before we say that it is nowhere.
const LOOKS: u32 = 40;
/// Between two such looks, milliseconds; all together longer than a lease.
const LOOK_MS: u64 = 500;

/// `add`: checked before anything is queued, printed once it is durable.
pub(super) fn add(context: &Context, add: &Add) -> CommandResult {
    let (name, bytes) = text_of(add)?;
    let shown = name.to_string_lossy().into_owned();
    if let Err(problems) = known_names(context.config()).parse(&name, &bytes) {
        let report = taskfile::explain(&shown, &bytes, "TASK", &problems);
        return Err(Failure::usage(format!("nothing was added\n{}", report.trim_end())));
    }
    let queue = context.queue_or_make()?;
    match queue.enqueue(&name, &bytes, &Intake::new(context.config()))? {
        IntakeResult::Ready(id) => {
            context.journal(&queue)?.record(Event::TaskAdded { task: id.clone() });
            context.ui.print(&format!("{id}\n"));
            Ok(exit::OK)
        }
        IntakeResult::Rejected(id) => {
            let ended = queue.ended(&id)?;
            let report = ended.map(|e| crate::views::view::rejected_report(&queue, e.at()));
            let text = report.and_then(|path| fs::read_foreign(&path, MAX_TASK_BYTES).ok()?);
            let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
            Err(Failure::usage(format!("{id} was rejected\n{}", text.trim_end())))
        }
        IntakeResult::Unfinished(id) => {
            context.ui.print(&format!("{id}\n"));
            context.ui.say(&format!(
                "it is queued, but its intake waits: coordinator explain {}",
                id.tail()
            ));
            Ok(exit::OK)
        }
        IntakeResult::Lost | IntakeResult::Stuck(_) => {
            Err(Failure::new(exit::MISSING, "the staged file vanished").hint("coordinator check"))
        }
    }
}

fn text_of(add: &Add) -> Result<(OsString, Vec<u8>), Failure> {
    let given = add.name.as_ref().map(OsString::from);
    match (&add.message, &add.file) {
        (Some(text), _) => {
            let words: Vec<&str> = text.split_whitespace().take(6).collect();
            Ok((given.unwrap_or_else(|| words.join(" ").into()), text.clone().into_bytes()))
        }
        (None, Some(path)) if path != Path::new("-") => {
            let wrong = |e: fs::FsError| {
                Failure::usage(e.to_string()).hint("name a task file, or `-`, or say -m TEXT")
            };
            let file = fs::open(path).map_err(wrong)?;
            let bytes = fs::read_up_to(&file, path, MAX_TASK_BYTES).map_err(wrong)?;
            let own = path.file_name().unwrap_or(OsStr::new("task")).to_owned();
            Ok((given.unwrap_or(own), bytes))
        }
        _ => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().take(MAX_TASK_BYTES + 1).read_to_end(&mut bytes)?;
            Ok((given.unwrap_or_else(|| "stdin".into()), bytes))
        }
    }
}

/// `retry`: a new run of what ended badly; what is blocked goes on now.
pub(super) fn retry(context: &Context, tasks: &[String]) -> CommandResult {
    each(context, tasks, |queue, id| {
        let closed = match queue.whereabouts(id)? {
            Some(TaskPlace::Ended(EndedTask::Done(_))) => {
                return Err(
                    Failure::usage(format!("{id} is done")).hint("to do more: coordinator add")
                );
            }
            Some(TaskPlace::Ended(ended)) => queue.retry(&ended)?,
            Some(TaskPlace::Waiting(name)) => match &name.reason {
                Some(reason) if reason.wait == Wait::Intake => {
                    let taken = queue.finish_intake(&name, &Intake::new(context.config()))?;
                    context.ui.say(&format!("{id}: {taken:?}"));
                    return Ok(());
                }
                Some(_) => queue.unblock(&name)?,
                None => return Err(Failure::usage(format!("{id} is {}", waiting(queue, &name)))),
            },
            None => return Err(moved(id)),
        };
        finish_retaking(context, queue, id)?;
        settled(context.ui, id, closed, "waits to run")
    })
}

/// A rejected file is read anew at once, so that its author sees what is still wrong.
fn finish_retaking(context: &Context, queue: &Queue, id: &TaskId) -> Result<(), Failure> {
    if let Some(TaskPlace::Waiting(name)) = queue.whereabouts(id)?
        && name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake)
        && let IntakeResult::Rejected(id) =
            queue.finish_intake(&name, &Intake::new(context.config()))?
    {
        return Err(Failure::usage(format!("{id} is still wrong")).hint(format!(
            "coordinator explain {}-{}",
            id.slug(),
            id.tail()
        )));
    }
    Ok(())
}

fn waiting(queue: &Queue, name: &QueueName) -> &'static str {
    if queue.is_claimed(&name.at) { "running" } else { "ready already" }
}

/// `cancel`: the request is written first, then carried out; a name in `pending/` is taken in for it.
pub(super) fn cancel(context: &Context, tasks: &[String]) -> CommandResult {
    let queue = context.queue()?;
    let intake = Intake::new(context.config());
    let mut meant = Vec::new();
    let untrusted = super::trust::waiting(&queue);
    for text in tasks {
        if untrusted.contains(text) {
            let message =
                format!("{text:?} came with a clone and is not taken in: nothing to cancel");
            return Err(Failure::new(exit::UNTRUSTED, message)
                .hint("remove the file; or read it, then: coordinator trust"));
        }
        let dropped = queue.take_in_named(text, &intake)?;
        meant.push(dropped.map_or_else(|| text.clone(), |id| id.to_string()));
    }
    each(context, &meant, |queue, id| {
        if let Some(ended) = queue.ended(id)? {
            let state = crate::views::view::state_of(&ended).word();
            return Err(Failure::usage(format!("{id} has ended: it is {state}")));
        }
        let request = queue.request_cancel(id)?;
        for _ in 0..LOOKS {
            match queue.carry_out(&request)? {
                Cancelled::Now => {
                    context.ui.say(&format!("{id} cancelled"));
                    return Ok(());
                }
                Cancelled::Ended => {
                    let ended = queue.ended(id)?;
                    // Whoever met the request first carried it out: that is what was asked for.
                    if let Some(EndedTask::Cancelled(_)) = ended {
                        context.ui.say(&format!("{id} cancelled"));
                        return Ok(());
                    }
                    let state = ended.map_or("gone", |e| crate::views::view::state_of(&e).word());
                    return Err(Failure::usage(format!("{id} ended meanwhile: it is {state}")));
                }
                Cancelled::NotSeen => clock::pause_ms(LOOK_MS),
            }
        }
        Err(moved(id))
    })
}

/// `hold`
pub(super) fn hold(context: &Context, tasks: &[String]) -> CommandResult {
    each(context, tasks, |queue, id| {
        let name = unclaimed(queue, id)?;
        settled(context.ui, id, queue.hold(&name)?, "is held")
    })
}

/// `release`
pub(super) fn release(context: &Context, tasks: &[String]) -> CommandResult {
    each(context, tasks, |queue, id| match queue.whereabouts(id)? {
        Some(TaskPlace::Waiting(name))
            if name.reason.as_ref().is_some_and(|r| r.wait == Wait::Hold) =>
        {
            settled(context.ui, id, queue.unblock(&name)?, "waits to run")
        }
        _ => Err(Failure::usage(format!("{id} is not held"))
            .hint(format!("coordinator explain {}", id.tail()))),
    })
}

/// `priority`
pub(super) fn priority(context: &Context, task: &str, band: u8) -> CommandResult {
    let band =
        Band::new(band).ok_or_else(|| Failure::usage("a priority is 0 (first) to 9 (last)"))?;
    each(context, std::slice::from_ref(&task.to_owned()), |queue, id| {
        let name = unclaimed(queue, id)?;
        settled(
            context.ui,
            id,
            queue.reprioritise(&name, band)?,
            &format!("is in band {}", band.get()),
        )
    })
}

fn unclaimed(queue: &Queue, id: &TaskId) -> Result<QueueName, Failure> {
    match queue.whereabouts(id)? {
        Some(TaskPlace::Waiting(name)) if name.reason.is_none() && queue.is_claimed(&name.at) => {
            Err(Failure::usage(format!("{id} is running"))
                .hint(format!("coordinator cancel {}", id.tail())))
        }
        // It has no record yet: only its intake may move it.
        Some(TaskPlace::Waiting(name))
            if name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake) =>
        {
            Err(Failure::new(exit::LATER, format!("the intake of {id} is not finished"))
                .hint(format!("coordinator explain {}", id.tail())))
        }
        Some(TaskPlace::Waiting(name)) => Ok(name),
        Some(TaskPlace::Ended(ended)) => {
            let state = crate::views::view::state_of(&ended).word();
            Err(Failure::usage(format!("{id} has ended: it is {state}")))
        }
        None => Err(moved(id)),
    }
}

fn moved(id: &TaskId) -> Failure {
    Failure::new(exit::LATER, format!("{id} was not found: it moves, or its name is lost"))
        .hint("try again; if it stays so: coordinator check")
}

fn settled(ui: Ui, id: &TaskId, closed: Transition, what: &str) -> Result<(), Failure> {
    match closed {
        Transition::Won => {
            ui.say(&format!("{id} {what}"));
            Ok(())
        }
        Transition::Refused => Err(moved(id)),
    }
}

/// Does the same to each task; all are tried, the worst code counts.
fn each(
    context: &Context,
    tasks: &[String],
    act: impl Fn(&Queue, &TaskId) -> Result<(), Failure>,
) -> CommandResult {
    let queue = context.queue()?;
    let mut failures = Vec::new();
    for text in tasks {
        let done = context.task(&queue, text).and_then(|id| act(&queue, &id));
        failures.extend(done.err());
    }
    let worst = failures.iter().map(|failure| failure.code).max();
    let (Some(last), Some(code)) = (failures.pop(), worst) else { return Ok(exit::OK) };
    for failure in &failures {
        context.ui.report("coordinator", failure);
    }
    Err(Failure { code, ..last })
}
