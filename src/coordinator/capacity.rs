//! Says when the pool waits for capacity, and when it goes on. The workers decide by themselves; this only tells.

use super::PoolObserver;
use crate::capacity::CapacityProbe;
use crate::domain::capacity::shortage::{Resource, Shortage};
use crate::domain::settings::config::Config;
use crate::housekeeping::capacity::QueueCapacity;
use crate::queue::{Queue, Result};
use crate::sys::clock;

/// Between two looks, milliseconds: while tasks wait or run, and while none does, for the queue's reserve.
const LOOK_MS: u64 = 2_000;
const IDLE_LOOK_MS: u64 = 10_000;

/// What was said last.
pub(super) struct CapacityNotice {
    probe: CapacityProbe,
    said: Option<Resource>,
    looked_at_ms: Option<u64>,
}

impl CapacityNotice {
    pub(super) fn new(queue: &Queue, config: &Config) -> CapacityNotice {
        let probe = QueueCapacity { queue, config }.probe();
        CapacityNotice { probe, said: None, looked_at_ms: None }
    }

    /// New settings.
    pub(super) fn configure(&mut self, queue: &Queue, config: &Config) {
        self.probe = QueueCapacity { queue, config }.probe();
    }

    /// Looks now and then, and says what has changed.
    pub(super) fn tell(
        &mut self,
        queue: &Queue,
        config: &Config,
        observer: &mut dyn PoolObserver,
    ) -> Result<()> {
        let now = clock::mono_ms();
        let since_ms = self.looked_at_ms.map(|looked_ms| now - looked_ms);
        if since_ms.is_some_and(|ms| ms < LOOK_MS) {
            return Ok(());
        }
        let idle = self.said.is_none() && queue.unfinished()? == (0, 0);
        if idle && since_ms.is_some_and(|ms| ms < IDLE_LOOK_MS) {
            return Ok(());
        }
        self.looked_at_ms = Some(now);
        let short = self.probe.shortage(&QueueCapacity { queue, config })?;
        if idle {
            // Nobody misses what nobody waits for.
            return Ok(());
        }
        if let Some(line) = line(self.said, short.as_ref()) {
            observer.say(&line);
        }
        self.said = short.map(|short| short.what);
        Ok(())
    }

    /// Whether nobody can claim for want of capacity, and nobody works who might free some.
    pub(super) fn is_missing(
        &mut self,
        queue: &Queue,
        config: &Config,
        observer: &mut dyn PoolObserver,
    ) -> Result<bool> {
        if queue.unfinished()?.1 > 0 {
            return Ok(false);
        }
        let short = self.probe.shortage(&QueueCapacity { queue, config })?;
        if let Some(short) = &short {
            observer.say(&format!("what is left waits for capacity: {}", short.evidence()));
        }
        Ok(short.is_some())
    }
}

/// What is to be said after a look, given what was short at the last one.
fn line(said: Option<Resource>, short: Option<&Shortage>) -> Option<String> {
    match (said, short) {
        (Some(said), Some(short)) if said == short.what => None,
        (_, Some(short)) => Some(format!("paused: {short}")),
        (Some(_), None) => Some("there is capacity again: going on".to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_said_once_another_one_anew_and_the_end_once() {
        let short = |what| Shortage { what, place: "/d".into(), have: 1, need: 2, tree: 0 };
        let (disk, memory) = (short(Resource::Disk), short(Resource::Memory));
        let table = [
            (None, None, None),
            (
                None,
                Some(&disk),
                Some("paused: 1 B free on /d, 2 B are kept free; goes on by itself"),
            ),
            (Some(Resource::Disk), Some(&disk), None),
            (
                Some(Resource::Disk),
                Some(&memory),
                Some(
                    "paused: 1 B of memory available on /d, 2 B are kept for the next agent; goes on by itself",
                ),
            ),
            (Some(Resource::Disk), None, Some("there is capacity again: going on")),
        ];
        for (said, short, expected) in table {
            assert_eq!(line(said, short).as_deref(), expected, "{said:?} {short:?}");
        }
    }
}
