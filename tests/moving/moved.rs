//! Tasks that wait follow their project, wherever it is when they run.

use std::fs;
use std::path::Path;

use crate::support::running::Done;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// A program on a root that is not the test's own any more.
#[track_caller]
pub(super) fn at(swarm: &Swarm, root: &Path, program: &str, args: &[&str]) -> Done {
    swarm.start(swarm.command(program).current_dir(root).args(args)).end()
}

#[track_caller]
pub(super) fn branches(swarm: &Swarm, root: &Path) -> String {
    swarm.git_in(root, &["for-each-ref", "--format=%(refname:short)", "refs/heads/swarm"])
}

/// Back again, so that the test's last look finds everything.
fn and_back(swarm: &Swarm, root: &Path) {
    fs::rename(root, swarm.root()).unwrap();
}

#[test]
fn a_renamed_project_works_on_what_waits_in_its_own_repository() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "--name", "waits", "-m", "echo w > w.txt"]).exits(0);
    let new = swarm.beside("elsewhere/new name");
    fs::create_dir(new.parent().unwrap()).unwrap();
    fs::rename(swarm.root(), &new).unwrap();
    at(&swarm, &new, WORKER, &["--drain"]).exits(0);
    assert!(branches(&swarm, &new).contains("waits"));
    let shown = at(&swarm, &new, COORDINATOR, &["show", "waits", "--json"]).exits(0);
    assert!(shown.out.contains("elsewhere/new name\""), "{}", shown.out);
    and_back(&swarm, &new);
    // And again, where another project has taken the old place in between.
    swarm.coordinator(&["add", "--name", "again", "-m", "echo a > a.txt"]).exits(0);
    fs::rename(swarm.root(), &new).unwrap();
    fs::create_dir(swarm.root()).unwrap();
    swarm.git(&["init", "-q", "-b", "main"]);
    swarm.git(&[
        "-c",
        "user.name=n",
        "-c",
        "user.email=e@localhost",
        "commit",
        "-qm",
        "c",
        "--allow-empty",
    ]);
    at(&swarm, &new, WORKER, &["--drain"]).exits(0);
    assert!(branches(&swarm, &new).contains("again"));
    assert_eq!(branches(&swarm, swarm.root()), "", "nothing happens in the other one");
    fs::remove_dir_all(swarm.root()).unwrap();
    and_back(&swarm, &new);
}

/// Its tree is where the project was, and its work is on its branch.
#[test]
fn a_parked_task_goes_on_from_its_branch() {
    let swarm = Swarm::new();
    let script = format!(
        "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ echo one > one.txt; git add .; git commit -qm one; {} }}; echo two > two.txt",
        swarm.holds("it")
    );
    swarm.drop("it", script);
    let worker = swarm.start_worker(&[]);
    swarm.wait_held("it");
    swarm.stop_now();
    worker.end();
    let new = swarm.beside("new");
    fs::rename(swarm.root(), &new).unwrap();
    at(&swarm, &new, COORDINATOR, &["retry", "it"]).exits(0);
    at(&swarm, &new, WORKER, &["--drain"]).exits(0);
    let branches = branches(&swarm, &new);
    let both = |branch: &&str| {
        let files = swarm.git_in(&new, &["ls-tree", "--name-only", branch]);
        files.contains("one.txt") && files.contains("two.txt")
    };
    assert!(branches.lines().any(|branch| both(&branch)), "{branches}");
    and_back(&swarm, &new);
}

#[test]
fn a_root_below_the_top_of_a_checkout_follows_it() {
    let swarm = Swarm::new();
    let below = swarm.at("tools/swarm");
    fs::create_dir_all(&below).unwrap();
    fs::rename(swarm.at("swarm.toml"), below.join("swarm.toml")).unwrap();
    at(&swarm, &below, COORDINATOR, &["add", "--name", "deep", "-m", "echo w > w.txt"]).exits(0);
    let new = swarm.beside("new");
    fs::rename(swarm.root(), &new).unwrap();
    at(&swarm, &new.join("tools/swarm"), WORKER, &["--drain"]).exits(0);
    assert!(branches(&swarm, &new).contains("deep"));
    and_back(&swarm, &new);
    fs::rename(below.join("swarm.toml"), swarm.at("swarm.toml")).unwrap();
}

#[test]
fn a_task_of_a_rig_follows_the_settings() {
    let swarm = Swarm::with("[rig.lib]\npath = \"../lib\"");
    let made = swarm.beside("lib");
    fs::create_dir(&made).unwrap();
    swarm.git_in(&made, &["init", "-q", "-b", "main"]);
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
    swarm.git_in(&made, &commit);
    fs::write(swarm.beside("rigged.md"), "---\nrig: lib\n---\necho w > w.txt\n").unwrap();
    swarm.coordinator(&["add", "../rigged.md"]).exits(0);
    let moved = swarm.beside("library");
    fs::rename(&made, &moved).unwrap();
    swarm.settings("[rig.lib]\npath = \"../library\"");
    swarm.drain();
    assert!(branches(&swarm, &moved).contains("rigged"));
    assert_eq!(branches(&swarm, swarm.root()), "");
}
