//! The classes of failure, and the policy of each: what it costs the task, when it is tried again, what the queue does.
//!
//! One table, [`Fault::policy`]; verdicts and accounts follow from it, and `docs/failures.md` shows it. Pure.
//! Invariant: what costs the task something never waits by itself, and what waits by itself costs nothing.

use serde::{Deserialize, Serialize};

use crate::domain::failure::fault::Fault;
use crate::domain::task::reason::Wait;

/// Who or what has to change before another try can go better.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The task, or the agent's work on it.
    Task,
    /// The account's usage limit: time.
    Limit,
    /// The service: a short time.
    Overload,
    /// The log-in or the key: a person.
    Auth,
    /// The account's credit: a person.
    Spend,
    /// The task needs a tool that it may not use: a person.
    Permission,
    /// The agent's program, or swarmdir itself.
    Harness,
    /// This computer: disk, repository, processes.
    Machine,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 8] = [
        Class::Task,
        Class::Limit,
        Class::Overload,
        Class::Auth,
        Class::Spend,
        Class::Permission,
        Class::Harness,
        Class::Machine,
    ];

    /// The word in records and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Class::Task => "task",
            Class::Limit => "limit",
            Class::Overload => "overload",
            Class::Auth => "auth",
            Class::Spend => "spend",
            Class::Permission => "permission",
            Class::Harness => "harness",
            Class::Machine => "machine",
        }
    }

    /// What it is, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Class::Task => "the task itself failed",
            Class::Limit => "the account's usage limit",
            Class::Overload => "the service is overloaded or cannot be reached",
            Class::Auth => "not logged in, or the key is refused",
            Class::Spend => "the account has no credit left",
            Class::Permission => "it needs tools that it may not use",
            Class::Harness => "the agent's program or swarmdir, not the task",
            Class::Machine => "this machine, not the task",
        }
    }

    /// The class of an outcome's word, also of `lost`: its worker died. A success has none.
    pub fn of_outcome(word: &str) -> Option<Class> {
        if word == "lost" {
            return Some(Class::Harness);
        }
        Fault::ALL.iter().find(|fault| fault.word() == word).map(|fault| fault.policy().class)
    }
}

/// What follows from a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Its class.
    pub class: Class,
    /// When it is tried again, and what that costs.
    pub again: Again,
    /// All tasks of the account wait, not this one alone: they would meet it too.
    pub breaker: bool,
}

/// When a task is tried again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Again {
    /// It counts; after a back-off, while attempts are left.
    WhileAttemptsLast,
    /// It counts, and not by itself: another try would end the same.
    ByAPerson,
    /// It does not count; by itself, in `blocked/` until then.
    Waits(Wait, Until),
}

/// How long a wait is that ends by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// The next start of somebody who works.
    NextStart,
    /// So long, milliseconds.
    After(u64),
    /// So long at first, and longer each time in a row.
    BackOff(u64),
    /// The reset that the service named, else so long.
    ResetOr(u64),
}

impl Policy {
    /// The attempt counts against the task.
    pub fn charged(&self) -> bool {
        !matches!(self.again, Again::Waits(..))
    }
}

/// Waits that end by themselves, milliseconds; the reset of a usage limit comes from the service.
pub mod waits {
    /// A usage limit without a reset time.
    pub const LIMIT_MS: u64 = 15 * 60_000;
    /// First back-off of an overload; doubles with each failure in a row (see `domain::account::breaker`).
    pub const OVERLOAD_MS: u64 = 30_000;
    /// Log-in, credit, a missing program: a person has to act, so look again rarely.
    pub const PERSON_MS: u64 = 10 * 60_000;
    /// The disk: nothing is claimed before there is room, so this only keeps what was misjudged from spinning.
    pub const DISK_MS: u64 = 10_000;
    /// Repository, start-up.
    pub const MACHINE_MS: u64 = 60_000;
}

impl Fault {
    /// Whether the task itself is charged.
    pub fn is_the_tasks(self) -> bool {
        self.policy().charged()
    }

    /// Every fault; of a limit the one without a reset.
    pub const ALL: [Fault; 19] = [
        Fault::Error,
        Fault::MaxTurns,
        Fault::Budget,
        Fault::Timeout,
        Fault::Silent,
        Fault::Crashed,
        Fault::NoResult,
        Fault::Setup,
        Fault::Output,
        Fault::Limit { resets_at_secs: None },
        Fault::Overload,
        Fault::Auth,
        Fault::Spend,
        Fault::Denied,
        Fault::Startup,
        Fault::Missing,
        Fault::Stopped,
        Fault::Disk,
        Fault::Machine,
    ];

    /// What follows from it.
    pub fn policy(self) -> Policy {
        let own = |class, again| Policy { class, again, breaker: false };
        let waits = |class, breaker, wait, until| Policy {
            class,
            again: Again::Waits(wait, until),
            breaker,
        };
        match self {
            Fault::Error
            | Fault::MaxTurns
            | Fault::Budget
            | Fault::Timeout
            | Fault::Silent
            | Fault::Crashed
            | Fault::NoResult
            | Fault::Setup
            | Fault::Output => own(Class::Task, Again::WhileAttemptsLast),
            Fault::Denied => own(Class::Permission, Again::ByAPerson),
            Fault::Limit { .. } => {
                waits(Class::Limit, true, Wait::Limit, Until::ResetOr(waits::LIMIT_MS))
            }
            Fault::Overload => {
                waits(Class::Overload, true, Wait::Overload, Until::BackOff(waits::OVERLOAD_MS))
            }
            Fault::Auth => waits(Class::Auth, true, Wait::Auth, Until::After(waits::PERSON_MS)),
            Fault::Spend => waits(Class::Spend, true, Wait::Spend, Until::After(waits::PERSON_MS)),
            Fault::Missing => {
                waits(Class::Harness, true, Wait::Missing, Until::After(waits::PERSON_MS))
            }
            Fault::Startup => {
                waits(Class::Harness, false, Wait::Machine, Until::After(waits::MACHINE_MS))
            }
            Fault::Stopped => waits(Class::Harness, false, Wait::Park, Until::NextStart),
            Fault::Disk => waits(Class::Machine, false, Wait::Disk, Until::After(waits::DISK_MS)),
            Fault::Machine => {
                waits(Class::Machine, false, Wait::Machine, Until::After(waits::MACHINE_MS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_faults_and_every_word_one_class() {
        for class in Class::ALL {
            assert!(Fault::ALL.iter().any(|fault| fault.policy().class == class), "{class:?}");
            assert_eq!(serde_json::json!(class), class.word());
        }
        for fault in Fault::ALL {
            assert_eq!(Class::of_outcome(fault.word()), Some(fault.policy().class));
        }
        for success in ["done", "no_changes", ""] {
            assert_eq!(Class::of_outcome(success), None);
        }
    }

    #[test]
    fn only_the_task_and_what_it_may_not_do_cost_it_something_and_they_stop_nobody_else() {
        for fault in Fault::ALL {
            let policy = fault.policy();
            let own = matches!(policy.class, Class::Task | Class::Permission);
            assert_eq!(policy.charged(), own, "{fault:?}");
            assert!(!(own && policy.breaker), "{fault:?}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_what_is_believed_of_its_kind() {
        for fault in Fault::ALL {
            let Again::Waits(wait, until) = fault.policy().again else { continue };
            let longest = match until {
                Until::NextStart => 0,
                Until::After(ms) | Until::ResetOr(ms) => ms,
                Until::BackOff(_) => crate::domain::account::breaker::BACK_OFF_CAP_MS,
            };
            assert!(wait.longest_ms().is_some_and(|ms| longest < ms), "{fault:?}");
        }
        assert!(
            Wait::Retry.longest_ms() > Some(crate::domain::failure::retry_delay::BACKOFF_CAP_MS)
        );
    }

    fn row(fault: Fault) -> String {
        let policy = fault.policy();
        let again = match policy.again {
            Again::WhileAttemptsLast => "by itself, while `max_attempts` allows".to_owned(),
            Again::ByAPerson => "when a person says `retry`".to_owned(),
            Again::Waits(_, Until::NextStart) => "at the next start".to_owned(),
            Again::Waits(_, Until::After(ms)) => format!("after {}", time(ms)),
            Again::Waits(_, Until::BackOff(ms)) => {
                format!("after {}, longer each time in a row", time(ms))
            }
            Again::Waits(_, Until::ResetOr(ms)) => {
                format!("at the reset that the service named, else after {}", time(ms))
            }
        };
        let cost = if policy.charged() { "an attempt" } else { "nothing" };
        let queue = if policy.breaker { "closes the account" } else { "goes on" };
        format!("| {} | `{}` | {cost} | {again} | {queue} |\n", policy.class.word(), fault.word())
    }

    fn time(ms: u64) -> String {
        crate::domain::settings::quantity::show_duration(ms)
    }

    #[test]
    fn the_document_shows_this_table() {
        let table: String = Fault::ALL.into_iter().map(row).collect();
        let document = include_str!("../../../docs/failures.md");
        assert!(document.contains(&table), "docs/failures.md needs these rows:\n{table}");
        for class in Class::ALL {
            assert!(document.contains(&format!("**{}**", class.word())), "{}", class.word());
        }
    }
}
