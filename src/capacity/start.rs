//! A worker's way to a claim: look, take the turn that the look asks for, look again ([`super::plan`] decides).
//!
//! Invariant: where a disk has not enough for a tree of every worker at once, claims of this machine come one at a
//! time, each after all trees before it are made. Where memory is not enough for all, each sees the claims before its
//! own. A lock that another worker holds is waited for by a thread, which calls back when it is there.

use std::path::PathBuf;
use std::sync::Arc;

use super::plan::{CapacityNews, Known, StartAnswer, StartStep, Told, answer, next_step};
use super::probe::{CapacityFacts, CapacityProbe};
use super::settings::{CapacitySettings, touched_ms_ago};
use crate::domain::capacity::decision::{CapacityDecision, ReusableTrees, StartSpacing};
use crate::sys::lock::{Lock, LockMode, LockWaiter};
use crate::sys::{clock, env, fs};

/// A look is believed for so long, milliseconds: one that found ample capacity, and one that found none.
const AMPLE_MS: u64 = 200;
/// Nothing tells when a disk or memory is free again: it is looked at so often, milliseconds.
pub(super) const SHORT_MS: u64 = 1_000;
/// An agent has taken most of its memory after so long, milliseconds.
const SETTLE_MS: u64 = 3_000;
/// The lock of turns, held until the tree is made.
const TURN: &str = "admit";
/// The lock of memory, held until the claim can be seen; touched when an agent starts for whose memory others wait.
const MEMORY: &str = "memory";

/// A lock that is ours; without one where locks do not work, since else nobody could start at all.
#[derive(Debug)]
struct Held {
    _lock: Option<Lock>,
}

pub struct StartAdmission {
    probe: CapacityProbe,
    decision: Option<CapacityDecision>,
    spacing: StartSpacing,
    trees: ReusableTrees,
    /// Until then the decision is believed (monotonic milliseconds).
    stale_at_ms: u64,
    /// Held from the look until our tree is made.
    turn: Option<(LockMode, Held)>,
    /// Held from the look until our claim can be seen.
    memory: Option<Held>,
    turn_waiter: LockWaiter,
    memory_waiter: LockWaiter,
    /// Others wait until our agent has taken its memory.
    settles: bool,
    last: Option<StartAnswer>,
    told: Told,
    news: Option<CapacityNews>,
}

impl StartAdmission {
    /// For one worker; `granted` is called (from another thread) when a lock that was waited for is there: ask again.
    pub fn new(probe: CapacityProbe, granted: Arc<dyn Fn() + Send + Sync>) -> StartAdmission {
        StartAdmission {
            probe,
            decision: None,
            spacing: StartSpacing::Any,
            trees: ReusableTrees::default(),
            stale_at_ms: 0,
            turn: None,
            memory: None,
            turn_waiter: LockWaiter::new(granted.clone()),
            memory_waiter: LockWaiter::new(granted),
            settles: false,
            last: None,
            told: Told::default(),
            news: None,
        }
    }

    pub fn ask<F: CapacityFacts>(
        &mut self,
        facts: &F,
        task: &str,
    ) -> Result<StartAnswer, F::Error> {
        self.memory = None;
        let answer = self.steps(facts, task)?;
        match answer {
            StartAnswer::Start => self.touch_if_it_settles(),
            _ => self.give_up_turn(),
        }
        if answer != StartAnswer::Queued {
            self.stop_waiting();
        }
        self.last = Some(answer);
        let news = self.told.news(answer, self.decision.as_ref(), clock::mono_ms());
        self.news = news.or(self.news.take());
        Ok(answer)
    }

    fn steps<F: CapacityFacts>(&mut self, facts: &F, task: &str) -> Result<StartAnswer, F::Error> {
        let mut fresh = clock::mono_ms() < self.stale_at_ms;
        loop {
            let step = next_step(&self.known(fresh));
            match step {
                StartStep::Answer => return Ok(answer(&self.known(fresh), &self.trees, task)),
                StartStep::Look => self.look(facts)?,
                StartStep::TakeTurn(mode) => {
                    self.turn = None;
                    let lock = take(&mut self.turn_waiter, &self.probe, TURN, mode);
                    let Some(lock) = lock else {
                        self.memory_waiter.stop();
                        return Ok(StartAnswer::Queued);
                    };
                    self.turn = Some((mode, lock));
                }
                StartStep::TakeMemory => {
                    let lock = take(&mut self.memory_waiter, &self.probe, MEMORY, LockMode::Alone);
                    let Some(lock) = lock else { return Ok(StartAnswer::Queued) };
                    self.memory = Some(lock);
                }
            }
            fresh = step == StartStep::Look;
        }
    }

    fn known(&self, fresh: bool) -> Known<'_> {
        let settles = self.memory.is_some() && self.spacing == StartSpacing::Settled;
        let since = settles.then(|| touched_ms_ago(&self.probe.settings.lock_file(MEMORY)));
        Known {
            decision: self.decision.as_ref(),
            fresh,
            spacing: self.spacing,
            turn: self.turn.as_ref().map(|(mode, _)| *mode),
            memory: self.memory.is_some(),
            settles_in_ms: since.flatten().map_or(0, |age_ms| SETTLE_MS.saturating_sub(age_ms)),
        }
    }

    fn look<F: CapacityFacts>(&mut self, facts: &F) -> Result<(), F::Error> {
        let alone = self.turn.as_ref().is_some_and(|(mode, _)| *mode == LockMode::Alone);
        let now = clock::mono_ms();
        let (decision, spacing) = self.probe.look(facts, alone)?;
        self.trees = match decision {
            CapacityDecision::Reuse(_) => facts.trees(),
            CapacityDecision::Admit { .. } | CapacityDecision::Wait(_) => ReusableTrees::default(),
        };
        let believed_ms = match decision {
            CapacityDecision::Admit { ample: true, .. } => AMPLE_MS,
            // What the last agent has taken shows at once.
            CapacityDecision::Admit { ample: false, .. } => 0,
            CapacityDecision::Reuse(_) | CapacityDecision::Wait(_) => SHORT_MS,
        };
        self.stale_at_ms = now + believed_ms;
        self.spacing = spacing;
        self.decision = Some(decision);
        Ok(())
    }

    fn touch_if_it_settles(&mut self) {
        self.settles = self.memory.is_some() && self.spacing == StartSpacing::Settled;
        self.touch();
    }

    fn touch(&self) {
        if self.settles {
            // If it cannot be touched, the next agent starts sooner.
            fs::touch(&self.probe.settings.lock_file(MEMORY)).ok();
        }
    }

    /// Our claim can be seen.
    pub fn claimed(&mut self) {
        self.memory = None;
    }

    /// Nothing came of it: others may start.
    pub fn give_up_turn(&mut self) {
        self.turn = None;
        self.memory = None;
    }

    /// The worker does something else than to ask again when a lock is there: others get it.
    pub fn stop_waiting(&mut self) {
        self.turn_waiter.stop();
        self.memory_waiter.stop();
    }

    /// Our tree is made and our agent starts, or nothing came of the attempt: the next one may look.
    pub fn tree_is_made(&mut self) {
        self.touch();
        self.settles = false;
        if self.turn.take().is_some() {
            self.stale_at_ms = 0;
        }
    }

    /// There is nothing to claim, whatever capacity there is.
    pub fn nothing_to_claim(&mut self) {
        self.told.forget();
        self.last = None;
        self.stop_waiting();
    }

    /// How long nothing could be claimed for want of a resource, milliseconds.
    pub fn short_for_ms(&self) -> Option<u64> {
        self.told.short_for_ms(clock::mono_ms())
    }

    /// When to ask again, where nobody calls, milliseconds.
    pub fn ask_again_in_ms(&self) -> Option<u64> {
        match self.last? {
            StartAnswer::Shortage | StartAnswer::OtherTask => Some(SHORT_MS),
            StartAnswer::After(ms) => Some(ms),
            // A call comes; or we have a task.
            StartAnswer::Queued | StartAnswer::Start => None,
        }
    }

    /// What is to be told since this was asked last.
    pub fn news(&mut self) -> Option<CapacityNews> {
        self.news.take()
    }
}

fn take(
    waiter: &mut LockWaiter,
    probe: &CapacityProbe,
    name: &str,
    mode: LockMode,
) -> Option<Held> {
    match waiter.take(&probe.settings.lock_file(name), mode) {
        Ok(lock) => lock.map(|lock| Held { _lock: Some(lock) }),
        Err(_) => Some(Held { _lock: None }),
    }
}

/// A slot is waited for at most so long, milliseconds.
const WAIT_MS: u64 = 10_000;

pub struct StartSlots {
    files: Vec<PathBuf>,
    waiter: LockWaiter,
    until_ms: u64,
}

#[derive(Debug)]
pub enum StartSlot {
    /// Start: it is ours, or it was waited for long enough, or locks do not work here.
    Start(Option<Lock>),
    /// All are taken: ask again when the call comes, at the latest after so many milliseconds.
    Wait(u64),
}

impl StartSlots {
    /// For one start; `granted` is called (from another thread) when the slot that was waited for is there.
    pub fn new(settings: &CapacitySettings, granted: Arc<dyn Fn() + Send + Sync>) -> StartSlots {
        let slots = 0..env::cores().max(1);
        StartSlots {
            files: slots.map(|slot| settings.lock_file(&format!("start.{slot}"))).collect(),
            waiter: LockWaiter::new(granted),
            until_ms: clock::mono_ms() + WAIT_MS,
        }
    }

    pub fn take(&mut self) -> StartSlot {
        let left_ms = self.until_ms.saturating_sub(clock::mono_ms());
        match self.waiter.take_any(&self.files) {
            Ok(None) if left_ms > 0 => StartSlot::Wait(left_ms),
            taken => StartSlot::Start(taken.ok().flatten()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::domain::settings::config::Config;

    #[test]
    fn who_finds_all_slots_taken_is_called_when_one_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let settings = CapacitySettings::of(&Config::built_in(dir.path().to_owned(), &[]));
        let (call, called) = channel();
        let slots = |call: std::sync::mpsc::Sender<()>| {
            StartSlots::new(&settings, Arc::new(move || call.send(()).unwrap()))
        };
        let mut held = Vec::new();
        for _ in 0..env::cores() {
            match slots(call.clone()).take() {
                StartSlot::Start(Some(lock)) => held.push(lock),
                other => panic!("{other:?}"),
            }
        }
        let mut late = slots(call.clone());
        assert!(matches!(late.take(), StartSlot::Wait(_)));
        assert!(called.try_recv().is_err());
        held.clear();
        called.recv().unwrap();
        assert!(matches!(late.take(), StartSlot::Start(Some(_))));
    }
}
