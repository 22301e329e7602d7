//! The swarm's bill, as anybody is told it, against the service's own count.

use std::collections::HashMap;
use std::ffi::OsStr;

use serde_json::Value;

use super::Night;
use super::service::{Account, accounts};
use crate::agent::demo::service::{Answer, Entry, USD_PER_TOKEN};
use crate::queue::{QueueError, Result};
use crate::sys::{env, spawn};

/// What `coordinator status` says of a task.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    attempts: usize,
    tokens: u64,
    cost_usd: f64,
    estimated: bool,
}

/// Both sides.
pub(super) struct Books {
    told: HashMap<String, Told>,
    served: HashMap<String, Account>,
}

impl Books {
    /// Opens them.
    pub(super) fn open(night: &Night<'_>, ledger: &[Entry]) -> Result<Books> {
        let exe = env::current_exe()?;
        let root = night.ground.repository();
        let args = ["status", "--json", "--all", "--root"].map(OsStr::new);
        let args: Vec<&OsStr> = args.into_iter().chain([root.as_os_str()]).collect();
        let output = spawn::output(exe.as_os_str(), &args, root, &[])?;
        let status: Value = serde_json::from_slice(&output.stdout).map_err(|e| {
            QueueError::from(std::io::Error::other(format!("coordinator status --json: {e}")))
        })?;
        let tasks = status["tasks"].as_array().cloned().unwrap_or_default();
        let told =
            tasks.iter().filter_map(|task| Some((task["id"].as_str()?.to_owned(), told(task))));
        Ok(Books { told: told.collect(), served: accounts(ledger) })
    }

    /// Figures for people.
    pub(super) fn tell(&self) -> Vec<(String, String)> {
        let accounts = || self.served.values();
        let tokens: u64 = accounts().map(Account::tokens).sum();
        let calls: usize = accounts().map(|account| account.served.len()).sum();
        let refused = |which: fn(&Answer) -> bool| {
            accounts().flat_map(|account| &account.refused).filter(|answer| which(answer)).count()
        };
        let limit = refused(|answer| matches!(answer, Answer::Limit { .. }));
        let overload = refused(|answer| *answer == Answer::Overload);
        let auth = refused(|answer| *answer == Answer::Auth);
        let repeats: usize = accounts().map(Account::repeats).sum();
        let told: u64 = self.told.values().map(|told| told.tokens).sum();
        let usd: f64 = self.told.values().map(|told| told.cost_usd).sum();
        let estimated = self.told.values().filter(|told| told.estimated).count();
        vec![
            (
                "the service answered".into(),
                format!("{calls} calls, {tokens} tokens, ${:.4}", cost(tokens)),
            ),
            (
                "it refused".into(),
                format!(
                    "{limit} calls over the limit, {overload} in overloads, {auth} not logged in"
                ),
            ),
            (
                "the swarm's bill".into(),
                format!("{told} tokens, ${usd:.4}, {estimated} tasks partly estimated"),
            ),
            ("answers heard by nobody".into(), self.unheard_text()),
            ("steps paid again".into(), format!("{repeats}, each after a cut")),
        ]
    }

    fn unheard_text(&self) -> String {
        let all: Vec<u64> = self
            .both()
            .map(|(_, told, account)| account.tokens().saturating_sub(told.tokens))
            .collect();
        let tokens: u64 = all.iter().sum();
        let tasks = all.iter().filter(|tokens| **tokens > 0).count();
        match tasks {
            0 => "none: the bill is the service's own count".into(),
            _ => format!("{tokens} tokens of {tasks} tasks, whose worker, agent or disk was gone"),
        }
    }

    fn both(&self) -> impl Iterator<Item = (&String, Told, Account)> {
        let missing = self.served.keys().filter(|task| !self.told.contains_key(*task));
        self.told.keys().chain(missing).map(|task| {
            let told = self.told.get(task).cloned().unwrap_or_default();
            (task, told, self.served.get(task).cloned().unwrap_or_default())
        })
    }

    /// Where they differ without a reason.
    pub(super) fn wrong(&self, night: &Night<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (task, told, account) in self.both() {
            let (served, billed) = (account.tokens(), told.tokens);
            let excused: u64 = account
                .served
                .iter()
                .filter(|entry| night.facts.may_be_unheard(task, entry.at_ms))
                .map(|entry| entry.tokens)
                .sum();
            if billed > served || served - billed > excused {
                wrong
                    .push(format!("{task}: {served} tokens were served, {billed} are on the bill"));
            }
            let due = cost(billed);
            // An estimate counts what was said, too; an account is to the cent and beyond.
            let fair = if told.estimated { 0.01 + due * 0.1 } else { 1e-6 };
            if (told.cost_usd - due).abs() > fair {
                wrong.push(format!(
                    "{task}: ${due:.6} for its tokens, ${:.6} on the bill",
                    told.cost_usd
                ));
            }
        }
        wrong
    }

    /// Steps that were paid more often than their attempts were cut off.
    pub(super) fn paid_twice(&self) -> Vec<String> {
        let all =
            self.both().filter(|(_, told, account)| account.repeats() >= told.attempts.max(1));
        all.map(|(task, told, account)| {
            format!("{task}: {} calls again in {} attempts", account.repeats(), told.attempts)
        })
        .collect()
    }
}

fn told(task: &Value) -> Told {
    Told {
        attempts: task["attempt"].as_u64().unwrap_or(0) as usize,
        tokens: task["input_tokens"].as_u64().unwrap_or(0),
        cost_usd: task["cost_usd"].as_f64().unwrap_or(0.0),
        estimated: task["cost_estimated"] == true,
    }
}

fn cost(tokens: u64) -> f64 {
    tokens as f64 * USD_PER_TOKEN
}
