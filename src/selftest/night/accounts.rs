//! Whether closed accounts held: no task is claimed while one is closed, by the workers' journals.

use super::acts::ACCOUNT;
use super::facts::{Facts, Span};
use crate::domain::account::breaker::AccountState;
use crate::domain::event::{Event, EventLine};
use crate::queue::{Queue, Result};

/// That an account is closed is known to all within this, milliseconds.
const KNOWN_MS: u64 = 1_000;

/// What the journals tell.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When it was closed.
    pub(super) closed: Vec<Span>,
    /// Claims in that time, beyond the second in which it becomes known.
    pub(super) claims: Vec<String>,
    /// Claims within that second.
    pub(super) hasty: usize,
}

/// Looks through the journals.
pub(super) fn look(queue: &Queue, facts: &Facts) -> Result<Seen> {
    let mut lines = queue.events()?;
    lines.sort_by_key(|line| line.at_ms);
    let mut seen = Seen { closed: closed(&lines, facts), ..Seen::default() };
    for EventLine { at_ms: at, event, .. } in lines {
        let Event::AttemptClaimed { task, .. } = event else { continue };
        let Some(span) = seen.closed.iter().find(|span| span.holds(at)) else { continue };
        let after = at.since(span.from);
        if after <= KNOWN_MS {
            seen.hasty += 1;
        } else {
            seen.claims.push(format!("{task} was claimed {after} ms after the account was closed"));
        }
    }
    Ok(seen)
}

/// The times in which the account was closed: from each closing to the next event of it, its own end or a person's hand.
fn closed(lines: &[EventLine], facts: &Facts) -> Vec<Span> {
    let changes: Vec<_> = lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::AccountChanged { account, state, until_ms, .. } if account == ACCOUNT => {
                Some((line.at_ms, *state, *until_ms))
            }
            _ => None,
        })
        .collect();
    let mut spans: Vec<Span> = Vec::new();
    for (index, &(at, state, until)) in changes.iter().enumerate() {
        if state != AccountState::Closed {
            continue;
        }
        let next = changes.get(index + 1).map_or(until, |(next, ..)| *next);
        let by_hand = facts.opened_by_hand.iter().filter(|hand| **hand >= at).min();
        let until = until.min(next).min(by_hand.copied().unwrap_or(until));
        match spans.last_mut() {
            // Closed again before it was opened: one time.
            Some(last) if at.since(last.until) == 0 && last.until >= at => {
                last.until = last.until.max(until);
            }
            _ => spans.push(Span { from: at, until }),
        }
    }
    // What is written while the disk is full may be missing.
    spans.retain(|span| facts.full.iter().all(|full| !full.holds(span.from)));
    spans
}

#[cfg(test)]
mod tests {
    use super::AccountState::{Closed, Open, Slow};
    use super::*;
    use crate::domain::time::UnixMs;

    #[test]
    fn an_account_is_closed_until_its_time_its_opening_or_a_persons_hand() {
        let changed = |at: u64, state: AccountState, until: u64| {
            let (account, fault, until_ms) = (ACCOUNT.to_owned(), String::new(), UnixMs(until));
            EventLine::new(UnixMs(at), Event::AccountChanged { account, state, fault, until_ms })
        };
        let span = |from, until| Span { from: UnixMs(from), until: UnixMs(until) };
        let of = |lines: &[EventLine]| closed(lines, &Facts::default());
        assert_eq!(of(&[changed(10, Closed, 50)]), [span(10, 50)]);
        assert_eq!(of(&[changed(10, Closed, 50), changed(30, Open, 50)]), [span(10, 30)]);
        assert_eq!(of(&[changed(10, Closed, 50), changed(20, Closed, 90)]), [span(10, 90)]);
        assert_eq!(of(&[changed(10, Open, 0), changed(20, Slow, 0)]), []);
        let by_hand = Facts { opened_by_hand: vec![UnixMs(5), UnixMs(25)], ..Facts::default() };
        assert_eq!(closed(&[changed(10, Closed, 50)], &by_hand), [span(10, 25)]);
        let full = Facts { full: vec![span(0, 12)], ..Facts::default() };
        assert_eq!(closed(&[changed(10, Closed, 50)], &full), []);
    }
}
