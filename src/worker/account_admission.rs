//! What the accounts mean for this worker: which accounts' tasks it may claim now, and when it may next.
//!
//! Invariant: a worker that is a probe has claimed a task of that account, or is about to; whatever comes of
//! that attempt, it is one no longer afterwards.

use std::collections::{BTreeSet, HashMap};

use super::shared::Shared;
use crate::domain::account::breaker::{Breaker, HealthCheck, Permit};
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::domain::task::name::QueueName;
use crate::domain::time::UnixMs;
use crate::queue::Result;
use crate::queue::accounts::Accounts;
use crate::sys::clock;

/// Accounts are looked at so often, milliseconds: well within the second in which a closed one must hold.
pub(super) const ACCOUNTS_MS: u64 = 200;

/// A check of the log-in that takes longer than that holds nobody up any more, milliseconds: nothing bad is
/// known. Longer than an agent tries again after a refusal (3 minutes).
const CHECK_MS: u64 = 5 * 60_000;

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

/// What follows from a breaker's permit. `probed_by_another`: the account is being tried, and it is worth waiting for
/// what comes of that.
fn access(
    permit: Permit,
    now: UnixMs,
    claimed_ms_ago: Option<u64>,
    probed_by_another: bool,
) -> Option<Access> {
    Some(match permit {
        Permit::Open => return None,
        Permit::Closed { until: opens } | Permit::Ramp { from: opens } => {
            Access::Closed { opens: Some(opens) }
        }
        Permit::Slow { every_ms } => {
            match claimed_ms_ago.map_or(0, |ago| every_ms.saturating_sub(ago)) {
                0 => Access::Slow { every_ms },
                wait_ms => Access::Closed { opens: Some(now.plus_ms(wait_ms)) },
            }
        }
        Permit::Probe if probed_by_another => Access::Closed { opens: None },
        Permit::Probe => Access::Probe,
    })
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
        let permit = Breaker::permit(breaker, now, me.as_str(), health_check);
        let claimed_ms_ago = self.claimed_ms.get(account).map(|at| now_ms.saturating_sub(*at));
        let other = accounts.probe(account).filter(|worker| *worker != me);
        let probed_by_another = permit == Permit::Probe
            && other.is_some_and(|worker| {
                let seen = (worker.clone(), now_ms);
                let since_ms = self.others.entry(account.to_owned()).or_insert(seen).1;
                let known_bad = breaker.is_some_and(|breaker| breaker.half_open(now));
                known_bad || now_ms - since_ms < CHECK_MS
            });
        access(permit, now, claimed_ms_ago, probed_by_another)
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

    /// Whether we may claim this task. The record is read only where some account is not open.
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
            // A name that stays is removed with this worker.
            shared.queue.end_probe(&shared.registration, &account).ok();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_account_lets_pass_follows_from_its_permit() {
        let now = UnixMs(1_000_000);
        let closed = |opens: Option<u64>| Some(Access::Closed { opens: opens.map(UnixMs) });
        let slow = Permit::Slow { every_ms: 500 };
        let until = UnixMs(2_000_000);
        for (permit, claimed_ms_ago, probed_by_another, access_now, case) in [
            (Permit::Open, None, false, None, "nothing to mind"),
            (Permit::Closed { until }, None, false, closed(Some(2_000_000)), "opens by itself"),
            (Permit::Ramp { from: until }, None, false, closed(Some(2_000_000)), "our turn"),
            (slow, None, false, Some(Access::Slow { every_ms: 500 }), "the first one"),
            (slow, Some(500), false, Some(Access::Slow { every_ms: 500 }), "long enough ago"),
            (slow, Some(200), false, closed(Some(1_000_300)), "too soon"),
            (Permit::Probe, None, false, Some(Access::Probe), "somebody has to try"),
            (Permit::Probe, None, true, closed(None), "another one tries"),
            (Permit::Open, None, true, None, "what another one tries is open already"),
        ] {
            let told = access(permit, now, claimed_ms_ago, probed_by_another);
            assert_eq!(told, access_now, "{case}");
        }
    }

    #[test]
    fn a_worker_waits_for_the_first_account_that_opens_by_itself() {
        let with = |accesses: Vec<(&str, Access)>| AccountAdmission {
            accesses: accesses.into_iter().map(|(name, access)| (name.into(), access)).collect(),
            ..AccountAdmission::default()
        };
        let far = UnixMs(u64::MAX / 2);
        let closed = |opens| Access::Closed { opens };
        let past = UnixMs(1);
        assert_eq!(with(vec![]).opens_in_ms(), None);
        assert_eq!(with(vec![("a", Access::Probe), ("b", closed(None))]).opens_in_ms(), None);
        let both = with(vec![("a", closed(Some(far))), ("b", closed(Some(past)))]);
        assert_eq!(both.opens_in_ms(), Some(0));
        assert_eq!(both.closed(), ["a", "b"]);
    }
}
