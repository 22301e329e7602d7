//! The housekeeper's thread of a worker: a pass a second if it is this worker's turn, else a look now and then.

use super::control::Level;
use super::shared::Shared;
use super::ticker::Ticker;
use crate::housekeeping::Pass;
use crate::sys::watch::ProcessWatcher;

/// The housekeeper's interval, milliseconds.
const KEEP_MS: u64 = 1_000;

/// Starts it. The end of a process that matters (of a worker, or of the one who leads) wakes it.
pub(super) fn start(shared: &Shared) -> Ticker {
    let shared = shared.clone();
    Ticker::start("housekeeper", KEEP_MS, move |waker| {
        // Where the system has none, the timer has to do.
        let lookout = ProcessWatcher::start(move || waker.wake()).ok();
        move || {
            if shared.control.level() > Level::Drain {
                return KEEP_MS;
            }
            let mut housekeeper = shared.housekeeper();
            // An error here meets the main thread too, which reports it.
            if housekeeper.pass_in_turn(&shared.journal).unwrap_or_default() != Pass::default() {
                shared.control.wake();
            }
            if let Some(lookout) = &lookout {
                lookout.watch(&housekeeper.watched());
            }
            housekeeper.next_look_ms()
        }
    })
}
