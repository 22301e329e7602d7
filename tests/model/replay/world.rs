//! A real queue in a directory of its own, and the operations that a model's actors perform on it.
//!
//! Every operation is the program's own. What it decides for itself (to reject, how an attempt ends) comes with
//! the cue, as the model chose it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use swarmdir::domain::settings::choice::Durability;
use swarmdir::domain::settings::problem::Problem;
use swarmdir::domain::task::id::{TaskId, WorkerId};
use swarmdir::domain::task::name::{QueueName, TaskEpoch};
use swarmdir::domain::task::reason::{Reason, Wait};
use swarmdir::domain::task::record::{Lost, TaskRecord};
use swarmdir::domain::time::UnixMs;
use swarmdir::queue::Queue;
use swarmdir::queue::claim::{Claim, ClaimResult, ClaimState};
use swarmdir::queue::finish::{FinalDir, Transition};
use swarmdir::queue::intake::{Dropped, IntakeCheck, IntakeDecision, IntakeResult};
use swarmdir::queue::reclaim::DeadClaim;
use swarmdir::queue::register::{Card, Registration};
use swarmdir::queue::shift::{EndedTask, TaskPlace};
use swarmdir::sys::identity;

use super::stage::{Cue, StepBarrier};
use crate::model::machine::label::{Call, End};

/// Files whose second character is `!` are wrong.
pub(super) struct Judge;

impl IntakeCheck for Judge {
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision {
        if dropped.bytes.get(1) == Some(&b'!') {
            let problems = vec![Problem::new("it says so itself")];
            return IntakeDecision::Rejected { problems, report: "it says so itself\n".into() };
        }
        IntakeDecision::Ready(Box::new(TaskRecord {
            schema: 1,
            id: dropped.id.clone(),
            name: dropped.name.to_string_lossy().into_owned(),
            taken_at: UnixMs(1),
            title: None,
            agent: None,
            priority: Default::default(),
            labels: Vec::new(),
            origin: None,
        }))
    }
}

/// The one name that the model's files are dropped under.
pub(super) const DROPPED: &str = "drop.md";

/// The queue, to be shared by threads.
#[derive(Clone)]
pub(super) struct World {
    pub(super) queue: Queue,
    max_deaths: u32,
}

impl World {
    pub(super) fn new(path: PathBuf, max_deaths: u8) -> World {
        let queue = Queue::open_or_make(&path, Durability::Relaxed).unwrap();
        World { queue, max_deaths: u32::from(max_deaths) }
    }

    /// A task as intake leaves it.
    pub(super) fn add(&self, content: &str) -> TaskId {
        match self.queue.enqueue(OsStr::new("added"), content.as_bytes(), &Judge).unwrap() {
            IntakeResult::Ready(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn register(&self, id: &str) -> Registration {
        let id = WorkerId::parse(id).unwrap();
        let process = identity::me();
        let card = Card {
            id,
            process,
            version: "1".into(),
            slot: None,
            started_at: UnixMs(1),
            file: None,
            has_claimed: false,
            copied: false,
            other_device: false,
        };
        self.queue.register(card).unwrap()
    }

    /// A worker's main thread: from the link of a claim to the end of the attempt.
    pub(super) fn attempt(
        &self,
        barrier: &StepBarrier,
        me: &Registration,
        name: &QueueName,
        wrong: bool,
    ) {
        let queue = &self.queue;
        let ClaimResult::Won(claim) = queue.claim(me, name).unwrap() else { return };
        barrier.wait(Call::AskRequest);
        if queue.cancel_wanted(&name.at.id).unwrap() {
            let _either = queue.cancel_held(claim).unwrap();
            return;
        }
        claim.read(queue, 1000).unwrap();
        let entered = barrier.wait(Call::Enter);
        if wrong {
            let _either = queue.reject(claim, "wrong\n", &[]).unwrap();
            return;
        }
        if let Cue::End(end) = entered {
            // Its tree is in use.
            return self.close(barrier, me, claim, end);
        }
        // Agents and trees are not on this stage: how the attempt ends is the model's choice.
        let Cue::End(end) = barrier.wait(Call::Ends(End::Done)) else { panic!("no end was given") };
        self.close(barrier, me, claim, end);
    }

    fn close(&self, barrier: &StepBarrier, me: &Registration, claim: Claim, end: End) {
        let queue = &self.queue;
        barrier.wait(Call::Standing);
        let wanted = queue.standing(me, claim.name()).unwrap() == ClaimState::CancelWanted;
        let due = Reason { wait: Wait::Park, until_secs: Some(1) };
        let _either = match end {
            _ if wanted => queue.cancel_held(claim),
            End::Done => queue.publish(claim, FinalDir::Done),
            End::Failed => queue.publish(claim, FinalDir::Failed),
            _ => queue.give_back_blocked(claim, due),
        }
        .unwrap();
    }

    /// A heart: a claim of its own that nobody knows of.
    pub(super) fn disown(&self, at: &TaskEpoch) {
        let found = self.queue.claims().unwrap().iter().any(|claim| claim.at == *at);
        assert!(found, "the listing lacks {at}");
        self.queue.disown(at).unwrap();
    }

    pub(super) fn leave(&self, me: Arc<Registration>) {
        self.queue.deregister(Arc::try_unwrap(me).expect("its other threads have ended")).unwrap();
    }

    pub(super) fn take_in(&self) {
        self.queue.take_in(&[DROPPED.into()], &Judge).unwrap();
    }

    /// From a listing of `blocked/`: an intake that is not finished, or a task whose time has come.
    pub(super) fn looks_after(&self, id: &TaskId) {
        let name =
            self.queue.blocked().unwrap().into_iter().find(|name| name.at.id == *id).unwrap();
        match name.reason.as_ref().map(|reason| &reason.wait) {
            Some(Wait::Intake) => drop(self.queue.finish_intake(&name, &Judge).unwrap()),
            _ => {
                let _either = self.queue.unblock(&name).unwrap();
            }
        }
    }

    pub(super) fn declare(&self, worker: &str) {
        self.queue.declare_dead(&WorkerId::parse(worker).unwrap()).unwrap();
    }

    pub(super) fn reclaim(&self, at: &TaskEpoch, worker: &str) {
        let dead = self.queue.dead_claims().unwrap();
        let is_it = |claim: &&DeadClaim| claim.at == *at && claim.card.id.as_str() == worker;
        let Some(claim) = dead.iter().find(is_it) else { return };
        let worker = claim.card.id.clone();
        let lost = Lost { worker, noticed_at: UnixMs(1), evidence: "as the model says".into() };
        self.queue.reclaim(claim, &lost, self.max_deaths).unwrap();
    }

    pub(super) fn bury(&self, barrier: &StepBarrier, worker: &str) {
        let gone = self.queue.gone().unwrap();
        let card = gone.iter().find(|card| card.id.as_str() == worker).unwrap();
        barrier.wait(Call::Kill);
        self.queue.bury(&card.id).unwrap();
    }

    pub(super) fn carry_out(&self, request: &TaskEpoch) {
        assert!(self.queue.cancel_requests().unwrap().contains(request));
        self.queue.carry_out(request).unwrap();
    }

    pub(super) fn cancel(&self, id: &TaskId) {
        let request = self.queue.request_cancel(id).unwrap();
        self.queue.carry_out(&request).unwrap();
    }

    pub(super) fn retry(&self, barrier: &StepBarrier, id: &TaskId) {
        barrier.wait(Call::Decide);
        let _either = self.queue.retry(&self.ended(id)).unwrap();
    }

    fn ended(&self, id: &TaskId) -> EndedTask {
        self.queue.ended(id).unwrap().unwrap()
    }

    /// Hold, release, priority: what a person read before stands in `name`.
    pub(super) fn shift(&self, barrier: &StepBarrier, id: &TaskId, hold: bool) {
        barrier.wait(Call::Decide);
        let Some(TaskPlace::Waiting(name)) = self.queue.whereabouts(id).unwrap() else {
            panic!("{id}")
        };
        let band = name.band;
        let _either: Transition = match (hold, name.reason.is_some()) {
            (true, _) => self.queue.hold(&name),
            (false, true) => self.queue.unblock(&name),
            (false, false) => self.queue.reprioritise(&name, band),
        }
        .unwrap();
    }
}
