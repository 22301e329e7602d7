//! Row *cancel*, by those who do not hold the task.

use swarmdir::domain::task::id::TaskId;
use swarmdir::queue::cancel::Cancelled;
use swarmdir::queue::finish::FinalDir;

use super::{Act, Row, row};
use crate::crash::lab::{Judge, Lab};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "cancel what is ready",
            |lab| waiting(lab, "do it"),
            &[
                "ready/5-a.1 => a done",
                "ready/5-a.1 cancel/a.0 => a cancelled",
                "cancelled/a.1 cancel/a.0 => a cancelled",
                "cancelled/a.1 => a cancelled",
            ],
        ),
        row(
            "cancel what is blocked",
            |lab| waiting(lab, "held"),
            &[
                "blocked/5-a.2~hold => a done",
                "blocked/5-a.2~hold cancel/a.0 => a cancelled",
                "cancelled/a.2 cancel/a.0 => a cancelled",
                "cancelled/a.2 => a cancelled",
            ],
        ),
        row(
            "cancel what is being taken in",
            |lab| waiting(lab, "away"),
            &[
                "blocked/5-a.0~intake => a done",
                "blocked/5-a.0~intake cancel/a.0 => a cancelled",
                "cancelled/a.0 cancel/a.0 => a cancelled",
                "cancelled/a.0 => a cancelled",
            ],
        ),
        row(
            "cancel what runs",
            running,
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "ready/5-a.1 claims/a.1=W1 workers/W1 cancel/a.0 => a cancelled",
                "cancelled/a.1 claims/a.1=W1 workers/W1 cancel/a.0 => a cancelled",
                "cancelled/a.1 claims/a.1=W1 workers/W1 => a cancelled",
            ],
        ),
        row(
            "cancel what has ended",
            ended,
            &[
                "done/a.1.W1 workers/W1 => a done",
                "done/a.1.W1 workers/W1 cancel/a.0 => a done",
                "done/a.1.W1 workers/W1 => a done",
            ],
        ),
        row(
            "cancel an earlier life",
            earlier_life,
            &["ready/5-a.2 cancel/a.0 life/a=2 => a done", "ready/5-a.2 life/a=2 => a done"],
        ),
        row(
            "cancel by its name in pending/",
            dropped,
            &[
                "pending/a => a done",
                "blocked/5-a.0~intake => a done",
                // Where it could not be read just then.
                "blocked/5-a.0~intake cancel/a.0 => a cancelled",
                "cancelled/a.0 cancel/a.0 => a cancelled",
                "cancelled/a.0 => a cancelled",
                "ready/5-a.1 => a done",
                "ready/5-a.1 cancel/a.0 => a cancelled",
                "cancelled/a.1 cancel/a.0 => a cancelled",
                "cancelled/a.1 => a cancelled",
            ],
        ),
    ]
}

fn cancel(lab: &Lab, id: TaskId) -> Act {
    let queue = lab.queue();
    Box::new(move || {
        let request = queue.request_cancel(&id)?;
        Ok(matches!(queue.carry_out(&request)?, Cancelled::Now | Cancelled::Ended))
    })
}

fn waiting(lab: &Lab, text: &str) -> Act {
    let id = lab.add("a", text);
    cancel(lab, id)
}

fn running(lab: &Lab) -> Act {
    let (id, worker) = (lab.add("a", "do it"), lab.worker());
    lab.claim(&worker, &id).leave_to_reclaimer();
    cancel(lab, id)
}

fn ended(lab: &Lab) -> Act {
    let (id, worker, queue) = (lab.add("a", "do it"), lab.worker(), lab.queue());
    let claim = lab.claim(&worker, &id);
    queue.write_result(claim.attempt(), &crate::crash::lab::result()).unwrap();
    let _won = queue.publish(claim, FinalDir::Done).unwrap();
    cancel(lab, id)
}

/// A request that its task's end left behind, and then the task's next life.
fn earlier_life(lab: &Lab) -> Act {
    let (id, queue) = (lab.add("a", "do it"), lab.queue());
    let request = queue.request_cancel(&id).unwrap();
    queue.carry_out(&request).unwrap();
    let request = queue.request_cancel(&id).unwrap();
    let _won = queue.retry(&queue.ended(&id).unwrap().unwrap()).unwrap();
    Box::new(move || Ok(queue.carry_out(&request)? == Cancelled::Ended))
}

fn dropped(lab: &Lab) -> Act {
    lab.drop("a", "do it");
    let queue = lab.queue();
    Box::new(move || match queue.take_in_named("a", &Judge)? {
        Some(id) => {
            let request = queue.request_cancel(&id)?;
            let now = queue.carry_out(&request)? == Cancelled::Now;
            Ok(now && queue.ended(&id)?.is_some_and(|ended| ended.at().epoch.0 == 1))
        }
        None => Ok(false),
    })
}
