//! Says when the pool waits for room, and when it goes on. The workers decide by themselves; this only tells.

use super::Observer;
use crate::domain::capacity::admission::What;
use crate::domain::settings::config::Config;
use crate::housekeeping::room::Surveyor;
use crate::queue::{Queue, Result};
use crate::sys::clock;

/// Between two looks, milliseconds.
const LOOK_MS: u64 = 2_000;

/// What was said last.
#[derive(Default)]
pub(super) struct Room {
    surveyor: Surveyor,
    said: Option<What>,
    again_at_ms: u64,
}

impl Room {
    /// Looks now and then, and says what has changed.
    pub(super) fn tell(
        &mut self,
        queue: &Queue,
        config: &Config,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let now = clock::mono_ms();
        if now < self.again_at_ms {
            return Ok(());
        }
        self.again_at_ms = now + LOOK_MS;
        match self.surveyor.short(queue, config)? {
            // Nobody misses what nobody waits for.
            Some(short) if self.said == Some(short.what) || queue.unfinished()? == (0, 0) => {}
            Some(short) => {
                observer.say(&format!("paused: {short}"));
                self.said = Some(short.what);
            }
            None if self.said.take().is_some() => {
                observer.say("there is room again: going on");
            }
            None => {}
        }
        Ok(())
    }

    /// Whether nobody can claim for want of room, and nobody works who might make some.
    pub(super) fn is_missing(
        &mut self,
        queue: &Queue,
        config: &Config,
        observer: &mut dyn Observer,
    ) -> Result<bool> {
        if queue.unfinished()?.1 > 0 {
            return Ok(false);
        }
        let short = self.surveyor.short(queue, config)?;
        if let Some(short) = &short {
            observer.say(&format!("what is left waits for room: {}", short.evidence()));
        }
        Ok(short.is_some())
    }
}
