//! Deadlines and orders to stop, on processes that obey and on those that do not.

use swarmdir::agent::{Progress, Session, StopReason};
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;

use crate::support::jobs::{Place, run, run_until};

fn fault(ending: &Outcome) -> Fault {
    match ending {
        Outcome::Failure { fault, .. } => *fault,
        Outcome::Success => panic!("it succeeded"),
    }
}

fn doing(word: &'static str) -> impl Fn(&Progress) -> bool {
    move |progress| matches!(progress, Progress::Doing(what) if what.contains(word))
}

#[test]
fn a_stop_is_an_interrupt_first_so_that_the_bill_is_kept() {
    let place = Place::new();
    let job = place.demo("cost 0.5\nsleep 60s");
    let report = run_until(&job, doing("sleep"), |remote| remote.stop(StopReason::Cancelled));
    assert_eq!(fault(&report.ending), Fault::Stopped);
    assert_eq!(report.exit.as_deref(), Some("exit 0"));
    assert!((report.usage.cost_usd - 0.5).abs() < 1e-9);
}

#[test]
fn who_ignores_interrupts_and_termination_is_killed() {
    let place = Place::new();
    let mut job = place.demo("ignore-term\nsay ready\nhang");
    job.bounds.timeouts.interrupt_grace_ms = 50;
    job.bounds.timeouts.terminate_grace_ms = 50;
    let report = run_until(&job, doing("ready"), |remote| remote.stop(StopReason::Operator));
    assert_eq!(fault(&report.ending), Fault::Stopped);
    assert_eq!(report.exit.as_deref(), Some("signal 9"));
    assert!(report.usage.estimated);
}

#[test]
fn a_command_is_stopped_with_its_whole_group() {
    let place = Place::new();
    let mut job = place.sh("trap '' TERM; sleep 600 & echo ready; wait; sleep 600", "x");
    job.bounds.timeouts.terminate_grace_ms = 50;
    let seen = |progress: &Progress| *progress == Progress::Alive;
    let report = run_until(&job, seen, |remote| remote.stop(StopReason::Operator));
    assert_eq!((fault(&report.ending), report.exit.as_deref()), (Fault::Stopped, Some("signal 9")));
}

#[test]
fn a_kill_needs_no_ladder_and_an_order_before_the_start_prevents_it() {
    let place = Place::new();
    let job = place.demo("ignore-term\nsay ready\nhang");
    let report = run_until(&job, doing("ready"), swarmdir::agent::Remote::kill);
    assert_eq!((fault(&report.ending), report.exit.as_deref()), (Fault::Stopped, Some("signal 9")));
    let session = Session::new();
    session.remote().stop(StopReason::LostClaim);
    let report = session.run(&place.demo("write x y"), &mut |_| panic!("it was started"));
    assert_eq!((fault(&report.ending), report.exit), (Fault::Stopped, None));
    assert_eq!(place.text("x"), "");
}

#[test]
fn each_deadline_has_its_own_name() {
    let place = Place::new();
    let mut job = place.demo("silent\nhang");
    job.bounds.timeouts.startup_ms = 100;
    assert_eq!(fault(&run(&job).ending), Fault::Startup);
    let mut job = place.demo("say hello\nhang");
    job.bounds.timeouts.silence_ms = 100;
    assert_eq!(fault(&run(&job).ending), Fault::Silent);
    let mut job = place.demo("retry 100ms\nhang");
    job.bounds.timeouts.silence_ms = 100;
    assert_eq!(fault(&run(&job).ending), Fault::Overload);
    let mut job = place.demo("sleep 60s");
    job.bounds.timeouts.wall_ms = 200;
    assert_eq!(fault(&run(&job).ending), Fault::Timeout);
    let mut job = place.demo("result-then-hang");
    job.bounds.timeouts.after_result_ms = 100;
    assert_eq!(fault(&run(&job).ending), Fault::NoResult);
}

#[test]
fn a_flood_of_output_does_not_hold_up_a_deadline() {
    let place = Place::new();
    let mut job = place.sh("exec yes", "x");
    job.bounds.timeouts.wall_ms = 300;
    let report = run(&job);
    assert_eq!(fault(&report.ending), Fault::Timeout);
    assert!(report.elapsed_ms < 5_000, "{}", report.elapsed_ms);
}
