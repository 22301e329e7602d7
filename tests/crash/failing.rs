//! Every call fails, once, with every errno; and every change is made and reported as failed.
//!
//! Whatever the caller is told: nothing panics, the queue stands at a step of the specification, "it was done"
//! is true, a full disk is recognised, and the next process brings the task to one end. The recovery of one and
//! the same tree of files is tried once.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::libc;
use swarmdir::queue::Result;
use swarmdir::sys::seam::{CallFate, Op};

use super::hooks::{Calls, Seen, at, listing};
use super::lab::Lab;
use super::proof::Proof;
use super::table::Row;

const ERRNOS: [i32; 9] = [
    libc::ENOSPC,
    libc::EIO,
    libc::EMLINK,
    libc::ESTALE,
    libc::EDQUOT,
    libc::EMFILE,
    libc::EROFS,
    libc::EINTR,
    libc::EACCES,
];

/// What a lost reply looks like when the call is sent again.
fn lost(op: Op) -> Vec<CallFate> {
    let again = match op {
        Op::Link | Op::Mkdir => Some(libc::EEXIST),
        Op::Rename | Op::Unlink | Op::Rmdir => Some(libc::ENOENT),
        _ => None,
    };
    again.into_iter().chain([libc::EIO]).map(CallFate::Lost).collect()
}

struct Trial<'a> {
    row: &'a Row,
    /// What was found wrong.
    wrong: Vec<String>,
    /// Trees whose recovery was seen.
    recovered: HashSet<Vec<String>>,
}

impl Trial<'_> {
    fn meet(&mut self, calls: Calls, n: usize, fate: &CallFate, call: &Seen) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.meet_it(calls, n, fate, call))) {
            let said = panic.downcast::<String>().map_or_else(|_| "a panic".into(), |said| *said);
            self.wrong.push(format!("{}, {fate:?} at call {n}, {call:?}: {said}", self.row.name));
        }
    }

    fn meet_it(&mut self, calls: Calls, n: usize, fate: &CallFate, call: &Seen) {
        let row = self.row;
        let (lab, act) = row.begin();
        let context = format!("{}, {fate:?} at call {n}: {call:?}", row.name);
        let (outcome, _) = at(calls, n, fate.clone(), act);
        if let CallFate::Fail(libc::EACCES) = fate
            && call.op == Op::Open
            && lab.line().contains("rejected/")
        {
            // A file that may not be read is wrong, and its author is told.
            return self.recover(&lab, None, &context);
        }
        let step = match row.several {
            true => {
                row.assert_each_at_a_step(&lab, &context);
                row.last()
            }
            false => row.step_of(&lab, 0, &context),
        };
        assert_honest(row, &lab, fate, &outcome, &context);
        self.recover(&lab, Some(step), &context);
    }

    fn recover(&mut self, lab: &Lab, step: Option<usize>, context: &str) {
        if !self.recovered.insert(lab.tree()) {
            return;
        }
        lab.mend();
        lab.recover().unwrap_or_else(|e| panic!("{context}: {e}"));
        match step {
            Some(step) => self.row.assert_recovered(lab, step, context),
            None => lab.assert_sound(context),
        }
    }
}

/// What the caller is told is true, and says what is wrong where a disk is full.
fn assert_honest(row: &Row, lab: &Lab, fate: &CallFate, outcome: &Result<bool>, context: &str) {
    match (outcome, fate) {
        (Ok(true), _) => assert_eq!(lab.line(), row.state(row.last()), "{context}: it was done"),
        (Ok(false), _) => {}
        (Err(e), CallFate::Fail(errno) | CallFate::Lost(errno)) => {
            let full = matches!(*errno, libc::ENOSPC | libc::EDQUOT);
            assert_eq!(e.disk_full(), full, "{context}: {e}");
            let room = e.hint().is_some_and(|hint| hint.contains("make room"));
            assert_eq!(room, full, "{context}: {:?}", e.hint());
            let said = Errno::from_raw(*errno).desc().to_lowercase();
            let heard = e.to_string().to_lowercase();
            assert!(heard.contains(&said) || heard.contains("os error"), "{context}: {heard}");
        }
        other => panic!("{context}: {other:?}"),
    }
}

fn fail_all(part: usize) -> usize {
    let (mut failures, mut wrong) = (0, Vec::new());
    for row in Row::all().iter().skip(part).step_by(PARTS) {
        let (_lab, act) = row.begin();
        let (_, calls) = listing(Calls::All, act);
        let mut trial = Trial { row, wrong: Vec::new(), recovered: HashSet::new() };
        for (n, call) in (1..).zip(&calls) {
            for errno in ERRNOS {
                trial.meet(Calls::All, n, &CallFate::Fail(errno), call);
                failures += 1;
            }
        }
        wrong.extend(trial.wrong);
    }
    assert_none(&wrong);
    failures
}

/// Fails with everything that was found, not with the first of it.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} failures:\n{}", wrong.len(), wrong.join("\n"));
}

/// The rows are dealt out to so many tests, for as many processors.
const PARTS: usize = 2;

#[test]
fn every_call_may_fail_with_every_errno_first_half() {
    let mut proof = Proof::of("failing-1");
    proof.add("failing calls, first half of the transitions", all_of(fail_all(0)));
    proof.write();
}

#[test]
fn every_call_may_fail_with_every_errno_second_half() {
    let mut proof = Proof::of("failing-2");
    proof.add("failing calls, second half of the transitions", all_of(fail_all(1)));
    proof.write();
}

fn all_of(n: usize) -> String {
    format!("{n} of {n}")
}

#[test]
fn a_call_may_be_made_and_reported_as_failed() {
    let (mut replies, mut wrong) = (0, Vec::new());
    for row in Row::all() {
        let (_lab, act) = row.begin();
        let (_, calls) = listing(Calls::Changing, act);
        let mut trial = Trial { row: &row, wrong: Vec::new(), recovered: HashSet::new() };
        for (n, call) in (1..).zip(&calls) {
            for fate in lost(call.op) {
                trial.meet(Calls::Changing, n, &fate, call);
                replies += 1;
            }
        }
        wrong.extend(trial.wrong);
    }
    assert_none(&wrong);
    let mut proof = Proof::of("lost");
    proof.add("lost replies", all_of(replies));
    proof.write();
}
