//! Settings that change while an agent runs: what was in force before stays so until the user says that it is meant.

use std::fs;

use nix::sys::signal::Signal;

use super::Place;
use crate::support::deadline::wait_until;
use crate::support::running::alive;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// Settings of an attacker, beside the root: any task then writes `evil`.
fn evil(swarm: &Swarm) -> String {
    let path = swarm.beside("evil.toml");
    let ran = swarm.beside("ran").display().to_string();
    let text = format!(
        "default_agent = \"x\"\ndurability = \"relaxed\"\ndrain_wait = \"0s\"\n[agent.x]\nkind = \"command\"\nworktree = false\nargv = [\"sh\", \"-c\", \"echo evil >> {ran}\"]\n"
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn ran(swarm: &Swarm) -> String {
    let path = swarm.beside("ran");
    let text = fs::read_to_string(&path).unwrap_or_default();
    fs::remove_file(path).ok();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A task that, under the settings from before, writes `before`.
fn probe(swarm: &Swarm, name: &str) {
    swarm.drop(name, format!("echo before >> {}\n", swarm.beside("ran").display()));
}

/// The settings from before are in force, and every view says so.
#[track_caller]
fn assert_as_before(swarm: &Swarm, name: &str) {
    probe(swarm, name);
    let status = swarm.coordinator(&["status"]).exits(0);
    assert!(status.out.contains("changed while an agent ran"), "{}", status.out);
    assert_eq!(swarm.status()["settings"]["state"], "as_before");
    assert!(swarm.coordinator(&["doctor"]).out.contains("changed while an agent ran"));
    let config = swarm.coordinator(&["config"]).exits(0);
    assert!(!config.out.contains("echo evil"), "{}", config.out);
    for _ in 0..2 {
        let run = swarm.worker(&["--drain"]).exits(0);
        assert!(run.err.contains("coordinator trust"), "{}", run.err);
    }
    assert_eq!(ran(swarm), "before");
}

/// The user says that the change is meant.
#[track_caller]
fn assert_trust_puts_in_force(swarm: &Swarm) {
    let said = swarm.coordinator(&["trust"]).exits(0);
    assert!(said.out.contains("changed while an agent ran"), "{}", said.out);
    probe(swarm, "after");
    let run = swarm.worker(&["--drain"]).exits(0);
    assert!(!run.err.contains("trust"), "{}", run.err);
    assert_eq!(ran(swarm), "evil");
    assert_eq!(swarm.status()["settings"]["state"], "in_force");
}

#[test]
fn what_an_agent_writes_into_the_settings_waits_for_the_user() {
    for edit in [
        "cp EVIL $SWARMDIR_ROOT/swarm.toml",
        "cat EVIL > $SWARMDIR_ROOT/swarm.toml",
        "mv EVIL $SWARMDIR_ROOT/swarm.toml",
        "ln -sf EVIL $SWARMDIR_ROOT/swarm.toml",
        "ln -f EVIL $SWARMDIR_ROOT/swarm.toml",
        // What stands for the file's age is not what can be set.
        "cat EVIL > $SWARMDIR_ROOT/swarm.toml; touch -d 2001-01-01 $SWARMDIR_ROOT/swarm.toml",
        // It is committed, too.
        "cd $SWARMDIR_ROOT; cp EVIL swarm.toml; git add -f swarm.toml; git -c user.name=x -c user.email=x@x commit -qm x",
    ] {
        let swarm = Swarm::new();
        swarm.drop("edits", edit.replace("EVIL", &evil(&swarm)));
        swarm.drain();
        assert_as_before(&swarm, "probe");
        assert_trust_puts_in_force(&swarm);
    }
}

#[test]
fn a_change_that_is_taken_back_is_none() {
    let swarm = Swarm::new();
    let evil = evil(&swarm);
    swarm.drop(
        "edits",
        format!(
            "cd $SWARMDIR_ROOT; cp swarm.toml old; cp {evil} swarm.toml; cp old swarm.toml; rm old"
        ),
    );
    swarm.drain();
    assert_eq!(swarm.status()["settings"]["state"], "in_force");
}

#[test]
fn settings_that_an_agent_removes_stay_in_force() {
    let swarm = Swarm::new();
    evil(&swarm);
    swarm.drop("removes", "rm $SWARMDIR_ROOT/swarm.toml");
    swarm.drain();
    assert_as_before(&swarm, "probe");
    swarm.coordinator(&["trust"]).exits(0);
    assert_eq!(swarm.status()["settings"]["state"], "in_force");
    assert!(swarm.coordinator(&["config"]).out.contains("default_agent = \"claude\""));
}

#[test]
fn settings_that_a_person_removes_or_edits_at_rest_are_gone_or_changed_at_once() {
    let swarm = Swarm::new();
    probe(&swarm, "first");
    swarm.drain();
    assert_eq!(ran(&swarm), "before");
    fs::copy(evil(&swarm), swarm.at("swarm.toml")).unwrap();
    probe(&swarm, "second");
    swarm.drain();
    assert_eq!(ran(&swarm), "evil");
    fs::remove_file(swarm.at("swarm.toml")).unwrap();
    assert_eq!(swarm.status()["settings"]["state"], "in_force");
    assert!(swarm.coordinator(&["config"]).out.contains("default_agent = \"claude\""));
}

/// No settings before: an agent's first ones are a change like any other.
#[test]
fn settings_that_an_agent_makes_on_the_plain_path_wait_for_the_user() {
    let swarm = Swarm::new();
    fs::remove_file(swarm.at("swarm.toml")).unwrap();
    let evil = evil(&swarm);
    let run = |program: &str, setup: &str| {
        let mut command = swarm.command(program);
        command.args(["--drain"]).env("SWARMDIR_AGENT", "demo").env("SWARMDIR_DRAIN_WAIT", "0s");
        swarm.start(command.env("SWARMDIR_SETUP", setup)).end().exits(0)
    };
    swarm.drop("makes", "write x.txt x\n");
    run(WORKER, &format!("cp {evil} $SWARMDIR_ROOT/swarm.toml"));
    assert_eq!(swarm.status()["settings"]["state"], "as_before");
    for program in [WORKER, COORDINATOR] {
        swarm.drop("next", "write x.txt x\n");
        assert!(run(program, "true").err.contains("changed while an agent ran"));
        assert_eq!(ran(&swarm), "");
    }
    assert_eq!(swarm.counts(), "done 3");
    assert_trust_puts_in_force(&swarm);
}

#[test]
fn a_running_pool_is_not_told_other_settings_by_an_agent() {
    let swarm = Swarm::with("agents = 1\nrecycle_after = 1");
    let coordinator = swarm.start_coordinator(&[]);
    let evil = evil(&swarm);
    swarm.drop("edits", format!("cp {evil} $SWARMDIR_ROOT/swarm.toml\n{}", swarm.holds("edits")));
    swarm.wait_held("edits");
    coordinator.signal(Signal::SIGHUP);
    wait_until("it says so", || coordinator.err().contains("settings stay as they were"));
    swarm.let_go("edits");
    swarm.wait_in("done", "edits");
    coordinator.signal(Signal::SIGHUP);
    // Each task is a fresh worker's, which reads the settings anew.
    for name in ["one", "two"] {
        probe(&swarm, name);
        swarm.wait_in("done", name);
        assert_eq!(ran(&swarm), "before");
    }
    swarm.coordinator(&["trust"]).exits(0);
    coordinator.signal(Signal::SIGHUP);
    wait_until("it re-reads", || coordinator.err().contains("settings re-read"));
    // A worker that waits already may take one more task before the order reaches it; the next one is fresh.
    for name in ["three", "four"] {
        ran(&swarm);
        probe(&swarm, name);
        swarm.wait_in("done", name);
    }
    assert_eq!(ran(&swarm), "evil");
    swarm.stop_now();
    coordinator.end().exits(143);
}

#[test]
fn a_restart_in_the_middle_of_an_attempt_changes_nothing() {
    let swarm = Swarm::with("agents = 1");
    let first = swarm.start_coordinator(&[]);
    let evil = evil(&swarm);
    swarm.drop("edits", format!("cp {evil} $SWARMDIR_ROOT/swarm.toml\n{}", swarm.holds("edits")));
    swarm.wait_held("edits");
    first.signal(Signal::SIGKILL);
    first.end().exits(137);
    let second = swarm.start_coordinator(&["--agents", "2"]);
    wait_until("it says so", || second.err().contains("changed while an agent ran"));
    probe(&swarm, "probe");
    swarm.wait_in("done", "probe");
    assert_eq!(ran(&swarm), "before");
    swarm.let_go("edits");
    swarm.wait_in("done", "edits");
    swarm.stop_now();
    second.end().exits(143);
    assert_as_before(&swarm, "later");
}

#[test]
fn an_agent_that_is_killed_with_everything_has_changed_nothing() {
    let swarm = Swarm::new();
    let worker = swarm.start_worker(&[]);
    let evil = evil(&swarm);
    swarm.drop("edits", format!("cp {evil} $SWARMDIR_ROOT/swarm.toml\n{}", swarm.holds("edits")));
    let agent = swarm.wait_held("edits");
    worker.signal(Signal::SIGKILL);
    worker.end().exits(137);
    wait_until("the agent is dead", || !alive(agent));
    assert_eq!(swarm.status()["settings"]["state"], "as_before");
    swarm.let_go("edits");
    probe(&swarm, "probe");
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(ran(&swarm), "before");
    assert_as_before(&swarm, "later");
}

/// Trusted settings of a clone are changed by an agent, and then by a pull while an agent runs.
#[test]
fn trusted_settings_of_a_clone_stay_in_force_too() {
    let place = Place::new();
    let root = place.clone();
    place.coordinator(&root, &["trust"]).exits(0);
    place.drop(&root, "one.md");
    place.coordinator(&root, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "agent");
    // Its agent edits them from now on.
    let text = place
        .settings("agent")
        .replace("echo agent", "echo '# more' >> $SWARMDIR_ROOT/swarm.toml; echo agent");
    fs::write(place.up().join("swarm.toml"), text).unwrap();
    place.commit(&place.up(), "an agent that edits");
    place.git(&root, &["pull", "--quiet"]);
    place.coordinator(&root, &["--drain"]).exits(77);
    place.coordinator(&root, &["trust"]).exits(0);
    place.drop(&root, "two.md");
    place.coordinator(&root, &["--drain"]).exits(0);
    for name in ["three.md", "four.md"] {
        place.drop(&root, name);
        let said = place.coordinator(&root, &["--drain"]).exits(0);
        assert!(said.err.contains("changed while an agent ran"), "{}", said.err);
    }
    assert_eq!(place.ran(), "agent agent agent");
}

/// A pull at rest under a pool that runs: its workers go on by what they were started with.
#[test]
fn a_pull_does_not_stop_a_pool_that_runs() {
    let place = Place::new();
    let text = place.settings("agent").replacen("agents = 1", "agents = 1\nrecycle_after = 1", 1);
    fs::write(place.up().join("swarm.toml"), text).unwrap();
    place.commit(&place.up(), "fresh workers");
    let root = place.clone();
    let swarm = &place.swarm;
    place.coordinator(&root, &["trust"]).exits(0);
    let coordinator = swarm.start_coordinator(&[]);
    swarm.drop("one", "x");
    swarm.wait_in("done", "one");
    fs::write(place.up().join("swarm.toml"), place.settings("pulled")).unwrap();
    place.commit(&place.up(), "other settings");
    place.git(&root, &["pull", "--quiet"]);
    coordinator.signal(Signal::SIGHUP);
    wait_until("it says so", || coordinator.err().contains("settings stay as they were"));
    for name in ["two", "three"] {
        swarm.drop(name, "x");
        swarm.wait_in("done", name);
    }
    assert_eq!(place.ran(), "agent agent agent");
    swarm.stop_now();
    coordinator.end().exits(143);
    place.coordinator(&root, &["--drain"]).exits(77);
}
