//! `--drain`: what it waits for, and what it leaves for the next run.

use std::time::{Duration, Instant};

use crate::support::swarm::Swarm;

/// Fails once, then succeeds: tried again after a back-off of 0 to 10 s.
const FAILS_ONCE: &str = "[ $SWARMDIR_ATTEMPT -gt 1 ] || exit 1; echo x > x.txt\n";

#[test]
fn on_a_paused_queue_it_says_so() {
    let swarm = Swarm::new();
    swarm.coordinator(&["pause", "lunch"]).exits(0);
    swarm.coordinator(&["add", "-m", "echo x", "--name", "waits"]).exits(0);
    let said = swarm.coordinator(&["--drain", "--agents", "1"]).exits(75).err;
    assert!(said.contains("nothing is claimed: the queue is paused (lunch)"), "{said}");
    assert!(said.contains("hint: coordinator resume"), "{said}");
}

#[test]
fn it_waits_for_what_is_due_within_drain_wait() {
    let swarm = Swarm::with("drain_wait = \"60s\"\nmax_attempts = 2");
    swarm.drop("again", FAILS_ONCE);
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(swarm.show("again")["attempts"].as_array().unwrap().len(), 2);
    swarm.drop("more", FAILS_ONCE);
    swarm.coordinator(&["--drain", "--agents", "2"]).exits(0);
    assert_eq!(swarm.counts(), "done 2");
}

#[test]
fn it_leaves_what_is_due_later_for_the_next_run() {
    let swarm = Swarm::with("drain_wait = \"2s\"");
    swarm.drop("limited", "---\nagent: demo\n---\nonce limit 60m\nwrite x.txt x\n");
    swarm.drop("held", "true");
    swarm.drop("good", "echo x > x.txt");
    let begun = Instant::now();
    let done = swarm.coordinator(&["--drain", "--agents", "2"]).exits(75);
    assert!(begun.elapsed() < Duration::from_secs(30), "it does not wait an hour");
    assert!(done.out.contains("limit"), "the summary says what waits: {}", done.out);
    assert_eq!(swarm.counts(), "blocked 1, done 2");
    swarm.worker(&["--drain"]).exits(75);
    // The variable wins over the file, and a person may say: now.
    swarm.coordinator(&["retry", "limited"]).exits(0);
    std::fs::remove_file(swarm.at("queue/accounts/demo")).unwrap();
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 3");
}

#[test]
fn what_is_held_never_comes_due() {
    let swarm = Swarm::with("drain_wait = \"1h\"");
    swarm.coordinator(&["add", "--name", "held", "-m", "true"]).exits(0);
    swarm.coordinator(&["hold", "held"]).exits(0);
    swarm.worker(&["--drain"]).exits(75);
    swarm.coordinator(&["release", "held"]).exits(0);
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn it_waits_for_what_others_run() {
    let swarm = Swarm::new();
    swarm.drop("slow", swarm.holds("slow") + "echo x > x.txt\n");
    let first = swarm.start_worker(&["--drain"]);
    swarm.wait_held("slow");
    let mut second = swarm.start_worker(&["--drain"]);
    crate::support::deadline::wait_until("two workers", || swarm.names("workers").len() == 2);
    assert!(second.runs(), "what runs may come back");
    swarm.let_go("slow");
    first.end().exits(0);
    second.end().exits(0);
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn once_ends_after_one_task() {
    let swarm = Swarm::new();
    swarm.drop("a", "echo x > x.txt");
    swarm.drop("b", "echo x > x.txt");
    swarm.worker(&["--once"]).exits(0);
    assert_eq!(swarm.counts(), "ready 1, done 1");
    swarm.worker(&["--once"]).exits(0);
    swarm.worker(&["--once"]).exits(0);
    assert_eq!(swarm.counts(), "done 2");
}

#[test]
fn a_task_that_a_task_drops_is_done_in_the_same_drain() {
    let swarm = Swarm::new();
    swarm.drop("mother", "echo 'echo x > x.txt' > $SWARMDIR_ROOT/queue/pending/child.md\n");
    swarm.coordinator(&["--drain", "--agents", "2"]).exits(0);
    assert_eq!(swarm.counts(), "done 2");
    assert_eq!(swarm.show("mother")["outcome"], "no_changes");
    assert_eq!(swarm.show("child")["outcome"], "done");
}
