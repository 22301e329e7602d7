//! A session that the service will not go on with: one fresh one goes on in the same attempt, and nobody is charged.

use serde_json::Value;

use super::resume::{Rig, TASK};
use crate::support::stub::{Block, Step};

fn refusals() -> Vec<(&'static str, Step)> {
    let wrong = |message| Step::error(400, "invalid_request_error", message);
    vec![
        (
            "a call without its result",
            wrong(
                "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
            ),
        ),
        ("too long a prompt", Step::prompt_too_long()),
        ("an image", wrong("messages.3.content.0.image.source.base64: image exceeds 5 MB maximum")),
        ("a signature", wrong("messages.1.content.0: Invalid `signature` in `thinking` block")),
        (
            "too large a request",
            Step::error(413, "request_too_large", "Request exceeds the maximum size"),
        ),
    ]
}

impl Rig {
    /// One that is killed in its first tool; what its session and then a fresh one are answered.
    fn cut_off(settings: &str, then: Vec<Step>, fresh: Vec<Step>) -> Option<Rig> {
        let rig = Rig::set(settings)?;
        let hold = rig.swarm.holds("tool").trim_end().to_owned();
        let begun = Step::bash(&format!("echo half > half.txt; {hold}"));
        rig.stub.scripts("night", [[vec![begun], then].concat(), fresh]);
        rig.kill_at_work(TASK);
        rig.swarm.let_go("tool");
        Some(rig)
    }

    /// Works the rest off to this exit code, and shows the task.
    #[track_caller]
    fn ends(&self, code: i32) -> Value {
        self.swarm.start(self.worker().arg("--drain")).end_slowly().exits(code);
        self.swarm.show("it")
    }

    /// The sessions that called, in the order of their first call.
    fn spoke(&self) -> Vec<String> {
        let mut spoke: Vec<String> = Vec::new();
        for session in self.sessions() {
            if !spoke.contains(&session) {
                spoke.push(session);
            }
        }
        spoke
    }
}

fn works() -> Vec<Step> {
    vec![Step::bash("echo rest > rest.txt"), Step::text("All done.")]
}

#[test]
fn a_session_that_the_service_refuses_goes_on_as_a_fresh_one_that_is_told() {
    for (what, refusal) in refusals() {
        let Some(rig) = Rig::cut_off("", vec![refusal.forever()], works()) else { return };
        let task = rig.ends(0);
        assert_eq!(rig.swarm.counts(), "done 1", "{what}: {task}");
        let (first, second) = (&task["attempts"][0], &task["attempts"][1]);
        assert_eq!(task["attempts"].as_array().unwrap().len(), 2, "{what}: one attempt for both");
        assert_eq!(second["result"]["charged"], false, "{what}");
        let notes = second["result"]["notes"].to_string();
        assert!(notes.contains("the service refused its earlier session ("), "{what}: {notes}");
        // Both are on record: which sessions, and what each said.
        let spoke = rig.spoke();
        assert_eq!(spoke.len(), 2, "{what}");
        assert_eq!(first["start"]["session"], spoke[0].as_str(), "{what}");
        assert_eq!(second["start"]["session"], spoke[1].as_str(), "{what}");
        let raw = rig.swarm.coordinator(&["logs", "it", "--raw"]).exits(0).out;
        assert!(spoke.iter().all(|session| raw.contains(session)), "{what}: {raw}");
        // The fresh one is told all.
        let told = rig.stub.requests().last().unwrap().body.to_string();
        for said in [TASK, "Where this task stands"] {
            assert!(told.contains(said), "{what}: {said}: {told}");
        }
        let branch = task["branch"].as_str().unwrap();
        for (file, text) in [("half.txt", "half"), ("rest.txt", "rest")] {
            assert_eq!(rig.swarm.git(&["show", &format!("{branch}:{file}")]), text, "{what}");
        }
        // What was served after the kill, once.
        let bill = second["result"]["usage"]["cost_usd"].as_f64().unwrap();
        assert!((bill - 2.0 * 0.009).abs() < 1e-6, "{what}: {bill}");
    }
}

#[test]
fn one_fresh_session_is_all_an_attempt_gets() {
    let refusal = || Step::error(400, "invalid_request_error", "messages.0: no").forever();
    let Some(rig) = Rig::cut_off("", vec![refusal()], vec![refusal()]) else { return };
    let task = rig.ends(1);
    assert_eq!((rig.swarm.counts().as_str(), rig.spoke().len()), ("failed 1", 2), "{task}");
    let result = &task["attempts"][1]["result"];
    assert_eq!((&result["outcome"], &result["charged"]), (&"error".into(), &true.into()));
}

#[test]
fn a_session_that_did_something_first_is_not_begun_anew() {
    let refusal = Step::error(400, "invalid_request_error", "messages.5: no").forever();
    let steps = vec![Step::blocks([Block::bash("echo more > more.txt")]), refusal];
    let Some(rig) = Rig::cut_off("", steps, works()) else { return };
    let task = rig.ends(1);
    assert_eq!((rig.swarm.counts().as_str(), rig.spoke().len()), ("failed 1", 1), "{task}");
    assert_eq!(task["attempts"][1]["result"]["charged"], true);
}

#[test]
fn what_a_fresh_session_would_meet_too_begins_none() {
    for (step, code, counts) in [
        (
            Step::error(
                400,
                "invalid_request_error",
                "Your credit balance is too low to access the API.",
            ),
            75,
            "blocked 1",
        ),
        (Step::unauthorized(), 75, "blocked 1"),
        (Step::error(404, "not_found_error", "model: no-such-model"), 1, "failed 1"),
    ] {
        let Some(rig) = Rig::cut_off("", vec![step.forever()], works()) else { return };
        let task = rig.ends(code);
        assert_eq!((rig.swarm.counts().as_str(), rig.spoke().len()), (counts, 1), "{task}");
    }
}

#[test]
fn a_stop_right_after_the_refusal_parks_the_task_and_the_next_run_goes_on() {
    let refusal = Step::error(400, "invalid_request_error", "messages.0: no").forever();
    let fresh = [&[Step::text("soon").held()], &works()[..]].concat();
    let Some(rig) = Rig::cut_off("", vec![refusal], fresh) else { return };
    let worker = rig.swarm.start(&mut rig.worker());
    crate::support::deadline::wait_until("a call of the fresh session", || rig.spoke().len() == 2);
    rig.swarm.stop_now();
    worker.end().exits(143);
    assert_eq!(rig.swarm.counts(), "blocked 1");
    rig.stub.scripts("night", [works()]);
    let task = rig.ends(0);
    assert_eq!(rig.swarm.counts(), "done 1");
    for attempt in task["attempts"].as_array().unwrap() {
        assert_ne!(attempt["result"]["charged"], true, "{task}");
    }
}
