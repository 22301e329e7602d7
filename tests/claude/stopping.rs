//! Stopped in the middle of a tool: the bill is kept where claude can keep it, and nothing is left.

use swarmdir::agent::{Progress, StopReason};
use swarmdir::domain::failure::fault::Fault;

use super::{Stage, assert_nothing_left, fault};
use crate::support::alone::{alone, this_test};
use crate::support::jobs::{run, run_until};
use crate::support::stub::Step;

/// A tool with children in a session of their own that ignore what they can; it says when they run.
const STUBBORN: &str = "trap '' INT TERM HUP; setsid nohup sleep 600 >/dev/null 2>&1 & \
    (trap '' TERM; sleep 600) & echo > ../started; wait";

/// Returns when the tool is at work: it opens the other end.
fn tool_at_work(stage: &Stage) -> impl FnOnce() + Send + use<> {
    let pipe = stage.place.beside("started");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    move || drop(std::fs::read(pipe).unwrap())
}

fn running_bash(progress: &Progress) -> bool {
    matches!(progress, Progress::Doing(what) if what.starts_with("Bash"))
}

#[test]
fn an_interrupt_keeps_the_bill_and_leaves_nothing() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::bash(STUBBORN), Step::text("never")]) else { return };
        let wait = tool_at_work(&stage);
        let report = run_until(&stage.job(), running_bash, |remote| {
            let remote = remote.clone();
            std::thread::spawn(move || {
                wait();
                remote.stop(StopReason::Operator);
            });
        });
        assert_eq!(fault(&report), Fault::Stopped, "{report:?}");
        assert_eq!(report.exit.as_deref(), Some("exit 0"));
        assert!(
            (report.usage.cost_usd - 0.009).abs() < 1e-9 && !report.usage.estimated,
            "{report:?}"
        );
        assert_nothing_left();
    });
}

#[test]
fn a_kill_loses_the_bill_and_leaves_nothing_either() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::bash(STUBBORN), Step::text("never")]) else { return };
        let wait = tool_at_work(&stage);
        let report = run_until(&stage.job(), running_bash, |remote| {
            let remote = remote.clone();
            std::thread::spawn(move || {
                wait();
                remote.kill();
            });
        });
        assert_eq!((fault(&report), report.exit.as_deref()), (Fault::Stopped, Some("signal 9")));
        assert!(report.usage.estimated && report.usage.cost_usd > 0.0, "{report:?}");
        assert!(report.swept >= 2, "{report:?}");
        assert_nothing_left();
    });
}

#[test]
fn a_termination_that_is_not_ours_leaves_nothing_and_no_result() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::bash(STUBBORN), Step::text("never")]) else { return };
        let wait = tool_at_work(&stage);
        let mut agent = None;
        let mut wait = Some(wait);
        let report = swarmdir::agent::Session::new().run(&stage.job(), &mut |progress| {
            if let Progress::Started { pid } = progress {
                agent = Some(*pid);
            }
            if running_bash(progress)
                && let Some(wait) = wait.take()
            {
                wait();
                swarmdir::sys::process::signal(
                    agent.unwrap(),
                    swarmdir::sys::process::Signal::SIGTERM,
                );
            }
        });
        assert_eq!((fault(&report), report.exit.as_deref()), (Fault::Crashed, Some("exit 143")));
        assert!(report.usage.estimated, "{report:?}");
        assert_nothing_left();
    });
}

#[test]
fn the_wall_clock_and_silence_end_it() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::bash("echo x; sleep 600"), Step::text("never")]) else {
            return;
        };
        let mut job = stage.job();
        job.bounds.timeouts.wall_ms = 2_000;
        assert_eq!(fault(&run(&job)), Fault::Timeout);
        assert_nothing_left();
        let Some(stage) = Stage::set([Step::silence().forever()]) else { return };
        let mut job = stage.job();
        job.bounds.timeouts.silence_ms = 1_500;
        assert_eq!(fault(&run(&job)), Fault::Silent);
        assert_nothing_left();
    });
}

#[test]
fn what_a_tool_leaves_in_the_background_is_swept() {
    alone(this_test!(), || {
        let leave = "setsid nohup sleep 600 >/dev/null 2>&1 & echo left";
        let Some(stage) = Stage::set([Step::bash(leave), Step::text("done")]) else { return };
        let report = stage.run();
        assert_eq!(
            (&report.ending, report.swept),
            (&swarmdir::domain::outcome::disposition::Outcome::Success, 1)
        );
        assert_nothing_left();
    });
}
