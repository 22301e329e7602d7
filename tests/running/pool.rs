//! The pool: scaled while it runs, settings re-read, adopted by the next coordinator.

use nix::sys::signal::Signal;

use crate::support::deadline::{stays, wait_until};
use crate::support::swarm::Swarm;

fn workers(swarm: &Swarm) -> usize {
    swarm.names("workers").len()
}

#[test]
fn scale_up_and_down_while_tasks_run() {
    let swarm = Swarm::new();
    let coordinator = swarm.start_coordinator(&["--agents", "1"]);
    for name in ["a", "b", "c"] {
        swarm.drop(name, swarm.holds(name) + "echo x > x.txt\n");
    }
    wait_until("one claim", || swarm.names("claims").len() == 1);
    swarm.coordinator(&["scale", "3"]).exits(0);
    for name in ["a", "b", "c"] {
        swarm.wait_held(name);
    }
    assert_eq!((workers(&swarm), swarm.names("claims").len()), (3, 3));
    swarm.coordinator(&["scale", "1"]).exits(0);
    wait_until("it scales", || coordinator.err().contains("from 3 to 1"));
    assert_eq!(swarm.names("claims").len(), 3, "running tasks go on");
    for name in ["a", "b", "c"] {
        swarm.let_go(name);
    }
    swarm.wait_count("done", 3);
    wait_until("one worker", || workers(&swarm) == 1);
    swarm.coordinator(&["scale", "0"]).exits(0);
    wait_until("no worker", || workers(&swarm) == 0);
    swarm.coordinator(&["scale", "2"]).exits(0);
    wait_until("two workers", || workers(&swarm) == 2);
    swarm.stop_now();
    let done = coordinator.end().exits(143);
    assert!(!done.err.contains("died"), "{}", done.err);
    assert!(swarm.names("retire").is_empty(), "no request outlives its worker");
}

#[test]
fn sighup_reads_the_settings_again() {
    let swarm = Swarm::with("agents = 1");
    let coordinator = swarm.start_coordinator(&[]);
    swarm.drop("before", "echo x > x.txt");
    swarm.wait_in("done", "before");
    swarm.settings("agents = 2\ndefault_agent = \"other\"\n[agent.other]\nkind = \"command\"\nargv = [\"sh\", \"-c\", \"echo other > by.txt\"]\n");
    coordinator.signal(Signal::SIGHUP);
    wait_until("two workers", || workers(&swarm) == 2);
    swarm.drop("after", "x");
    swarm.wait_in("done", "after");
    let branch = swarm.show("after")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:by.txt")]), "other");
    swarm.settings("agnets = 9");
    coordinator.signal(Signal::SIGHUP);
    wait_until("it says so", || coordinator.err().contains("settings stay as they were"));
    swarm.settings("agents = 1");
    coordinator.signal(Signal::SIGHUP);
    wait_until("one worker", || workers(&swarm) == 1);
    swarm.stop_now();
    coordinator.end().exits(143);
}

#[test]
fn workers_outlive_their_coordinator_and_the_next_one_adopts_them() {
    let swarm = Swarm::new();
    let first = swarm.start_coordinator(&["--agents", "2"]);
    swarm.drop("running", swarm.holds("running") + "echo x > x.txt\n");
    swarm.wait_held("running");
    wait_until("two workers", || workers(&swarm) == 2);
    let before = swarm.names("workers");
    first.signal(Signal::SIGKILL);
    first.end().exits(137);
    swarm.drop("alone", "echo x > x.txt");
    swarm.wait_in("done", "alone");
    assert_eq!(swarm.names("claims").len(), 1, "the work goes on without it");
    let second = swarm.start_coordinator(&["--agents", "3"]);
    wait_until("it adopts", || second.err().contains("adopted 2"));
    wait_until("three workers", || workers(&swarm) == 3);
    assert!(before.iter().all(|id| swarm.names("workers").contains(id)));
    swarm.let_go("running");
    swarm.wait_in("done", "running");
    let task = swarm.show("running");
    assert_eq!(task["attempts"].as_array().unwrap().len(), 1);
    swarm.coordinator(&["scale", "1"]).exits(0);
    wait_until("one worker", || workers(&swarm) == 1);
    swarm.stop_now();
    second.end().exits(143);
}

#[test]
fn a_drain_ends_though_it_adopted_workers_that_would_stay() {
    let swarm = Swarm::new();
    let first = swarm.start_coordinator(&["--agents", "2"]);
    wait_until("two workers", || workers(&swarm) == 2);
    first.signal(Signal::SIGKILL);
    first.end().exits(137);
    swarm.drop("x", "echo x > x.txt");
    swarm.coordinator(&["--agents", "2", "--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
}

/// Processor time that a process has used, in ticks of 10 ms.
fn ticks(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn an_idle_worker_beside_a_busy_one_burns_nothing() {
    let swarm = Swarm::new();
    let busy = swarm.start_worker(&[]);
    swarm.drop("running", swarm.holds("running") + "echo x > x.txt\n");
    swarm.wait_held("running");
    let mut idle = swarm.start_worker(&[]);
    wait_until("two workers", || workers(&swarm) == 2);
    let before = ticks(idle.pid());
    stays("idle", std::time::Duration::from_secs(2), || idle.runs());
    let used = ticks(idle.pid()) - before;
    assert!(used < 20, "{used} ticks in two seconds");
    swarm.let_go("running");
    swarm.wait_in("done", "running");
    swarm.stop_now();
    busy.end().exits(143);
    idle.end().exits(143);
}

/// What a closed terminal sends to everybody in it: the work goes on.
#[test]
fn a_hang_up_ends_nobody() {
    let swarm = Swarm::new();
    swarm.drop("running", swarm.holds("running") + "echo x > x.txt\n");
    let alone = swarm.start_worker(&[]);
    let agent = swarm.wait_held("running");
    let coordinator = swarm.start_coordinator(&["--agents", "1"]);
    wait_until("two workers", || workers(&swarm) == 2);
    for process in [&alone, &coordinator] {
        process.signal(Signal::SIGHUP);
    }
    swarm.drop("next", "echo x > x.txt");
    swarm.wait_in("done", "next");
    assert!(crate::support::running::alive(agent));
    swarm.let_go("running");
    swarm.wait_in("done", "running");
    swarm.stop_now();
    alone.end().exits(143);
    coordinator.end().exits(143);
}
