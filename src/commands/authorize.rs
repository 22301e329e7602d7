//! The one door: who may do what. The decision is pure; who acts is found out once.
//!
//! Invariant: a [`Permitted`] is made here alone, and holds for its action alone.

use std::fmt;
use std::path::Path;

use crate::domain::settings::choice::Durability;
use crate::queue::Queue;
use crate::site::Site;
use crate::trust::attempt_above;

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// A person, or a program of theirs.
    Person,
    /// A process below an agent's attempt.
    Attempt {
        /// The process that shows it.
        pid: i32,
    },
}

/// What is to be done; each is the command of its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Add,
    Cancel,
    CollectGarbage,
    Hold,
    Mend,
    Merge,
    Pause,
    Prioritise,
    Release,
    Reopen,
    Restore,
    Resume,
    Retry,
    Scale,
    Stop,
    Trust,
}

/// The proof that an action was authorized.
#[derive(Debug)]
pub struct Permitted {
    action: Action,
}

/// The action is not this actor's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denied {
    /// It is for people, and an attempt asked.
    BelowAttempt {
        /// What was asked for.
        action: Action,
        /// The process that shows it.
        pid: i32,
    },
    /// Another action was authorized.
    OtherAction {
        /// What was asked for.
        action: Action,
    },
}

impl Actor {
    /// Who this process acts for, by its ancestors and by the workers of `root`'s queue.
    pub fn here(root: &Path) -> Actor {
        let queue = Queue::open(&Site::at(root).queue(), Durability::Relaxed);
        // Without a queue there are no workers, and the ancestors' environment still tells.
        let workers = queue.and_then(|queue| queue.workers()).unwrap_or_default();
        let workers: Vec<_> = workers.into_iter().map(|(card, _)| card.process).collect();
        attempt_above(&workers).map_or(Actor::Person, |pid| Actor::Attempt { pid })
    }
}

/// Decides. An attempt may do what concerns tasks and workers; it may not say that what it changed itself is meant, or take
/// its own work over.
pub fn authorize(actor: Actor, action: Action) -> Result<Permitted, Denied> {
    match (actor, action) {
        (Actor::Attempt { pid }, Action::Trust | Action::Merge) => {
            Err(Denied::BelowAttempt { action, pid })
        }
        (Actor::Attempt { .. } | Actor::Person, _) => Ok(Permitted { action }),
    }
}

impl Permitted {
    /// Every act asks this first.
    pub(super) fn require(&self, action: Action) -> Result<(), Denied> {
        if self.action == action { Ok(()) } else { Err(Denied::OtherAction { action }) }
    }
}

impl Denied {
    /// What to do instead.
    pub fn hint(self) -> &'static str {
        match self {
            Denied::BelowAttempt { action: Action::Merge, .. } => {
                "in a shell of your own: coordinator merge TASK"
            }
            Denied::BelowAttempt { .. } | Denied::OtherAction { .. } => {
                "in a shell of your own: coordinator trust"
            }
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::BelowAttempt { action, pid } => {
                let action = format!("{action:?}").to_lowercase();
                write!(
                    f,
                    "this runs below an agent's attempt (process {pid}), and only its user may {action}"
                )
            }
            Denied::OtherAction { action } => write!(f, "{action:?} was not authorized"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: Actor = Actor::Attempt { pid: 7 };

    #[test]
    fn who_may_do_what() {
        for (action, by_attempt) in [
            (Action::Add, true),
            (Action::Cancel, true),
            (Action::CollectGarbage, true),
            (Action::Hold, true),
            (Action::Mend, true),
            (Action::Merge, false),
            (Action::Pause, true),
            (Action::Prioritise, true),
            (Action::Release, true),
            (Action::Reopen, true),
            (Action::Restore, true),
            (Action::Resume, true),
            (Action::Retry, true),
            (Action::Scale, true),
            (Action::Stop, true),
            (Action::Trust, false),
        ] {
            assert!(authorize(Actor::Person, action).is_ok(), "{action:?}");
            assert_eq!(authorize(ATTEMPT, action).is_ok(), by_attempt, "{action:?}");
        }
    }

    #[test]
    fn a_permit_is_for_its_action_alone() {
        let permitted = authorize(ATTEMPT, Action::Hold).expect("allowed");
        assert_eq!(permitted.require(Action::Hold), Ok(()));
        let other = Denied::OtherAction { action: Action::Trust };
        assert_eq!(permitted.require(Action::Trust), Err(other));
    }
}
