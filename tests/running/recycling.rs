//! A worker that makes room for a fresh one after so many tasks.

use swarmdir::domain::event::{Event, ProcessEnd};

use crate::support::deadline::wait_until;
use crate::support::swarm::Swarm;

fn drop_many(swarm: &Swarm, count: usize) {
    for n in 0..count {
        swarm.drop(format!("t{n}"), "---\nagent: scratch\n---\ntrue\n");
    }
}

/// Ends of workers as their journals have them.
fn ends(swarm: &Swarm, end: ProcessEnd) -> usize {
    let events = swarm.events().into_iter();
    events.filter(|line| matches!(line.event, Event::WorkerEnded { how, .. } if how == end)).count()
}

#[test]
fn a_pools_worker_is_replaced_at_once_and_that_is_no_crash() {
    let swarm = Swarm::with("agents = 1\nrecycle_after = 3");
    drop_many(&swarm, 10);
    let done = swarm.start_coordinator(&["--drain"]).end().exits(0);
    assert_eq!(swarm.names("done").len(), 10);
    assert!(!done.err.contains("died"), "{}", done.err);
    assert_eq!(ends(&swarm, ProcessEnd::Recycled), 3, "after 3, 6 and 9");
    assert_eq!(ends(&swarm, ProcessEnd::Finished), 1, "the last one finds nothing more");
}

#[test]
fn so_it_is_in_a_pool_that_stays() {
    let swarm = Swarm::with("agents = 2\nrecycle_after = 2");
    let coordinator = swarm.start_coordinator(&[]);
    drop_many(&swarm, 12);
    swarm.wait_count("done", 12);
    wait_until("both places are taken again", || swarm.names("workers").len() == 2);
    assert!(ends(&swarm, ProcessEnd::Recycled) >= 5);
    swarm.stop_now();
    let done = coordinator.end().exits(143);
    assert!(!done.err.contains("died"), "{}", done.err);
}

#[test]
fn one_that_is_alone_ends_only_if_it_was_told_to() {
    let swarm = Swarm::with("recycle_after = 1");
    drop_many(&swarm, 3);
    swarm.worker(&["--max-tasks", "2"]).exits(0);
    assert_eq!(swarm.names("done").len(), 2);
    drop_many(&swarm, 3);
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(swarm.names("done").len(), 6);
    swarm.drop("bad", "---\nagent: scratch\n---\nexit 1\n");
    swarm.worker(&["--max-tasks", "1"]).exits(1);
    swarm.worker(&["--max-tasks", "0"]).exits(2);
}
