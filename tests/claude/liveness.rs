//! Quiet, stalled or dead, with the real agent: a long tool goes on, a stream that only pings or says nothing is cut
//! by our own timer, and each judgement says what was seen.

use std::time::Duration;

use swarmdir::agent::Progress;
use swarmdir::agent::transcript::Line;
use swarmdir::agent::{Job, Report, Session};
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::liveness::judgement::Liveness;
use swarmdir::domain::liveness::report::Live;
use swarmdir::domain::outcome::disposition::Outcome;

use super::{Stage, assert_nothing_left, fault, parsed};
use crate::support::alone::{alone, this_test};
use crate::support::stub::Step;

/// Runs a job and keeps what was told of it.
fn run(job: &Job) -> (Report, Vec<Live>) {
    let mut told = Vec::new();
    let report = Session::new().run(job, &mut |progress| {
        if let Progress::Live(live) = progress {
            told.push((**live).clone());
        }
    });
    (report, told)
}

fn detail(report: &Report) -> &str {
    match &report.ending {
        Outcome::Failure { detail, .. } => detail,
        Outcome::Success => "",
    }
}

#[test]
fn a_tool_that_takes_longer_than_the_silence_is_kept_alive_by_its_heartbeats() {
    alone(this_test!(), || {
        let steps = [Step::bash("echo x; sleep 50"), Step::text("done")];
        let Some(stage) = Stage::set(steps) else { return };
        let mut job = stage.job();
        (job.bounds.timeouts.silence_ms, job.bounds.timeouts.wall_ms) = (45_000, 300_000);
        let (report, told) = run(&job);
        assert_eq!(report.ending, Outcome::Success, "{report:?}");
        assert!(report.elapsed_ms > 50_000);
        let recorded = std::fs::read(&job.place.files.events).unwrap();
        let lines = recorded.split(|byte| *byte == b'\n').map(parsed);
        let beats: Vec<u64> = lines
            .filter_map(|line| match line {
                Line::Progress { elapsed_secs, .. } => Some(elapsed_secs),
                _ => None,
            })
            .collect();
        assert_eq!(beats, [30], "heartbeats of its tool");
        // It was looked at before the first heartbeat, and was never more than quiet.
        assert!(told.iter().any(|live| live.look.is_some() && live.tool.is_some()), "{told:#?}");
        let worst = told.iter().map(|live| live.verdict).filter(|v| *v == Liveness::Stalled);
        assert_eq!(worst.count(), 0, "{told:#?}");
        println!("elapsed {} ms, heartbeats at {beats:?} s; {told:?}", report.elapsed_ms);
        assert_nothing_left();
    });
}

#[test]
fn a_tool_without_a_sign_of_life_is_cut() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::bash("echo x; sleep 600")]) else { return };
        let mut job = stage.job();
        job.bounds.timeouts.silence_ms = 4_000;
        let (report, told) = run(&job);
        assert_eq!(fault(&report), Fault::Silent, "{report:?}");
        let said = detail(&report);
        for part in
            ["it hangs: no output for", "its tool Bash runs for", "of CPU time in", "no file"]
        {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
        println!("{said}");
        assert_eq!(told.last().map(|live| live.verdict), Some(Liveness::Stalled));
        assert_nothing_left();
    });
}

/// A stream that begins and then pings for ever, or says nothing at all: claude prints nothing, and waits for ever or
/// for five minutes.
#[test]
fn a_stream_that_only_pings_and_one_that_is_silent_are_cut_by_our_own_timer() {
    alone(this_test!(), || {
        const SILENCE_MS: u64 = 5_000;
        for step in [Step::pings(Duration::from_millis(100)), Step::silence()] {
            let Some(stage) = Stage::set([step.forever()]) else { return };
            let mut job = stage.job();
            (job.bounds.timeouts.silence_ms, job.bounds.timeouts.wall_ms) = (SILENCE_MS, 300_000);
            let (report, told) = run(&job);
            assert_eq!(fault(&report), Fault::Silent, "{report:?}");
            let said = detail(&report);
            for part in
                ["it hangs: no output for", "of CPU time in", "no file of its directory changed"]
            {
                assert!(said.contains(part), "{part:?} is not in {said:?}");
            }
            println!("{said}; after {} ms: {:?}", report.elapsed_ms, told.last());
            // At the second look: not before the silence is full, and not long after it.
            let first = report.first_event_ms.unwrap();
            assert!(report.elapsed_ms - first >= SILENCE_MS, "{report:?}");
            assert!(report.elapsed_ms < 60_000, "{report:?}");
            let last = told.last().expect("it is told that it is stopped");
            assert_eq!(last.verdict, Liveness::Stalled, "{last:?}");
            assert!(last.stopping.as_deref().is_some_and(|why| said.ends_with(why)), "{last:?}");
            assert_eq!(stage.stub.served("it").messages, 0);
            assert_nothing_left();
        }
    });
}
