//! Whether closed accounts held: no task is claimed while one is closed, by the workers' journals.

use serde_json::Value;

use super::acts::ACCOUNT;
use super::facts::{Facts, Span};
use crate::domain::time::UnixMs;
use crate::queue::{Queue, Result};
use crate::selftest::recovery::notes;
use crate::sys::clock;

/// A breaker that was closed is known to all within this, milliseconds.
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
    let mut notes: Vec<(UnixMs, Value)> = notes(queue)?
        .into_iter()
        .filter_map(|note| Some((clock::parse_rfc3339(note["at"].as_str()?)?, note)))
        .collect();
    notes.sort_by_key(|(at, _)| *at);
    let mut seen = Seen { closed: closed(&notes, facts), ..Seen::default() };
    for (at, note) in notes.iter().filter(|(_, note)| note["event"] == "claim") {
        let Some(breaker) = seen.closed.iter().find(|breaker| breaker.holds(*at)) else { continue };
        if at.since(breaker.from) <= KNOWN_MS {
            seen.hasty += 1;
            continue;
        }
        let task = note["task"].as_str().unwrap_or_default();
        let after = at.since(breaker.from);
        seen.claims.push(format!("{task} was claimed {after} ms after the breaker was closed"));
    }
    Ok(seen)
}

/// The times in which the breaker was closed: from each closing to the next note, its own end or a person's hand.
fn closed(notes: &[(UnixMs, Value)], facts: &Facts) -> Vec<Span> {
    let breaker: Vec<&(UnixMs, Value)> = notes
        .iter()
        .filter(|(_, note)| note["event"] == "breaker" && note["account"] == ACCOUNT)
        .collect();
    let mut spans: Vec<Span> = Vec::new();
    for (index, (at, note)) in breaker.iter().enumerate() {
        if note["state"] != "closed" {
            continue;
        }
        let until = UnixMs(note["until_ms"].as_u64().unwrap_or(at.0));
        let next = breaker.get(index + 1).map_or(until, |(next, _)| *next);
        let by_hand = facts.opened_by_hand.iter().filter(|hand| **hand >= *at).min();
        let until = until.min(next).min(by_hand.copied().unwrap_or(until));
        match spans.last_mut() {
            // Closed again before it was opened: one time.
            Some(last) if at.since(last.until) == 0 && last.until >= *at => {
                last.until = last.until.max(until);
            }
            _ => spans.push(Span { from: *at, until }),
        }
    }
    // What is written while the disk is full may be missing.
    spans.retain(|span| facts.full.iter().all(|full| !full.holds(span.from)));
    spans
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gate_is_closed_until_its_time_its_opening_or_a_persons_hand() {
        let note = |at: u64, state: &str, until: u64| {
            let note =
                json!({"event": "breaker", "account": ACCOUNT, "state": state, "until_ms": until});
            (UnixMs(at), note)
        };
        let span = |from, until| Span { from: UnixMs(from), until: UnixMs(until) };
        let of = |notes: &[(UnixMs, Value)]| closed(notes, &Facts::default());
        assert_eq!(of(&[note(10, "closed", 50)]), [span(10, 50)]);
        assert_eq!(of(&[note(10, "closed", 50), note(30, "open", 50)]), [span(10, 30)]);
        assert_eq!(of(&[note(10, "closed", 50), note(20, "closed", 90)]), [span(10, 90)]);
        assert_eq!(of(&[note(10, "open", 0), note(20, "slow", 0)]), []);
        let by_hand = Facts { opened_by_hand: vec![UnixMs(5), UnixMs(25)], ..Facts::default() };
        assert_eq!(closed(&[note(10, "closed", 50)], &by_hand), [span(10, 25)]);
        let full = Facts { full: vec![span(0, 12)], ..Facts::default() };
        assert_eq!(closed(&[note(10, "closed", 50)], &full), []);
    }
}
