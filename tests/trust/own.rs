//! What is the user's own needs no trust, however it is kept.

use std::fs;

use super::Place;

#[test]
fn settings_that_git_does_not_track_are_ones_own_in_a_clone_too() {
    let place = Place::new();
    fs::remove_file(place.up().join("swarm.toml")).unwrap();
    place.commit(&place.up(), "no settings");
    let root = place.clone();
    fs::write(root.join("swarm.toml"), place.settings("mine")).unwrap();
    place.assert_in_force(&root, "mine", "untracked");
    fs::write(root.join("swarm.toml"), place.settings("edited")).unwrap();
    place.assert_in_force(&root, "edited", "untracked, edited");
    place.git(&root, &["add", "swarm.toml"]);
    place.assert_in_force(&root, "edited", "staged");
    place.git(&root, &["commit", "--quiet", "-m", "settings"]);
    place.assert_in_force(&root, "edited", "committed");
    fs::write(root.join("swarm.toml"), place.settings("again")).unwrap();
    place.assert_in_force(&root, "again", "committed, edited");
    // A pull that touches other files changes nothing about it, fast or merged.
    fs::write(place.up().join("README"), "more\n").unwrap();
    place.commit(&place.up(), "more");
    place.git(&root, &["commit", "--quiet", "-am", "again"]);
    place.git(&root, &["pull", "--quiet", "--no-rebase", "--no-edit"]);
    place.assert_in_force(&root, "again", "after a merge");
    place.git(&root, &["checkout", "--quiet", "--detach"]);
    place.assert_in_force(&root, "again", "detached");
}

#[test]
fn a_repository_without_a_remote_is_ones_own() {
    let place = Place::new();
    let up = place.up();
    place.assert_in_force(&up, "agent", "no remote");
    place.git(&up, &["checkout", "--quiet", "--orphan", "fresh"]);
    place.assert_in_force(&up, "agent", "nothing committed yet");
    // Merges of the user's own branches.
    place.git(&up, &["checkout", "--quiet", "-f", "main"]);
    place.git(&up, &["checkout", "--quiet", "-b", "side"]);
    fs::write(up.join("swarm.toml"), place.settings("side")).unwrap();
    place.commit(&up, "side");
    place.git(&up, &["checkout", "--quiet", "main"]);
    place.git(&up, &["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    place.assert_in_force(&up, "side", "a merge of one's own");
}

#[test]
fn what_one_pushes_counts_as_everybody_elses_from_then_on() {
    let place = Place::new();
    let bare = place.swarm.beside("bare.git");
    place.git(&place.up(), &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let up = place.up();
    place.git(&up, &["remote", "add", "origin", bare.to_str().unwrap()]);
    place.assert_in_force(&up, "agent", "not pushed");
    place.git(&up, &["push", "--quiet", "origin", "main"]);
    let said = place.coordinator(&up, &["--drain"]).exits(77);
    assert!(said.err.contains("is in origin/main"), "{}", said.err);
    place.assert_untrusted(&up, "pushed");
    place.coordinator(&up, &["trust"]).exits(0);
    place.drop(&up, "hand.md");
    place.coordinator(&up, &["--drain"]).exits(0);
    assert!(place.ran().contains("agent"));
}

#[test]
fn a_bare_repository_tracks_nothing() {
    let place = Place::new();
    let bare = place.swarm.beside("bare.git");
    place.git(&place.up(), &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    fs::write(bare.join("swarm.toml"), place.settings("bare")).unwrap();
    place.assert_in_force(&bare, "bare", "a bare repository");
}

/// Variables and flags are the user's.
#[test]
fn the_environment_is_the_users_in_a_clone_too() {
    let place = Place::new();
    fs::remove_file(place.up().join("swarm.toml")).unwrap();
    fs::write(place.up().join("rules.toml"), "schema = 1\n").unwrap();
    place.commit(&place.up(), "no settings");
    let root = place.clone();
    place.drop(&root, "hand.md");
    let mut command = place.swarm.command(crate::support::swarm::COORDINATOR);
    command.args(["--drain", "--agent", "demo", "--agents", "1"]).current_dir(&root);
    command.env("SWARMDIR_FAILURES_RULES", "rules.toml");
    let done = place.swarm.start(&mut command).end();
    assert!(!done.err.contains("trust"), "{}", done.err);
    assert!(done.code() != 77, "{}", done.err);
}
