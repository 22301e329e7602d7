//! What the accounts mean for this worker: which accounts' tasks it may claim now, and when it may next.
//!
//! Invariant: a worker that is a probe has claimed a task of that account, or is about to; whatever comes of
//! that attempt, it is one no longer afterwards.

use std::collections::{BTreeSet, HashMap};

use super::Shared;
use super::attempt::live_reporter::LiveReporter;
use crate::agent::{Progress, RateLimit};
use crate::domain::account::breaker::{Breaker, HealthCheck, Permit};
use crate::domain::account::window::Window;
use crate::domain::event::Event;
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::domain::task::name::QueueName;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds;
use crate::queue::Result;
use crate::queue::accounts::Accounts;
use crate::queue::journal::Journal;
use crate::sys::clock;

/// Accounts are looked at so often, milliseconds: well within the second in which a closed one must hold.
pub(super) const ACCOUNTS_MS: u64 = 200;

/// A check of the log-in that takes longer than that holds nobody up any more, milliseconds: nothing bad is
/// known. Longer than claude tries again after a refusal (3 minutes).
const CHECK_MS: u64 = 5 * 60_000;

/// Answers of the running agent are passed on so often, milliseconds.
const ANSWERS_MS: u64 = 60_000;

/// What an account's tasks meet, where it is not simply an open breaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    /// To be tried by one.
    Probe,
    /// One claim now; the next one so much later, milliseconds.
    Slow { every_ms: u64 },
    /// Not now; opens by itself at a time, or when the probe came through.
    Closed { opens: Option<UnixMs> },
}

/// This worker's view of the accounts.
#[derive(Default)]
pub(super) struct AccountAdmission {
    accesses: Vec<(String, Access)>,
    /// Until then the view is believed (monotonic milliseconds).
    stale_at_ms: u64,
    /// The account that we are the probe of.
    probe: Option<String>,
    /// When we last claimed a task of an account (monotonic milliseconds).
    claimed_ms: HashMap<String, u64>,
    /// Others' probes, and since when we see them (monotonic milliseconds).
    others: HashMap<String, (WorkerId, u64)>,
}

impl AccountAdmission {
    /// Looks anew at the next [`AccountAdmission::refresh`]: something happened.
    pub(super) fn invalidate(&mut self) {
        self.stale_at_ms = 0;
    }

    /// Looks at the accounts, unless that was done a moment ago.
    pub(super) fn refresh(&mut self, shared: &Shared, config: &Config) -> Result<()> {
        let now_ms = clock::mono_ms();
        if now_ms < self.stale_at_ms {
            return Ok(());
        }
        let accounts = shared.queue.accounts()?;
        // Of these the absence of a breaker says something.
        let checked = config.profiles.keys().map(|agent| config.account(agent));
        let checked =
            checked.filter(|account| config.health_check(account) == HealthCheck::ProbeFirst);
        let names: BTreeSet<&str> =
            accounts.accounts.iter().map(|(account, _)| account.as_str()).chain(checked).collect();
        self.others.retain(|account, (worker, _)| accounts.probe(account) == Some(worker));
        let accesses = names.into_iter().filter_map(|account| {
            let access = self.access(shared, &accounts, account, config.health_check(account))?;
            Some((account.to_owned(), access))
        });
        self.accesses = accesses.collect();
        self.stale_at_ms = now_ms + ACCOUNTS_MS;
        Ok(())
    }

    fn access(
        &mut self,
        shared: &Shared,
        accounts: &Accounts,
        account: &str,
        health_check: HealthCheck,
    ) -> Option<Access> {
        let (now, now_ms) = (clock::now(), clock::mono_ms());
        let me = shared.registration.id();
        let breaker = accounts.breaker(account);
        match Breaker::permit(breaker, now, me.as_str(), health_check) {
            Permit::Open => None,
            Permit::Closed { until: opens } | Permit::Ramp { from: opens } => {
                Some(Access::Closed { opens: Some(opens) })
            }
            Permit::Slow { every_ms } => {
                let last_ms = self.claimed_ms.get(account);
                let wait_ms = last_ms.map_or(0, |last| (last + every_ms).saturating_sub(now_ms));
                Some(match wait_ms {
                    0 => Access::Slow { every_ms },
                    _ => Access::Closed { opens: Some(now.plus_ms(wait_ms)) },
                })
            }
            Permit::Probe => match accounts.probe(account) {
                Some(worker) if worker != me => {
                    let seen = (worker.clone(), now_ms);
                    let since_ms = self.others.entry(account.to_owned()).or_insert(seen).1;
                    let known_bad = breaker.is_some_and(|breaker| breaker.half_open(now));
                    let patient = known_bad || now_ms - since_ms < CHECK_MS;
                    patient.then_some(Access::Closed { opens: None })
                }
                _ => Some(Access::Probe),
            },
        }
    }

    /// Accounts whose tasks we may not claim now.
    pub(super) fn closed(&self) -> Vec<String> {
        let closed =
            self.accesses.iter().filter(|(_, access)| matches!(access, Access::Closed { .. }));
        closed.map(|(account, _)| account.clone()).collect()
    }

    /// In how many milliseconds one of them opens by itself, if we know of one that will.
    pub(super) fn opens_in_ms(&self) -> Option<u64> {
        let opens = self.accesses.iter().filter_map(|(_, access)| match access {
            Access::Closed { opens } => *opens,
            Access::Probe | Access::Slow { .. } => None,
        });
        opens.min().map(|at| at.since(clock::now()))
    }

    /// Whether we may claim this task. The record is read only where some account's breaker is not open.
    pub(super) fn admits(&mut self, shared: &Shared, config: &Config, name: &QueueName) -> bool {
        if self.accesses.is_empty() {
            return true;
        }
        let named = shared.queue.record(&name.at.id).and_then(|record| record.agent);
        let account = config.account(named.as_deref().unwrap_or(&config.agent));
        if self.probe.as_deref() == Some(account) {
            return true;
        }
        let Some(at) = self.accesses.iter().position(|(closed, _)| closed == account) else {
            return true;
        };
        match self.accesses[at].1 {
            Access::Slow { .. } => true,
            Access::Closed { .. } => false,
            Access::Probe => {
                let ours = self.start_probe(shared, config, account);
                if !ours {
                    // Another one was faster, or it is decided already: see the next look.
                    self.accesses[at].1 = Access::Closed { opens: None };
                }
                ours
            }
        }
    }

    /// What we knew may be old by now: asked again once the name is ours.
    fn start_probe(&mut self, shared: &Shared, config: &Config, account: &str) -> bool {
        self.end_probe(shared);
        let queue = &shared.queue;
        // What cannot be linked now can be linked at the next look.
        if !queue.start_probe(&shared.registration, account).unwrap_or(false) {
            return false;
        }
        self.probe = Some(account.to_owned());
        let breaker = queue.breaker(account);
        let me = shared.registration.id().as_str();
        let health_check = config.health_check(account);
        if Breaker::permit(breaker.as_ref(), clock::now(), me, health_check) == Permit::Probe {
            return true;
        }
        self.end_probe(shared);
        self.invalidate();
        false
    }

    /// The attempt is over, or there was nothing to claim. A name that stays for now goes with us.
    pub(super) fn end_probe(&mut self, shared: &Shared) {
        if let Some(account) = self.probe.take() {
            // The probe ends with this worker.
            drop(shared.queue.end_probe(&shared.registration, &account));
        }
    }

    /// A task of the account is in hand. As probe we are one for that account only.
    pub(super) fn claimed(&mut self, shared: &Shared, account: &str) {
        if self.probe.as_deref().is_some_and(|probe| probe != account) {
            self.end_probe(shared);
        }
        self.claimed_ms.insert(account.to_owned(), clock::mono_ms());
        // The task may be over before the next look.
        if let Some((_, access)) = self.accesses.iter_mut().find(|(slow, _)| slow == account)
            && let Access::Slow { every_ms } = *access
        {
            *access = Access::Closed { opens: Some(clock::now().plus_ms(every_ms)) };
        }
    }
}

/// Notes a breaker that we wrote.
pub(super) fn note_breaker(journal: &Journal, account: &str, breaker: Option<&Breaker>) {
    let Some(breaker) = breaker else { return };
    journal.record(Event::AccountChanged {
        account: account.to_owned(),
        state: breaker.state(clock::now()),
        fault: breaker.fault.clone(),
        until_ms: breaker.until,
    });
}

/// Passes on what a running agent tells of its account.
pub(super) struct ProgressRelay {
    pub(super) shared: Shared,
    pub(super) account: String,
    pub(super) health_check: HealthCheck,
    pub(super) stop_at: u32,
    /// The task, for people.
    pub(super) source: String,
    pub(super) began: UnixMs,
    pub(super) answered_ms: Option<u64>,
    pub(super) reporter: LiveReporter,
}

impl ProgressRelay {
    pub(super) fn pass(&mut self, progress: &Progress) {
        self.reporter.pass(progress);
        match progress {
            Progress::Answered => self.answered(),
            Progress::Limit(limit) => {
                let news = window(limit, &self.source);
                let queue = &self.shared.queue;
                // What cannot be written now shows at the attempt's end, or is told again.
                let told = queue.note_usage_window(&self.account, news, self.stop_at, clock::now());
                note_breaker(&self.shared.journal, &self.account, told.ok().flatten().as_ref());
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
        if self.health_check == HealthCheck::ProbeFirst || queue.breaker(&self.account).is_some() {
            let heard = queue.note_answer(&self.account, self.began, clock::now());
            note_breaker(journal, &self.account, heard.ok().flatten().as_ref());
        }
        if first {
            // The probe ends with the attempt.
            drop(queue.end_probe(registration, &self.account));
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
