//! Workers that others hold for dead: one that does not move (a whole lease long), and one that lives.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::deadline::wait_until;
use crate::support::running::{alive, processes_of};
use crate::support::swarm::{Swarm, WORKER};

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

/// Seen from outside of a pid namespace its processes have other numbers, so nobody there may kill by number: as on
/// another machine, all that stands between the old worker and the new outcome are names.
#[test]
fn a_worker_that_nobody_can_kill_publishes_nothing_and_moves_no_branch_of_others() {
    let swarm = Swarm::new();
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
    let may = swarm.command(unshare[0]).args(&unshare[1..]).arg("true").output();
    if !may.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "no pid namespace can be made here");
        println!("*** NOT TESTED: no pid namespace can be made here ***");
        return;
    }
    let script = format!(
        "if [ $SWARMDIR_ATTEMPT = 1 ]; then {} echo old > old.txt; git add old.txt; git commit -qm old; sleep 600; fi; echo new > x.txt",
        swarm.holds("victim")
    );
    swarm.drop("victim", script);
    let mut command = swarm.command(unshare[0]);
    command.args(&unshare[1..]).args(["sh", "-c", "\"$0\"; exit $?", WORKER]);
    let outer = swarm.start(&mut command);
    swarm.wait_held("victim");
    let mark = format!("SWARM_E2E={}", swarm.root().display());
    let ours = processes_of(&mark, swarm.root()).into_iter();
    let (old, _) = ours.filter(|(_, line)| line.trim_end() == WORKER).max().unwrap();
    kill(Pid::from_raw(old), Signal::SIGSTOP).unwrap();
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
    let task = swarm.show("victim");
    let branch = task["branch"].as_str().unwrap().to_owned();
    let head = swarm.git(&["rev-parse", &branch]);
    // Now the old agent commits, and its worker wakes up.
    swarm.let_go("victim");
    let old_branch = task["attempts"][0]["start"]["branch"].as_str().unwrap().to_owned();
    assert_ne!(old_branch, branch);
    wait_until("the old agent's commit", || {
        swarm.git(&["log", "--format=%s", "-1", &old_branch]) == "old"
    });
    kill(Pid::from_raw(old), Signal::SIGCONT).unwrap();
    outer.end().exits(75);
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(swarm.git(&["rev-parse", &branch]), head);
    assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "new");
    assert_eq!(swarm.show("victim")["attempts"].as_array().unwrap().len(), 2);
    // Its remains are swept on its own machine, or by anybody a day later.
    let gone = swarm.at("queue/gone").join(swarm.names("gone").remove(0));
    let check = swarm.json(&["check"]);
    assert_eq!(check["violations"].as_array().unwrap().len(), 1, "{check}");
    let old_time = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 24 * 3600);
    fs::File::options().write(true).open(&gone).unwrap().set_modified(old_time).unwrap();
    swarm.coordinator(&["check", "--fix"]).exits(0);
}
