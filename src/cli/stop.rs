//! `stop`: asks the coordinator and every worker of this machine, and waits until they are gone.
//!
//! What cannot be reached from here (another machine, a container, another user) is told and makes the command fail:
//! it said to stop what then goes on. Invariant: nobody is asked who cannot be told from another process.

use super::context::Context;
use super::control::{Coordinating, coordinating, whereabouts};
use super::error::{CommandResult, Failure};
use super::exit;
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

/// `stop`
pub(super) fn stop(context: &Context, now: bool) -> CommandResult {
    let queue = context.queue()?;
    let signal = if now { Signal::Terminate } else { Signal::Interrupt };
    let (coordinator, mut beyond) = match coordinating(context)? {
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
    if !asked.is_empty() {
        context.ui.say(if now {
            "stopping now: work in hand is committed, its tasks are parked"
        } else {
            "ending after the running tasks; `coordinator stop --now` does not wait for them"
        });
    }
    beyond.extend(beating(&queue, &others)?.iter().map(|card| said(&queue, card)));
    while asked.iter().any(process::alive) {
        clock::pause_ms(50);
    }
    ended(context, !asked.is_empty(), &beyond)
}

fn ended(context: &Context, some: bool, beyond: &[String]) -> CommandResult {
    if beyond.is_empty() {
        context.ui.say(if some { "stopped" } else { "nothing runs here" });
        return Ok(exit::OK);
    }
    let what = if some { "stopped what can be reached from here" } else { "nothing was stopped" };
    let list = beyond.join("\n  ");
    let message = format!("{what}; out of reach these work on:\n  {list}");
    Err(Failure::new(exit::LATER, message).hint(
        "run coordinator stop where they are, as their user; coordinator pause --now reaches all of them through the queue",
    ))
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
