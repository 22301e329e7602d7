//! The same project by another path is the same; a queue behind a link is hidden from git like any other.

use std::fs;
use std::os::unix::fs::symlink;

use super::moved::at;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// What git says of the checkout, and what `git clean` would take.
fn seen(swarm: &Swarm) -> (String, String) {
    let status = swarm.git(&["status", "--porcelain", "--untracked-files=all"]);
    (status, swarm.git(&["clean", "-nd"]))
}

fn unhidden() -> Swarm {
    let swarm = Swarm::new();
    fs::write(swarm.at(".git/info/exclude"), "/swarm.toml\n").unwrap();
    swarm
}

#[test]
fn a_queue_behind_a_link_is_hidden_from_git() {
    let swarm = unhidden();
    let elsewhere = swarm.beside("big disk");
    fs::create_dir_all(elsewhere.join("queue")).unwrap();
    symlink(elsewhere.join("queue"), swarm.at("queue")).unwrap();
    swarm.coordinator(&["add", "--name", "one", "-m", "echo x > x.txt"]).exits(0);
    assert_eq!(seen(&swarm), (String::new(), String::new()));
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
    assert!(swarm.coordinator(&["doctor"]).out.contains("leave the queue alone"));
}

#[test]
fn also_one_that_moved_behind_it_later_and_state_behind_one() {
    let swarm = unhidden();
    swarm.coordinator(&["add", "--name", "one", "-m", "echo x > x.txt"]).exits(0);
    assert_eq!(seen(&swarm), (String::new(), String::new()));
    for name in ["queue", ".swarmdir"] {
        let elsewhere = swarm.beside(&format!("moved{name}"));
        fs::rename(swarm.at(name), &elsewhere).unwrap();
        symlink(&elsewhere, swarm.at(name)).unwrap();
    }
    swarm.drain();
    assert_eq!(seen(&swarm), (String::new(), String::new()));
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn also_below_the_top_of_the_checkout_and_with_a_tracked_file_in_a_real_one() {
    let swarm = unhidden();
    let below = swarm.at("tools");
    fs::create_dir_all(swarm.beside("elsewhere")).unwrap();
    fs::create_dir(&below).unwrap();
    symlink(swarm.beside("elsewhere"), below.join("queue")).unwrap();
    fs::copy(swarm.at("swarm.toml"), below.join("swarm.toml")).unwrap();
    swarm.git(&["add", "-f", "tools/swarm.toml"]);
    swarm.git(&["commit", "-qm", "settings"]);
    at(&swarm, &below, COORDINATOR, &["init"]).exits(0);
    at(&swarm, &below, COORDINATOR, &["add", "-m", "echo x > x.txt"]).exits(0);
    at(&swarm, &below, WORKER, &["--drain"]).exits(0);
    assert_eq!(seen(&swarm), (String::new(), String::new()));
    // A real directory with a file that git knows.
    fs::create_dir(swarm.at("queue")).unwrap();
    fs::write(swarm.at("queue/README.md"), "the protocol\n").unwrap();
    swarm.git(&["add", "-f", "queue/README.md"]);
    swarm.git(&["commit", "-qm", "protocol"]);
    swarm.coordinator(&["init"]).exits(0);
    assert_eq!(seen(&swarm), (String::new(), String::new()));
    assert!(fs::read_to_string(swarm.at(".git/info/exclude")).unwrap().contains("\n/queue/\n"));
}

#[test]
fn a_project_by_two_paths_is_one() {
    let swarm = Swarm::new();
    let link = swarm.beside("link");
    symlink(swarm.root(), &link).unwrap();
    swarm.drop("long", swarm.holds("long"));
    let coordinator = swarm.start_coordinator(&["--agents", "1", "--drain"]);
    swarm.wait_held("long");
    let id = fs::read_to_string(swarm.at("queue/FORMAT")).unwrap();
    let root = ["--root", link.to_str().unwrap()];
    let by_link =
        |args: &[&str]| at(&swarm, &swarm.beside("home"), COORDINATOR, &[args, &root].concat());
    by_link(&["--drain"]).exits(75);
    let added = by_link(&["add", "-m", "echo y > y.txt"]).exits(0);
    assert!(!added.err.contains("copy"), "{}", added.err);
    by_link(&["check"]).exits(0);
    swarm.let_go("long");
    coordinator.end().exits(0);
    at(&swarm, &swarm.beside("home"), WORKER, &["--drain", root[0], root[1]]).exits(0);
    assert_eq!(swarm.counts(), "done 2");
    assert_eq!(fs::read_to_string(swarm.at("queue/FORMAT")).unwrap(), id);
}

/// By a bind mount, whose device and inodes are those of what it shows.
#[test]
fn also_through_a_bind_mount() {
    let swarm = Swarm::new();
    let mounted = swarm.beside("mounted/repo");
    fs::create_dir_all(&mounted).unwrap();
    let line = format!(
        "mount --bind . {0} && cd {0} && {COORDINATOR} add --name two -m 'echo x > x.txt' && exec {WORKER} --drain",
        mounted.display()
    );
    let tried =
        swarm.command("unshare").args(["-m", "mount", "--bind", "."]).arg(&mounted).status();
    if !tried.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "nothing can be mounted here");
        println!("*** NOT TESTED: nothing can be mounted here ***");
        return;
    }
    swarm.drop("long", swarm.holds("long"));
    let worker = swarm.start_worker(&["--drain"]);
    swarm.wait_held("long");
    let inside = swarm.start(swarm.command("unshare").args(["-m", "sh", "-c", &line]));
    swarm.wait_in("done", "two");
    swarm.let_go("long");
    worker.end().exits(0);
    let inside = inside.end().exits(0);
    assert!(!inside.err.contains("copy"), "{}", inside.err);
    assert_eq!(swarm.show("long")["attempts"].as_array().unwrap().len(), 1);
}
