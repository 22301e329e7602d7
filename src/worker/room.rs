//! Whether there is room for this worker to claim: looked at before each claim, said once.
//!
//! Invariant: where a disk has not room for a tree of every worker at once, claims of this machine come one at a
//! time, each after all trees before it are made. A lock sees to that, which those share who need not care. Where it
//! is memory that does not suffice for all, another one sees to it that each sees the claims before his.

use std::path::{Path, PathBuf};

use super::{Log, Shared};
use crate::domain::capacity::admission::{Short, Spacing, Verdict};
use crate::domain::event::Event;
use crate::domain::settings::config::Config;
use crate::domain::task::name::QueueName;
use crate::housekeeping::room::{Surveyor, homes};
use crate::queue::Result;
use crate::site::Site;
use crate::sys::lock::Lock;
use crate::sys::{self, clock, fs};
use crate::worktree::room::Homes;

/// A look is believed for so long, milliseconds: one that found ample room, and one that found none.
const ROOM_MS: u64 = 200;
pub(super) const NO_ROOM_MS: u64 = 1_000;
/// An agent has taken most of its memory after so long, milliseconds.
const SETTLE_MS: u64 = 3_000;
/// The lock of those who come one at a time, for trees and for memory; the second is touched by those who settle.
const ADMIT: &str = "admit";
const MEMORY: &str = "memory";
/// Whoever holds the second needs it for less than a millisecond: it is waited for so long, in such steps.
const MEMORY_WAIT_MS: u64 = 100;
const MEMORY_STEP_MS: u64 = 2;

/// Whether a task may be claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pass {
    Yes,
    /// Another one perhaps.
    NotThis,
    /// None now.
    No,
}

/// This worker's view of the room that there is.
#[derive(Default)]
pub(super) struct Room {
    surveyor: Surveyor,
    verdict: Option<Verdict>,
    homes: Homes,
    /// Until then the verdict is believed (monotonic milliseconds).
    stale_at_ms: u64,
    /// What kept the last look from a claim, and since when (monotonic milliseconds).
    waits: Option<(Short, u64)>,
    /// The last look let nothing pass, be it for want of a turn.
    refused: bool,
    /// Held from the look until our tree is made.
    turn: Option<(Turn, Lock)>,
    /// Held from the look until our claim can be seen.
    memory: Option<Lock>,
    /// Others wait until our agent has taken its memory.
    settles: bool,
}

/// How a claim is made where room is scarce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// There is room for all: nobody comes alone meanwhile.
    Beside,
    /// There is not: nobody else comes until our tree is made.
    Alone,
}

impl Room {
    /// Looks anew at the next claim.
    pub(super) fn invalidate(&mut self) {
        self.stale_at_ms = 0;
    }

    /// Whether there is room for this task.
    pub(super) fn admits(
        &mut self,
        shared: &Shared,
        config: &Config,
        log: &Log,
        name: &QueueName,
    ) -> Result<Pass> {
        self.memory = None;
        // The share that the last claim needed is taken before the look, so that one look is enough.
        if self.turn_wanted() != Some(Turn::Beside) {
            self.refresh(shared, config)?;
        }
        let pass = match self.turn_wanted() {
            None => self.judge(name),
            Some(wanted) if self.take_turn(config, wanted) => {
                // What was seen before it was our turn is old by now.
                self.invalidate();
                self.refresh(shared, config)?;
                let more = self.turn_wanted() == Some(Turn::Alone) && wanted == Turn::Beside;
                if more { Pass::No } else { self.judge(name) }
            }
            Some(_) => Pass::No,
        };
        let pass = match pass {
            Pass::Yes => self.take_memory_turn(shared, config, name)?,
            other => other,
        };
        if pass != Pass::Yes {
            self.turn = None;
        }
        self.refused = pass == Pass::No;
        self.say(shared, log, pass);
        Ok(pass)
    }

    fn judge(&self, name: &QueueName) -> Pass {
        match &self.verdict {
            Some(Verdict::Admit { .. }) => Pass::Yes,
            Some(Verdict::Reuse(_)) => {
                let home = self.homes.free || self.homes.tasks.contains(name.at.id.as_str());
                if home { Pass::Yes } else { Pass::NotThis }
            }
            Some(Verdict::Wait(_)) | None => Pass::No,
        }
    }

    fn refresh(&mut self, shared: &Shared, config: &Config) -> Result<()> {
        let now = clock::mono_ms();
        if now < self.stale_at_ms {
            return Ok(());
        }
        let alone = self.turn.as_ref().is_some_and(|(turn, _)| *turn == Turn::Alone);
        let verdict = self.surveyor.look(&shared.queue, config, alone)?;
        self.homes = match verdict {
            Verdict::Reuse(_) => homes(config),
            Verdict::Admit { .. } | Verdict::Wait(_) => Homes::default(),
        };
        let believed_ms = match verdict {
            Verdict::Admit { ample: true, .. } => ROOM_MS,
            // What the last agent has taken shows at once.
            Verdict::Admit { ample: false, .. } => 0,
            Verdict::Reuse(_) | Verdict::Wait(_) => NO_ROOM_MS,
        };
        self.stale_at_ms = now + believed_ms;
        self.verdict = Some(verdict);
        Ok(())
    }

    /// How a claim has to be made under the present verdict.
    fn turn_wanted(&self) -> Option<Turn> {
        match &self.verdict {
            Some(Verdict::Admit { alone: Some(_), .. } | Verdict::Reuse(_)) => Some(Turn::Alone),
            Some(Verdict::Admit { alone: None, ample: false }) => Some(Turn::Beside),
            Some(Verdict::Admit { alone: None, ample: true } | Verdict::Wait(_)) | None => None,
        }
    }

    /// Becomes (one of) those who come. False: another one comes alone.
    fn take_turn(&mut self, config: &Config, wanted: Turn) -> bool {
        self.turn = None;
        let path = lock_file(config, ADMIT);
        let _seen_by_the_lock = path.parent().map(fs::mkdirs);
        let taken = match wanted {
            Turn::Alone => Lock::try_take(&path),
            Turn::Beside => Lock::try_share(&path),
        };
        // Without locks nobody could come at all.
        let Ok(lock) = taken else { return true };
        self.turn = lock.map(|lock| (wanted, lock));
        self.turn.is_some()
    }

    /// Where there is not memory for all, looks once more when nobody else claims meanwhile.
    fn take_memory_turn(
        &mut self,
        shared: &Shared,
        config: &Config,
        name: &QueueName,
    ) -> Result<Pass> {
        self.settles = false;
        if self.surveyor.spacing() == Spacing::Any {
            return Ok(Pass::Yes);
        }
        let path = lock_file(config, MEMORY);
        let _seen_by_the_lock = path.parent().map(fs::mkdirs);
        // Without locks nobody could come at all.
        let Ok(lock) = soon(&path) else { return Ok(Pass::Yes) };
        let Some(lock) = lock else { return Ok(Pass::No) };
        self.invalidate();
        self.refresh(shared, config)?;
        let pass = self.judge(name);
        self.settles = self.surveyor.spacing() == Spacing::Settled;
        if self.settles && age_ms(&path).is_some_and(|age| age < SETTLE_MS) {
            return Ok(Pass::No);
        }
        if pass == Pass::Yes {
            self.touch_if_it_settles(config);
            self.memory = Some(lock);
        }
        Ok(pass)
    }

    fn touch_if_it_settles(&self, config: &Config) {
        if self.settles {
            let _settles_sooner = fs::touch(&lock_file(config, MEMORY));
        }
    }

    /// Our claim can be seen.
    pub(super) fn claimed(&mut self) {
        self.memory = None;
    }

    /// Nothing came of it: others may come.
    pub(super) fn give_up_turn(&mut self) {
        self.turn = None;
        self.memory = None;
    }

    /// Our tree is made, our agent starts: the next one may look.
    pub(super) fn taken(&mut self, config: &Config) {
        self.touch_if_it_settles(config);
        self.settles = false;
        if self.turn.take().is_some() {
            self.invalidate();
        }
    }

    /// There is nothing to claim, whatever room there is.
    pub(super) fn nothing_to_claim(&mut self) {
        self.waits = None;
        self.refused = false;
    }

    /// Since when nothing could be claimed for want of room, milliseconds ago.
    pub(super) fn waited_ms(&self) -> Option<u64> {
        self.waits.as_ref().map(|(_, since)| clock::mono_ms().saturating_sub(*since))
    }

    /// When to look again, where room is waited for (or a turn), milliseconds.
    pub(super) fn again_in_ms(&self) -> Option<u64> {
        match (&self.waits, &self.verdict) {
            (Some(_), _) => Some(NO_ROOM_MS),
            (None, Some(Verdict::Admit { .. })) if self.refused => Some(ROOM_MS),
            _ => None,
        }
    }

    /// Says once that it waits, and once that it goes on.
    fn say(&mut self, shared: &Shared, log: &Log, pass: Pass) {
        let short = match (&self.verdict, pass) {
            (Some(Verdict::Wait(short) | Verdict::Reuse(short)), Pass::No | Pass::NotThis) => short,
            (_, Pass::Yes) => {
                if self.waits.take().is_some() {
                    (log)("there is room again: going on");
                    shared.journal.record(Event::CapacityRestored);
                }
                return;
            }
            _ => return,
        };
        let same = |known: &Short| (known.what, &known.place) == (short.what, &short.place);
        match &mut self.waits {
            Some((known, _)) if same(known) => *known = short.clone(),
            other => {
                (log)(&format!("paused: {short}"));
                let Short { what, place, have, need, .. } = short.clone();
                shared.journal.record(Event::CapacityShort { what, place, have, need });
                let since = other.as_ref().map_or_else(clock::mono_ms, |(_, since)| *since);
                *other = Some((short.clone(), since));
            }
        }
    }
}

/// The lock that others hold for a moment only; `None`: somebody does not let go of it.
fn soon(path: &Path) -> sys::fs::Result<Option<Lock>> {
    let deadline = clock::mono_ms() + MEMORY_WAIT_MS;
    loop {
        let lock = Lock::try_take(path)?;
        if lock.is_some() || clock::mono_ms() >= deadline {
            return Ok(lock);
        }
        clock::pause_ms(MEMORY_STEP_MS);
    }
}

/// A lock file of this machine's workers.
pub(super) fn lock_file(config: &Config, name: &str) -> PathBuf {
    Site::at(&config.root).locks().join(name)
}

/// How long ago a file was touched; `None` where it was not yet, or in what the clock calls the future.
pub(super) fn age_ms(path: &Path) -> Option<u64> {
    let meta = fs::look(path).ok()??;
    let touched_ms = u64::try_from(fs::mtime_ns(&meta) / 1_000_000).ok()?;
    clock::now().0.checked_sub(touched_ms)
}
