//! A process that stands still at a call while others do their work, and then goes on as if nothing had been.
//!
//! It is stopped before each of its calls in turn, reading ones as well. Meanwhile its task is reclaimed, or
//! cancelled, or done by somebody else. Then it must be refused where it had not decided yet, and in any case
//! change nothing of what the others made.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};

use swarmdir::sys::seam::{self, Call, CallFate, Hook};

use super::hooks::{Calls, listing};
use super::lab::{Lab, names};
use super::proof::Proof;
use super::table::Row;

/// Who comes late in these is refused.
const DECIDING: [&str; 10] = [
    "publish, done",
    "publish, failed",
    "give back",
    "reject, by the holder",
    "unblock",
    "hold",
    "hold what is blocked",
    "priority",
    "priority of what is blocked",
    "intake",
];

/// In these somebody late may find done what he was about to do, or begin what he may not end.
const OTHERS: [&str; 10] = [
    "claim and read",
    "register",
    "heartbeat",
    "cancel, by the holder",
    "disown",
    "reclaim",
    "intake, wrong",
    "reclaim, the last death",
    "cancel what is ready",
    "cancel what runs",
];

/// What others do meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meanwhile {
    Reclaimed,
    Cancelled,
    Done,
}

/// Says that it has come to a call, and waits to be let go.
struct Stop {
    at: usize,
    seen: usize,
    here: Sender<()>,
    go: Receiver<()>,
}

impl Hook for Stop {
    fn before(&mut self, _: &Call<'_>) -> CallFate {
        self.seen += 1;
        if self.seen == self.at {
            self.here.send(()).unwrap();
            self.go.recv().unwrap();
        }
        CallFate::Go
    }
}

impl Meanwhile {
    fn happen(self, lab: &Lab) {
        let queue = lab.queue();
        match self {
            Meanwhile::Reclaimed => lab.recover().unwrap(),
            Meanwhile::Cancelled => {
                let snapshot = queue.scan().unwrap();
                for name in snapshot.ready.iter().chain(&snapshot.blocked) {
                    let request = queue.request_cancel(&name.at.id).unwrap();
                    queue.carry_out(&request).unwrap();
                }
            }
            Meanwhile::Done => {
                lab.recover().unwrap();
                lab.drive().unwrap();
            }
        }
    }
}

/// The names that others count on: not claims, requests and reports, which say nothing by themselves.
fn words(lab: &Lab) -> BTreeSet<String> {
    let hints = ["claims/", "cancel/", "report/"];
    let line = lab.line();
    let words = line.split(' ').filter(|word| !hints.iter().any(|hint| word.starts_with(hint)));
    words.map(str::to_owned).collect()
}

fn pause(row: &Row, at: usize, meanwhile: Meanwhile) {
    let context = format!("{}, stopped before call {at}, meanwhile {meanwhile:?}", row.name);
    let (lab, act) = row.begin();
    let ((here, stopped), (let_go, go)) = (channel(), channel());
    let hook = Stop { at, seen: 0, here, go };
    let zombie = std::thread::spawn(move || seam::with(Box::new(hook), act));
    stopped.recv().expect("it comes to the call");
    let undecided = lab.line().split(' ').next() == row.state(0).split(' ').next();
    let before = words(&lab);
    meanwhile.happen(&lab);
    let after = words(&lab);
    let_go.send(()).unwrap();
    let outcome = zombie.join().unwrap();
    // A request is for the task, whatever it is called by then.
    if moved(&before, &after) && !row.name.starts_with("cancel what") {
        assert_eq!(words(&lab), after, "{context}: it changed what others had made");
        let refused = !matches!(outcome, Ok(true));
        assert!(refused || !undecided || !DECIDING.contains(&row.name), "{context}: not refused");
    }
    for card in names(&lab.path().join("workers")) {
        let text = std::fs::read_to_string(lab.path().join("workers").join(card)).unwrap();
        assert!(text.contains('{'), "{context}: a torn card: {text:?}");
    }
    lab.recover().unwrap();
    lab.assert_sound(&context);
    lab.drive().unwrap();
    assert!(lab.ends().matches("a ").count() <= 1, "{context}: {}", lab.ends());
    assert!(row.name == "register" || lab.ends().starts_with("a "), "{context}: {}", lab.ends());
    lab.assert_swept(&context);
}

/// Whether the task has another name now.
fn moved(before: &BTreeSet<String>, after: &BTreeSet<String>) -> bool {
    let task = |words: &BTreeSet<String>| -> BTreeSet<String> {
        let of_workers = ["workers/", "gone/", "retire/"];
        let own = words.iter().filter(|word| !of_workers.iter().any(|dir| word.starts_with(dir)));
        own.cloned().collect()
    };
    task(before) != task(after)
}

#[test]
fn who_stood_still_changes_nothing() {
    let mut pauses = 0;
    let named = |row: &Row| DECIDING.contains(&row.name) || OTHERS.contains(&row.name);
    let rows: Vec<Row> = Row::all().into_iter().filter(named).collect();
    assert_eq!(rows.len(), DECIDING.len() + OTHERS.len(), "every name is a row's");
    for row in &rows {
        let (_lab, act) = row.begin();
        let (_, calls) = listing(Calls::All, act);
        for at in 1..=calls.len() {
            for meanwhile in [Meanwhile::Reclaimed, Meanwhile::Cancelled, Meanwhile::Done] {
                pause(row, at, meanwhile);
                pauses += 1;
            }
        }
    }
    let mut proof = Proof::of("pauses");
    proof.add(
        "pauses, all calls of 20 transitions, 3 things meanwhile",
        format!("{pauses} of {pauses}"),
    );
    proof.write();
}
