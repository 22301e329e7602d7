//! A git that still runs when its agent, its setup command or its worker is gone lets go of its locks.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::deadline::wait_until;
use crate::support::swarm::Swarm;

/// Starts a git that holds the lock of the packed refs until it is asked to end, and waits until it has said so: before
/// that it writes a file that its own clearing up does not know yet.
const HOLDS_A_LOCK: &str = "told=$(mktemp)\n(printf 'start\\ndelete refs/heads/old\\nprepare\\n'; sleep 300) | setsid git update-ref --stdin >\"$told\" 2>&1 &\nuntil grep -q 'prepare: ok' \"$told\"; do sleep 0.01; done\n";

fn swarm(lines: &str) -> Swarm {
    let swarm = Swarm::with(lines);
    swarm.git(&["branch", "old"]);
    swarm.git(&["pack-refs", "--all"]);
    swarm
}

/// No lock is left, and people can delete branches.
#[track_caller]
fn free(swarm: &Swarm) {
    let locks = swarm.command("find").args([".git", "-name", "*.lock"]).output().unwrap();
    let locks = String::from_utf8(locks.stdout).unwrap();
    let locks: Vec<&str> = locks.lines().filter(|at| !at.ends_with("/swarmdir.lock")).collect();
    assert_eq!(locks, Vec::<&str>::new());
    swarm.git(&["branch", "-D", "old"]);
}

#[test]
fn after_an_attempt_that_ended() {
    let swarm = swarm("");
    swarm.drop("one", format!("{HOLDS_A_LOCK}echo x > x.txt"));
    swarm.drain();
    free(&swarm);
}

#[test]
fn after_a_setup_command() {
    let swarm = swarm("setup = [\"sh\", \"./setup.sh\"]");
    std::fs::write(swarm.at("setup.sh"), HOLDS_A_LOCK).unwrap();
    swarm.git(&["add", "setup.sh"]);
    swarm.git(&["commit", "-qm", "setup"]);
    swarm.drop("one", "echo x > x.txt");
    swarm.drain();
    free(&swarm);
}

#[test]
fn after_a_stop() {
    let swarm = swarm("");
    swarm.drop("one", format!("{HOLDS_A_LOCK}{}", swarm.holds("one")));
    let worker = swarm.start_worker(&[]);
    swarm.wait_held("one");
    swarm.stop_now();
    worker.end();
    free(&swarm);
}

/// Whoever goes on with the task clears up: another worker, or the coordinator that started the dead one.
#[test]
fn after_a_worker_that_was_killed() {
    for pool in [false, true] {
        let swarm = swarm("");
        swarm.drop(
            "one",
            format!(
                "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ {HOLDS_A_LOCK}{} }}; echo x > x.txt",
                swarm.holds("one")
            ),
        );
        let first = match pool {
            true => swarm.start_coordinator(&["--agents", "1", "--drain"]),
            false => swarm.start_worker(&[]),
        };
        swarm.wait_held("one");
        let worker = swarm.status()["workers"][0]["pid"].as_i64().unwrap();
        kill(Pid::from_raw(i32::try_from(worker).unwrap()), Signal::SIGKILL).unwrap();
        if !pool {
            swarm.drain();
        }
        swarm.wait_in("done", "one");
        first.end();
        free(&swarm);
    }
}

/// What emptied its environment is found by nobody's mark, but by the coordinator whose orphan it is.
#[test]
fn an_orphan_without_an_environment_ends_with_its_coordinator_at_the_latest() {
    let swarm = swarm("");
    let deaf = swarm.beside("deaf");
    swarm.drop(
        "one",
        format!(
            "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ (setsid env -i /bin/sh -c 'cd /; trap \"\" TERM; echo $$ > {deaf}.new; mv {deaf}.new {deaf}; while :; do sleep 0.1; done' </dev/null >/dev/null 2>&1 &); until [ -e {deaf} ]; do sleep 0.01; done; {} }}; echo x > x.txt",
            swarm.holds("one"),
            deaf = deaf.display()
        ),
    );
    let coordinator = swarm.start_coordinator(&["--agents", "1", "--drain"]);
    swarm.wait_held("one");
    let orphan: i32 = std::fs::read_to_string(&deaf).unwrap().trim().parse().unwrap();
    let worker = swarm.status()["workers"][0]["pid"].as_i64().unwrap();
    kill(Pid::from_raw(i32::try_from(worker).unwrap()), Signal::SIGKILL).unwrap();
    coordinator.end().exits(0);
    wait_until("the orphan is gone", || !crate::support::running::alive(orphan));
    assert_eq!(swarm.counts(), "done 1");
}
