//! Rows *gate* and *canary*: `gates/ACCOUNT` says whether an account's tasks may be claimed, and
//! `gates/ACCOUNT.canary` is a link of the worker's file who tries it.
//!
//! A gate is written by rename, and the last writer wins: all of them meant well, and it is advice only. Of
//! the canaries one wins, as of claims; whoever meets that of a worker who is gone removes it.

use super::register::{Registration, is_torn, try_read_card};
use super::runs::{read_json, to_json};
use super::{Dir, Queue, Result};
use crate::domain::account::breaker::{Gate, Window};
use crate::domain::outcome::disposition::Fault;
use crate::domain::task::id::WorkerId;
use crate::domain::time::UnixMs;
use crate::sys::clock;
use crate::sys::fs::{self, Linked};

/// No account's name holds a dot.
const CANARY: &str = ".canary";

/// What lies in `gates/`.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// By account.
    pub gates: Vec<(String, Gate)>,
    /// Who tries, by account.
    pub canaries: Vec<(String, WorkerId)>,
}

impl Gates {
    /// An account's gate, where there is one.
    pub fn gate(&self, account: &str) -> Option<&Gate> {
        self.gates.iter().find(|(name, _)| name == account).map(|(_, gate)| gate)
    }

    /// Who tries an account.
    pub fn canary(&self, account: &str) -> Option<&WorkerId> {
        self.canaries.iter().find(|(name, _)| name == account).map(|(_, worker)| worker)
    }
}

impl Queue {
    /// All gates, and the canaries whose workers live; usually one file, at the price of one listing.
    pub fn gates(&self) -> Result<Gates> {
        let mut found = Gates::default();
        for name in fs::list(&self.dir(Dir::Gates))? {
            let Some(name) = name.to_str() else { continue };
            if let Some(account) = name.strip_suffix(CANARY) {
                let worker = self.canary(account)?;
                found.canaries.extend(worker.map(|worker| (account.to_owned(), worker)));
            } else if let Some(gate) = self.gate(name) {
                found.gates.push((name.to_owned(), gate));
            }
        }
        Ok(found)
    }

    /// The gates that are closed at `now`, by account.
    pub fn closed_gates(&self, now: UnixMs) -> Result<Vec<(String, Gate)>> {
        let gates = self.gates()?.gates;
        Ok(gates.into_iter().filter(|(_, gate)| gate.closed(now)).collect())
    }

    /// An account's gate, where one can be read and believed.
    pub fn gate(&self, account: &str) -> Option<Gate> {
        let written: Gate = read_json(&self.file(Dir::Gates, account))?;
        written.believed(clock::now())
    }

    /// Closes an account's gate after a fault that would meet its other tasks too. This and the next ones
    /// return the gate that was written, where there was a reason to.
    pub fn close_gate(
        &self,
        account: &str,
        fault: Fault,
        detail: &str,
        now: UnixMs,
    ) -> Result<Option<Gate>> {
        self.place_gate(account, Gate::after(self.gate(account).as_ref(), fault, detail, now))
    }

    /// Removes an account's gate: a task of its, begun at `since`, went well. One that began before the gate
    /// was closed says nothing about the trouble.
    pub fn open_gate(&self, account: &str, since: UnixMs) -> Result<()> {
        if self.gate(account).is_some_and(|gate| gate.since < since) {
            fs::unlink(&self.file(Dir::Gates, account))?;
        }
        Ok(())
    }

    /// Notes that the service answered an agent which began at `began`; that may open the gate.
    pub fn gate_heard(&self, account: &str, began: UnixMs, now: UnixMs) -> Result<Option<Gate>> {
        self.place_gate(account, Gate::heard(self.gate(account).as_ref(), began, now))
    }

    /// Notes news of the account's usage; they may close the gate.
    pub fn gate_told(
        &self,
        account: &str,
        news: Window,
        stop_at: u32,
        now: UnixMs,
    ) -> Result<Option<Gate>> {
        self.place_gate(account, Gate::told(self.gate(account).as_ref(), news, stop_at, now))
    }

    fn place_gate(&self, account: &str, gate: Option<Gate>) -> Result<Option<Gate>> {
        if let Some(gate) = &gate {
            let staged = self.staging();
            fs::write(&staged, &to_json(gate))?;
            let _placed = fs::rename(&staged, &self.file(Dir::Gates, account))?;
        }
        Ok(gate)
    }

    /// Tries to become the account's canary. True: we are.
    pub fn become_canary(&self, me: &Registration, account: &str) -> Result<bool> {
        // One that a dead worker left goes here.
        if let Some(worker) = self.canary(account)? {
            return Ok(worker == *me.id());
        }
        let made = fs::link(me.path(), &self.canary_path(account))?;
        Ok(made == Linked::Made || self.is_canary(me, account)?)
    }

    /// Is the canary no longer, if it was.
    pub fn end_canary(&self, me: &Registration, account: &str) -> Result<()> {
        if self.is_canary(me, account)? {
            fs::unlink(&self.canary_path(account))?;
        }
        Ok(())
    }

    /// Removes the canaries of workers that are gone. Returns how many.
    pub(super) fn sweep_canaries(&self) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Gates))? {
            let Some(account) = name.to_str().and_then(|name| name.strip_suffix(CANARY)) else {
                continue;
            };
            let gone = self.canary(account)?.is_none();
            removed += usize::from(gone);
        }
        Ok(removed)
    }

    /// Who tries the account. A name whose worker is not registered any more is removed.
    fn canary(&self, account: &str) -> Result<Option<WorkerId>> {
        let path = self.canary_path(account);
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

    fn is_canary(&self, me: &Registration, account: &str) -> Result<bool> {
        let there = fs::look(&self.canary_path(account))?;
        Ok(there.is_some_and(|meta| me.is_mine(fs::file_id(&meta))))
    }

    fn canary_path(&self, account: &str) -> std::path::PathBuf {
        self.file(Dir::Gates, format!("{account}{CANARY}"))
    }
}
