//! Rows *declare dead*, *reclaim*, *bury*, *retire*, *deregister*, *sweep*, accounts, and second names.

use std::fs;

use swarmdir::domain::event::Reclaimed;
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::task::record::Lost;
use swarmdir::domain::time::UnixMs;
use swarmdir::queue::finish::FinalDir;
use swarmdir::site::Dir;

use super::{Act, Row, row};
use crate::crash::lab::{Lab, result};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "declare dead",
            declare_dead,
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "ready/5-a.1 claims/a.1=W1 gone/W1 => a done",
            ],
        ),
        row(
            "reclaim",
            |lab| reclaim(lab, 2, Reclaimed::Ready),
            &[
                "ready/5-a.1 claims/a.1=W1 gone/W1 => a done",
                "ready/5-a.2 claims/a.1=W1 gone/W1 => a done",
                "ready/5-a.2 gone/W1 => a done",
            ],
        ),
        row(
            "reclaim, the last death",
            |lab| reclaim(lab, 1, Reclaimed::Failed),
            &[
                "ready/5-a.1 claims/a.1=W1 gone/W1 => a done",
                "failed/a.1.W1 claims/a.1=W1 gone/W1 => a failed",
                "failed/a.1.W1 gone/W1 => a failed",
            ],
        ),
        row(
            "reclaim what was published",
            reclaim_published,
            &["done/a.1.W1 claims/a.1=W1 gone/W1 => a done", "done/a.1.W1 gone/W1 => a done"],
        ),
        row("bury", bury, &["gone/W1 retire/W1", "retire/W1", ""]),
        row("retire", retire, &["workers/W1", "workers/W1 retire/W1"]),
        row("deregister", deregister, &["workers/W1 retire/W1", "retire/W1", ""]),
        row(
            "disown",
            disown,
            &[
                "ready/5-a.1 claims/a.1=W1 workers/W1 => a done",
                "ready/5-a.2 claims/a.1=W1 workers/W1 => a done",
                "ready/5-a.2 workers/W1 => a done",
            ],
        ),
        row(
            "sweep",
            sweep,
            &[
                "ready/5-a.1 retire/W1 cancel/never.0 accounts/claude.probe => a done",
                "ready/5-a.1 retire/W1 accounts/claude.probe => a done",
                "ready/5-a.1 accounts/claude.probe => a done",
                "ready/5-a.1 => a done",
            ],
        ),
        row(
            "sweep what is torn",
            sweep_torn,
            &[
                "ready/5-a.1 claims/a.1=torn workers/W1 => a done",
                // What cannot be read is left to the next process.
                "ready/5-a.1 claims/a.1=torn => a done",
                "ready/5-a.1 workers/W1 => a done",
                "ready/5-a.1 => a done",
            ],
        ),
        row(
            "trip a breaker",
            trip_breaker,
            &["ready/5-a.1 => a done", "ready/5-a.1 accounts/claude => a done"],
        ),
        row(
            "reset a breaker",
            reset_breaker,
            &["ready/5-a.1 accounts/claude => a done", "ready/5-a.1 => a done"],
        ),
        row(
            "set aside",
            set_aside,
            &["ready/5-a.2 done/a.1.W1 workers/W1 => a done", "done/a.1.W1 workers/W1 => a done"],
        ),
    ]
}

/// A task that a worker holds.
fn claimed(lab: &Lab) {
    let (id, worker) = (lab.add("a", "do it"), lab.worker());
    lab.claim(&worker, &id).leave_to_reclaimer();
}

fn declare_dead(lab: &Lab) -> Act {
    claimed(lab);
    let queue = lab.queue();
    let id = queue.workers().unwrap()[0].0.id.clone();
    Box::new(move || queue.declare_dead(&id))
}

fn all_are_dead(lab: &Lab) {
    for (card, _) in lab.queue().workers().unwrap() {
        assert!(lab.queue().declare_dead(&card.id).unwrap());
    }
}

fn reclaim(lab: &Lab, max_deaths: u32, expected: Reclaimed) -> Act {
    claimed(lab);
    all_are_dead(lab);
    let queue = lab.queue();
    let claim = queue.dead_claims().unwrap().remove(0);
    let lost =
        Lost { worker: claim.card.id.clone(), noticed_at: UnixMs(0), evidence: "dead".into() };
    Box::new(move || Ok(queue.reclaim(&claim, &lost, max_deaths)? == expected))
}

/// A claim that its worker died before removing.
fn reclaim_published(lab: &Lab) -> Act {
    let (id, worker, queue) = (lab.add("a", "do it"), lab.worker(), lab.queue());
    let claim = lab.claim(&worker, &id);
    let link = lab.path().join("claims").join(claim.name().at.to_string());
    queue.write_result(claim.attempt(), &result()).unwrap();
    let _won = queue.publish(claim, FinalDir::Done).unwrap();
    fs::hard_link(worker.path(), link).unwrap();
    all_are_dead(lab);
    let claim = queue.dead_claims().unwrap().remove(0);
    let lost =
        Lost { worker: claim.card.id.clone(), noticed_at: UnixMs(0), evidence: "dead".into() };
    Box::new(move || Ok(queue.reclaim(&claim, &lost, 2)? == Reclaimed::Swept))
}

fn bury(lab: &Lab) -> Act {
    let (queue, id) = (lab.queue(), lab.worker().id().clone());
    queue.ask_to_retire(&id).unwrap();
    all_are_dead(lab);
    Box::new(move || queue.bury(&id).map(|()| true))
}

fn retire(lab: &Lab) -> Act {
    let (queue, id) = (lab.queue(), lab.worker().id().clone());
    Box::new(move || queue.ask_to_retire(&id).map(|()| true))
}

fn deregister(lab: &Lab) -> Act {
    let (queue, worker) = (lab.queue(), lab.worker());
    queue.ask_to_retire(worker.id()).unwrap();
    Box::new(move || queue.deregister(worker).map(|()| true))
}

fn disown(lab: &Lab) -> Act {
    claimed(lab);
    let queue = lab.queue();
    let at = queue.claims().unwrap().remove(0).at;
    Box::new(move || queue.disown(&at).map(|()| true))
}

/// Old garbage of each kind: staging, a trial of the file system, a reservation, a request to retire, a probe, a request to
/// cancel what somebody removed by hand.
fn sweep(lab: &Lab) -> Act {
    lab.add("a", "do it");
    let queue = lab.queue();
    let gone = lab.worker();
    assert!(queue.start_probe(&gone, "claude").unwrap());
    queue.ask_to_retire(gone.id()).unwrap();
    let retire = queue.paths().file(Dir::Retire, gone.id().as_str());
    queue.deregister(gone).unwrap();
    fs::write(retire, "").unwrap();
    fs::write(lab.path().join("tmp/0123456789abcdef"), "").unwrap();
    fs::write(lab.path().join("ready/.probe-0123456789abcdef"), "").unwrap();
    let reserved = lab.path().join("runs/20260101T000000000-never-k3f9");
    fs::create_dir(&reserved).unwrap();
    fs::write(reserved.join("name"), "Never.md").unwrap();
    fs::write(lab.path().join("cancel/20260101T000000000-never-k3f9.0"), "").unwrap();
    lab.age();
    Box::new(move || queue.sweep().map(|_| true))
}

/// What a power cut leaves of a worker's card and its claim.
fn sweep_torn(lab: &Lab) -> Act {
    claimed(lab);
    let queue = lab.queue();
    let card = queue.paths().file(Dir::Workers, queue.workers().unwrap()[0].0.id.as_str());
    fs::write(card, "").unwrap();
    Box::new(move || Ok(queue.sweep_torn()? == 2))
}

fn trip_breaker(lab: &Lab) -> Act {
    lab.add("a", "do it");
    let queue = lab.queue();
    Box::new(move || {
        queue.trip_breaker("claude", Fault::Overload, "529", UnixMs(1000)).map(|_| true)
    })
}

fn reset_breaker(lab: &Lab) -> Act {
    let act = trip_breaker(lab);
    act().unwrap();
    let queue = lab.queue();
    Box::new(move || {
        queue.reset_breaker("claude", UnixMs(2000))?;
        Ok(queue.closed_accounts(UnixMs(2000))?.is_empty())
    })
}

/// Two names of one task, as only a file system that lost a rename can leave them.
fn set_aside(lab: &Lab) -> Act {
    let (id, worker, queue) = (lab.add("a", "do it"), lab.worker(), lab.queue());
    let claim = lab.claim(&worker, &id);
    queue.write_result(claim.attempt(), &result()).unwrap();
    let _won = queue.publish(claim, FinalDir::Done).unwrap();
    fs::write(lab.path().join("ready").join(format!("5-{id}.2")), "do it").unwrap();
    let violation = queue.check().unwrap().remove(0);
    Box::new(move || queue.set_aside(&violation).map(|()| true))
}
