//! Closed accounts: who tries after the time is over, and what waiting behind one costs.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use swarmdir::sys::clock;

use crate::support::deadline::{stays, wait_until};
use crate::support::swarm::Swarm;

/// Writes a breaker that was tripped by a limit until then.
fn close(swarm: &Swarm, account: &str, until_ms: u64) {
    let breaker = json!({ "fault": "limit", "detail": "used up", "until_ms": until_ms,
        "since_ms": until_ms.saturating_sub(5_000).min(clock::now().0), "consecutive_failures": 1 });
    let dir = swarm.at("queue/accounts");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(account), breaker.to_string()).unwrap();
}

#[test]
fn a_canary_that_dies_makes_room_for_the_next_one() {
    let swarm = Swarm::empty();
    swarm.git(&["init", "--quiet", "--initial-branch=main"]);
    swarm.git(&[
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@t",
        "commit",
        "-qm",
        "x",
        "--allow-empty",
    ]);
    // The first word of the agent opens the account: the probe is held before it.
    let hold = serde_json::Value::from(swarm.holds("setup"));
    swarm.settings(&format!("default_agent = \"demo\"\nsetup = {hold}"));
    close(&swarm, "demo", clock::now().0);
    let first = swarm.start_worker(&[]);
    swarm.drop("one", "write x.txt x\n");
    swarm.wait_held("setup");
    assert_eq!(swarm.names("accounts"), ["demo", "demo.probe"]);
    let second = swarm.start_worker(&[]);
    swarm.drop("two", "write x.txt x\n");
    swarm.wait_in("ready", "two");
    stays("one at a time", Duration::from_secs(1), || swarm.names("claims").len() == 1);
    fs::remove_file(swarm.beside("marks").join("setup")).unwrap();
    first.signal(Signal::SIGKILL);
    first.end().exits(137);
    // The other one tries now.
    swarm.wait_held("setup");
    assert_eq!(swarm.names("claims").len(), 1);
    swarm.let_go("setup");
    swarm.wait_count("done", 2);
    assert_eq!(swarm.names("accounts"), ["demo"]);
    assert_eq!(swarm.status()["accounts"], json!([]));
    swarm.stop_now();
    second.end().exits(143);
}

/// The service warned: each worker claims now and then only, and when the window is over at full speed again.
#[test]
fn near_a_limit_claims_are_slow() {
    let swarm = Swarm::with("default_agent = \"demo\"");
    let now_ms = clock::now().0;
    let breaker = |resets_at_ms: u64| {
        let window = json!({ "kind": "five_hour", "utilization": 0.93, "resets_at_ms": resets_at_ms,
            "status": "allowed_warning", "seen_at_ms": now_ms, "source": "t" });
        let hour_ago_ms = now_ms - 3_600_000;
        let breaker = json!({ "fault": "limit", "detail": "", "until_ms": hour_ago_ms, "since_ms": hour_ago_ms,
            "consecutive_failures": 1, "opened_at_ms": hour_ago_ms, "answered_at_ms": now_ms, "window": window });
        fs::write(swarm.at("queue/accounts/demo"), breaker.to_string()).unwrap();
    };
    fs::create_dir_all(swarm.at("queue/accounts")).unwrap();
    breaker(now_ms + 3_600_000);
    for n in 0..3 {
        swarm.drop(format!("t{n}"), "write x.txt x\n");
    }
    let worker = swarm.start_worker(&[]);
    swarm.wait_count("done", 1);
    // The next one comes after 15 s at the earliest.
    stays("one at a time, slowly", Duration::from_secs(3), || swarm.names("done").len() == 1);
    let text = swarm.coordinator(&["status"]).exits(0).out;
    assert!(text.contains("slow") && text.contains("five-hour window 93 %"), "{text}");
    assert_eq!(swarm.status()["accounts"][0]["state"], "slow");
    breaker(now_ms);
    swarm.wait_count("done", 3);
    swarm.stop_now();
    worker.end().exits(143);
}

/// How many reads a process has made.
fn reads(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap();
    line.parse().unwrap()
}

/// What waits behind a closed account is read once, not again and again; and when the breaker goes, it is worked on.
#[test]
fn ten_thousand_tasks_behind_a_closed_gate_are_not_read_again_and_again() {
    const TASKS: u64 = 10_000;
    let swarm = Swarm::with("default_agent = \"demo\"");
    swarm.coordinator(&["add", "--name", "first", "-m", "write x.txt x"]).exits(0);
    close(&swarm, "demo", clock::now().0 + 3_600_000);
    // More of its kind, as links of its two files.
    let name = swarm.names("ready").remove(0);
    let (queue, id) = (swarm.at("queue"), &name[2..name.len() - 2]);
    let others = (0..).map(|n| format!("{}-{n:04x}", &id[..id.len() - 5]));
    // The first one's own tail, by chance, is one of these.
    for other in others.filter(|other| other != id).take(TASKS as usize) {
        fs::create_dir(queue.join("runs").join(&other)).unwrap();
        let record = |id: &str| queue.join("runs").join(id).join("task.json");
        fs::hard_link(record(id), record(&other)).unwrap();
        let ready = queue.join("ready");
        fs::hard_link(ready.join(&name), ready.join(format!("5-{other}.1"))).unwrap();
    }
    let mut worker = swarm.start_worker(&[]);
    // A record takes two reads: one for what it holds, one for its end.
    wait_until("all to be looked at", || reads(worker.pid()) >= 2 * TASKS);
    stays("the second look away", Duration::from_secs(4), || {
        worker.runs() && reads(worker.pid()) < 2 * TASKS + 1_000
    });
    assert_eq!(swarm.names("claims"), Vec::<String>::new());
    fs::remove_file(swarm.at("queue/accounts/demo")).unwrap();
    swarm.wait_count("done", 1);
    swarm.stop_now();
    worker.end().exits(143);
}

/// Nothing is known of the account yet: one task tries it, and whoever asks why the others wait is told.
#[test]
fn explain_says_that_one_task_tries_the_account_first() {
    let swarm = Swarm::new();
    let program = swarm.beside("silent");
    fs::write(&program, format!("#!/bin/sh\n{}", swarm.holds("silent"))).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    swarm.settings(&format!(
        "max_attempts = 1\n[agent.claude]\nkind = \"claude\"\nprogram = {program:?}\n"
    ));
    for name in ["one", "two"] {
        swarm.drop(name, "---\nagent: claude\n---\ndo it\n");
    }
    let coordinator = swarm.start_coordinator(&["--agents", "2"]);
    swarm.wait_held("silent");
    wait_until("the other one waits", || swarm.names("ready").len() == 2);
    let said = ["one", "two"].map(|task| swarm.coordinator(&["explain", task]).exits(0).out);
    let waits = said.iter().filter(|said| said.contains("one task tries the account first"));
    assert_eq!(waits.count(), 1, "{said:?}");
    swarm.let_go("silent");
    swarm.stop_now();
    coordinator.end().exits(143);
}

/// A limit that is not true any more: a person opens the account, and needs to know no file for it.
#[test]
fn a_closed_account_is_listed_and_opened_again() {
    let swarm = Swarm::with("default_agent = \"demo\"");
    swarm.coordinator(&["init"]).exits(0);
    assert!(swarm.coordinator(&["account"]).exits(0).err.contains("no account waits"));
    close(&swarm, "demo", clock::now().0 + 3_600_000);
    swarm.drop("x", "write x.txt x\n");
    swarm.worker(&["--drain"]).exits(75);
    let listed = swarm.coordinator(&["account"]).exits(0).out;
    assert!(listed.starts_with("demo: paused until ") && listed.contains("used up"), "{listed}");
    assert_eq!(swarm.json(&["account"])["accounts"][0]["account"], "demo");
    let wrong = swarm.coordinator(&["account", "reopen", "dmo"]).exits(2).err;
    assert!(wrong.contains("it is one of demo"), "{wrong}");
    swarm.coordinator(&["account", "reopen", "demo"]).exits(0);
    assert_eq!(swarm.json(&["account"])["accounts"], json!([]));
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
}
