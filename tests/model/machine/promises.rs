//! What is promised in every state, and when nothing is left to do.

use super::rules::Config;
use super::state::{At, Card, Place, State};

/// Promises that a single step can break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Sin {
    NoRecord,
    WrongFile,
    HeldRuns,
    OtherLife,
    OtherFile,
    LivingReclaimed,
    FailedEarly,
    StoppedForNothing,
}

pub(crate) const NO_RECORD: &str = "what is worked on has its record";
pub(crate) const WRONG_FILE: &str = "a wrong or half-written file is never worked on";
pub(crate) const HELD_RUNS: &str = "what is held runs only when it is released";
pub(crate) const OTHER_LIFE: &str = "a cancel request never reaches into another life";
pub(crate) const OTHER_FILE: &str = "a cancel request means the file that was seen";
pub(crate) const LIVING: &str = "nobody reclaims from a worker that was not declared dead";
pub(crate) const EARLY: &str = "a task fails only by so many deaths in one life";
pub(crate) const FOR_NOTHING: &str = "no agent is stopped without a reason";
pub(crate) const ONE_OUTCOME: &str = "one outcome a life";
pub(crate) const ONE_NAME: &str = "a dropped file has one name";
pub(crate) const ONE_TREE: &str = "one living agent in a tree";
pub(crate) const ONE_ATTEMPT: &str = "one living agent for one T.e";
pub(crate) const FALSE_DEATH: &str = "a death is written down only for a worker that died of it";
pub(crate) const REQUEST_LASTS: &str = "a request lasts until it is met";

const SINS: [&str; 8] =
    [NO_RECORD, WRONG_FILE, HELD_RUNS, OTHER_LIFE, OTHER_FILE, LIVING, EARLY, FOR_NOTHING];

/// The first promise that does not hold.
pub(super) fn broken(config: &Config, s: &State) -> Option<&'static str> {
    if s.sin != 0 {
        return Some(SINS[usize::from(s.sin) - 1]);
    }
    for task in s.tasks.iter().take(usize::from(config.tasks)) {
        if task.outcomes > 1 {
            return Some(ONE_OUTCOME);
        }
        if task.place == Place::Lost {
            return Some(ONE_NAME);
        }
        if task.lost & !(task.reclaimed | task.moved) != 0 {
            return Some(FALSE_DEATH);
        }
        if task.wanted && task.requests >> task.born == 0 {
            return Some(REQUEST_LASTS);
        }
    }
    for a in 0..config.workers.len() {
        for b in
            (0..a).filter(|b| s.workers[*b].agent != 0 && s.workers[*b].agent == s.workers[a].agent)
        {
            if config.workers[a] == config.workers[b] {
                return Some(ONE_TREE);
            }
            // Where claims are deleted by hand, two machines may work on the same.
            if s.workers[a].agent_at == s.workers[b].agent_at && config.deleted_claims == 0 {
                return Some(ONE_ATTEMPT);
            }
        }
    }
    None
}

/// Every task ended or waits for a person (or, with no worker left, for a worker); nobody's remains are left.
pub(super) fn over(config: &Config, s: &State) -> bool {
    let users = config.user(0);
    let busy = |actor: &super::state::Actor| !matches!(actor.at, At::Idle | At::Ended);
    if s.actors.iter().take(users).any(busy) || s.pending != 0 {
        return false;
    }
    let workers = &s.workers[..config.workers.len()];
    let works = workers.iter().any(|worker| worker.alive);
    if workers
        .iter()
        .any(|w| w.card == Card::Gone || w.agent != 0 || (!w.alive && w.card == Card::Registered))
    {
        return false;
    }
    s.tasks.iter().take(usize::from(config.tasks)).all(|task| {
        let rests = match task.place {
            Place::Ready => !works,
            Place::Pending | Place::Intake | Place::Due => false,
            _ => true,
        };
        // The request for a task that its user removed by hand stays.
        rests && task.claims == 0 && (task.requests == 0 || task.place == Place::Removed)
    })
}
