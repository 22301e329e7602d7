//! `doctor` and `check`.

use serde_json::json;

use super::context::Context;
use super::error::CommandResult;
use super::exit;
use crate::commands::{self, Action};
use crate::site::{Dir, Site};

/// `check`
pub(super) fn check(context: &Context, fix: bool, as_json: bool) -> CommandResult {
    let mut queue = context.queue()?;
    if fix {
        // A directory that a power cut took is made again.
        queue = context.queue_or_make()?;
    }
    let mut violations = queue.check()?;
    if fix && !violations.is_empty() {
        let permitted = context.permit(Action::Mend)?;
        commands::mend(&permitted, &queue, context.config(), &violations)?;
        violations = queue.check()?;
    }
    if as_json {
        context.ui.print_json(&json!({ "schema": 1, "violations": violations }))?;
    } else {
        for violation in &violations {
            let path = violation.path.display().to_string();
            let path = crate::domain::text::printable(&path, false);
            context.ui.print(&format!("{} {path}: {}\n", violation.invariant, violation.what))?;
            context.ui.print(&format!("   {}\n", violation.fix))?;
        }
        context.ui.say(&match violations.len() {
            0 => "the queue is sound".to_owned(),
            n => format!("{n} violation(s); the invariants are in queue/README.md"),
        });
    }
    Ok(if violations.is_empty() { exit::OK } else { exit::FOUND })
}

/// `doctor`
pub(super) fn doctor(context: &Context, as_json: bool) -> CommandResult {
    let root = &context.config().root;
    let waiting = commands::waiting_in(&Site::at(root).queue().join(Dir::Pending.name()));
    let findings = crate::doctor::examine(context.config(), &context.loaded.standing, &waiting);
    if as_json {
        context.ui.print_json(&crate::doctor::json(&findings))?;
    } else {
        context.ui.print(&crate::doctor::text(&findings, context.ui.style()))?;
    }
    let missing = findings.iter().any(crate::doctor::Finding::is_fatal);
    Ok(if missing { exit::MISSING } else { exit::OK })
}
