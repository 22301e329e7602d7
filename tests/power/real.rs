//! The real programs on real file systems whose power is cut: what was acknowledged is there afterwards.
//!
//! Needs root, loop devices and the tools of each file system; says so where they are missing, and fails for
//! that only where `CI` is set.

use serde_json::Value;

use super::mount::Mount;
use crate::support::swarm::Swarm;

/// Power cuts of one kind on one file system.
const ROUNDS: usize = 3;

/// A mount, or a loud word that there is none.
fn mount(kind: &str) -> Option<Mount> {
    match Mount::new(kind) {
        Ok(mount) => Some(mount),
        Err(missing) => {
            assert!(std::env::var_os("CI").is_none(), "no power can be cut on {kind}: {missing}");
            println!("*** NOT TESTED: no power was cut on {kind}: {missing} ***");
            None
        }
    }
}

fn swarm(mount: &Mount, durability: &str) -> Swarm {
    let swarm = Swarm::within(mount.point(), &format!("durability = \"{durability}\""));
    mount.settle();
    swarm
}

/// Adds a task; its id, once it is acknowledged.
fn add(swarm: &Swarm, name: &str, text: &str) -> String {
    let done = swarm.coordinator(&["add", "--name", name, "-m", text]).exits(0);
    done.word().to_owned()
}

/// Whether a task has a name, and its text under it.
fn is_there(swarm: &Swarm, id: &str, text: &str) -> bool {
    ["ready", "blocked", "done"].iter().any(|dir| {
        let found = swarm.names(dir).into_iter().find(|name| name.contains(id));
        found.is_some_and(|name| {
            std::fs::read(swarm.at("queue").join(dir).join(name)).unwrap() == text.as_bytes()
        })
    })
}

/// What a dead swarm left is mended, and nothing else is wrong.
fn sound(swarm: &Swarm) {
    swarm.coordinator(&["check", "--fix"]).exits(0);
    swarm.coordinator(&["check"]).exits(0);
}

fn added_tasks_survive(kind: &str) {
    let Some(mut mount) = mount(kind) else { return };
    let swarm = swarm(&mount, "strict");
    let mut added = Vec::new();
    for round in 0..ROUNDS {
        let text = format!("echo {round}; true");
        added.push((add(&swarm, &format!("Task {round}.md"), &text), text));
        mount.cut();
        for (id, text) in &added {
            assert!(is_there(&swarm, id, text), "{kind}: {id} was acknowledged");
            assert_eq!(swarm.show(id)["state"], "ready");
        }
        sound(&swarm);
    }
    super::proof(&format!("real power cuts after add, {kind}"), ROUNDS);
}

fn done_tasks_survive(kind: &str) {
    let Some(mut mount) = mount(kind) else { return };
    let swarm = swarm(&mount, "strict");
    for round in 0..ROUNDS {
        let text = format!(
            "mkdir -p deep/{round} && echo {round} > deep/{round}/file && git add -A && git commit -qm {round} && echo late > late"
        );
        let id = add(&swarm, &format!("branch-{round}.md"), &text);
        swarm.worker(&["--once"]).exits(0);
        mount.cut();
        let name = swarm.names("done").into_iter().find(|name| name.contains(&id));
        let name = name.unwrap_or_else(|| panic!("{kind}: {id} was done"));
        let attempt = name.strip_prefix(&format!("{id}.")).unwrap();
        let dir = swarm.at("queue/runs").join(&id).join(attempt);
        let read = |file: &str| std::fs::read(dir.join(file)).unwrap();
        let result: Value = serde_json::from_slice(&read("result.json")).unwrap();
        let _whole: Value = serde_json::from_slice(&read("attempt.json")).unwrap();
        assert_eq!(read("task"), text.as_bytes());
        branch_is_whole(&swarm, &result, round);
        sound(&swarm);
    }
    super::proof(&format!("real power cuts after done, {kind}"), ROUNDS);
}

/// The ref says what the result says, and every object behind it can be read.
fn branch_is_whole(swarm: &Swarm, result: &Value, round: usize) {
    let head = result["head"].as_str().unwrap();
    let branch = result["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["rev-parse", &format!("refs/heads/{branch}")]), head);
    assert_eq!(swarm.git(&["show", &format!("{head}:deep/{round}/file")]), round.to_string());
    assert_eq!(swarm.git(&["show", &format!("{head}:late")]), "late");
    assert_eq!(result["commits"].as_array().unwrap().len(), 2);
    swarm.git(&["fsck", "--full", "--strict", "--no-reflogs", "--no-dangling"]);
}

/// Without fsync the same cuts take something: they are power cuts.
fn relaxed_loses(kind: &str) {
    let Some(mut mount) = mount(kind) else { return };
    let swarm = swarm(&mount, "relaxed");
    // The queue itself is there, only the tasks are fresh.
    add(&swarm, "first", "true");
    mount.settle();
    let lost = (0..ROUNDS).filter(|round| {
        let text = format!("echo {round}");
        let id = add(&swarm, &format!("task-{round}"), &text);
        mount.cut();
        !is_there(&swarm, &id, &text)
    });
    assert!(lost.count() > 0, "{kind}: nothing was lost without fsync: no power was cut");
}

#[test]
fn what_add_acknowledged_survives_on_ext4() {
    added_tasks_survive("ext4");
}

#[test]
fn what_add_acknowledged_survives_on_xfs() {
    added_tasks_survive("xfs");
}

#[test]
fn what_is_done_survives_with_its_branch_on_ext4() {
    done_tasks_survive("ext4");
}

#[test]
fn what_is_done_survives_with_its_branch_on_xfs() {
    done_tasks_survive("xfs");
}

#[test]
fn relaxed_loses_something_on_ext4() {
    relaxed_loses("ext4");
}

#[test]
fn relaxed_loses_something_on_xfs() {
    relaxed_loses("xfs");
}
