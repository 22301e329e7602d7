//! Rows *claim*, *read*, *publish*, *give back*, *reject*, *cancel* by the holder, *heartbeat*.

use swarmdir::domain::settings::problem::Problem;
use swarmdir::domain::task::id::TaskId;
use swarmdir::domain::task::reason::{Reason, Wait};
use swarmdir::domain::time::UnixMs;
use swarmdir::queue::Queue;
use swarmdir::queue::claim::{Claim, ClaimResult};
use swarmdir::queue::finish::{FinalDir, Transition};
use swarmdir::queue::register::{Beat, Registration};

use super::{Act, Row, row, won};
use crate::crash::lab::{Lab, result};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "claim and read",
            claim,
            &["ready/5-a.1 workers/W1 => a done", "ready/5-a.1 claims/a.1=W1 workers/W1 => a done"],
        ),
        row(
            "claim what is gone",
            claim_gone,
            &[
                "cancelled/a.1 workers/W1 => a cancelled",
                "cancelled/a.1 claims/a.1=W1 workers/W1 => a cancelled",
                "cancelled/a.1 workers/W1 => a cancelled",
            ],
        ),
        row(
            "publish, done",
            |lab| held(lab, |queue, claim| publish(queue, claim, FinalDir::Done)),
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "done/a.1.W1 claims/a.1=W1 workers/W1 => a done",
                "done/a.1.W1 workers/W1 => a done",
            ],
        ),
        row(
            "publish, failed",
            |lab| held(lab, |queue, claim| publish(queue, claim, FinalDir::Failed)),
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "failed/a.1.W1 claims/a.1=W1 workers/W1 => a failed",
                "failed/a.1.W1 workers/W1 => a failed",
            ],
        ),
        row(
            "give back",
            |lab| held(lab, give_back),
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "blocked/5-a.2~retry-1 claims/a.1=W1 workers/W1 => a done",
                "blocked/5-a.2~retry-1 workers/W1 => a done",
            ],
        ),
        row(
            "reject, by the holder",
            |lab| held(lab, reject),
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "ready/5-a.1 report/a.1 claims/a.1=W1 workers/W1 => a done",
                "rejected/a.1 report/a.1 claims/a.1=W1 workers/W1 => a rejected",
                "rejected/a.1 report/a.1 workers/W1 => a rejected",
            ],
        ),
        row(
            "cancel, by the holder",
            cancel_held,
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 cancel/a.0 => a cancelled",
                "cancelled/a.1 claims/a.1=W1 workers/W1 cancel/a.0 => a cancelled",
                "cancelled/a.1 workers/W1 cancel/a.0 => a cancelled",
                "cancelled/a.1 workers/W1 => a cancelled",
            ],
        ),
        row("heartbeat", beat, &["ready/5-a.1 claims/a.1=W1 workers/W1 => a done"]),
    ]
}

fn task_and_worker(lab: &Lab) -> (TaskId, Registration) {
    (lab.add("a", "do it"), lab.worker())
}

/// Does something with a claim; the worker's registration lives as long as that takes.
fn held(lab: &Lab, act: fn(&Queue, Claim) -> swarmdir::queue::Result<Transition>) -> Act {
    let (id, worker) = task_and_worker(lab);
    let (queue, claim) = (lab.queue(), lab.claim(&worker, &id));
    Box::new(move || won(act(&queue, claim)))
}

fn claim(lab: &Lab) -> Act {
    let (id, worker) = task_and_worker(lab);
    let (queue, name) = (lab.queue(), lab.name(&id));
    Box::new(move || match queue.claim(&worker, &name)? {
        ClaimResult::Won(claim) => claim.read(&queue, 1000).map(|_| true),
        ClaimResult::Lost | ClaimResult::Gone | ClaimResult::Buried => Ok(false),
    })
}

fn claim_gone(lab: &Lab) -> Act {
    let (id, worker) = task_and_worker(lab);
    let (queue, name) = (lab.queue(), lab.name(&id));
    let request = queue.request_cancel(&id).unwrap();
    queue.carry_out(&request).unwrap();
    Box::new(move || Ok(matches!(queue.claim(&worker, &name)?, ClaimResult::Gone)))
}

fn publish(queue: &Queue, claim: Claim, to: FinalDir) -> swarmdir::queue::Result<Transition> {
    queue.write_result(claim.attempt(), &result())?;
    Ok(queue.publish(claim, to)?)
}

fn give_back(queue: &Queue, claim: Claim) -> swarmdir::queue::Result<Transition> {
    queue.write_result(claim.attempt(), &result())?;
    Ok(queue.give_back_blocked(claim, Reason::until(Wait::Retry, UnixMs(1000)))?)
}

fn reject(queue: &Queue, claim: Claim) -> swarmdir::queue::Result<Transition> {
    Ok(queue.reject(claim, "it is wrong\n", &[Problem::new("it is wrong")])?)
}

fn cancel_held(lab: &Lab) -> Act {
    let act = held(lab, |queue, claim| Ok(queue.cancel_held(claim)?));
    let queue = lab.queue();
    let id = queue.scan().unwrap().ready[0].at.id.clone();
    queue.request_cancel(&id).unwrap();
    act
}

fn beat(lab: &Lab) -> Act {
    let (id, worker) = task_and_worker(lab);
    let (queue, claim) = (lab.queue(), lab.claim(&worker, &id));
    Box::new(move || {
        let alive = worker.beat(7)? == Beat::Alive;
        queue.standing(&worker, claim.name())?;
        Ok(alive)
    })
}
