//! Nothing happens in the original through a copy.

use std::fs;
use std::path::Path;

use super::moved::{at, branches};
use crate::support::running::alive;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// `cp -a` of a directory.
fn copy(swarm: &Swarm, from: &Path, to: &Path) {
    let status = swarm.command("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success());
}

/// All that is to stay as it is: refs, git's own files of worktrees, names in the queue and what lies in trees.
fn state(swarm: &Swarm, root: &Path, trees: &Path) -> String {
    let refs = swarm.git_in(root, &["for-each-ref"]);
    let list = |dir: &Path| {
        let mut find = swarm.command("find");
        find.arg(dir).args([
            "-not",
            "-name",
            "*.lock",
            "-printf",
            "%p %i %s %y %l
",
        ]);
        let mut lines: Vec<String> = String::from_utf8(find.output().unwrap().stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines.join("\n")
    };
    let queue = ["ready", "blocked", "done", "failed", "claims", "workers", "gone"].map(|dir| {
        let dir = root.join("queue").join(dir);
        let names = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        format!("{names:?}")
    });
    format!("{refs}\n{}\n{}\n{queue:?}", list(&root.join(".git/worktrees")), list(trees))
}

#[test]
fn waiting_and_parked_tasks_run_in_the_copy_only() {
    for also_its_trees in [false, true] {
        let swarm = Swarm::new();
        let script = format!(
            "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ echo one > one.txt; git add .; git commit -qm one; echo loose > loose.txt; {} }}; echo two > two.txt",
            swarm.holds("parked")
        );
        swarm.drop("parked", script);
        let worker = swarm.start_worker(&[]);
        swarm.wait_held("parked");
        swarm.stop_now();
        worker.end();
        swarm.coordinator(&["retry", "parked"]).exits(0);
        swarm.coordinator(&["add", "--name", "waits", "-m", "echo w > w.txt"]).exits(0);
        let place = swarm.beside("copies");
        fs::create_dir(&place).unwrap();
        let new = place.join("repo");
        copy(&swarm, swarm.root(), &new);
        let trees = swarm.beside("repo.swarmdir");
        if also_its_trees {
            copy(&swarm, &trees, &place.join("repo.swarmdir"));
        }
        let before = state(&swarm, swarm.root(), &trees);
        let id = fs::read_to_string(swarm.at("queue/FORMAT")).unwrap();
        let done = at(&swarm, &new, WORKER, &["--drain"]).exits(0);
        assert!(done.err.contains("was a copy of"), "{}", done.err);
        assert_eq!(state(&swarm, swarm.root(), &trees), before);
        assert_eq!(fs::read_to_string(swarm.at("queue/FORMAT")).unwrap(), id);
        assert_ne!(fs::read_to_string(new.join("queue/FORMAT")).unwrap(), id);
        let made = branches(&swarm, &new);
        assert!(made.contains("waits") && made.contains("parked"), "{made}");
        let names = fs::read_dir(new.join("queue/done")).unwrap().count();
        assert_eq!(names, 2);
        // Said once, and the second time it is a queue like any other.
        let again = at(&swarm, &new, WORKER, &["--drain"]).exits(0);
        assert!(!again.err.contains("copy"), "{}", again.err);
        // The original's turn: it has lost nothing.
        swarm.drain();
        assert_eq!(swarm.counts(), "done 2");
        let branch = swarm.show("parked")["branch"].as_str().unwrap().to_owned();
        let files = swarm.git(&["ls-tree", "--name-only", &branch]);
        assert_eq!(files, "README\nloose.txt\none.txt\ntwo.txt");
    }
}

/// The copy has the card of a worker that lives, and the same task; the lease is the copy's only ground to go on.
#[test]
fn a_worker_of_the_original_and_its_agent_are_not_killed_asked_or_adopted() {
    let swarm = Swarm::new();
    let original = swarm.root().display().to_string();
    let script = format!(
        "[ $SWARMDIR_ROOT != {original} ] || {{ {} }}; echo x > x.txt",
        swarm.holds("runs")
    );
    swarm.drop("runs", script);
    let worker = swarm.start_coordinator(&["--agents", "1", "--drain"]);
    let agent = swarm.wait_held("runs");
    let pid = i32::try_from(swarm.status()["workers"][0]["pid"].as_i64().unwrap()).unwrap();
    let new = swarm.beside("copy");
    copy(&swarm, swarm.root(), &new);
    at(&swarm, &new, COORDINATOR, &["stop", "--now"]).exits(0);
    at(&swarm, &new, COORDINATOR, &["check"]);
    at(&swarm, &new, COORDINATOR, &["--drain", "--agents", "2"]).exits(0);
    assert!(alive(agent) && alive(pid), "they work on, for the original");
    let journal: String = fs::read_dir(new.join("queue/log"))
        .unwrap()
        .flatten()
        .map(|log| fs::read_to_string(log.path()).unwrap())
        .collect();
    assert!(journal.contains("lease expired"), "{journal}");
    assert!(
        fs::read_dir(new.join("queue/gone")).unwrap().next().is_none(),
        "nothing of it is left"
    );
    assert!(branches(&swarm, &new).contains("runs"));
    swarm.let_go("runs");
    worker.end().exits(0);
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(swarm.show("runs")["attempts"].as_array().unwrap().len(), 1);
}

/// Both have the same repository beside them: what the original's task has there is not the copy's.
#[test]
fn a_tree_in_a_repository_that_both_use_stays_the_originals() {
    let swarm = Swarm::with("[rig.lib]\npath = \"../lib\"");
    let lib = swarm.beside("lib");
    fs::create_dir(&lib).unwrap();
    swarm.git_in(&lib, &["init", "-q", "-b", "main"]);
    let commit = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=e@localhost",
        "commit",
        "-qm",
        "c",
        "--allow-empty",
    ];
    swarm.git_in(&lib, &commit);
    let script = format!(
        "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ echo loose > loose.txt; {} }}; echo two > two.txt",
        swarm.holds("parked")
    );
    fs::write(swarm.beside("parked.md"), format!("---\nrig: lib\n---\n{script}")).unwrap();
    swarm.coordinator(&["add", "../parked.md"]).exits(0);
    let worker = swarm.start_worker(&[]);
    swarm.wait_held("parked");
    swarm.stop_now();
    worker.end();
    let new = swarm.beside("copy");
    copy(&swarm, swarm.root(), &new);
    let tree = || {
        let dir = fs::read_dir(swarm.beside("lib.swarmdir")).unwrap().flatten();
        let records = dir.filter(|entry| entry.path().extension().is_some_and(|e| e == "json"));
        records.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect::<Vec<_>>()
    };
    let before = tree();
    // Cancelled in the copy: its housekeeping must not clear the original's tree.
    at(&swarm, &new, COORDINATOR, &["cancel", "parked"]).exits(0);
    at(&swarm, &new, WORKER, &["--drain"]).exits(0);
    assert_eq!(tree(), before);
    swarm.coordinator(&["retry", "parked"]).exits(0);
    swarm.drain();
    let branch = swarm.show("parked")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git_in(&lib, &["ls-tree", "--name-only", &branch]), "loose.txt\ntwo.txt");
}
