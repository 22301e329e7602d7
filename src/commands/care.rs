//! Mending a queue, and letting go what is over.

use super::authorize::{Action, Permitted};
use super::error::CommandError;
use crate::domain::event::Event;
use crate::domain::settings::config::Config;
use crate::gc::{self, GcItem, GcResult};
use crate::housekeeping::Housekeeper;
use crate::queue::Queue;
use crate::queue::check::Violation;

/// Second names are set aside; the rest is what any worker's housekeeping does.
pub fn mend(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    violations: &[Violation],
) -> Result<(), CommandError> {
    permitted.require(Action::Mend)?;
    for violation in violations.iter().filter(|violation| violation.invariant == "I1") {
        queue.set_aside(violation)?;
    }
    let journal = queue.commands_journal()?;
    Housekeeper::new(queue.clone(), config).pass(&journal)?;
    queue.sweep()?;
    Ok(())
}

/// Lets go what `gc::decide` said may go, and tells `observe` of each. Returns how many went, and their bytes.
pub fn collect_garbage(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    items: &[GcItem],
    observe: &mut dyn FnMut(&GcItem, &GcResult),
) -> Result<(u64, u64), CommandError> {
    permitted.require(Action::CollectGarbage)?;
    let (mut removed, mut freed_bytes) = (0, 0);
    gc::carry_out(queue, config, items, &mut |item, result| {
        if let GcResult::Gone(_) = result {
            removed += 1;
            freed_bytes += item.bytes;
        }
        observe(item, result);
    })?;
    if removed > 0 {
        queue.commands_journal()?.record(Event::GarbageCollected { removed, freed_bytes });
    }
    Ok((removed, freed_bytes))
}
