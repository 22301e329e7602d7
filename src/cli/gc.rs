//! `gc`: what is over and takes room; shown first, let go with `--yes`.

use serde_json::json;

use super::context::Context;
use super::error::CommandResult;
use super::exit;
use super::gc_args::Gc;
use crate::commands::{self, Action};
use crate::domain::settings::retention::Keep;
use crate::gc::{self, GcItem, GcResult, GcRules};
use crate::shape::style::bytes;

/// `gc`
pub(super) fn gc(context: &Context, order: &Gc) -> CommandResult {
    let queue = context.queue()?;
    let config = context.config();
    let rules = rules(config.keep, order);
    let (items, notes) = gc::survey(&queue, config)?;
    let items = gc::decide(items, &rules);
    for note in notes {
        context.ui.say(&note);
    }
    if order.json {
        let mut told = gc::json(&items, !order.yes);
        if order.yes {
            let mut done = Vec::new();
            let observe = &mut |item: &GcItem, what: &GcResult| done.push(row(item, what));
            let permitted = context.permit(Action::CollectGarbage)?;
            commands::collect_garbage(&permitted, &queue, config, &items, observe)?;
            told["done"] = done.into();
        }
        context.ui.print_json(&told)?;
        return Ok(exit::OK);
    }
    context.ui.print(&gc::text(&items, context.ui.style()))?;
    context.ui.say(&format!("\n{}", kept(rules.keep)));
    let going = items.iter().filter(|item| item.goes()).count();
    if going == 0 {
        context.ui.say("nothing goes");
        // What a removal that was cut short left is no item.
        if order.yes {
            let permitted = context.permit(Action::CollectGarbage)?;
            commands::collect_garbage(&permitted, &queue, config, &items, &mut |_, _| {})?;
        }
    } else if order.yes {
        carry_out(context, &queue, &items)?;
    } else {
        let again = again(context, order);
        context.ui.say(&format!("nothing was done; this does it: {again}"));
    }
    Ok(exit::OK)
}

fn rules(keep: Keep, order: &Gc) -> GcRules {
    let keep = Keep {
        days: order.keep_days.unwrap_or(keep.days),
        count: order.keep_count.unwrap_or(keep.count),
        bytes: order.keep_bytes.map_or(keep.bytes, |room| room.0),
    };
    GcRules { keep, orphans: order.orphans, salvages: order.salvages }
}

/// The rules in words.
fn kept(keep: Keep) -> String {
    let room = keep.bytes.map_or("any size".to_owned(), bytes);
    format!(
        "kept of what is over: {} days, {} ended tasks, {room}; of what waits or runs all",
        keep.days, keep.count
    )
}

fn carry_out(
    context: &Context,
    queue: &crate::queue::Queue,
    items: &[GcItem],
) -> Result<(), super::error::Failure> {
    let ui = context.ui;
    let permitted = context.permit(Action::CollectGarbage)?;
    let mut kept = Vec::new();
    let observe = &mut |item: &GcItem, result: &GcResult| match result {
        GcResult::Gone(None) => {}
        GcResult::Gone(Some(saved)) => ui.say(&format!("saved {} as {saved}", item.name)),
        GcResult::Kept(why) => kept.push(format!("{} stays: {why}", item.name)),
    };
    let (removed, freed) =
        commands::collect_garbage(&permitted, queue, context.config(), items, observe)?;
    for line in kept {
        ui.say(&line);
    }
    ui.say(&format!("{removed} gone, {} free again", bytes(freed)));
    Ok(())
}

fn row(item: &GcItem, done: &GcResult) -> serde_json::Value {
    match done {
        GcResult::Gone(saved) => json!({ "name": item.name, "gone": true, "salvage": saved }),
        GcResult::Kept(why) => json!({ "name": item.name, "gone": false, "why": why }),
    }
}

/// The same command, so that it is done.
fn again(context: &Context, order: &Gc) -> String {
    let mut line = format!("{} gc --yes", context.program("coordinator"));
    let numbers = [("keep-days", order.keep_days), ("keep-count", order.keep_count)];
    for (flag, number) in numbers {
        line.extend(number.map(|number| format!(" --{flag} {number}")));
    }
    if let Some(room) = order.keep_bytes {
        let size = room.0.map_or("none".to_owned(), crate::domain::settings::quantity::show_size);
        line.push_str(&format!(" --keep-bytes {size}"));
    }
    for (flag, wanted) in [("orphans", order.orphans), ("salvages", order.salvages)] {
        line.extend(wanted.then(|| format!(" --{flag}")));
    }
    line
}
