//! The queue as the model sees it: names, claims, workers, and how far each actor is.
//!
//! Beside what is on disk stands the truth that no actor can read (who really died, which life a rename began);
//! only promises look at it. Invariant: a task's `(place, epoch)` is its one name, so a rename is a comparison.

use std::hash::{Hash, Hasher};

pub(crate) const TASKS: usize = 2;
pub(crate) const WORKERS: usize = 3;
pub(crate) const ACTORS: usize = 2 * WORKERS + 4;

/// Where a task's name is. `blocked/` is three places, as the reason is part of the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum Place {
    /// Not dropped yet.
    #[default]
    Nowhere,
    Pending,
    /// `blocked/…~intake`
    Intake,
    /// `blocked/`, and its time comes.
    Due,
    /// `blocked/…~hold`
    Hold,
    Ready,
    Done,
    Failed,
    Cancelled,
    Rejected,
    /// Its user removed it, or dropped another over it.
    Removed,
    /// Nobody wanted that: overwritten by the program.
    Lost,
}

impl Place {
    pub(crate) fn blocked(self) -> bool {
        matches!(self, Place::Intake | Place::Due | Place::Hold)
    }

    pub(crate) fn waits(self) -> bool {
        self == Place::Ready || self.blocked()
    }

    pub(crate) fn ended(self) -> bool {
        matches!(self, Place::Done | Place::Failed | Place::Cancelled | Place::Rejected)
    }
}

/// One dropped file and what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Task {
    pub(crate) place: Place,
    pub(crate) epoch: u8,
    /// In `done/` and `failed/`: by which worker, from 1.
    pub(crate) by: u8,
    /// `claims/T.e` for each epoch, four bits: nobody, or a worker from 1; 8 is added for its former inode.
    pub(crate) claims: u64,
    /// Epochs at which it was in `ready/`: what an old listing may hold.
    pub(crate) listed: u16,
    /// Epochs with a file `e.W/lost`.
    pub(crate) lost: u16,
    /// `runs/T/task.json` exists.
    pub(crate) record: bool,
    /// The latest `retry.E`, or 0.
    pub(crate) life: u8,
    /// `cancel/T.L`: a bit for each life L that a request is for.
    pub(crate) requests: u8,
    /// Only in a variant: the reason beside the name says that its time comes.
    pub(crate) side_due: bool,

    /// Truth: the epoch at which the present life really began.
    pub(crate) born: u8,
    /// Truth: workers that died of it in this life, and the epochs at which one did: a reclaim ended them, or
    /// somebody else moved the task to the very name that the reclaim would have given it.
    pub(crate) deaths: u8,
    pub(crate) reclaimed: u16,
    pub(crate) moved: u16,
    /// Truth: outcomes in this life.
    pub(crate) outcomes: u8,
    /// Truth: somebody's cancel request this life is written down and not met.
    pub(crate) wanted: bool,
    /// Truth: somebody held it, and nobody released it.
    pub(crate) held: bool,
}

impl Task {
    /// Whose `claims/T.e` is: 0 for nobody.
    pub(crate) fn claim(&self, epoch: u8) -> u8 {
        ((self.claims >> (4 * epoch)) & 15) as u8
    }

    pub(crate) fn set_claim(&mut self, epoch: u8, owner: u8) {
        self.claims &= !(15 << (4 * epoch));
        self.claims |= u64::from(owner) << (4 * epoch);
    }

    pub(crate) fn is(&self, place: Place, epoch: u8) -> bool {
        self.place == place && self.epoch == epoch
    }

    /// The next name; every return raises the epoch.
    pub(crate) fn rename(&mut self, to: Place, epoch: u8) {
        assert!(epoch < 16, "a configuration with fewer budgets");
        self.place = to;
        self.epoch = epoch;
        if to == Place::Ready {
            self.listed |= 1 << epoch;
        }
        if to.ended() {
            self.wanted = false;
            self.outcomes += u8::from(matches!(to, Place::Done | Place::Failed));
        }
        self.held = to == Place::Hold || (self.held && !to.ended());
    }

    /// What `tally` counts: deaths written down since the latest `retry.E`.
    pub(crate) fn counted_deaths(&self, from: u8) -> u8 {
        (self.lost >> from).count_ones() as u8
    }
}

/// The file in `workers/`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(crate) enum Card {
    /// Not yet.
    #[default]
    None,
    /// In `workers/`.
    Registered,
    /// In `gone/`.
    Gone,
    /// Nowhere any more.
    Left,
}

/// A worker's file, its process, and what it started.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Worker {
    pub(crate) card: Card,
    /// Its process lives.
    pub(crate) alive: bool,
    /// The task (from 1) and the epoch that a living agent works on; it may outlive the worker.
    pub(crate) agent: u8,
    pub(crate) agent_at: u8,
    /// The task (from 1) whose tree it has locked; the lock ends with the process.
    pub(crate) tree: u8,
    /// It found out that it was declared dead.
    pub(crate) fenced: bool,
    /// `retire/W` exists.
    pub(crate) retire: bool,
}

/// How far an actor is: the call that it makes next.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(crate) enum At {
    #[default]
    Idle,
    /// A worker: not registered; ended.
    Unborn,
    Ended,
    /// Claimed: opens the name; gives the claim up; looks for a request; enters a tree; its agent runs.
    Open,
    DropClaim,
    Wanted,
    Enter,
    Work,
    /// Its agent ended: looks how the claim stands; renames; lists the destination; unlinks.
    Closing,
    Concluding,
    Check,
    EndClaim,
    EndWish,
    Retiring,
    /// A heart: gives back a claim that its worker does not know.
    Disown,
    DisownMove,
    /// Intake: lists `blocked/` after a refused rename; under `~intake` looks, records, renames.
    TakeCheck,
    TakeLook,
    Record,
    TakeMove,
    Unblock,
    /// A claim of a dead worker: looks it up and kills; looks for the name; renames; lists; writes; unlinks.
    SeenClaim,
    SeenAbsent,
    SeenReady,
    ReclaimLook,
    ReclaimMove,
    ReclaimCheck,
    ReclaimLost,
    ReclaimDrop,
    BuryKill,
    BuryGone,
    BuryRetire,
    DeclarerKills,
    /// Carrying out a request: lists; looks at the life again; renames; lists; unlinks.
    RequestReady,
    RequestBlocked,
    RequestEnded,
    RequestLife,
    RequestMove,
    RequestCheck,
    RequestDrop,
    /// A command: writes the request; writes `retry.E`; renames.
    RequestWrite,
    RetryWrite,
    RetryMove,
    ShiftMove,
    /// Cancel by a name in `pending/`: takes it up, compares the file.
    NamedTake,
    NamedCheck,
}

/// One actor: how far, and with which task, epoch and other fact in its memory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Actor {
    pub(crate) at: At,
    pub(crate) task: u8,
    pub(crate) epoch: u8,
    pub(crate) arg: u8,
    /// A worker: its rename cancelled. A user: the file it means in `pending/`, from 1.
    pub(crate) named: u8,
    /// A housekeeper, a user: the life that the request in hand is for. A worker: the requests (bits) it removes.
    pub(crate) life: u8,
}

/// How many faults and acts may still come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) suspicions: u8,
    pub(crate) lost_replies: u8,
    pub(crate) deleted_claims: u8,
    pub(crate) give_backs: u8,
    /// How often a worker that finds a tree locked gives the task back; then it waits.
    pub(crate) busy: u8,
    pub(crate) commands: u8,
}

/// Everything.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct State {
    pub(crate) tasks: [Task; TASKS],
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) actors: [Actor; ACTORS],
    /// The file (from 1) that `pending/NAME` is.
    pub(crate) pending: u8,
    /// Files still being written, one bit each.
    pub(crate) unfinished: u8,
    pub(crate) left: Budget,
    /// A promise broken by a step, from 1; see `promises`.
    pub(crate) sin: u8,
}

/// By words instead of fields: the test build is not optimised.
impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for task in &self.tasks {
            state.write_u64(task.claims);
            let names = u64::from(task.listed) | u64::from(task.lost) << 16;
            let bits =
                u64::from(task.record) | u64::from(task.wanted) << 1 | u64::from(task.held) << 2;
            let small =
                u64::from(task.place as u8) | u64::from(task.epoch) << 8 | u64::from(task.by) << 16;
            state.write_u64(
                names
                    | u64::from(task.reclaimed) << 32
                    | bits << 48
                    | u64::from(task.requests) << 52,
            );
            state.write_u64(small | u64::from(task.life) << 24 | u64::from(task.born) << 32);
        }
        for worker in &self.workers {
            let bits = u64::from(worker.alive)
                | u64::from(worker.fenced) << 1
                | u64::from(worker.retire) << 2;
            let agent = u64::from(worker.agent) << 8 | u64::from(worker.agent_at) << 16;
            state.write_u64(
                bits | agent | u64::from(worker.tree) << 24 | (worker.card as u64) << 32,
            );
        }
        for pair in self.actors.chunks(2) {
            let word = |actor: &Actor| {
                u64::from(actor.at as u8)
                    | u64::from(actor.task) << 8
                    | u64::from(actor.epoch) << 12
                    | u64::from(actor.arg) << 16
                    | u64::from(actor.life) << 20
                    | u64::from(actor.named) << 24
            };
            state.write_u64(word(&pair[0]) | word(&pair[1]) << 32);
        }
        let left = &self.left;
        let budget = u64::from(left.crashes) << 8 | u64::from(left.suspicions) << 12;
        let budget = budget | u64::from(left.lost_replies) << 16 | u64::from(left.commands) << 20;
        state.write_u64(budget | u64::from(self.pending) | u64::from(self.unfinished) << 32);
    }
}
