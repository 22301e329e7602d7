//! Told to end: gently, now, by the command; what is in hand is saved and goes on later.

use nix::sys::signal::Signal;

use crate::support::deadline::wait_until;
use crate::support::running::alive;
use crate::support::swarm::Swarm;

/// Writes half, holds; on the next attempt finds the half and finishes.
fn two_halves(swarm: &Swarm, name: &str) -> String {
    let marks = swarm.beside("marks");
    let marks = marks.display();
    let first = format!("pwd > {marks}/{name}.first; echo half > half.txt; {}", swarm.holds(name));
    format!(
        "if [ -e half.txt ]; then pwd > {marks}/{name}.second; echo rest > rest.txt; else {first}fi\n"
    )
}

/// That a parked task went on where it was, for nothing.
#[track_caller]
fn went_on(swarm: &Swarm, name: &str) {
    let task = swarm.show(name);
    assert_eq!((&task["state"], &task["outcome"]), (&"done".into(), &"done".into()), "{task}");
    assert_eq!(task["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(task["attempts"][0]["result"]["charged"], false);
    assert_eq!(task["attempts"][1]["start"]["continued"], true);
    let mark = |end: &str| {
        std::fs::read_to_string(swarm.beside("marks").join(format!("{name}.{end}"))).unwrap()
    };
    assert_eq!(mark("first"), mark("second"), "the same tree");
    let branch = task["branch"].as_str().unwrap();
    let files = swarm.git(&["ls-tree", "--name-only", branch]);
    assert!(files.contains("half.txt") && files.contains("rest.txt"), "{files}");
}

#[track_caller]
fn parked(swarm: &Swarm, name: &str) {
    let (dir, parked) = swarm.place(name).unwrap();
    assert!(dir == "blocked" && parked.contains("~park"), "{dir}/{parked}");
    let task = swarm.show(name);
    let branch = task["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["show", &format!("{branch}:half.txt")]), "half", "saved in its branch");
    let why = swarm.coordinator(&["explain", name]).exits(0).out;
    assert!(why.contains("told to stop"), "{why}");
}

#[test]
fn one_interrupt_ends_after_the_running_tasks() {
    let swarm = Swarm::new();
    swarm.drop("running", swarm.holds("running") + "echo x > x.txt\n");
    let mut coordinator = swarm.start_coordinator(&["--agents", "1"]);
    swarm.wait_held("running");
    swarm.coordinator(&["add", "--name", "waiting", "-m", "echo x > x.txt"]).exits(0);
    coordinator.signal(Signal::SIGINT);
    wait_until("it says so", || coordinator.err().contains("ending after the running tasks"));
    assert!(coordinator.runs());
    swarm.let_go("running");
    let done = coordinator.end().exits(130);
    assert!(!done.err.contains("died"), "{}", done.err);
    assert_eq!(swarm.counts(), "ready 1, done 1");
    swarm.drain();
}

#[test]
fn two_interrupts_stop_now() {
    let swarm = Swarm::new();
    swarm.drop("half", two_halves(&swarm, "half"));
    let coordinator = swarm.start_coordinator(&["--agents", "1"]);
    let agent = swarm.wait_held("half");
    coordinator.signal(Signal::SIGINT);
    wait_until("it says so", || coordinator.err().contains("again to stop now"));
    coordinator.signal(Signal::SIGINT);
    let done = coordinator.end().exits(130);
    assert!(!alive(agent) && !done.err.contains("died"), "{}", done.err);
    parked(&swarm, "half");
    swarm.drain();
    went_on(&swarm, "half");
}

#[test]
fn terminate_parks_what_runs_and_the_next_run_goes_on_with_it() {
    let swarm = Swarm::new();
    for name in ["one", "two"] {
        swarm.drop(name, two_halves(&swarm, name));
    }
    let coordinator = swarm.start_coordinator(&["--agents", "2", "--drain"]);
    let agents = [swarm.wait_held("one"), swarm.wait_held("two")];
    coordinator.signal(Signal::SIGTERM);
    let done = coordinator.end().exits(143);
    assert!(agents.iter().all(|agent| !alive(*agent)));
    assert!(!done.err.contains("died"), "an ordered end is no death: {}", done.err);
    for name in ["one", "two"] {
        parked(&swarm, name);
    }
    assert_eq!(swarm.counts(), "blocked 2");
    swarm.coordinator(&["--agents", "2", "--drain"]).exits(0);
    for name in ["one", "two"] {
        went_on(&swarm, name);
    }
}

#[test]
fn a_worker_alone_parks_too() {
    let swarm = Swarm::new();
    swarm.drop("half", two_halves(&swarm, "half"));
    let worker = swarm.start_worker(&["--drain"]);
    let agent = swarm.wait_held("half");
    worker.signal(Signal::SIGTERM);
    worker.end().exits(143);
    assert!(!alive(agent));
    parked(&swarm, "half");
    swarm.drain();
    went_on(&swarm, "half");
}

/// A machine that is shut down signals everybody, and the agent may be gone first.
#[test]
fn an_agent_that_falls_with_its_worker_is_not_charged() {
    let swarm = Swarm::new();
    let marks = swarm.beside("marks");
    let (marks, name) = (marks.display(), "falls");
    let first = format!(
        "pwd > {marks}/{name}.first; echo half > half.txt; kill -TERM $PPID; kill -KILL $$"
    );
    let second = format!("pwd > {marks}/{name}.second; echo rest > rest.txt");
    swarm.drop(name, format!("if [ -e half.txt ]; then {second}; else {first}; fi\n"));
    swarm.start_worker(&["--drain"]).end().exits(143);
    parked(&swarm, name);
    swarm.drain();
    went_on(&swarm, name);
}

#[test]
fn an_agent_that_ignores_every_signal_is_killed_in_time() {
    let swarm = Swarm::new();
    swarm.drop(
        "deaf",
        format!("trap '' INT TERM HUP\necho half > half.txt\n{}", swarm.holds("deaf")),
    );
    let coordinator = swarm.start_coordinator(&["--agents", "1"]);
    let agent = swarm.wait_held("deaf");
    coordinator.signal(Signal::SIGTERM);
    coordinator.end().exits(143);
    assert!(!alive(agent));
    parked(&swarm, "deaf");
    swarm.coordinator(&["cancel", "deaf"]).exits(0);
}

/// The command asks coordinator and workers; nobody is asked twice, which would mean: now.
#[test]
fn the_stop_command_waits_for_running_tasks() {
    let swarm = Swarm::new();
    for name in ["a", "b"] {
        swarm.drop(name, swarm.holds(name) + "echo x > x.txt\n");
    }
    let coordinator = swarm.start_coordinator(&["--agents", "1"]);
    let alone = swarm.start_worker(&[]);
    swarm.wait_held("a");
    swarm.wait_held("b");
    let stop = swarm.start_coordinator(&["stop"]);
    wait_until("it is heard", || coordinator.err().contains("ending after the running tasks"));
    crate::support::deadline::stays("both run", std::time::Duration::from_secs(1), || {
        swarm.names("claims").len() == 2
    });
    swarm.let_go("a");
    swarm.let_go("b");
    stop.end().exits(0);
    coordinator.end().exits(130);
    alone.end().exits(130);
    assert_eq!(swarm.counts(), "done 2");
}

#[test]
fn stop_now_parks() {
    let swarm = Swarm::new();
    swarm.drop("half", two_halves(&swarm, "half"));
    let coordinator = swarm.start_coordinator(&["--agents", "2"]);
    swarm.wait_held("half");
    swarm.stop_now();
    coordinator.end().exits(143);
    assert_eq!(swarm.processes(), Vec::<(i32, String)>::new());
    parked(&swarm, "half");
    swarm.drain();
    went_on(&swarm, "half");
    let said = swarm.coordinator(&["stop"]).exits(0).err;
    assert!(said.contains("nothing runs"), "{said}");
}
