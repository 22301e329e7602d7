//! What works where it cannot be reached from here: `stop` says so and fails, and so does a second coordinator.

use nix::sys::signal::Signal;

use crate::support::deadline::wait_until;
use crate::support::running::Running;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// How a program is started in a pid namespace of its own: what it says, and that nothing of it outlives the start.
const AWAY: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

fn away(swarm: &Swarm, program: &str, args: &[&str]) -> Running {
    let mut command = swarm.command(AWAY[0]);
    command.args(&AWAY[1..]).arg(program).args(args);
    swarm.start(&mut command)
}

pub(super) fn may_go_away(swarm: &Swarm) -> bool {
    let tried = swarm.command(AWAY[0]).args(&AWAY[1..]).arg("true").output();
    if tried.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "no pid namespace can be made here");
    println!("*** NOT TESTED: no pid namespace can be made here ***");
    false
}

/// The child dies with `unshare`, by `--kill-child`.
fn end(swarm: &Swarm, away: Running) {
    away.signal(Signal::SIGKILL);
    away.end();
    wait_until("all of it is gone", || {
        let mark = format!("SWARM_E2E={}", swarm.root().display());
        crate::support::running::processes_of(&mark, swarm.root()).is_empty()
    });
}

#[test]
fn a_coordinator_and_its_workers_in_a_container() {
    let swarm = Swarm::new();
    if !may_go_away(&swarm) {
        return;
    }
    swarm.drop("long", swarm.holds("long"));
    let container = away(&swarm, COORDINATOR, &["--agents", "1"]);
    swarm.wait_held("long");
    for now in [&["stop"][..], &["stop", "--now"]] {
        let done = swarm.coordinator(now).exits(75);
        for word in [
            "nothing was stopped",
            "a coordinator (process ",
            "worker ",
            "pid namespace",
            "user ",
            "pause --now",
        ] {
            assert!(done.err.contains(word), "{word}: {}", done.err);
        }
        assert!(!done.err.contains("nothing runs here"), "{}", done.err);
    }
    let second = swarm.coordinator(&["--drain"]).exits(75);
    assert!(second.err.contains("pid namespace"), "{}", second.err);
    // What goes through the queue reaches it all the same.
    let scaled = swarm.coordinator(&["scale", "2"]).exits(0);
    assert!(scaled.err.contains("pid namespace"), "{}", scaled.err);
    wait_until("two workers", || swarm.names("workers").len() == 2);
    swarm.coordinator(&["pause", "--now"]).exits(0);
    wait_until("it is parked", || swarm.names("blocked").iter().any(|name| name.contains("~park")));
    end(&swarm, container);
}

#[test]
fn a_worker_alone_beside_one_that_can_be_reached() {
    let swarm = Swarm::new();
    if !may_go_away(&swarm) {
        return;
    }
    let container = away(&swarm, WORKER, &[]);
    wait_until("it is registered", || swarm.names("workers").len() == 1);
    let done = swarm.coordinator(&["stop"]).exits(75);
    assert!(
        done.err.contains("nothing was stopped") && !done.err.contains("coordinator ("),
        "{}",
        done.err
    );
    let here = swarm.start_worker(&[]);
    wait_until("both are registered", || swarm.names("workers").len() == 2);
    let done = swarm.coordinator(&["stop"]).exits(75);
    assert!(done.err.contains("stopped what can be reached from here"), "{}", done.err);
    here.end();
    // The dead beat no more: nothing runs.
    end(&swarm, container);
    let done = swarm.coordinator(&["stop"]).exits(0);
    assert!(done.err.contains("nothing runs here"), "{}", done.err);
}
