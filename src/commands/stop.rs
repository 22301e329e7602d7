//! Asks the coordinator and every worker of this machine to stop, and waits until they are gone.
//!
//! What cannot be reached from here (another machine, a container, another user) is named. Invariant: nobody is asked
//! who cannot be told from another process.

use std::path::Path;

use super::authorize::{Action, Permitted};
use super::coordinating::{Coordinating, coordinating, whereabouts};
use super::error::CommandError;
use crate::domain::liveness::lease::{HEARTBEAT_EVERY_MS, Pulse};
use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::queue::register::Card;
use crate::queue::{Queue, QueueError};
use crate::site::Dir;
use crate::sys::process::Presence;
use crate::sys::signal::Signal;
use crate::sys::{clock, fs, identity, process};

/// A heartbeat that does not come within so long is none, milliseconds.
const BEAT_MS: u64 = 2 * HEARTBEAT_EVERY_MS + 1_000;

/// Who was asked to stop.
pub struct Stopping {
    queue: Queue,
    asked: Vec<ProcessIdentity>,
    others: Vec<(Card, Pulse)>,
    beyond: Vec<String>,
}

/// Asks them, at once with `now`.
pub fn stop(
    permitted: &Permitted,
    queue: &Queue,
    root: &Path,
    now: bool,
) -> Result<Stopping, CommandError> {
    permitted.require(Action::Stop)?;
    let signal = if now { Signal::Terminate } else { Signal::Interrupt };
    let (coordinator, mut beyond) = match coordinating(root)? {
        Coordinating::Here(incumbent) => (Some(incumbent.process), Vec::new()),
        Coordinating::Nobody => (None, Vec::new()),
        elsewhere @ Coordinating::Elsewhere(_) => {
            (None, vec![format!("a coordinator{}", elsewhere.said())])
        }
    };
    let me = identity::me();
    let (workers, others): (Vec<_>, Vec<_>) =
        queue.workers()?.into_iter().partition(|(card, _)| is_seen(&me, card));
    let workers: Vec<Card> = workers.into_iter().map(|(card, _)| card).collect();
    // The coordinator first: it must not replace the workers that end. It tells those of its pool, and a
    // second interrupt would mean: stop now.
    let told = |card: &Card| now || coordinator.is_none() || card.slot.is_none();
    let alone = workers.iter().filter(|card| told(card)).map(|card| &card.process);
    let mut asked: Vec<ProcessIdentity> = Vec::new();
    for target in coordinator.iter().chain(alone) {
        if process::signal(target.pid, signal.number()) || !process::alive(target) {
            asked.push(target.clone());
        } else {
            beyond.push(format!("process {} of another user, who alone may stop it", target.pid));
        }
    }
    let told_by_it = workers.iter().filter(|card| !told(card)).map(|card| card.process.clone());
    if coordinator.as_ref().is_some_and(|coordinator| asked.contains(coordinator)) {
        asked.extend(told_by_it);
    }
    Ok(Stopping { queue: queue.clone(), asked, others, beyond })
}

impl Stopping {
    /// Somebody was asked.
    pub fn some(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Waits until they are gone. Returns those that work on out of reach, a line each.
    pub fn wait(mut self) -> Result<Vec<String>, CommandError> {
        let beating = beating(&self.queue, &self.others)?;
        self.beyond.extend(beating.iter().map(|card| said(&self.queue, card)));
        while self.asked.iter().any(process::alive) {
            clock::pause_ms(50);
        }
        Ok(self.beyond)
    }
}

/// Whether the worker's process can be told from every other one.
fn is_seen(me: &ProcessIdentity, card: &Card) -> bool {
    card.host_match(me) == HostMatch::Here && process::sight(&card.process) == Presence::Alive
}

/// Those of workers elsewhere that live: their heartbeat moves. What died there, or was copied, beats no more.
fn beating(queue: &Queue, others: &[(Card, Pulse)]) -> Result<Vec<Card>, QueueError> {
    let me = identity::me();
    let gone =
        |card: &Card| card.host_match(&me) == HostMatch::Here && !process::alive(&card.process);
    let mut still: Vec<&(Card, Pulse)> =
        others.iter().filter(|(card, _)| !card.copied && !gone(card)).collect();
    let mut alive = Vec::new();
    let deadline = clock::mono_ms() + BEAT_MS;
    while !still.is_empty() && clock::mono_ms() < deadline {
        clock::pause_ms(100);
        let now = queue.workers()?;
        still.retain(|(card, before)| match now.iter().find(|(other, _)| other.id == card.id) {
            Some((card, pulse)) if pulse != before => {
                alive.push(card.clone());
                false
            }
            Some(_) => true,
            None => false,
        });
    }
    Ok(alive)
}

fn said(queue: &Queue, card: &Card) -> String {
    let owner = fs::look(&queue.paths().file(Dir::Workers, card.id.to_string())).ok().flatten();
    let user = owner.map_or_else(String::new, |meta| format!(", user {}", fs::owner(&meta)));
    format!("worker {} ({}{user})", card.id.short(), whereabouts(&card.process))
}
