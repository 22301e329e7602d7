//! The service of the scripted agents: one ledger, one state for all, and steps that are not paid again.

use std::path::{Path, PathBuf};

use swarmdir::agent::{Job, Report};
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::domain::time::UnixMs;
use swarmdir::rehearsal::service::{Answer, DIR, Entry, Room, ServiceState};
use swarmdir::sys::clock;

use crate::support::jobs::{Place, run};

const STEPS: &str = "step one 600 1ms\nstep two 400 1ms\n";

fn service(place: &Place) -> PathBuf {
    let dir = place.beside("service");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn job(place: &Place, script: &str) -> Job {
    let mut job = place.demo(script);
    job.place.env.push((DIR.into(), service(place).display().to_string()));
    job
}

fn state(place: &Place, state: &ServiceState) {
    std::fs::write(service(place).join("state"), serde_json::to_vec(state).unwrap()).unwrap();
}

fn ledger(dir: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(dir.join("ledger")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn fault(report: &Report) -> Fault {
    match report.ending {
        Outcome::Failure { fault, .. } => fault,
        Outcome::Success => panic!("{report:?}"),
    }
}

#[test]
fn what_is_done_is_not_paid_again() {
    let place = Place::new();
    place.repository();
    let report = run(&job(&place, STEPS));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert_eq!(report.usage.input_tokens, 1000);
    assert!((report.usage.cost_usd - 0.004).abs() < 1e-9 && !report.usage.estimated);
    assert_eq!(place.text("steps.txt"), "one\ntwo\n");
    assert_eq!(place.log(), ["two", "one", "start"]);
    let again = run(&job(&place, &format!("{STEPS}step three 5 1ms\n")));
    assert_eq!((again.ending, again.usage.input_tokens), (Outcome::Success, 5));
    let paid: Vec<(String, u64)> =
        ledger(&service(&place)).into_iter().map(|entry| (entry.step, entry.tokens)).collect();
    assert_eq!(paid, [("one".into(), 600), ("two".into(), 400), ("three".into(), 5)]);
    assert!(!service(&place).join("overlaps").exists(), "one after the other");
}

#[test]
fn a_window_fills_up_by_what_is_done_in_it_and_starts_anew() {
    let place = Place::new();
    place.repository();
    let room = |at: UnixMs| ServiceState {
        window: Some(Room { tokens: 500, resets_at_ms: at }),
        ..ServiceState::default()
    };
    state(&place, &room(clock::now().plus_ms(600_000)));
    let report = run(&job(&place, STEPS));
    assert!(matches!(fault(&report), Fault::Limit { resets_at_secs: Some(_) }), "{report:?}");
    assert_eq!(report.usage.input_tokens, 600, "what was answered is billed");
    let entries = ledger(&service(&place));
    assert!(matches!(entries[1].answer, Answer::Limit { .. }), "{entries:?}");
    assert_eq!(entries[1].tokens, 0);
    // Its time is over.
    state(&place, &room(UnixMs(clock::now().0 - 1)));
    let report = run(&job(&place, STEPS));
    assert_eq!((report.ending, report.usage.input_tokens), (Outcome::Success, 400));
}

#[test]
fn it_refuses_whoever_calls() {
    let place = Place::new();
    place.repository();
    state(&place, &ServiceState { overloaded: true, ..ServiceState::default() });
    assert_eq!(fault(&run(&job(&place, STEPS))), Fault::Overload);
    state(&place, &ServiceState { unauthorised: true, ..ServiceState::default() });
    let report = run(&job(&place, STEPS));
    assert_eq!((fault(&report), report.usage.input_tokens), (Fault::Auth, 0));
    let answers: Vec<Answer> = ledger(&service(&place)).into_iter().map(|e| e.answer).collect();
    assert_eq!(answers, [Answer::Overload, Answer::Overload, Answer::Overload, Answer::Auth]);
}

#[test]
fn two_agents_of_one_task_are_seen() {
    let place = Place::new();
    place.repository();
    let (first, second) = (job(&place, "think 60s"), job(&place, "say hello"));
    crate::support::jobs::run_until(
        &first,
        |_| service(&place).join("here/try-it").exists(),
        |remote| {
            run(&second);
            remote.kill();
        },
    );
    assert_eq!(service(&place).join("overlaps").read_dir().unwrap().count(), 1);
}
