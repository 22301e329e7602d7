//! What the gates mean for this worker: which accounts' tasks it may claim now, and when it may next.
//!
//! Invariant: a worker that is a canary has claimed a task of that account, or is about to; whatever comes of
//! that attempt, it is one no longer afterwards.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use super::Shared;
use super::live::Herald;
use crate::agent::{Progress, RateLimit};
use crate::domain::account::breaker::{Gate, Manner, Passage, Window};
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::domain::task::name::QueueName;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds;
use crate::queue::Result;
use crate::queue::gates::Gates;
use crate::queue::journal::Journal;
use crate::sys::clock;

/// Gates are looked at so often, milliseconds: well within the second in which a closed one must hold.
pub(super) const GATES_MS: u64 = 200;

/// A check of the log-in that takes longer than that holds nobody up any more, milliseconds: nothing bad is
/// known. Longer than claude tries again after a refusal (3 minutes).
const CHECK_MS: u64 = 5 * 60_000;

/// Answers of the running agent are passed on so often, milliseconds.
const ANSWERS_MS: u64 = 60_000;

/// What an account's tasks meet, where it is not simply an open gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// To be tried by one.
    Canary,
    /// One claim now; the next one so much later, milliseconds.
    Slow { every_ms: u64 },
    /// Not now; opens by itself at a time, or when the canary came through.
    Shut { opens: Option<UnixMs> },
}

/// This worker's view of the gates.
#[derive(Default)]
pub(super) struct Doors {
    ways: Vec<(String, Way)>,
    /// Until then the view is believed (monotonic milliseconds).
    stale_at_ms: u64,
    /// The account that we are the canary of.
    canary: Option<String>,
    /// When we last claimed a task of an account (monotonic milliseconds).
    claimed_ms: HashMap<String, u64>,
    /// Others' canaries, and since when we see them (monotonic milliseconds).
    others: HashMap<String, (WorkerId, u64)>,
}

impl Doors {
    /// Looks anew at the next [`Doors::refresh`]: something happened.
    pub(super) fn invalidate(&mut self) {
        self.stale_at_ms = 0;
    }

    /// Looks at the gates, unless that was done a moment ago.
    pub(super) fn refresh(&mut self, shared: &Shared, config: &Config) -> Result<()> {
        let now_ms = clock::mono_ms();
        if now_ms < self.stale_at_ms {
            return Ok(());
        }
        let gates = shared.queue.gates()?;
        // Of these the absence of a gate says something.
        let checked = config.profiles.keys().map(|agent| config.account(agent));
        let checked = checked.filter(|account| config.manner(account) == Manner::Checked);
        let accounts: BTreeSet<&str> =
            gates.gates.iter().map(|(account, _)| account.as_str()).chain(checked).collect();
        self.others.retain(|account, (worker, _)| gates.canary(account) == Some(worker));
        let ways = accounts.into_iter().filter_map(|account| {
            let way = self.way(shared, &gates, account, config.manner(account))?;
            Some((account.to_owned(), way))
        });
        self.ways = ways.collect();
        self.stale_at_ms = now_ms + GATES_MS;
        Ok(())
    }

    fn way(
        &mut self,
        shared: &Shared,
        gates: &Gates,
        account: &str,
        manner: Manner,
    ) -> Option<Way> {
        let (now, now_ms) = (clock::now(), clock::mono_ms());
        let me = shared.registration.id();
        let gate = gates.gate(account);
        match Gate::passage(gate, now, me.as_str(), manner) {
            Passage::Open => None,
            Passage::Closed { until: opens } | Passage::Ramp { from: opens } => {
                Some(Way::Shut { opens: Some(opens) })
            }
            Passage::Slow { every_ms } => {
                let last_ms = self.claimed_ms.get(account);
                let wait_ms = last_ms.map_or(0, |last| (last + every_ms).saturating_sub(now_ms));
                Some(match wait_ms {
                    0 => Way::Slow { every_ms },
                    _ => Way::Shut { opens: Some(now.plus_ms(wait_ms)) },
                })
            }
            Passage::Canary => match gates.canary(account) {
                Some(worker) if worker != me => {
                    let seen = (worker.clone(), now_ms);
                    let since_ms = self.others.entry(account.to_owned()).or_insert(seen).1;
                    let known_bad = gate.is_some_and(|gate| gate.half_open(now));
                    let patient = known_bad || now_ms - since_ms < CHECK_MS;
                    patient.then_some(Way::Shut { opens: None })
                }
                _ => Some(Way::Canary),
            },
        }
    }

    /// Accounts whose tasks we may not claim now.
    pub(super) fn shut(&self) -> Vec<String> {
        let shut = self.ways.iter().filter(|(_, way)| matches!(way, Way::Shut { .. }));
        shut.map(|(account, _)| account.clone()).collect()
    }

    /// In how many milliseconds one of them opens by itself, if we know of one that will.
    pub(super) fn opens_in_ms(&self) -> Option<u64> {
        let opens = self.ways.iter().filter_map(|(_, way)| match way {
            Way::Shut { opens } => *opens,
            Way::Canary | Way::Slow { .. } => None,
        });
        opens.min().map(|at| at.since(clock::now()))
    }

    /// Whether we may claim this task. The record is read only where some account's gate is not open.
    pub(super) fn admits(&mut self, shared: &Shared, config: &Config, name: &QueueName) -> bool {
        if self.ways.is_empty() {
            return true;
        }
        let named = shared.queue.record(&name.at.id).and_then(|record| record.agent);
        let account = config.account(named.as_deref().unwrap_or(&config.agent));
        if self.canary.as_deref() == Some(account) {
            return true;
        }
        let Some(at) = self.ways.iter().position(|(shut, _)| shut == account) else { return true };
        match self.ways[at].1 {
            Way::Slow { .. } => true,
            Way::Shut { .. } => false,
            Way::Canary => {
                let ours = self.become_canary(shared, config, account);
                if !ours {
                    // Another one was faster, or it is decided already: see the next look.
                    self.ways[at].1 = Way::Shut { opens: None };
                }
                ours
            }
        }
    }

    /// What we knew may be old by now: asked again once the name is ours.
    fn become_canary(&mut self, shared: &Shared, config: &Config, account: &str) -> bool {
        self.end_canary(shared);
        let queue = &shared.queue;
        // What cannot be linked now can be linked at the next look.
        if !queue.become_canary(&shared.registration, account).unwrap_or(false) {
            return false;
        }
        self.canary = Some(account.to_owned());
        let gate = queue.gate(account);
        let me = shared.registration.id().as_str();
        let manner = config.manner(account);
        if Gate::passage(gate.as_ref(), clock::now(), me, manner) == Passage::Canary {
            return true;
        }
        self.end_canary(shared);
        self.invalidate();
        false
    }

    /// The attempt is over, or there was nothing to claim. A name that stays for now goes with us.
    pub(super) fn end_canary(&mut self, shared: &Shared) {
        if let Some(account) = self.canary.take() {
            let _goes_with_us = shared.queue.end_canary(&shared.registration, &account);
        }
    }

    /// A task of the account is in hand. As canary we are one for that account only.
    pub(super) fn claimed(&mut self, shared: &Shared, account: &str) {
        if self.canary.as_deref().is_some_and(|canary| canary != account) {
            self.end_canary(shared);
        }
        self.claimed_ms.insert(account.to_owned(), clock::mono_ms());
        // The task may be over before the next look.
        if let Some((_, way)) = self.ways.iter_mut().find(|(slow, _)| slow == account)
            && let Way::Slow { every_ms } = *way
        {
            *way = Way::Shut { opens: Some(clock::now().plus_ms(every_ms)) };
        }
    }
}

/// Notes a gate that we wrote.
pub(super) fn note_gate(journal: &Journal, account: &str, gate: Option<&Gate>) {
    let Some(gate) = gate else { return };
    let state = gate.state(clock::now()).unwrap_or("open");
    let more =
        json!({ "account": account, "state": state, "fault": gate.fault, "until_ms": gate.until });
    journal.note("gate", None, more);
}

/// Passes on what a running agent tells of its account.
pub(super) struct Messenger {
    pub(super) shared: Shared,
    pub(super) account: String,
    pub(super) manner: Manner,
    pub(super) stop_at: u32,
    /// The task, for people.
    pub(super) source: String,
    pub(super) began: UnixMs,
    pub(super) answered_ms: Option<u64>,
    pub(super) herald: Herald,
}

impl Messenger {
    pub(super) fn pass(&mut self, progress: &Progress) {
        self.herald.pass(progress);
        match progress {
            Progress::Answered => self.answered(),
            Progress::Limit(limit) => {
                let news = window(limit, &self.source);
                let queue = &self.shared.queue;
                // What cannot be written now shows at the attempt's end, or is told again.
                let told = queue.gate_told(&self.account, news, self.stop_at, clock::now());
                note_gate(&self.shared.journal, &self.account, told.ok().flatten().as_ref());
            }
            Progress::Started { .. }
            | Progress::Doing(_)
            | Progress::Alive
            | Progress::Stopping
            | Progress::Live(_) => {}
        }
    }

    fn answered(&mut self) {
        let now_ms = clock::mono_ms();
        if self.answered_ms.is_some_and(|last| now_ms - last < ANSWERS_MS) {
            return;
        }
        let first = self.answered_ms.replace(now_ms).is_none();
        let Shared { queue, registration, journal, .. } = &self.shared;
        if self.manner == Manner::Checked || queue.gate(&self.account).is_some() {
            let heard = queue.gate_heard(&self.account, self.began, clock::now());
            note_gate(journal, &self.account, heard.ok().flatten().as_ref());
        }
        if first {
            let _ends_with_the_attempt = queue.end_canary(registration, &self.account);
        }
    }
}

fn window(limit: &RateLimit, source: &str) -> Window {
    let now = clock::now();
    // Beyond its window an account goes on for money: that is no refusal.
    let status = if limit.overage { "allowed" } else { &limit.status };
    Window {
        kind: limit.kind.clone(),
        utilization: limit.utilization.filter(|_| !limit.overage),
        resets_at: time_bounds::reset(limit.kind.as_deref(), limit.resets_at_secs, now)
            .map(UnixMs::from_secs),
        status: status.to_owned(),
        seen_at: now,
        source: source.to_owned(),
    }
}
