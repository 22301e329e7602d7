//! Rows *breaker* and *probe*: `accounts/ACCOUNT` says whether an account's tasks may be claimed, and
//! `accounts/ACCOUNT.probe` is a link of the worker's file who tries it.
//!
//! A breaker is written by rename, and the last writer wins: all of them meant well, and it is advice only. Of
//! the probes one wins, as of claims; whoever meets that of a worker who is gone removes it.

use super::register::{Registration, is_torn, try_read_card};
use super::runs::{read_json, to_json};
use super::{Queue, Result};
use crate::domain::account::breaker::Breaker;
use crate::domain::account::window::Window;
use crate::domain::failure::fault::Fault;
use crate::domain::task::id::WorkerId;
use crate::domain::time::UnixMs;
use crate::site::Dir;
use crate::sys::clock;
use crate::sys::fs::{self, Linked};

/// No account's name holds a dot.
const PROBE: &str = ".probe";

#[derive(Clone, Debug, Default)]
pub struct Accounts {
    pub accounts: Vec<(String, Breaker)>,
    /// Who tries, by account.
    pub probes: Vec<(String, WorkerId)>,
}

impl Accounts {
    pub fn breaker(&self, account: &str) -> Option<&Breaker> {
        self.accounts.iter().find(|(name, _)| name == account).map(|(_, breaker)| breaker)
    }

    pub fn probe(&self, account: &str) -> Option<&WorkerId> {
        self.probes.iter().find(|(name, _)| name == account).map(|(_, worker)| worker)
    }
}

impl Queue {
    /// All accounts, and the probes whose workers live; usually one file, at the price of one listing.
    pub fn accounts(&self) -> Result<Accounts> {
        let mut found = Accounts::default();
        for name in fs::list(&self.dir(Dir::Accounts))? {
            let Some(name) = name.to_str() else { continue };
            if let Some(account) = name.strip_suffix(PROBE) {
                let worker = self.probe(account)?;
                found.probes.extend(worker.map(|worker| (account.to_owned(), worker)));
            } else if let Some(breaker) = self.breaker(name) {
                found.accounts.push((name.to_owned(), breaker));
            }
        }
        Ok(found)
    }

    /// The accounts that are closed at `now`, by account.
    pub fn closed_accounts(&self, now: UnixMs) -> Result<Vec<(String, Breaker)>> {
        let accounts = self.accounts()?.accounts;
        Ok(accounts.into_iter().filter(|(_, breaker)| breaker.tripped(now)).collect())
    }

    /// An account's breaker, where one can be read and believed.
    pub fn breaker(&self, account: &str) -> Option<Breaker> {
        let written: Breaker = read_json(&self.file(Dir::Accounts, account))?;
        written.believed(clock::now())
    }

    /// Trips an account's breaker after a fault that would meet its other tasks too. This and the next ones
    /// return the breaker that was written, where there was a reason to.
    pub fn trip_breaker(
        &self,
        account: &str,
        fault: Fault,
        detail: &str,
        now: UnixMs,
    ) -> Result<Option<Breaker>> {
        self.write_breaker(
            account,
            Breaker::after_fault(self.breaker(account).as_ref(), fault, detail, now),
        )
    }

    /// Removes an account's breaker, whatever it knows.
    pub fn forget_breaker(&self, account: &str) -> Result<()> {
        fs::unlink(&self.file(Dir::Accounts, account))?;
        Ok(())
    }

    /// Removes an account's breaker: a task of its, begun at `since`, went well. One that began before the breaker
    /// was closed says nothing about the trouble.
    pub fn reset_breaker(&self, account: &str, since: UnixMs) -> Result<()> {
        if self.breaker(account).is_some_and(|breaker| breaker.since < since) {
            fs::unlink(&self.file(Dir::Accounts, account))?;
        }
        Ok(())
    }

    /// Notes that the service answered an agent which began at `began`; that may open the breaker.
    pub fn note_answer(
        &self,
        account: &str,
        began: UnixMs,
        now: UnixMs,
    ) -> Result<Option<Breaker>> {
        self.write_breaker(
            account,
            Breaker::after_answer(self.breaker(account).as_ref(), began, now),
        )
    }

    /// Notes news of the account's usage; they may close the breaker.
    pub fn note_usage_window(
        &self,
        account: &str,
        news: Window,
        stop_at: u32,
        now: UnixMs,
    ) -> Result<Option<Breaker>> {
        self.write_breaker(
            account,
            Breaker::after_usage_window(self.breaker(account).as_ref(), news, stop_at, now),
        )
    }

    fn write_breaker(&self, account: &str, breaker: Option<Breaker>) -> Result<Option<Breaker>> {
        if let Some(breaker) = &breaker {
            let staged = self.staging();
            fs::write(&staged, &to_json(breaker))?;
            // Nobody else moves the staged file, so this rename loses no race.
            let _ = fs::rename(&staged, &self.file(Dir::Accounts, account))?;
        }
        Ok(breaker)
    }

    /// Tries to become the account's probe. True: we are.
    pub fn start_probe(&self, me: &Registration, account: &str) -> Result<bool> {
        // One that a dead worker left goes here.
        if let Some(worker) = self.probe(account)? {
            return Ok(worker == *me.id());
        }
        let made = fs::link(me.path(), &self.probe_path(account))?;
        Ok(made == Linked::Made || self.is_probe(me, account)?)
    }

    /// Is the probe no longer, if it was.
    pub fn end_probe(&self, me: &Registration, account: &str) -> Result<()> {
        if self.is_probe(me, account)? {
            fs::unlink(&self.probe_path(account))?;
        }
        Ok(())
    }

    /// Removes the probes of workers that are gone. Returns how many.
    pub(super) fn sweep_probes(&self) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Accounts))? {
            let Some(account) = name.to_str().and_then(|name| name.strip_suffix(PROBE)) else {
                continue;
            };
            let gone = self.probe(account)?.is_none();
            removed += usize::from(gone);
        }
        Ok(removed)
    }

    /// Who tries the account. A name whose worker is not registered any more is removed.
    fn probe(&self, account: &str) -> Result<Option<WorkerId>> {
        let path = self.probe_path(account);
        match try_read_card(&path)? {
            Some((card, _)) if fs::exists(&self.file(Dir::Workers, &card.id)) => {
                return Ok(Some(card.id));
            }
            Some(_) => {
                fs::unlink(&path)?;
            }
            None if is_torn(&path) => {
                fs::unlink(&path)?;
            }
            None => {}
        }
        Ok(None)
    }

    fn is_probe(&self, me: &Registration, account: &str) -> Result<bool> {
        let there = fs::look(&self.probe_path(account))?;
        Ok(there.is_some_and(|meta| me.is_mine(fs::file_id(&meta))))
    }

    fn probe_path(&self, account: &str) -> std::path::PathBuf {
        self.file(Dir::Accounts, format!("{account}{PROBE}"))
    }
}
