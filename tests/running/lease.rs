//! A worker that lives but does not move: the one story that takes a whole lease.

use nix::sys::signal::Signal;

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
