//! The swarm's bill, as anybody is told it, against the service's own count.

use std::collections::HashMap;

use serde_json::Value;

use super::Night;
use super::ask::ask;
use super::facts::Facts;
use super::service::{Account, accounts};
use crate::queue::Result;
use crate::rehearsal::service::{Answer, Entry, USD_PER_TOKEN};

/// What `coordinator status` says of a task.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    attempts: usize,
    tokens: u64,
    cost_usd: f64,
    estimated: bool,
}

/// Both sides.
pub(super) struct Bill {
    told: HashMap<String, Told>,
    served: HashMap<String, Account>,
}

impl Bill {
    /// Opens them.
    pub(super) fn open(night: &Night<'_>, ledger: &[Entry]) -> Result<Bill> {
        let status = ask(night.bed, &["status", "--all"])?;
        let tasks = status["tasks"].as_array().cloned().unwrap_or_default();
        let told =
            tasks.iter().filter_map(|task| Some((task["id"].as_str()?.to_owned(), told(task))));
        Ok(Bill { told: told.collect(), served: accounts(ledger) })
    }

    /// Figures for people.
    pub(super) fn tell(&self, facts: &Facts) -> Vec<(String, String)> {
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
        let attempts: usize = self.told.values().map(|told| told.attempts).sum();
        let most = self.told.values().map(|told| told.attempts).max().unwrap_or(0);
        vec![
            ("attempts".into(), format!("{attempts}, at most {most} of one task")),
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
            ("answers heard by nobody".into(), self.unheard_text(facts)),
            ("steps paid again".into(), format!("{repeats}, each after a cut")),
        ]
    }

    /// Answers that were paid and are on no bill, by what was to blame.
    fn unheard_text(&self, facts: &Facts) -> String {
        let (mut cut, mut full) = (0, 0);
        for (task, told, account) in self.both() {
            let tokens = account.tokens().saturating_sub(told.tokens);
            *(if facts.cuts.contains_key(task) { &mut cut } else { &mut full }) += tokens;
        }
        match cut + full {
            0 => "none: the bill is the service's own count".into(),
            _ => format!("{cut} tokens as worker or agent was gone, {full} as the disk was full"),
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
    pub(super) fn differ(&self, facts: &Facts) -> Vec<String> {
        let mut wrong = Vec::new();
        for (task, told, account) in self.both() {
            let (served, billed) = (account.tokens(), told.tokens);
            let excused: u64 = account
                .served
                .iter()
                .filter(|entry| facts.may_be_unheard(task, entry.at_ms))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixMs;
    use crate::selftest::night::facts::Span;

    fn bill(attempts: usize, billed: u64, calls: &[(&str, u64)]) -> Bill {
        let entry = |(step, tokens): &(&str, u64)| Entry {
            at_ms: crate::sys::clock::now(),
            task: "t".into(),
            pid: 1,
            step: (*step).into(),
            tokens: *tokens,
            answer: Answer::Served,
        };
        let ledger: Vec<Entry> = calls.iter().map(entry).collect();
        let told = Told { attempts, tokens: billed, cost_usd: cost(billed), estimated: false };
        Bill { told: HashMap::from([("t".into(), told)]), served: accounts(&ledger) }
    }

    #[test]
    fn each_token_is_on_the_bill_unless_nobody_could_hear_of_it() {
        let facts = Facts::default();
        let two = [("a", 5), ("b", 7)];
        assert!(bill(1, 12, &two).differ(&facts).is_empty());
        assert_eq!(bill(1, 7, &two).differ(&facts).len(), 1, "an answer is missing");
        assert_eq!(bill(1, 17, &two).differ(&facts).len(), 1, "an answer counts twice");
        assert_eq!(bill(1, 7, &[]).differ(&facts).len(), 1, "nobody was served");
        let now = crate::sys::clock::now();
        let span = Span { from: UnixMs(0), until: now.plus_ms(9) };
        let full = Facts { full: vec![span], ..Facts::default() };
        assert!(bill(1, 7, &two).differ(&full).is_empty());
        assert_eq!(bill(1, 17, &two).differ(&full).len(), 1, "too much is never excused");
    }

    #[test]
    fn a_step_is_paid_again_only_after_a_cut() {
        assert!(bill(1, 0, &[("a", 5), ("b", 7)]).paid_twice().is_empty());
        assert_eq!(bill(1, 0, &[("a", 5), ("a", 5)]).paid_twice().len(), 1);
        assert!(bill(2, 0, &[("a", 5), ("a", 5)]).paid_twice().is_empty());
        assert_eq!(bill(2, 0, &[("a", 5), ("a", 5), ("a", 5)]).paid_twice().len(), 1);
    }
}
