//! What is left to do: the question that ends a drain.

use crate::domain::task::id::TaskId;
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::time::UnixMs;
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
    let opens = accounts.iter().map(|(_, breaker)| breaker.until).min();
    if claims > 0 || (ready > 0 && opens.is_none_or(|opens| opens <= soon)) {
        return Ok(Remaining::Busy);
    }
    let blocked = queue.blocked()?;
    let waits = blocked.iter().map(|name| (name.reason.as_ref(), &name.at.id));
    Ok(of_waiting(ready > 0, waits, now, soon, |id| queue.is_put_off(id)))
}

/// What is left where nothing runs and nothing can be claimed soon.
fn of_waiting<'a>(
    ready: bool,
    blocked: impl Iterator<Item = (Option<&'a Reason>, &'a TaskId)>,
    now: UnixMs,
    soon: UnixMs,
    is_put_off: impl Fn(&TaskId) -> bool,
) -> Remaining {
    let mut later = ready;
    for (reason, id) in blocked {
        match reason {
            Some(reason) if reason.wait == Wait::Intake && !is_put_off(id) => {
                return Remaining::Busy;
            }
            Some(reason) if reason.due(now) || reason.due(soon) => return Remaining::Busy,
            _ => later = true,
        }
    }
    if later { Remaining::Later } else { Remaining::Empty }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_waits_for_what_is_due_soon_and_leaves_the_rest_to_a_later_run() {
        let (now, soon) = (UnixMs(1_000_000), UnixMs(1_060_000));
        let id = TaskId::parse("20261120T113012123-fix-k3f9").unwrap();
        let until = |secs| Reason { wait: Wait::Retry, until_secs: Some(secs) };
        let held = Reason { wait: Wait::Hold, until_secs: None };
        let intake = Reason { wait: Wait::Intake, until_secs: None };
        let left = |ready, reasons: &[&Reason], put_off| {
            let blocked = reasons.iter().map(|reason| (Some(*reason), &id));
            of_waiting(ready, blocked, now, soon, |_| put_off)
        };
        for (ready, reasons, put_off, expected, case) in [
            (false, vec![], false, Remaining::Empty, "nothing is left"),
            (true, vec![], false, Remaining::Later, "ready, behind accounts that stay closed"),
            (false, vec![&until(900)], false, Remaining::Busy, "due"),
            (false, vec![&until(1_059)], false, Remaining::Busy, "due soon"),
            (false, vec![&until(2_000)], false, Remaining::Later, "due later"),
            (false, vec![&held], false, Remaining::Later, "a person has to act"),
            (false, vec![&intake], false, Remaining::Busy, "it is being taken in"),
            (false, vec![&intake], true, Remaining::Later, "it was put off"),
            (true, vec![&held, &until(900)], false, Remaining::Busy, "one of them is due"),
        ] {
            assert_eq!(left(ready, &reasons, put_off), expected, "{case}");
        }
    }
}
