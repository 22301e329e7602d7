//! What `status` and `explain` say of a running agent and of a worker: seen from outside, with what it was seen by.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::deadline::{wait_for, wait_until};
use crate::support::running::alive;
use crate::support::swarm::Swarm;

/// How the only running task stands, where that was said.
fn live(swarm: &Swarm) -> Option<Value> {
    let status = swarm.status();
    let tasks = status["tasks"].as_array().unwrap();
    let running = tasks.iter().find(|task| task["state"] == "running")?;
    Some(running["live"].clone()).filter(|live| live.is_object())
}

fn words(live: &Value) -> &str {
    live["words"].as_str().unwrap()
}

#[test]
fn a_silent_agent_is_shown_with_what_is_seen_of_it_and_its_end_with_the_evidence() {
    let swarm = Swarm::with("timeouts = { silence = \"4s\", interrupt_grace = \"10s\" }");
    let script = "say begin\nsh until [ -e $SWARMDIR_ROOT/../go ]; do echo x > f; sleep 0.2; done\nretry 3s\nthink 2s\nhang";
    swarm.drop("it.md", format!("---\nagent: demo\n---\n```demo\n{script}\n```\n"));
    swarm.coordinator(&["init"]).exits(0);
    let worker = swarm.start_worker(&["--drain"]);
    let seen = wait_for("its tool", || live(&swarm).filter(|live| live["tool"].is_object()));
    assert_eq!((&seen["verdict"], &seen["tool"]["name"]), (&"busy".into(), &"Bash".into()));
    assert!(words(&seen).starts_with("tool Bash runs for "), "{seen}");
    assert_eq!(seen["silence_ms"], 4_000);
    let seen = wait_for("work in silence", || {
        live(&swarm).filter(|live| {
            live["look"]["changed"] == true && live["quiet_ms"].as_u64() > Some(4_000)
        })
    });
    assert_eq!(seen["verdict"], "busy", "{seen}");
    assert!(
        words(&seen).contains("quiet for ") && words(&seen).contains(" %, files changed "),
        "{seen}"
    );
    let explained = swarm.coordinator(&["explain", "it"]).exits(0).out;
    assert!(explained.contains("  now: ") && explained.contains("files changed"), "{explained}");
    std::fs::write(swarm.beside("go"), "").unwrap();
    let seen = wait_for("the wait", || live(&swarm).filter(|live| live["verdict"] == "waiting"));
    assert!(words(&seen).starts_with("waits for the service until "), "{seen}");
    assert!(seen["waits_until_ms"].as_u64() > seen["seen_at_ms"].as_u64());
    let status = swarm.coordinator(&["status"]).exits(0).out;
    assert!(status.contains("waits for the service until "), "{status}");
    worker.end_slowly().exits(75);
    // It is the service's fault: blocked, not charged, and what was seen is in the record.
    let task = swarm.show("it");
    let result = &task["attempts"][0]["result"];
    assert_eq!((&result["outcome"], &result["charged"]), (&"overload".into(), &false.into()));
    let reason = result["reason"].as_str().unwrap();
    assert!(reason.contains("no answer of the service for "), "{reason}");
    assert!(reason.contains(" of CPU time in "), "{reason}");
    let explained = swarm.coordinator(&["explain", "it"]).exits(0).out;
    assert!(explained.contains("no file of its directory changed"), "{explained}");
    // Said while it ran, and gone with it.
    let id = task["id"].as_str().unwrap();
    let left = std::fs::read_dir(swarm.at("queue/runs").join(id)).unwrap().flatten();
    assert!(left.into_iter().all(|dir| !dir.path().join("live.json").exists()));
}

/// Stopped for a whole lease, with all who could judge it: whoever wakes up has seen nothing in between, of others as
/// of itself. (One that somebody watched meanwhile is dead: see `lease`.)
#[test]
fn who_stood_still_with_everybody_else_goes_on_and_is_shown_as_late_until_then() {
    let swarm = Swarm::new();
    swarm.coordinator(&["init"]).exits(0);
    swarm.drop("it", swarm.holds("it"));
    let coordinator = swarm.start_coordinator(&["--agents", "1"]);
    let agent = swarm.wait_held("it");
    let workers = || swarm.status()["workers"].clone();
    let worker = i32::try_from(workers()[0]["pid"].as_i64().unwrap()).unwrap();
    let signal = |signal| {
        [coordinator.pid(), worker].into_iter().for_each(|pid| {
            kill(Pid::from_raw(pid), signal).unwrap();
        });
    };
    wait_until("a worker that beats", || workers()[0]["state"] == "beats");
    signal(Signal::SIGSTOP);
    wait_until("a late worker", || workers()[0]["state"] == "late");
    let said = swarm.coordinator(&["status"]).exits(0).out;
    assert!(said.contains("no heartbeat for ") && said.contains("counts as dead"), "{said}");
    wait_until("a suspect", || workers()[0]["state"] == "suspect");
    signal(Signal::SIGCONT);
    wait_until("a worker that beats again", || workers()[0]["state"] == "beats");
    assert!(alive(agent), "its agent was left alone");
    swarm.let_go("it");
    swarm.wait_in("done", "it");
    assert_eq!(swarm.show("it")["attempts"].as_array().unwrap().len(), 1);
    coordinator.signal(Signal::SIGINT);
    coordinator.end().exits(130);
}
