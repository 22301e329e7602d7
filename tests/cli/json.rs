//! The shapes of `--json`: words that scripts rely on.

use serde_json::Value;

use crate::support::swarm::Swarm;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

#[track_caller]
fn has(value: &Value, wanted: &[&str]) {
    for key in wanted {
        assert!(keys(value).contains(key), "{key} is missing in {value}");
    }
}

const STATES: [&str; 8] =
    ["pending", "blocked", "ready", "running", "done", "failed", "rejected", "cancelled"];

#[test]
fn status_has_every_count_and_every_field_in_every_state() {
    let swarm = Swarm::new();
    swarm.drop("good", "echo x > x.txt; echo 1 > y.txt");
    swarm.drop("bad", "echo no >&2; exit 3");
    swarm.drop("wrong", "---\nnope: 1\n---\nx");
    swarm.worker(&["--drain"]).exits(1);
    for name in ["gone", "kept", "later"] {
        swarm.coordinator(&["add", "--name", name, "-m", "true"]).exits(0);
    }
    swarm.coordinator(&["cancel", "gone"]).exits(0);
    swarm.coordinator(&["hold", "kept"]).exits(0);
    swarm.coordinator(&["priority", "later", "9"]).exits(0);
    swarm.coordinator(&["add", "--name", "now", "-m", &swarm.holds("now")]).exits(0);
    let worker = swarm.start_worker(&[]);
    swarm.wait_held("now");
    std::fs::write(swarm.pending().join("half"), "").unwrap();
    let status = swarm.status();
    assert_eq!(status["schema"], 1);
    has(&status, &["schema", "counts", "tasks", "workers", "paused"]);
    has(&status["counts"], &STATES);
    for state in STATES {
        assert_eq!(status["counts"][state], 1, "{state}: {status}");
    }
    let tasks = status["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 8);
    for task in tasks {
        has(task, &["id", "name", "state", "attempt", "worker", "reason", "branch", "cost_usd"]);
    }
    let of = |state: &str| tasks.iter().find(|task| task["state"] == state).unwrap();
    assert_eq!((&of("running")["name"], &of("running")["attempt"]), (&"now".into(), &1.into()));
    assert_eq!(of("running")["worker"], status["workers"][0]["id"]);
    assert_eq!(status["workers"][0]["task"], of("running")["id"]);
    assert_eq!(status["workers"][0]["pid"], worker.pid());
    assert!(of("failed")["reason"].as_str().unwrap().contains('3'), "{}", of("failed"));
    assert_eq!(of("blocked")["reason"], "hold");
    assert!(of("done")["branch"].as_str().unwrap().starts_with("swarm/good-"));
    assert_eq!((&of("done")["cost_usd"], &of("ready")["cost_usd"]), (&0.0.into(), &Value::Null));
    assert!(of("pending")["id"].is_null() && of("pending")["name"] == "half");
    assert!(status["paused"].is_null());
    swarm.coordinator(&["pause", "lunch"]).exits(0);
    assert_eq!(swarm.status()["paused"], "lunch");
    swarm.let_go("now");
    swarm.wait_in("done", "now");
    std::fs::remove_file(swarm.pending().join("half")).unwrap();
    swarm.stop_now();
    worker.end().exits(143);
}

#[test]
fn only_the_last_hundred_that_ended_are_shown_unless_all_are_asked_for() {
    let swarm = Swarm::with("default_agent = \"scratch\"");
    for n in 0..105 {
        swarm.drop(format!("t{n:03}"), "true");
    }
    swarm.drain();
    swarm.coordinator(&["add", "-m", "waits"]).exits(0);
    assert_eq!(swarm.status()["tasks"].as_array().unwrap().len(), 101);
    assert_eq!(swarm.json(&["status", "--all"])["tasks"].as_array().unwrap().len(), 106);
    assert_eq!(swarm.status()["counts"]["done"], 105);
}

#[test]
fn show_explain_logs_and_config_of_one_task() {
    let swarm = Swarm::new();
    let head = swarm.git(&["rev-parse", "HEAD"]);
    let script =
        "echo a > a.txt; git add -A; git commit -qm 'own commit'; echo b > b.txt; echo said this";
    swarm.drop("two.md", script);
    swarm.drain();
    let task = swarm.show("two");
    has(
        &task,
        &[
            "schema", "id", "name", "state", "outcome", "attempts", "branch", "base", "commits",
            "usage",
        ],
    );
    assert_eq!((&task["state"], &task["outcome"]), (&"done".into(), &"done".into()));
    assert_eq!(task["base"], head.as_str());
    let commits = task["commits"].as_array().unwrap();
    assert_eq!(commits.len(), 2, "{task}");
    assert_eq!(
        (&commits[0]["subject"], &commits[0]["leftover"]),
        (&"own commit".into(), &false.into())
    );
    assert_eq!(commits[1]["leftover"], true);
    let tip = swarm.git(&["rev-parse", task["branch"].as_str().unwrap()]);
    assert_eq!(commits[1]["id"], tip.as_str());
    has(&task["usage"], &["cost_usd", "estimated", "input_tokens", "output_tokens"]);
    let attempt = &task["attempts"][0];
    has(attempt, &["epoch", "worker", "start", "result", "lost"]);
    assert_eq!(attempt["result"]["exit"], "exit 0");
    let explain = swarm.json(&["explain", "two"]);
    has(&explain, &["schema", "id", "because", "commands"]);
    let logs = swarm.coordinator(&["logs", "two"]).exits(0).out;
    assert!(logs.contains("said this"), "{logs}");
    let raw = swarm.coordinator(&["logs", "two", "--raw"]).exits(0).out;
    assert!(raw.contains("said this"), "{raw}");
    let config = swarm.coordinator(&["config"]).exits(0).out;
    assert!(config.contains("durability") && config.contains("relaxed"), "{config}");
    has(&swarm.json(&["config"]), &["schema"]);
}

#[test]
fn a_task_is_meant_by_id_slug_or_tail() {
    let swarm = Swarm::new();
    let id =
        swarm.coordinator(&["add", "--name", "fix-login", "-m", "true"]).exits(0).word().to_owned();
    let tail = id.rsplit('-').next().unwrap().to_owned();
    for name in [id.clone(), tail.clone(), "fix-login".into(), format!("fix-login-{tail}")] {
        assert_eq!(swarm.show(&name)["id"], id.as_str(), "{name}");
    }
    let near = swarm.coordinator(&["show", "fix-logn"]).exits(2);
    assert!(near.err.contains("did you mean") && near.err.contains("fix-login"), "{near:?}");
    for odd in ["", "../../etc/passwd", "-", "a b", "\u{1b}[31m"] {
        let done = swarm.coordinator(&["show", "--", odd]).exits(2);
        assert!(!done.err.contains('\u{1b}') && done.err.contains("hint:"), "{odd:?}: {done:?}");
    }
}

#[test]
fn explain_says_what_a_task_waits_for() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "--name", "ready", "-m", "true"]).exits(0);
    swarm.coordinator(&["add", "--name", "held", "-m", "true"]).exits(0);
    swarm.coordinator(&["hold", "held"]).exits(0);
    swarm.coordinator(&["pause"]).exits(0);
    let said = |task: &str| swarm.coordinator(&["explain", task]).exits(0).out;
    assert!(said("ready").contains("paused") && said("ready").contains("coordinator resume"));
    assert!(said("held").contains("holds it"), "{}", said("held"));
    let dropped = swarm.drop("dropped.md", "true");
    let unseen = swarm.coordinator(&["explain", "dropped.md"]).exits(2);
    assert!(unseen.err.contains("not taken in yet"), "{unseen:?}");
    std::fs::remove_file(dropped).unwrap();
    assert_eq!(swarm.coordinator(&["logs", "ready"]).exits(75).out, "");
}
