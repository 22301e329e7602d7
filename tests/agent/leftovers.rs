//! After an agent nothing of it is left: not in its group, not in a session of its own, not when it or
//! its supervisor was killed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use swarmdir::agent::{Progress, StopReason};
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::sys::grace::Grace;
use swarmdir::sys::{random, sweep};

use crate::support::alone::{again, alone, is_inside, this_test};
use crate::support::jobs::{Place, run, run_until};

#[test]
fn whatever_session_it_moved_to() {
    alone(this_test!(), || {
        sweep::become_subreaper().unwrap();
        let place = Place::new();
        let report = run(&place.demo("fork 600s\nleave 600s\nsay done"));
        assert_eq!((&report.ending, report.swept), (&Outcome::Success, 2), "{report:?}");
        assert_eq!(sweep::children_of(swarmdir::sys::process::own_pid()), Vec::<i32>::new());
        // Nothing left costs nothing and kills nothing.
        assert_eq!(run(&place.demo("say done")).swept, 0);
    });
}

#[test]
fn also_when_it_is_killed_with_children_that_ignore_everything() {
    alone(this_test!(), || {
        sweep::become_subreaper().unwrap();
        let place = Place::new();
        let script = "setsid sh -c 'trap \"\" INT TERM HUP; (trap \"\" TERM; sleep 600) & echo ready; sleep 600' & wait";
        let job = place.sh(script, "x");
        let seen = |progress: &Progress| *progress == Progress::Alive;
        let report = run_until(&job, seen, |remote| remote.stop(StopReason::Operator));
        assert!(report.swept >= 2, "{report:?}");
        assert_eq!(sweep::children_of(swarmdir::sys::process::own_pid()), Vec::<i32>::new());
    });
}

#[test]
fn also_in_a_process_that_is_no_subreaper() {
    let place = Place::new();
    let job = place.demo("fork 600s\nleave 600s\nsay done");
    let report = run(&job);
    assert_eq!((&report.ending, report.swept), (&Outcome::Success, 2), "{report:?}");
    assert_eq!(
        sweep::marked("SWARMDIR_SESSION", &job.request.session, &mut Grace::none(), 0),
        sweep::Swept::default()
    );
}

#[test]
fn who_keeps_its_output_open_does_not_keep_us() {
    let place = Place::new();
    let report = run(&place.sh("setsid sleep 600 & echo said", "x"));
    assert_eq!((&report.ending, report.said.as_deref()), (&Outcome::Success, Some("said")));
    assert!(report.elapsed_ms < 10_000 && report.swept == 1, "{report:?}");
}

#[test]
fn a_writer_that_outlives_its_shell_by_a_moment_is_heard() {
    let place = Place::new();
    let report =
        run(&place.sh("(while kill -0 $$; do :; done; echo late) 2>/dev/null & exit 0", "x"));
    assert_eq!(report.said.as_deref(), Some("late"));
}

/// A supervisor that is killed: the agent dies of it, and what that left is found by its mark.
#[test]
fn also_when_the_supervisor_is_killed() {
    let test = this_test!();
    if is_inside(test) {
        // In the directory of the test itself, which outlives this process.
        let place = Place::new();
        let mut job = place.demo("ignore-term\nfork 600s\nsay ready\nsleep 600s");
        job.place.env.push(("SWARMDIR_WORKER".into(), std::env::var("WORKER_OF_TEST").unwrap()));
        swarmdir::agent::Session::new().run(&job, &mut |progress| match progress {
            Progress::Started { pid } => println!("\npid {pid}"),
            Progress::Doing(what) if what.contains("ready") => println!("ready"),
            Progress::Doing(_)
            | Progress::Alive
            | Progress::Answered
            | Progress::Limit(_)
            | Progress::Stopping
            | Progress::Live(_) => {}
        });
        unreachable!("it is killed before");
    }
    let worker = random::uuid();
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = again(test)
        .env("WORKER_OF_TEST", &worker)
        .env("TMPDIR", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(supervisor.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines.map(Result::unwrap).take_while(|line| line != "ready").collect();
    assert!(said.iter().any(|line| line.starts_with("pid ")), "{said:?}");
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    // The agent ignores its death signal, and the grandchild never got one.
    let swept = sweep::marked("SWARMDIR_WORKER", &worker, &mut Grace::new(), 10_000);
    assert_eq!((swept.killed, swept.left), (2, 0));
    assert_eq!(
        sweep::marked("SWARMDIR_WORKER", &worker, &mut Grace::none(), 0),
        sweep::Swept::default()
    );
}
