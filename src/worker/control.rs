//! What a worker was told: by signals, by its heart, by a request to retire. It only ever gets stricter.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use crate::agent::{Remote, StopReason};
use crate::sys::signal::Signal;

/// How far a worker may go on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// As long as its mode says.
    Run = 0,
    /// To the end of its task.
    Drain = 1,
    /// Not on: its agent is stopped, its work saved, its task parked.
    Stop = 2,
    /// Not on, and its task is not its own any more.
    Fenced = 3,
}

/// Shared by a worker's threads.
#[derive(Clone)]
pub struct Control {
    state: Arc<ControlState>,
    wake_up: SyncSender<()>,
}

struct ControlState {
    level: AtomicU8,
    reload: AtomicBool,
    ordered_by: Mutex<Option<Signal>>,
    agent: Mutex<Option<Remote>>,
}

impl Control {
    /// With the receiver that hears whenever the main thread should look.
    pub fn new() -> (Control, Receiver<()>) {
        // One waiting call is enough: they carry no information.
        let (wake_up, receiver) = sync_channel(1);
        let state = ControlState {
            level: AtomicU8::new(Level::Run as u8),
            reload: AtomicBool::new(false),
            ordered_by: Mutex::new(None),
            agent: Mutex::new(None),
        };
        (Control { state: Arc::new(state), wake_up }, receiver)
    }

    /// How far to go.
    pub fn level(&self) -> Level {
        match self.state.level.load(Ordering::SeqCst) {
            0 => Level::Run,
            1 => Level::Drain,
            2 => Level::Stop,
            _ => Level::Fenced,
        }
    }

    /// The signal that told it to end, if one did.
    pub fn ordered_by(&self) -> Option<Signal> {
        *self.order()
    }

    /// A signal came.
    pub fn signal(&self, signal: Signal) {
        if matches!(signal, Signal::Interrupt | Signal::Terminate) {
            *self.order() = Some(signal);
        }
        match signal {
            Signal::Interrupt if self.level() == Level::Run => self.raise(Level::Drain),
            Signal::Interrupt | Signal::Terminate => {
                self.raise(Level::Stop);
                self.with_agent(|agent| agent.stop(StopReason::Operator));
            }
            Signal::Child => {}
            // A closed terminal is no reason to end; an operator means: read the settings again.
            Signal::HangUp => {
                self.state.reload.store(true, Ordering::SeqCst);
                self.wake();
            }
        }
    }

    /// Somebody wants this worker to end after its task.
    pub(super) fn retire(&self) {
        self.raise(Level::Drain);
    }

    /// Everything is somebody else's now: kill the agent at once.
    pub(super) fn fence(&self) {
        self.raise(Level::Fenced);
        self.with_agent(Remote::kill);
    }

    /// The task in hand is not to go on, for this reason; the worker goes on.
    pub(super) fn stop_agent(&self, why: StopReason) {
        self.with_agent(|agent| agent.stop(why));
    }

    /// Puts an agent within reach of the other threads, and stops it if it comes too late.
    pub(super) fn attach(&self, agent: Remote) {
        if self.level() >= Level::Stop {
            agent.stop(StopReason::Operator);
        }
        *self.agent() = Some(agent);
        // Between the look and the hand-over a stop may have come.
        if self.level() >= Level::Stop {
            self.with_agent(|agent| agent.stop(StopReason::Operator));
        }
    }

    /// Whether an agent is at work.
    pub(super) fn has_agent(&self) -> bool {
        self.agent().is_some()
    }

    /// The agent has ended.
    pub(super) fn detach(&self) {
        *self.agent() = None;
    }

    /// Makes the main thread look.
    pub fn wake(&self) {
        // Full: it is about to look already.
        self.wake_up.try_send(()).ok();
    }

    pub(super) fn take_reload(&self) -> bool {
        self.state.reload.swap(false, Ordering::SeqCst)
    }

    /// Whether it was told anything that the main thread has yet to see.
    pub(super) fn has_news(&self) -> bool {
        self.level() > Level::Run || self.state.reload.load(Ordering::SeqCst)
    }

    fn raise(&self, level: Level) {
        self.state.level.fetch_max(level as u8, Ordering::SeqCst);
        self.wake();
    }

    fn with_agent(&self, act: impl FnOnce(&Remote)) {
        if let Some(agent) = self.agent().as_ref() {
            act(agent);
        }
    }

    fn order(&self) -> std::sync::MutexGuard<'_, Option<Signal>> {
        self.state.ordered_by.lock().expect("nothing panics while it holds this lock")
    }

    fn agent(&self) -> std::sync::MutexGuard<'_, Option<Remote>> {
        self.state.agent.lock().expect("a panic ends the process, so nobody sees a poisoned lock")
    }
}
