//! Rows *unblock*, *hold, release, priority* and *retry*.

use swarmdir::domain::task::name::Band;
use swarmdir::queue::finish::FinalDir;
use swarmdir::queue::shift::EndedTask;

use super::{Act, Row, row, won};
use crate::crash::lab::{Judge, Lab, WRONG};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("unblock", unblock, &["blocked/5-a.2~hold => a done", "ready/5-a.3 => a done"]),
        row(
            "hold",
            |lab| hold(lab, "do it"),
            &["ready/5-a.1 => a done", "blocked/5-a.2~hold => a done"],
        ),
        row(
            "hold what is blocked",
            |lab| hold(lab, "held"),
            &["blocked/5-a.2~hold => a done", "blocked/5-a.3~hold => a done"],
        ),
        row("release", unblock, &["blocked/5-a.2~hold => a done", "ready/5-a.3 => a done"]),
        row(
            "priority",
            |lab| priority(lab, "do it"),
            &["ready/5-a.1 => a done", "ready/2-a.2 => a done"],
        ),
        row(
            "priority of what is blocked",
            |lab| priority(lab, "held"),
            &["blocked/5-a.2~hold => a done", "blocked/2-a.3~hold => a done"],
        ),
        row(
            "retry what failed",
            retry_failed,
            &[
                "failed/a.1.W1 workers/W1 => a failed",
                "failed/a.1.W1 workers/W1 life/a=2 => a failed",
                "ready/5-a.2 workers/W1 life/a=2 => a done",
            ],
        ),
        row(
            "retry what was cancelled",
            retry_cancelled,
            &[
                "cancelled/a.1 => a cancelled",
                "cancelled/a.1 life/a=2 => a cancelled",
                "ready/5-a.2 life/a=2 => a done",
            ],
        ),
        row(
            "retry what was cancelled before it had a record",
            retry_cancelled_unrecorded,
            &[
                "cancelled/a.0 => a cancelled",
                "cancelled/a.0 life/a=1 => a cancelled",
                "blocked/5-a.1~intake life/a=1 => a done",
            ],
        ),
        row(
            "retry what its holder rejected",
            retry_rejected,
            &[
                "rejected/a.1 report/a.1 workers/W1 => a rejected",
                "rejected/a.1 report/a.1 workers/W1 life/a=2 => a rejected",
                "ready/5-a.2 report/a.1 workers/W1 life/a=2 => a done",
                "ready/5-a.2 workers/W1 life/a=2 => a done",
            ],
        ),
        row(
            "retry what intake rejected",
            retry_wrong,
            &[
                "rejected/a.0 report/a.0 => a rejected",
                "rejected/a.0 report/a.0 life/a=1 => a rejected",
                "blocked/5-a.1~intake report/a.0 life/a=1 => a rejected",
                "blocked/5-a.1~intake life/a=1 => a rejected",
            ],
        ),
    ]
}

fn unblock(lab: &Lab) -> Act {
    let id = lab.add("a", "held");
    let (queue, name) = (lab.queue(), lab.name(&id));
    Box::new(move || won(queue.unblock(&name)))
}

fn hold(lab: &Lab, text: &str) -> Act {
    let id = lab.add("a", text);
    let (queue, name) = (lab.queue(), lab.name(&id));
    Box::new(move || won(queue.hold(&name)))
}

fn priority(lab: &Lab, text: &str) -> Act {
    let id = lab.add("a", text);
    let (queue, name) = (lab.queue(), lab.name(&id));
    Box::new(move || won(queue.reprioritise(&name, Band::new(2).unwrap())))
}

fn retry(lab: &Lab) -> Act {
    let queue = lab.queue();
    let ended: EndedTask = queue.all_ended().unwrap().remove(0);
    Box::new(move || won(queue.retry(&ended)))
}

fn retry_failed(lab: &Lab) -> Act {
    let (id, worker, queue) = (lab.add("a", "do it"), lab.worker(), lab.queue());
    let _won = queue.publish(lab.claim(&worker, &id), FinalDir::Failed).unwrap();
    retry(lab)
}

fn cancel(lab: &Lab, text: &str) {
    let (id, queue) = (lab.add("a", text), lab.queue());
    let request = queue.request_cancel(&id).unwrap();
    queue.carry_out(&request).unwrap();
}

fn retry_cancelled(lab: &Lab) -> Act {
    cancel(lab, "do it");
    retry(lab)
}

fn retry_cancelled_unrecorded(lab: &Lab) -> Act {
    cancel(lab, "away");
    retry(lab)
}

fn retry_rejected(lab: &Lab) -> Act {
    let (id, worker, queue) = (lab.add("a", "do it"), lab.worker(), lab.queue());
    let _won = queue.reject(lab.claim(&worker, &id), "wrong\n", &[]).unwrap();
    retry(lab)
}

fn retry_wrong(lab: &Lab) -> Act {
    let queue = lab.queue();
    queue.enqueue("a".as_ref(), WRONG.as_bytes(), &Judge).unwrap();
    retry(lab)
}
