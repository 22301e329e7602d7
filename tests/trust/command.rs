//! `coordinator trust` itself: what it shows, what it keeps, whom it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Place;
use crate::support::swarm::{COORDINATOR, Swarm};

/// Files below a directory, with their modes.
fn modes(dir: &std::path::Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let meta = entry.metadata().unwrap();
        found.push((entry.path().display().to_string(), meta.permissions().mode() & 0o777));
        if meta.is_dir() {
            found.extend(modes(&entry.path()));
        }
    }
    found
}

#[test]
fn it_shows_what_would_run_and_holds_for_this_content_at_this_place() {
    let place = Place::new();
    let root = place.clone();
    let said = place.coordinator(&root, &["trust"]).exits(0);
    for part in
        ["swarm.toml", "origin/main", "agent a: sh -c", "setup: ", "echo setup", "tool", "hooks"]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert_eq!(place.ran(), "", "showing runs nothing");
    place.assert_in_force(&root, "agent", "trusted");
    // The records are the user's alone.
    let state = place.swarm.beside("home/.local/state/swarmdir");
    for (path, mode) in modes(&state) {
        assert_eq!(mode & 0o077, 0, "{path} {mode:o}");
    }
    // A copy elsewhere is another place.
    let copy = place.swarm.beside("copy");
    let cp = std::process::Command::new("cp").arg("-a").args([&root, &copy]).status().unwrap();
    assert!(cp.success());
    fs::remove_dir_all(copy.join("queue")).unwrap();
    place.assert_untrusted(&copy, "a copy");
    // A pull brings another content.
    fs::write(place.up().join("swarm.toml"), place.settings("pulled")).unwrap();
    place.commit(&place.up(), "pulled");
    place.git(&root, &["pull", "--quiet"]);
    place.assert_untrusted(&root, "pulled");
    // And back: that content was trusted.
    place.git(&root, &["reset", "--quiet", "--hard", "HEAD~1"]);
    place.coordinator(&root, &["--drain"]).exits(0);
    assert!(place.ran().contains("agent"));
}

#[test]
fn trust_is_listed_and_taken_back() {
    let place = Place::new();
    let root = place.clone();
    let json = |args: &[&str]| -> serde_json::Value {
        let said = place.coordinator(&root, &[args, &["--json"]].concat()).exits(0);
        serde_json::from_str(&said.out).unwrap()
    };
    assert_eq!(json(&["trust", "--list"])["trusted"].as_array().unwrap().len(), 0);
    let granted = json(&["trust"]);
    assert_eq!((&granted["schema"], &granted["trusted"][0]["new"]), (&1.into(), &true.into()));
    assert!(granted["runs"].to_string().contains("echo setup"), "{granted}");
    assert_eq!(json(&["trust"])["trusted"][0]["new"], false);
    let listed = json(&["trust", "--list"]);
    assert_eq!(listed["trusted"][0]["place"], root.join("swarm.toml").display().to_string());
    place.assert_in_force(&root, "agent", "trusted");
    assert_eq!(json(&["trust", "--revoke"])["revoked"].as_array().unwrap().len(), 2);
    assert!(place.coordinator(&root, &["trust", "--list"]).err.contains("nothing is trusted"));
    place.assert_untrusted(&root, "taken back");
}

#[test]
fn where_all_is_ones_own_there_is_nothing_to_trust() {
    let swarm = Swarm::new();
    let said = swarm.coordinator(&["trust"]).exits(0);
    assert!(said.out.contains("nothing in") && said.out.contains("your own"), "{}", said.out);
    fs::remove_file(swarm.at("swarm.toml")).unwrap();
    swarm.coordinator(&["trust"]).exits(0);
    assert!(!swarm.beside("home/.local").exists(), "and nothing is kept");
}

#[test]
fn init_grants_nothing() {
    let place = Place::new();
    let root = place.clone();
    for _ in 0..2 {
        place.coordinator(&root, &["init"]).exits(0);
    }
    place.assert_untrusted(&root, "after init");
}

#[test]
fn settings_with_mistakes_are_not_trusted() {
    let place = Place::new();
    fs::write(place.up().join("swarm.toml"), "agnets = 3\n").unwrap();
    place.commit(&place.up(), "mistakes");
    let root = place.clone();
    place.assert_untrusted(&root, "not even parsed");
    let said = place.coordinator(&root, &["trust"]).exits(2);
    assert!(said.err.contains("agnets"), "{}", said.err);
    place.assert_untrusted(&root, "still");
}

/// An agent must not say that its own change is meant, wherever it hides from its worker.
#[test]
fn an_agent_cannot_trust() {
    for how in [
        "BIN trust",
        "env -i PATH=$PATH HOME=$HOME BIN trust --root $SWARMDIR_ROOT",
        "env -i PATH=$PATH HOME=$HOME setsid BIN trust --root $SWARMDIR_ROOT",
        // In the hands of the worker, its mark left behind.
        "root=$SWARMDIR_ROOT; (env -i PATH=$PATH HOME=$HOME setsid sh -c \"sleep 0.3; BIN trust --root $root > DIR/out 2>&1; echo \\$? > DIR/code\" &); until [ -s DIR/code ]; do sleep 0.05; done; cat DIR/out >&2; exit $(cat DIR/code)",
    ] {
        let swarm = Swarm::new();
        let dir = swarm.beside("").display().to_string();
        let script = how.replace("BIN", COORDINATOR).replace("DIR/", &dir);
        swarm.drop("trusts", format!("echo '# more' >> $SWARMDIR_ROOT/swarm.toml\n{script}\n"));
        swarm.worker(&["--drain"]).exits(1);
        let task = swarm.show("trusts").to_string();
        assert!(task.contains("exit 77"), "{how}: {task}");
        assert_eq!(swarm.status()["settings"]["state"], "as_before", "{how}");
    }
}

#[test]
fn a_store_that_others_may_write_to_holds_nothing() {
    let place = Place::new();
    let root = place.clone();
    place.coordinator(&root, &["trust"]).exits(0);
    let store = place.swarm.beside("home/.local/state/swarmdir/trust");
    fs::set_permissions(&store, fs::Permissions::from_mode(0o777)).unwrap();
    place.assert_untrusted(&root, "exposed");
    let said = place.coordinator(&root, &["trust"]).exits(69);
    assert!(said.err.contains("may write there"), "{}", said.err);
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
    place.coordinator(&root, &["--drain"]).exits(0);
    assert!(place.ran().contains("agent"));
}

#[test]
fn without_a_home_nothing_is_trusted_and_ones_own_works() {
    let place = Place::new();
    let root = place.clone();
    let run = |dir: &std::path::Path, args: &[&str]| {
        let mut command = place.swarm.command(COORDINATOR);
        command.args(args).current_dir(dir).env_remove("HOME");
        place.swarm.start(&mut command).end()
    };
    run(&root, &["--drain"]).exits(77);
    let said = run(&root, &["trust"]).exits(69);
    assert!(said.err.contains("XDG_STATE_HOME"), "{}", said.err);
    place.drop(&place.up(), "hand.md");
    run(&place.up(), &["--drain"]).exits(0);
    assert_eq!(place.ran(), "agent");
}
