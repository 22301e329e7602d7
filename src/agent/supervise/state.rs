//! When an agent is stopped, and how: a state machine over time, without a clock of its own.
//!
//! Pure: [`step`] maps a state, an event and the time to the next state and what to do. It knows no
//! processes; what a silence means is [`Silence`]'s. Invariants: the first reason to stop is the one that counts;
//! every state but the last has a deadline or an event that is bound to come; after [`Action::Finish`] nothing follows.

use crate::agent::program::adapter::Deadlines;
use crate::agent::supervise::sign::{Sign, StopReason, Why};
use crate::agent::supervise::silence::Silence;
use crate::domain::liveness::judgement::{Facts, Liveness, Look};

/// A killed process is gone at once, unless it is stuck in the kernel.
pub(in crate::agent) const KILL_GRACE_MS: u64 = 10_000;
/// After its end somebody may hold its output: what it wrote itself is there at once.
pub(in crate::agent) const DRAIN_MS: u64 = 1_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Rung {
    Interrupt,
    Terminate,
    Kill,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Phase {
    Running,
    /// The rung's signal was sent; the next one follows at this time.
    Stopping {
        rung: Rung,
        until_ms: u64,
    },
    /// It has ended; its output has not, and is waited for until then.
    Draining {
        until_ms: u64,
    },
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) struct State {
    deadlines: Deadlines,
    pub(in crate::agent) phase: Phase,
    pub(in crate::agent) why: Option<Why>,
    pub(in crate::agent) first_event_ms: Option<u64>,
    started_ms: u64,
    silence: Silence,
    result_ms: Option<u64>,
    /// What was known when it was stopped of our own accord.
    pub(in crate::agent) facts: Option<Facts>,
    stdout_open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Event {
    /// Something came on standard output, of a line or not.
    Bytes,
    Line(Sign),
    /// What an [`Action::Look`] found.
    Looked(Look),
    StdoutClosed,
    Exited,
    Stop(StopReason),
    Kill,
    DiskFull,
    /// It wrote more than it may.
    Runaway,
    /// Time has passed; send one whenever [`State::deadline`] is over.
    Tick,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Action {
    /// Look at its processes and files; [`Event::Looked`] is to follow. The first one of a silence has nothing to
    /// compare with.
    Look {
        first: bool,
    },
    Interrupt,
    Terminate,
    Kill,
    Sweep,
    Finish,
}

impl State {
    pub(in crate::agent) fn new(deadlines: Deadlines, now_ms: u64) -> State {
        State {
            deadlines,
            phase: Phase::Running,
            why: None,
            first_event_ms: None,
            started_ms: now_ms,
            silence: Silence::new(&deadlines, now_ms),
            result_ms: None,
            facts: None,
            stdout_open: true,
        }
    }

    /// When a [`Event::Tick`] is due; `None` once it has ended.
    pub(in crate::agent) fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Running => {
                let deadlines = self.running_deadlines().map(|(at, _)| at);
                deadlines.into_iter().chain([self.silence.look_due()]).min()
            }
            Phase::Stopping { until_ms, .. } | Phase::Draining { until_ms } => Some(until_ms),
            Phase::Ended => None,
        }
    }

    /// What ends a running agent whatever it does, the gravest first; what does not apply is never due.
    fn running_deadlines(&self) -> [(u64, Why); 2] {
        let after =
            |start: Option<u64>, ms: u64| start.map_or(u64::MAX, |at| at.saturating_add(ms));
        let deadlines = &self.deadlines;
        [
            (after(Some(self.started_ms), deadlines.wall_ms), Why::Timeout),
            (after(self.result_ms, deadlines.after_result_ms), Why::Lingering),
        ]
    }

    /// What was heard and seen of it, for people.
    pub(in crate::agent) fn silence(&self) -> &Silence {
        &self.silence
    }

    fn overdue(&self, now_ms: u64) -> Option<Why> {
        self.running_deadlines().into_iter().find(|(at, _)| *at <= now_ms).map(|(_, why)| why)
    }
}

/// The next state and what to do, in this order.
pub(in crate::agent) fn step(state: State, event: Event, now_ms: u64) -> (State, Vec<Action>) {
    match state.phase {
        Phase::Running => running(state, event, now_ms),
        Phase::Stopping { rung, until_ms } => stopping(state, rung, until_ms, event, now_ms),
        Phase::Draining { until_ms } => draining(state, until_ms, event, now_ms),
        Phase::Ended => (state, Vec::new()),
    }
}

fn running(state: State, event: Event, now_ms: u64) -> (State, Vec<Action>) {
    match event {
        Event::Bytes => (bytes(state, now_ms), Vec::new()),
        Event::Line(sign) => (heard(state, sign, now_ms), Vec::new()),
        Event::Looked(look) => looked(state, look, now_ms),
        Event::StdoutClosed => (State { stdout_open: false, ..state }, Vec::new()),
        Event::Exited if state.stdout_open => {
            let until_ms = now_ms.saturating_add(DRAIN_MS);
            (State { phase: Phase::Draining { until_ms }, ..state }, Vec::new())
        }
        Event::Exited => end(state),
        Event::Stop(reason) => climb(because(state, Why::Asked(reason)), None, now_ms),
        Event::Kill => climb(because(state, Why::Killed), Some(Rung::Terminate), now_ms),
        Event::DiskFull => climb(because(state, Why::DiskFull), None, now_ms),
        Event::Runaway => climb(because(state, Why::Runaway), None, now_ms),
        Event::Tick => match state.overdue(now_ms) {
            Some(why) => climb(because(with_facts(state, now_ms), why), None, now_ms),
            None if state.silence.look_due() <= now_ms => {
                let (silence, first) = state.silence.ask(now_ms);
                (State { silence, ..state }, vec![Action::Look { first }])
            }
            None => (state, Vec::new()),
        },
    }
}

/// A look decides about a silence, and nothing else does.
fn looked(state: State, look: Look, now_ms: u64) -> (State, Vec<Action>) {
    let state = State { silence: state.silence.looked(look, now_ms), ..state };
    if state.silence.verdict(now_ms) != Liveness::Stalled {
        return (state, Vec::new());
    }
    let why = state.silence.why();
    climb(because(with_facts(state, now_ms), why), None, now_ms)
}

fn with_facts(state: State, now_ms: u64) -> State {
    State { facts: state.facts.or_else(|| Some(state.silence.facts(now_ms))), ..state }
}

fn stopping(
    state: State,
    rung: Rung,
    until_ms: u64,
    event: Event,
    now_ms: u64,
) -> (State, Vec<Action>) {
    match event {
        Event::Bytes => (bytes(state, now_ms), Vec::new()),
        Event::Line(sign) => (heard(state, sign, now_ms), Vec::new()),
        Event::StdoutClosed => (State { stdout_open: false, ..state }, Vec::new()),
        Event::Exited if state.stdout_open => {
            // Whoever holds its output is not to be waited for: swept, they let go of it.
            let until_ms = now_ms.saturating_add(DRAIN_MS);
            (State { phase: Phase::Draining { until_ms }, ..state }, vec![Action::Sweep])
        }
        Event::Exited => end(state),
        Event::Kill if rung != Rung::Kill => climb(state, Some(Rung::Terminate), now_ms),
        Event::Tick if until_ms <= now_ms => climb(state, Some(rung), now_ms),
        Event::Stop(_)
        | Event::Kill
        | Event::DiskFull
        | Event::Runaway
        | Event::Tick
        | Event::Looked(_) => (state, Vec::new()),
    }
}

fn draining(state: State, until_ms: u64, event: Event, now_ms: u64) -> (State, Vec<Action>) {
    match event {
        Event::Bytes => (bytes(state, now_ms), Vec::new()),
        Event::Line(sign) => (heard(state, sign, now_ms), Vec::new()),
        Event::StdoutClosed => end(State { stdout_open: false, ..state }),
        Event::Kill => end(state),
        Event::Tick if until_ms <= now_ms => end(state),
        Event::Exited
        | Event::Stop(_)
        | Event::DiskFull
        | Event::Runaway
        | Event::Tick
        | Event::Looked(_) => (state, Vec::new()),
    }
}

fn bytes(state: State, now_ms: u64) -> State {
    State { silence: state.silence.bytes(now_ms), ..state }
}

fn because(state: State, why: Why) -> State {
    State { why: state.why.or(Some(why)), ..state }
}

fn heard(state: State, sign: Sign, now_ms: u64) -> State {
    let result_ms = match sign {
        Sign::Result => Some(now_ms),
        Sign::Turn => None,
        Sign::Noise | Sign::Event | Sign::Beat | Sign::Retry { .. } => state.result_ms,
    };
    let first = (sign != Sign::Noise).then_some(now_ms);
    let first_event_ms = state.first_event_ms.or(first);
    State { silence: state.silence.heard(sign, now_ms), result_ms, first_event_ms, ..state }
}

/// Takes the rung after `from`.
fn climb(state: State, from: Option<Rung>, now_ms: u64) -> (State, Vec<Action>) {
    let deadlines = &state.deadlines;
    let (rung, grace_ms, action) = match (from, deadlines.interrupt_grace_ms) {
        (None, Some(grace_ms)) => (Rung::Interrupt, grace_ms, Action::Interrupt),
        (None, None) | (Some(Rung::Interrupt), _) => {
            (Rung::Terminate, deadlines.terminate_grace_ms, Action::Terminate)
        }
        (Some(Rung::Terminate), _) => (Rung::Kill, KILL_GRACE_MS, Action::Kill),
        // It cannot be killed: nothing more can be done than to say so.
        (Some(Rung::Kill), _) => return end(state),
    };
    let until_ms = now_ms.saturating_add(grace_ms);
    (State { phase: Phase::Stopping { rung, until_ms }, ..state }, vec![action])
}

fn end(state: State) -> (State, Vec<Action>) {
    (State { phase: Phase::Ended, ..state }, vec![Action::Sweep, Action::Finish])
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
