//! Quiet, stalled or dead: the demo agent and plain commands through every pattern, in compressed time.
//!
//! Whoever is to live is let go by what was told of it, whoever is to hang hangs until it is stopped: no test waits
//! for a time of its own. Deadlines are far shorter than what would break them, and bounds far wider.

use swarmdir::agent::{Job, Progress, Report, Session};
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::liveness::judgement::Liveness;
use swarmdir::domain::liveness::report::Live;
use swarmdir::domain::outcome::disposition::Outcome;

use crate::support::jobs::{Place, run};

/// Runs a job; whenever something is told of it, `react` hears of it first.
fn watched(job: &Job, mut react: impl FnMut(&Live)) -> (Report, Vec<Live>) {
    let mut told = Vec::new();
    let report = Session::new().run(job, &mut |progress| {
        if let Progress::Live(live) = progress {
            react(live);
            told.push((**live).clone());
        }
    });
    (report, told)
}

fn with_silence(mut job: Job, silence_ms: u64) -> Job {
    let timeouts = &mut job.bounds.timeouts;
    (timeouts.silence_ms, timeouts.startup_ms) = (silence_ms, 30_000);
    (timeouts.interrupt_grace_ms, timeouts.terminate_grace_ms) = (200, 200);
    timeouts.wall_ms = 120_000;
    job
}

/// It has to be stopped, for this reason, with these words in the judgement.
#[track_caller]
fn stopped(job: &Job, fault: Fault, words: &[&str]) -> Report {
    let (report, told) = watched(job, |_| {});
    let Outcome::Failure { fault: found, detail } = &report.ending else {
        panic!("it was not stopped: {report:?}")
    };
    assert_eq!(*found, fault, "{report:?}");
    for part in words {
        assert!(detail.contains(part), "{part:?} is not in {detail:?}");
    }
    let last = told.last().expect("a stop is told");
    assert!(last.stopping.is_some() && last.verdict == Liveness::Stalled, "{last:?}");
    report
}

/// Silent at work until it is seen to be, for longer than it could be idle; then it ends well.
#[track_caller]
fn works_in_silence(work: &str, seen_at_work: impl Fn(&Live) -> bool) {
    const SILENCE_MS: u64 = 2_000;
    let place = Place::new();
    let script = format!("say begin\nsh while [ ! -e ../go ]; do {work}; done\nsay end");
    let job = with_silence(place.demo(&script), SILENCE_MS);
    let (report, told) = watched(&job, |live| {
        let long = live.quiet_ms(live.at) >= SILENCE_MS * 5 / 4;
        if long && seen_at_work(live) {
            std::fs::write(place.beside("go"), "").unwrap();
        }
    });
    assert_eq!(report.ending, Outcome::Success, "{report:?} {told:#?}");
    let at_work = |live: &&Live| live.quiet_ms(live.at) >= SILENCE_MS && seen_at_work(live);
    let long = told.iter().filter(at_work);
    assert!(long.clone().count() > 0 && long.clone().all(|live| live.verdict == Liveness::Busy));
}

#[test]
fn who_computes_in_silence_goes_on() {
    works_in_silence(":", |live| live.look.is_some_and(|look| look.found.computes()));
}

#[test]
fn whose_files_change_goes_on() {
    works_in_silence("echo x > f; sleep 0.2", |live| {
        live.look.is_some_and(|look| look.found.changed == Some(true))
    });
}

#[test]
fn heartbeats_of_a_tool_are_signs_of_life_until_they_are_all_there_is() {
    let place = Place::new();
    let beats = |n: usize| "heartbeat\nthink 100ms\n".repeat(n);
    let job = with_silence(place.demo(&format!("say begin\n{}say end", beats(30))), 1_500);
    assert_eq!(run(&job).ending, Outcome::Success);
    let job = with_silence(place.demo(&format!("say begin\n{}say end", beats(1_000))), 1_000);
    let report = stopped(&job, Fault::Silent, &["only heartbeats and nothing new for "]);
    assert!(report.elapsed_ms >= 4_000, "{report:?}");
}

#[test]
fn an_announced_wait_is_longer_than_the_silence_and_one_without_an_end_is_the_services() {
    let place = Place::new();
    let job = with_silence(place.demo("say begin\nretry 60s\nthink 2s\nsay end"), 500);
    let (report, told) = watched(&job, |_| {});
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert!(
        told.iter().any(|live| live.verdict == Liveness::Waiting && live.waits_until.is_some())
    );
    let job = with_silence(place.demo("say begin\nretry 200ms\nhang"), 400);
    stopped(&job, Fault::Overload, &["no answer of the service for ", "1 retry announced"]);
    let for_ever = "retry 50ms\nthink 50ms\n".repeat(1_000);
    let job = with_silence(place.demo(&format!("say begin\n{for_ever}")), 600);
    let report = stopped(&job, Fault::Overload, &["no answer of the service for ", "retries"]);
    assert!(!Fault::Overload.is_the_tasks() && report.elapsed_ms >= 2_400, "{report:?}");
}

#[test]
fn silence_with_nothing_else_is_cut_whatever_it_is_in_the_middle_of() {
    let place = Place::new();
    let idle = ["it hangs: no output for ", " of CPU time in ", "no file of its directory changed"];
    stopped(&with_silence(place.demo("say begin\nhang"), 600), Fault::Silent, &idle);
    // A tool that says nothing and does nothing.
    let job = with_silence(place.demo("say begin\nsh sleep 600"), 600);
    let report = stopped(&job, Fault::Silent, &["its tool Bash runs for ", idle[1]]);
    assert_eq!(report.exit.as_deref(), Some("signal 9"));
    // Half a line.
    let half = r#"say begin
sh printf '{"type":"assist' > /proc/$PPID/fd/1; sleep 600"#;
    let job = with_silence(place.demo(half), 600);
    stopped(&job, Fault::Silent, &["its last line has no end"]);
    // Noise is no speech of one that speaks, before its first word and after it.
    let noise = "while :; do echo noise; sleep 0.2; done";
    let script = format!("say begin\nsh ({noise}) > /proc/$PPID/fd/1");
    stopped(&with_silence(place.demo(&script), 1_000), Fault::Silent, &["nothing but noise for "]);
    let mut job = with_silence(place.demo(""), 60_000);
    job.bounds.timeouts.startup_ms = 1_000;
    job.demo_argv = ["/bin/sh", "-c", noise].map(Into::into).into();
    stopped(&job, Fault::Startup, &["it never said a word", "noise"]);
}

#[test]
fn who_only_burns_time_is_cut_later() {
    let place = Place::new();
    let job = with_silence(place.demo("say begin\nsh while :; do :; done"), 600);
    let report = stopped(&job, Fault::Silent, &["its tool Bash", " of CPU time in "]);
    assert!(report.elapsed_ms >= 600 && report.swept <= 1, "{report:?}");
}

#[test]
fn who_stands_still_is_cut_and_may_end_in_order() {
    let place = Place::new();
    let stop = "say begin\nsh kill -STOP $PPID\nhang";
    let mut job = with_silence(place.demo(stop), 600);
    job.bounds.timeouts.interrupt_grace_ms = 30_000;
    let report = stopped(&job, Fault::Silent, &["its process is stopped (SIGSTOP)"]);
    // Woken, it heard of the interrupt and said what it cost.
    assert_eq!(report.exit.as_deref(), Some("exit 0"), "{report:?}");
    assert!(!report.usage.estimated, "{report:?}");
    // One that need not speak may wait, but not stand still.
    let mut job = with_silence(place.sh("kill -STOP $$; sleep 600", "x"), 600);
    job.bounds.timeouts.terminate_grace_ms = 30_000;
    let report = stopped(&job, Fault::Silent, &["its process is stopped (SIGSTOP)"]);
    assert_eq!(report.exit.as_deref(), Some("signal 15"), "{report:?}");
}

#[test]
fn one_that_need_not_speak_may_wait_in_silence_and_is_seen_to() {
    let place = Place::new();
    let job = with_silence(place.sh("until [ -e ../go ]; do sleep 0.1; done", "x"), 400);
    let (report, told) = watched(&job, |live| {
        if live.quiet_ms(live.at) > 2_000 && live.look.is_some() {
            std::fs::write(place.beside("go"), "").unwrap();
        }
    });
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert!(told.iter().all(|live| live.silence_ms.is_none() && live.stopping.is_none()));
}

#[test]
fn the_wall_says_what_it_was_doing() {
    let place = Place::new();
    let mut job = with_silence(place.demo("say begin\nsleep 600s"), 60_000);
    job.bounds.timeouts.wall_ms = 1_500;
    stopped(
        &job,
        Fault::Timeout,
        &["it took longer than 2 s; its last word came ", "its tool Bash"],
    );
}
