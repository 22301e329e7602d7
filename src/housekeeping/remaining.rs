//! What is left to do: the question that ends a drain.

use crate::domain::task::reason::Wait;
use crate::queue::{Queue, Result};
use crate::sys::clock;

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remaining {
    /// Something is ready or running, or will be soon.
    Busy,
    /// What is left waits for longer: a later run's.
    Later,
    /// Nothing.
    Empty,
}

/// What is left in the queue, counting as soon what is due within `wait_ms`. What lies in `pending/` is the
/// caller's to look at: only he knows what is settled.
pub fn remaining(queue: &Queue, wait_ms: u64) -> Result<Remaining> {
    let (ready, claims) = queue.unfinished()?;
    let now = clock::now();
    let soon = now.plus_ms(wait_ms);
    let accounts = queue.closed_accounts(now)?;
    let opens_soon = accounts.iter().any(|(_, breaker)| breaker.until <= soon);
    if claims > 0 || (ready > 0 && (accounts.is_empty() || opens_soon)) {
        return Ok(Remaining::Busy);
    }
    let mut later = ready > 0;
    for name in queue.blocked()? {
        match name.reason {
            Some(reason) if reason.wait == Wait::Intake && !queue.is_put_off(&name.at.id) => {
                return Ok(Remaining::Busy);
            }
            Some(reason) if reason.due(now) || reason.due(soon) => return Ok(Remaining::Busy),
            _ => later = true,
        }
    }
    Ok(if later { Remaining::Later } else { Remaining::Empty })
}
