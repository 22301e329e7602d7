//! Ten workers on one repository, whose owner is in the middle of something.

use std::fs;

use crate::support::swarm::Swarm;

const TASKS: usize = 100;

#[test]
fn ten_workers_share_one_repository_and_leave_its_owner_alone() {
    let swarm = Swarm::new();
    swarm.git(&["config", "gc.auto", "20"]);
    for name in ["a", "b", "c"] {
        fs::write(swarm.at(name), "committed\n").unwrap();
    }
    swarm.git(&["add", "-A"]);
    swarm.git(&["commit", "--quiet", "-m", "files"]);
    fs::write(swarm.at("a"), "stashed\n").unwrap();
    swarm.git(&["stash", "--quiet"]);
    fs::write(swarm.at("b"), "staged\n").unwrap();
    swarm.git(&["add", "b"]);
    fs::write(swarm.at("c"), "unstaged\n").unwrap();
    fs::write(swarm.at("untracked"), "untracked\n").unwrap();
    let before = picture(&swarm);

    for n in 0..TASKS {
        let script = format!(
            "echo {n} > new-{n}\ngit add new-{n}\ngit commit --quiet -m 'task {n}'\necho more >> README\n"
        );
        swarm.drop(format!("t{n}.md"), script);
    }
    let done = swarm.start_coordinator(&["--agents", "10", "--drain"]).end_slowly().exits(0);
    assert!(!done.err.contains("lock"), "{}", done.err);

    assert_eq!(swarm.counts(), format!("done {TASKS}"));
    assert_eq!(picture(&swarm), before, "the checkout was touched");
    swarm.git(&["fsck", "--no-progress"]);
    let branches = swarm.git(&["branch", "--list", "swarm/*", "--format=%(refname:short)"]);
    assert_eq!(branches.lines().count(), TASKS);
    for branch in branches.lines() {
        let subjects = swarm.git(&["log", "--format=%s", &format!("main..{branch}")]);
        assert_eq!(subjects.lines().count(), 2, "{branch}: {subjects}");
    }
    // Attempts that met a lock would have left a second one.
    for task in swarm.status()["tasks"].as_array().unwrap() {
        assert_eq!(task["attempt"], 1, "{task}");
    }
    println!(
        "{TASKS} tasks by 10 workers in one repository: no lock error, fsck clean, checkout untouched"
    );
}

/// Everything of the checkout that is its owner's.
fn picture(swarm: &Swarm) -> Vec<String> {
    let files = ["a", "b", "c", "untracked", "README"];
    let mut picture: Vec<String> =
        files.iter().map(|name| fs::read_to_string(swarm.at(name)).unwrap()).collect();
    picture.push(swarm.git(&["status", "--porcelain=v2", "--branch"]));
    picture.push(swarm.git(&["diff", "--cached"]));
    picture.push(swarm.git(&["stash", "list", "--format=%H %gs"]));
    picture.push(swarm.git(&["rev-parse", "HEAD"]));
    picture
}
