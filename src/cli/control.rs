//! Commands that steer what runs: pause, resume, scale. (Stop is [`super::stop`].)

use super::context::Context;
use super::error::CommandResult;
use super::exit;
use crate::commands::{self, Action};

/// `pause`
pub(super) fn pause(context: &Context, reason: Option<&str>, now: bool) -> CommandResult {
    commands::pause(&context.permit(Action::Pause)?, &context.config().root, reason, now)?;
    context.ui.say(if now {
        "paused: what runs is stopped within seconds and its work kept; coordinator resume"
    } else {
        "paused: running tasks go on, no new ones start; coordinator resume"
    });
    Ok(exit::OK)
}

/// `resume`
pub(super) fn resume(context: &Context) -> CommandResult {
    let was = commands::resume(&context.permit(Action::Resume)?, &context.config().root)?;
    context.ui.say(if was { "resumed" } else { "it was not paused" });
    Ok(exit::OK)
}

/// `scale`
pub(super) fn scale(context: &Context, agents: u32) -> CommandResult {
    let permitted = context.permit(Action::Scale)?;
    let coordinating = commands::scale(&permitted, &context.config().root, agents)?;
    context.ui.say(&format!("coordinator{} keeps {agents} workers", coordinating.said()));
    Ok(exit::OK)
}
