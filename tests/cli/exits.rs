//! Every exit code, provoked for real.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::deadline::{wait_for, wait_until};
use crate::support::swarm::Swarm;

#[test]
fn zero_and_one_for_drains() {
    let swarm = Swarm::new();
    swarm.coordinator(&["--drain", "--agents", "2"]).exits(0);
    swarm.worker(&["--drain"]).exits(0);
    swarm.worker(&["--once"]).exits(0);
    swarm.drop("bad", "exit 1");
    swarm.coordinator(&["--drain", "--agents", "2"]).exits(1);
    swarm.drop("worse", "exit 1");
    swarm.worker(&["--drain"]).exits(1);
    swarm.drop("good", "echo x > x.txt");
    swarm.coordinator(&["--drain"]).exits(0);
    swarm.drop("wrong", "---\nnope: 1\n---\nx");
    swarm.coordinator(&["--drain"]).exits(1);
    assert_eq!(swarm.counts(), "done 1, failed 2, rejected 1");
    // What failed in an earlier run is no failure of this one.
    swarm.coordinator(&["--drain"]).exits(0);
}

#[test]
fn two_for_what_is_written_wrong() {
    let swarm = Swarm::new();
    swarm.drain();
    for args in [
        vec!["--agents", "0"],
        vec!["--agents", "many"],
        vec!["--drian"],
        vec!["stats"],
        vec!["--agent", "clod", "--drain"],
        vec!["priority", "x", "10"],
        vec!["show", "absent"],
        vec!["retry"],
        vec!["scale", "-1"],
    ] {
        let done = swarm.coordinator(&args).exits(2);
        assert!(done.out.is_empty() && !done.err.is_empty(), "{args:?}: {done:?}");
    }
    swarm.worker(&["--once", "--drain"]).exits(2);
    swarm.settings("agnets = 3\ndurability = \"srict\"");
    for program in [
        swarm.coordinator(&["--drain"]),
        swarm.worker(&["--drain"]),
        swarm.coordinator(&["status"]),
    ] {
        let done = program.exits(2);
        for word in ["agnets", "did you mean `agents`", "srict", "line", "hint:"] {
            assert!(done.err.contains(word), "{word}: {}", done.err);
        }
    }
    swarm.settings("");
}

#[test]
fn sixty_nine_for_what_is_missing() {
    let swarm = Swarm::with(
        "default_agent = \"gone\"\n[agent.gone]\nkind = \"command\"\nargv = [\"no-such-program\"]",
    );
    for program in [swarm.coordinator(&["--drain"]), swarm.worker(&["--drain"])] {
        let done = program.exits(69);
        assert!(done.err.contains("no-such-program") && done.err.contains("hint:"), "{done:?}");
    }
    let bare = Swarm::empty();
    bare.settings("");
    let done = bare.coordinator(&["--drain"]).exits(69);
    assert!(done.err.contains("repository") && done.err.contains("hint:"), "{done:?}");
    let nothing = Swarm::empty();
    for args in [vec!["status"], vec!["show", "x"], vec!["check"], vec!["stop"]] {
        let done = nothing.coordinator(&args).exits(69);
        assert!(done.err.contains("hint:"), "{args:?}: {done:?}");
    }
    assert_eq!(fs::read_dir(nothing.root()).unwrap().count(), 0, "a look makes nothing");
    let idle = Swarm::new();
    idle.drain();
    idle.coordinator(&["scale", "2"]).exits(69);
}

/// Claude is missing: cron's PATH holds none.
#[test]
fn sixty_nine_where_claude_is_missing() {
    let swarm = Swarm::with("default_agent = \"claude\"");
    let mut command = swarm.command(crate::support::swarm::COORDINATOR);
    command.arg("--drain").env("PATH", "/usr/bin:/bin");
    let done = swarm.start(&mut command).end().exits(69);
    assert!(done.err.contains("claude") && done.err.contains("hint:"), "{done:?}");
    let doctor = swarm
        .start(
            swarm
                .command(crate::support::swarm::COORDINATOR)
                .arg("doctor")
                .env("PATH", "/usr/bin:/bin"),
        )
        .end();
    assert!(doctor.exits(69).out.contains("claude"));
}

#[test]
fn seventy_five_for_a_second_coordinator_which_is_told_who_runs() {
    let swarm = Swarm::new();
    let first = swarm.start_coordinator(&["--agents", "1"]);
    wait_until("a worker", || swarm.names("workers").len() == 1);
    let second = swarm.coordinator(&["--agents", "1"]).exits(75);
    let pid = first.pid().to_string();
    assert!(
        second.err.contains(&format!("process {pid}")) && second.err.contains("hint:"),
        "{second:?}"
    );
    // A worker beside it is welcome, and another root is another queue.
    swarm.worker(&["--drain"]).exits(0);
    Swarm::new().coordinator(&["--drain"]).exits(0);
    swarm.stop_now();
    first.end().exits(143);
    swarm.coordinator(&["--drain"]).exits(0);
}

#[test]
fn seventy_five_while_paused() {
    let swarm = Swarm::new();
    swarm.drop("x", "echo x > x.txt");
    fs::write(swarm.at("interrupt"), "").unwrap();
    swarm.worker(&["--drain"]).exits(75);
    swarm.worker(&["--once"]).exits(75);
    swarm.coordinator(&["--drain"]).exits(75);
    assert!(swarm.names("done").is_empty());
    fs::remove_file(swarm.at("interrupt")).unwrap();
    swarm.coordinator(&["--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn a_hundred_and_twenty_eight_and_the_signals_number() {
    let swarm = Swarm::new();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let coordinator = swarm.start_coordinator(&["--agents", "1"]);
        wait_until("a worker", || swarm.names("workers").len() == 1);
        coordinator.signal(signal);
        coordinator.end().exits(code);
        wait_until("no worker", || swarm.names("workers").is_empty());
    }
    let worker = swarm.start_worker(&[]);
    wait_for("a worker", || swarm.names("workers").pop());
    worker.signal(Signal::SIGTERM);
    worker.end().exits(143);
    let worker = swarm.start_worker(&[]);
    wait_for("a worker", || swarm.names("workers").pop());
    worker.signal(Signal::SIGINT);
    worker.end().exits(130);
}
