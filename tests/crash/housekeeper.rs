//! A whole pass of housekeeping over a queue in which one of everything is due, dying and failing at every call.
//!
//! A worker that lives holds a task all the while: nobody may take it from him.

use std::fs;
use std::process::{Child, Command, Stdio};

use nix::libc;
use swarmdir::domain::process::ProcessIdentity;
use swarmdir::domain::settings::config::Config;
use swarmdir::domain::task::name::TaskEpoch;
use swarmdir::domain::task::reason::{Reason, Wait};
use swarmdir::domain::task::record::Lost;
use swarmdir::domain::time::UnixMs;
use swarmdir::housekeeping::Housekeeper;
use swarmdir::queue::finish::{FinalDir, Transition};
use swarmdir::queue::register::Card;
use swarmdir::queue::{Queue, Result};
use swarmdir::sys::identity;
use swarmdir::sys::seam::CallFate;

use super::child::{End, child};
use super::hooks::{Calls, at, listing};
use super::lab::{Lab, WRONG, result};
use super::proof::Proof;
use crate::support::alone::{alone, this_test};

/// How it all ends.
const ENDS: &str = "again done, cut cancelled, due done, held done, last failed, left done, new done, \
                    off done, torn done, wrong rejected";

/// A process that only lives.
struct Alive(Child);

impl Alive {
    fn new() -> Alive {
        let mut command = Command::new("sleep");
        Alive(command.arg("600").stdin(Stdio::null()).spawn().unwrap())
    }

    fn identity(&self) -> ProcessIdentity {
        let pid = i32::try_from(self.0.id()).unwrap();
        let start_ticks = identity::start_ticks(pid).expect("it lives");
        ProcessIdentity { pid, start_ticks, ..identity::me() }
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _dead_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// One of everything, and the task of the worker that lives.
fn arrange(alive: &Alive) -> Lab {
    let lab = Lab::new();
    let queue = lab.queue();
    lab.drop("new", "do it");
    lab.drop("wrong", WRONG);
    lab.add("off", "away");
    let cut = lab.add("cut", "do it");
    queue.request_cancel(&cut).unwrap();
    let due = lab.add("due", "do it");
    let claim = lab.claim(&lab.worker(), &due);
    let soon = Reason::until(Wait::Retry, UnixMs(1000));
    assert_eq!(queue.give_back_blocked(claim, soon).unwrap(), Transition::Won);
    let again = lab.add("again", "do it");
    lab.claim(&lab.worker(), &again).leave_to_reclaimer();
    last_death(&lab);
    left_over(&lab);
    let gone = lab.worker();
    queue.ask_to_retire(gone.id()).unwrap();
    assert!(queue.declare_dead(gone.id()).unwrap());
    let torn = lab.add("torn", "do it");
    fs::write(lab.path().join("claims").join(lab.name(&torn).at.to_string()), "").unwrap();
    let held = lab.add("held", "do it");
    let worker = queue.register(Card { process: alive.identity(), ..lab.card() }).unwrap();
    lab.claim(&worker, &held).leave_to_reclaimer();
    lab
}

/// A task whose second worker is dead: one more than it may cost.
fn last_death(lab: &Lab) {
    let queue = lab.queue();
    let id = lab.add("last", "do it");
    let first = lab.worker();
    lab.claim(&first, &id).leave_to_reclaimer();
    assert!(queue.declare_dead(first.id()).unwrap());
    let claim = queue.dead_claims().unwrap().into_iter().find(|claim| claim.at.id == id).unwrap();
    let lost = Lost { worker: first.id().clone(), noticed_at: UnixMs(0), evidence: "dead".into() };
    queue.reclaim(&claim, &lost, 2).unwrap();
    queue.bury(first.id()).unwrap();
    lab.claim(&lab.worker(), &id).leave_to_reclaimer();
}

/// A published task whose claim its worker died before removing.
fn left_over(lab: &Lab) {
    let queue = lab.queue();
    let id = lab.add("left", "do it");
    let worker = lab.worker();
    let claim = lab.claim(&worker, &id);
    let at: TaskEpoch = claim.name().at.clone();
    queue.write_result(claim.attempt(), &result()).unwrap();
    assert_eq!(queue.publish(claim, FinalDir::Done).unwrap(), Transition::Won);
    fs::hard_link(worker.path(), lab.path().join("claims").join(at.to_string())).unwrap();
}

/// One pass of a process that has just started.
fn pass(queue: Queue, config: &Config) -> Result<()> {
    let journal = queue.journal("housekeeper")?;
    Housekeeper::new(queue, config).pass(&journal).map(|_| ())
}

/// The living one kept his task and lives; then he ends too, and everything comes to its end.
fn assert_ends(lab: &Lab, mut alive: Alive, ends: &str, context: &str) {
    lab.recover().unwrap_or_else(|e| panic!("{context}: {e}"));
    assert!(alive.lives(), "{context}: a living worker was killed");
    let line = lab.line();
    let held = line.split(' ').filter(|word| word.starts_with("claims/")).collect::<Vec<_>>();
    assert!(line.contains("ready/5-held.1 "), "{context}: {line}");
    assert!(held.len() == 1 && held[0].starts_with("claims/held.1="), "{context}: {line}");
    drop(alive);
    lab.recover().unwrap_or_else(|e| panic!("{context}: {e}"));
    lab.assert_sound(context);
    lab.drive().unwrap();
    assert_eq!(lab.ends(), ends, "{context}");
    lab.assert_swept(context);
}

#[test]
fn a_round_does_all_that_is_due() {
    alone(this_test!(), || {
        let alive = Alive::new();
        let lab = arrange(&alive);
        pass(lab.queue(), &lab.config()).unwrap();
        let line = lab.line();
        for word in [
            "ready/5-new.1",
            "rejected/wrong.0",
            "ready/5-off.1",
            "cancelled/cut.1",
            "ready/5-due.3",
        ] {
            assert!(line.contains(word), "{word}: {line}");
        }
        for word in ["ready/5-again.2", "failed/last.2.", "done/left.1.", "ready/5-torn.1"] {
            assert!(line.contains(word), "{word}: {line}");
        }
        assert_ends(&lab, alive, ENDS, "a pass");
    });
}

#[test]
fn a_round_may_die_at_every_call() {
    alone(this_test!(), || {
        let mut points = 0;
        for n in 1.. {
            let mut ran_through = false;
            for fate in [CallFate::KillBefore, CallFate::KillAfter] {
                let alive = Alive::new();
                let lab = arrange(&alive);
                let context = format!("{fate:?} call {n} of a pass");
                let (queue, config) = (lab.queue(), lab.config());
                let end = child(|| at(Calls::Changing, n, fate, || pass(queue, &config)).0.is_ok());
                ran_through |= end == End::Came(true);
                assert!(ran_through || end == End::Killed, "{context}: {end:?}");
                assert_ends(&lab, alive, ENDS, &context);
                points += usize::from(!ran_through);
            }
            if ran_through {
                break;
            }
        }
        assert!(points >= 100, "{points}");
        let mut proof = Proof::of("housekeeper");
        proof.add("crash points, a pass of housekeeping", format!("{points} of {points}"));
        proof.write();
    });
}

#[test]
fn a_call_of_a_round_may_fail() {
    alone(this_test!(), || {
        let alive = Alive::new();
        let lab = arrange(&alive);
        let (queue, config) = (lab.queue(), lab.config());
        let (_, calls) = listing(Calls::All, || pass(queue, &config));
        let errnos = [libc::EIO, libc::ENOSPC, libc::ESTALE];
        for n in 1..=calls.len() {
            let errno = errnos[n % errnos.len()];
            let alive = Alive::new();
            let lab = arrange(&alive);
            let (queue, config) = (lab.queue(), lab.config());
            let (_, _) = at(Calls::All, n, CallFate::Fail(errno), || pass(queue, &config));
            // A death that cannot be read does not count: the limit is reached later.
            let uncounted =
                calls[n - 1].path.ends_with("/lost") && lab.line().contains("ready/5-last.3");
            let ends =
                if uncounted { ENDS.replace("last failed", "last done") } else { ENDS.into() };
            let context = format!("errno {errno} at call {n}: {:?}", calls[n - 1]);
            assert_ends(&lab, alive, &ends, &context);
        }
        let mut proof = Proof::of("housekeeper-failing");
        let all = calls.len();
        proof.add("failing calls, a pass of housekeeping", format!("{all} of {all}"));
        proof.write();
    });
}
