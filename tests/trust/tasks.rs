//! Task files, and whole queues, that a clone brings.

use std::fs;
use std::path::{Path, PathBuf};

use super::Place;
use crate::support::deadline::wait_until;

/// A clone without settings, with this file in its queue; and settings of the user's own.
fn with_file(path: &str) -> (Place, PathBuf) {
    let place = Place::new();
    fs::remove_file(place.up().join("swarm.toml")).unwrap();
    let file = place.up().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, "do what the stranger wants\n").unwrap();
    place.commit(&place.up(), "a task");
    let root = place.clone();
    fs::write(root.join("swarm.toml"), place.settings("mine")).unwrap();
    (place, root)
}

fn pending(root: &Path, name: &str) -> bool {
    root.join("queue/pending").join(name).exists()
}

#[test]
fn a_task_file_of_a_clone_waits_and_what_is_dropped_by_hand_does_not() {
    let (place, root) = with_file("queue/pending/theirs.md");
    place.drop(&root, "hand.md");
    let said = place.coordinator(&root, &["--drain"]).exits(75);
    assert!(
        said.err.contains("theirs.md") && said.err.contains("coordinator trust"),
        "{}",
        said.err
    );
    assert_eq!(place.ran(), "mine");
    assert!(pending(&root, "theirs.md") && !pending(&root, "hand.md"));
    let status = place.coordinator(&root, &["status"]).exits(0).out;
    assert!(status.contains("1 task file came with a clone"), "{status}");
    assert_eq!(place.swarm.status()["waiting_for_trust"][0], "theirs.md");
    assert!(place.coordinator(&root, &["doctor"]).out.contains("theirs.md"));
    place.swarm.worker(&["--drain"]).exits(75);
    place.coordinator(&root, &["check", "--fix"]);
    // The user's own settings name it, and doctor asks for its version.
    assert_eq!(place.ran(), "tool");
    place.coordinator(&root, &["cancel", "theirs.md"]).exits(77);
    assert!(pending(&root, "theirs.md"));
    assert_eq!(place.ran(), "");
    let said = place.coordinator(&root, &["trust"]).exits(0).out;
    assert!(said.contains("theirs.md"), "{said}");
    place.coordinator(&root, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "mine");
    // Back again, and with the same content: it was trusted.
    place.git(&root, &["checkout", "--", "queue"]);
    place.coordinator(&root, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "mine");
    // Edited by a pull: not so.
    fs::write(place.up().join("queue/pending/theirs.md"), "do more\n").unwrap();
    fs::write(place.up().join("queue/pending/more.md"), "do even more\n").unwrap();
    place.commit(&place.up(), "more");
    place.git(&root, &["checkout", "--", "queue"]);
    place.git(&root, &["pull", "--quiet"]);
    place.coordinator(&root, &["--drain"]).exits(75);
    assert_eq!(place.ran(), "");
    assert!(pending(&root, "theirs.md") && pending(&root, "more.md"));
}

#[test]
fn a_pool_takes_it_up_as_soon_as_it_is_trusted() {
    let (place, root) = with_file("queue/pending/theirs.md");
    let coordinator = place.swarm.start_coordinator(&[]);
    place.swarm.drop("hand", "x");
    place.swarm.wait_in("done", "hand");
    assert!(pending(&root, "theirs.md"));
    place.coordinator(&root, &["trust"]).exits(0);
    place.swarm.wait_in("done", "theirs");
    place.swarm.stop_now();
    coordinator.end().exits(143);
}

#[test]
fn ones_own_tracked_tasks_are_taken_up() {
    let place = Place::new();
    let up = place.up();
    place.drop(&up, "kept.md");
    place.commit(&up, "a task of one's own");
    place.coordinator(&up, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "agent");
    // In a clone, too: committed there, and never pushed.
    let (place, root) = with_file("other/theirs.md");
    place.drop(&root, "kept.md");
    place.git(&root, &["add", "-f", "queue/pending/kept.md"]);
    place.git(&root, &["commit", "--quiet", "-m", "mine"]);
    place.coordinator(&root, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "mine");
}

/// Not only the drop zone: whoever brings the state of a queue brings tasks that nobody takes in.
#[test]
fn the_state_of_a_queue_is_not_taken_from_a_clone() {
    for file in [
        "queue/ready/5-20261120T113012123-fix-k3f9.1",
        "queue/blocked/5-20261120T113012123-fix-k3f9.1~hold",
        "queue/runs/20261120T113012123-fix-k3f9/task.json",
        "queue/failed/20261120T113012123-fix-k3f9.1.00000000000000000000000000000000",
    ] {
        let (place, root) = with_file(file);
        let said = place.coordinator(&root, &["--drain"]).exits(77);
        assert!(said.err.contains("the state of a queue"), "{}", said.err);
        place.swarm.worker(&["--drain"]).exits(77);
        place.coordinator(&root, &["trust"]).exits(0);
        place.coordinator(&root, &["--drain"]).exits(77);
        assert_eq!(place.ran(), "");
        place.git(&root, &["rm", "--quiet", "-r", "queue"]);
        place.drop(&root, "hand.md");
        place.coordinator(&root, &["--drain"]).exits(0);
        assert_eq!(place.ran(), "mine", "{file}");
    }
}

#[test]
fn what_keeps_an_empty_directory_in_git_is_no_task() {
    let (place, root) = with_file("queue/pending/.gitkeep");
    fs::create_dir_all(place.up().join("queue/ready")).unwrap();
    fs::write(place.up().join("queue/ready/.gitkeep"), "").unwrap();
    place.commit(&place.up(), "directories");
    place.git(&root, &["pull", "--quiet"]);
    place.assert_in_force(&root, "mine", "kept directories");
    // In `ready/` it is in the way of nobody, but `check` names it.
    fs::remove_file(root.join("queue/ready/.gitkeep")).unwrap();
}

#[test]
fn a_queue_that_is_a_link_is_judged_where_it_lies() {
    let (place, root) = with_file("tasks/pending/theirs.md");
    std::os::unix::fs::symlink("tasks", root.join("queue")).unwrap();
    place.coordinator(&root, &["--drain"]).exits(75);
    assert_eq!(place.ran(), "");
    assert!(pending(&root, "theirs.md"));
}

/// People share queues: who owns a dropped file says nothing.
#[test]
fn a_file_that_another_user_dropped_is_taken_up() {
    let (place, root) = with_file("other/theirs.md");
    place.drop(&root, "hand.md");
    let file = root.join("queue/pending/hand.md");
    if std::os::unix::fs::chown(&file, Some(65_534), None).is_err() {
        return;
    }
    place.coordinator(&root, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "mine");
}

/// Many files cost one look at the index, and none of them waits for another.
#[test]
fn many_files_are_judged_together() {
    let (place, root) = with_file("queue/pending/theirs.md");
    for n in 0..100 {
        place.drop(&root, &format!("hand-{n}.md"));
    }
    let coordinator = place.swarm.start_coordinator(&["--agents", "4"]);
    wait_until("all are done", || place.swarm.names("done").len() == 100);
    assert!(pending(&root, "theirs.md"));
    place.swarm.stop_now();
    coordinator.end().exits(143);
}
