//! `stop`: what was stopped, and what works on out of reach; then the command fails, as it said to stop that, too.

use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use crate::commands::{self, Action};

/// `stop`
pub(super) fn stop(context: &Context, now: bool) -> CommandResult {
    let permitted = context.permit(Action::Stop)?;
    let stopping = commands::stop(&permitted, &context.queue()?, &context.config().root, now)?;
    let some = stopping.some();
    if some {
        context.ui.say(if now {
            "stopping now: work in hand is committed, its tasks are parked"
        } else {
            "ending after the running tasks; `coordinator stop --now` does not wait for them"
        });
    }
    ended(context, some, &stopping.wait()?)
}

fn ended(context: &Context, some: bool, beyond: &[String]) -> CommandResult {
    if beyond.is_empty() {
        context.ui.say(if some { "stopped" } else { "nothing runs here" });
        return Ok(exit::OK);
    }
    let what = if some { "stopped what can be reached from here" } else { "nothing was stopped" };
    let list = beyond.join("\n  ");
    let message = format!("{what}; out of reach these work on:\n  {list}");
    Err(Failure::new(exit::LATER, message).hint(
        "run coordinator stop where they are, as their user; coordinator pause --now reaches all of them through the queue",
    ))
}
