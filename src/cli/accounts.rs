//! `account`: which accounts claims wait for, and opening one again.

use serde_json::json;

use super::context::Context;
use super::error::CommandResult;
use super::exit;
use crate::commands::{self, Action};
use crate::domain::text::one_line;
use crate::sys::clock;
use crate::views::view::accounts;
use crate::views::{json as shapes, text};

/// `account`
pub(super) fn list(context: &Context, as_json: bool) -> CommandResult {
    let waiting = accounts(&context.queue()?, clock::now())?;
    if as_json {
        context.ui.print_json(&json!({ "schema": 1, "accounts": shapes::accounts(&waiting) }))?;
        return Ok(exit::OK);
    }
    if waiting.is_empty() {
        context.ui.say("no account waits: tasks of all of them are claimed");
    }
    for (account, breaker) in &waiting {
        let line = format!("{}: {}\n", one_line(account, 64), text::breaker_line(breaker));
        context.ui.print(&line)?;
    }
    Ok(exit::OK)
}

/// `account reopen`
pub(super) fn reopen(context: &Context, names: &[String]) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Reopen)?, context.queue()?);
    for name in names {
        commands::reopen(&permitted, &queue, name)?;
        context.ui.say(&format!("{name} is open again"));
    }
    Ok(exit::OK)
}
