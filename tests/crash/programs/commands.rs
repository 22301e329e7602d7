//! Every command of a person, killed at each of its calls; then given again, as a person would.

use std::fs;

use super::{BOTH, COORDINATOR, Case, Swarm, WORKER, assert_ends, drain, kill_all, plain};
use crate::crash::proof::Proof;
use crate::support::running::Done;

/// A swarm with one task that waits.
fn waiting() -> Swarm {
    let swarm = plain("");
    swarm.coordinator(&["add", "--name", "a", "-m", "exit 0"]).exits(0);
    swarm
}

/// A swarm with one task that failed.
fn failed() -> Swarm {
    let swarm = plain("");
    swarm.coordinator(&["add", "--name", "a", "-m", "[ $SWARMDIR_ATTEMPT -gt 1 ]"]).exits(0);
    swarm.worker(&["--drain"]).exits(1);
    swarm
}

/// Said again: done now, or it was so already.
fn again(swarm: &Swarm, args: &[&str]) -> Done {
    let done = swarm.coordinator(args);
    assert!([0, 2].contains(&done.code()), "{args:?}: {done:?}");
    done
}

fn ends_in(swarm: &Swarm, dir: &str, context: &str) {
    drain(swarm, context);
    assert_ends(swarm, &[("a", dir)], context);
}

fn cases() -> Vec<Case> {
    let case = |name, arrange, argv, finish| Case { name, arrange, argv, finish };
    vec![
        case(
            "add",
            || plain(""),
            &[COORDINATOR, "add", "--name", "a", "-m", "exit 0"],
            |swarm, context| {
                drain(swarm, context);
                // Nobody was told an id before the task was there: it may be added again.
                if swarm.place("a").is_none() {
                    assert_ends(swarm, &[], context);
                } else {
                    assert_ends(swarm, &[("a", "done")], context);
                }
            },
        ),
        case("retry", failed, &[COORDINATOR, "retry", "a"], |swarm, context| {
            again(swarm, &["retry", "a"]);
            ends_in(swarm, "done", context);
        }),
        case("cancel", waiting, &[COORDINATOR, "cancel", "a"], |swarm, context| {
            again(swarm, &["cancel", "a"]);
            ends_in(swarm, "cancelled", context);
        }),
        case(
            "cancel by the name in pending/",
            || {
                let swarm = plain("");
                swarm.coordinator(&["init"]).exits(0);
                swarm.drop("a", "exit 0");
                swarm
            },
            &[COORDINATOR, "cancel", "a"],
            |swarm, context| {
                again(swarm, &["cancel", "a"]);
                ends_in(swarm, "cancelled", context);
            },
        ),
        case("hold", waiting, &[COORDINATOR, "hold", "a"], |swarm, context| {
            again(swarm, &["hold", "a"]);
            assert_eq!(swarm.place("a").map(|(dir, _)| dir), Some("blocked"), "{context}");
            again(swarm, &["release", "a"]);
            ends_in(swarm, "done", context);
        }),
        case(
            "release",
            || {
                let swarm = waiting();
                swarm.coordinator(&["hold", "a"]).exits(0);
                swarm
            },
            &[COORDINATOR, "release", "a"],
            |swarm, context| {
                again(swarm, &["release", "a"]);
                ends_in(swarm, "done", context);
            },
        ),
        case("priority", waiting, &[COORDINATOR, "priority", "a", "2"], |swarm, context| {
            again(swarm, &["priority", "a", "2"]);
            let (dir, name) = swarm.place("a").unwrap();
            assert!(dir == "ready" && name.starts_with("2-"), "{context}: {dir}/{name}");
            ends_in(swarm, "done", context);
        }),
        case("pause", waiting, &[COORDINATOR, "pause", "lunch"], |swarm, context| {
            again(swarm, &["pause", "lunch"]);
            swarm.worker(&["--drain"]).exits(75);
            again(swarm, &["resume"]);
            ends_in(swarm, "done", context);
        }),
        case(
            "resume",
            || {
                let swarm = waiting();
                swarm.coordinator(&["pause"]).exits(0);
                swarm
            },
            &[COORDINATOR, "resume"],
            |swarm, context| {
                again(swarm, &["resume"]);
                ends_in(swarm, "done", context);
            },
        ),
        case(
            "init",
            || {
                let swarm = plain("");
                fs::remove_file(swarm.at("swarm.toml")).unwrap();
                swarm
            },
            &[COORDINATOR, "init"],
            |swarm, context| {
                again(swarm, &["init"]).exits(0);
                assert!(swarm.at("swarm.toml").metadata().unwrap().len() > 0, "{context}");
                swarm.settings("default_agent = \"scratch\"");
                swarm.coordinator(&["add", "--name", "a", "-m", "exit 0"]).exits(0);
                ends_in(swarm, "done", context);
            },
        ),
        case("check --fix", remains, &[COORDINATOR, "check", "--fix"], |swarm, context| {
            again(swarm, &["check", "--fix"]).exits(0);
            ends_in(swarm, "done", context);
        }),
    ]
}

/// A worker that was killed while it held its task.
fn remains() -> Swarm {
    let swarm = waiting();
    let held = Case { name: "", arrange: waiting, argv: &[WORKER, "--once"], finish: |_, _| {} };
    let trace = swarm.beside("trace-of-worker");
    let other = waiting();
    let plan = format!("trace:{}", trace.display());
    other.start(&mut held.command(&other, &plan)).end().exits(0);
    let calls = fs::read_to_string(trace).unwrap();
    let claimed =
        calls.lines().position(|call| call.contains("\tLink\t") && call.contains("/claims/2"));
    let plan = format!("kill-after:{}", claimed.expect("it claims") + 1);
    swarm.start(&mut held.command(&swarm, &plan)).end().exits(137);
    swarm
}

#[test]
fn every_command_may_die_at_every_call() {
    let mut proof = Proof::of("commands");
    kill_all(&cases(), &mut proof);
    proof.write();
}

#[test]
fn scale_may_die_at_every_call() {
    for n in 1..=4 {
        for way in BOTH {
            let swarm = plain("agents = 1");
            let coordinator = swarm.start_coordinator(&[]);
            swarm.wait_count("workers", 1);
            let mut scale = swarm.command(COORDINATOR);
            scale.args(["scale", "2"]).env("SWARMDIR_FAULT_COORDINATOR", format!("{way}:{n}"));
            let done = swarm.start(&mut scale).end();
            assert!([0, 137].contains(&done.code()), "{way}:{n}: {done:?}");
            swarm.coordinator(&["scale", "2"]).exits(0);
            swarm.wait_count("workers", 2);
            swarm.stop_now();
            coordinator.end().exits(143);
        }
    }
}
