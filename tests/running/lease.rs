//! Workers that others hold for dead: one that does not move (a whole lease long), and one that lives.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::deadline::wait_until;
use crate::support::running::alive;
use crate::support::swarm::Swarm;

#[test]
fn a_stopped_worker_is_declared_dead_killed_and_its_task_done_once() {
    let swarm = Swarm::new();
    let script = format!(
        "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ {} }}; echo $SWARMDIR_ATTEMPT >> x.txt",
        swarm.holds("victim")
    );
    swarm.drop("victim", script);
    let stopped = swarm.start_worker(&[]);
    let agent = swarm.wait_held("victim");
    stopped.signal(Signal::SIGSTOP);
    let other = swarm.start_worker(&["--drain"]);
    other.end().exits(0);
    stopped.end().exits(137);
    assert!(!alive(agent));
    assert_eq!(swarm.counts(), "done 1");
    let task = swarm.show("victim");
    assert_eq!(task["attempts"].as_array().unwrap().len(), 2);
    assert!(task["attempts"][0]["lost"].is_object(), "{task}");
    let branch = task["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "2");
}

/// Somebody declares a healthy worker dead: at its next heartbeat it stops its agent and publishes nothing.
#[test]
fn a_worker_that_was_buried_alive_stops_its_agent_and_publishes_nothing() {
    let swarm = Swarm::new();
    let script =
        format!("[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ {} }}; echo x >> x.txt", swarm.holds("it"));
    swarm.drop("it", script);
    let worker = swarm.start_worker(&[]);
    let agent = swarm.wait_held("it");
    let id = swarm.names("workers").remove(0);
    fs::rename(swarm.at("queue/workers").join(&id), swarm.at("queue/gone").join(&id)).unwrap();
    worker.end().exits(75);
    wait_until("the end of its agent", || !alive(agent));
    assert!(
        swarm.names("ready").len() == 1 && swarm.names("claims").len() == 1,
        "it left all as it was"
    );
    swarm.drain();
    let task = swarm.show("it");
    assert_eq!((&task["state"], &task["outcome"]), (&"done".into(), &"done".into()), "{task}");
    assert!(task["attempts"][0]["lost"].is_object(), "{task}");
}
