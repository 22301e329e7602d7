//! Killed before and after every call that changes something; then killed again, at every call of the recovery.

use swarmdir::sys::seam::CallFate;

use super::child::{End, child};
use super::hooks::{Calls, Seen, at, listing};
use super::lab::Lab;
use super::proof::Proof;
use super::table::Row;
use crate::support::alone::{alone, this_test};

/// The calls of a row, when nothing goes wrong; it ends at the last step.
fn calls_of(row: &Row) -> Vec<Seen> {
    let (lab, act) = row.begin();
    let (done, calls) = listing(Calls::Changing, act);
    assert!(done.unwrap(), "{}: it says that it was done", row.name);
    assert_eq!(lab.line(), row.state(row.last()), "{}: the state after", row.name);
    calls
}

/// A queue whose row was killed at a call, and the step that it came to, which is `from` or a later one.
fn killed(
    row: &Row,
    calls: &[Seen],
    n: usize,
    fate: CallFate,
    from: usize,
) -> (Lab, usize, String) {
    let (lab, act) = row.begin();
    let context = format!("{}, {fate:?} call {n} of {}: {:?}", row.name, calls.len(), calls[n - 1]);
    let end = child(|| at(Calls::Changing, n, fate, act).0.is_ok());
    assert_eq!(end, End::Killed, "{context}");
    let step = row.step_of(&lab, from, &context);
    (lab, step, context)
}

fn recover(lab: &Lab, context: &str) {
    lab.mend();
    lab.recover().unwrap_or_else(|e| panic!("{context}: {e}"));
}

#[test]
fn a_process_may_die_at_every_call() {
    alone(this_test!(), || {
        let mut proof = Proof::of("points");
        let mut total = 0;
        for row in Row::all() {
            let calls = calls_of(&row);
            let mut so_far = 0;
            for n in 1..=calls.len() {
                for fate in [CallFate::KillBefore, CallFate::KillAfter] {
                    let (lab, step, context) = killed(&row, &calls, n, fate, so_far);
                    so_far = step;
                    recover(&lab, &context);
                    row.assert_recovered(&lab, step, &context);
                    total += 1;
                }
            }
            proof.add(
                &format!("crash points, {}", row.name),
                format!("{0} of {0}", 2 * calls.len()),
            );
        }
        proof.add("crash points, all transitions", total);
        proof.write();
    });
}

/// The rows are dealt out to so many tests, for as many processors.
const PARTS: usize = 2;

/// Kills every row of a part at every call i, and its recovery at every call j.
fn pairs_of(part: usize) -> usize {
    let mut pairs = 0;
    for row in Row::all().iter().skip(part).step_by(PARTS) {
        let calls = calls_of(row);
        for i in 1..=calls.len() {
            for j in 1.. {
                let (lab, step, context) = killed(row, &calls, i, CallFate::KillAfter, 0);
                let context = format!("{context}; recovery killed after call {j}");
                lab.mend();
                let recovery = || at(Calls::Changing, j, CallFate::KillAfter, || lab.recover()).0;
                let end = child(|| recovery().is_ok());
                if end == End::Came(true) {
                    break;
                }
                assert_eq!(end, End::Killed, "{context}");
                recover(&lab, &context);
                row.assert_recovered(&lab, step, &context);
                pairs += 1;
            }
        }
    }
    assert!(pairs >= 1_000, "{pairs}");
    pairs
}

#[test]
fn a_recovery_may_die_at_every_call_too_first_half() {
    alone(this_test!(), || {
        let mut proof = Proof::of("pairs-1");
        proof.add("pairs of two crashes, first half of the transitions", pairs_of(0));
        proof.write();
    });
}

#[test]
fn a_recovery_may_die_at_every_call_too_second_half() {
    alone(this_test!(), || {
        let mut proof = Proof::of("pairs-2");
        proof.add("pairs of two crashes, second half of the transitions", pairs_of(1));
        proof.write();
    });
}
