//! Which task is next, where its work starts, and what its branch is called.

use std::fs;
use std::time::Duration;

use crate::support::deadline::{stays, wait_until};
use crate::support::swarm::{Swarm, WORKER};

#[test]
fn bands_are_worked_off_in_order() {
    let swarm = Swarm::with("default_agent = \"scratch\"");
    let order = swarm.beside("order");
    for band in [9, 5, 0, 7, 2, 5, 1] {
        let text = format!("---\npriority: {band}\n---\necho {band} >> {}\n", order.display());
        fs::write(swarm.beside("task"), text).unwrap();
        swarm.coordinator(&["add", "../task"]).exits(0);
    }
    let last = swarm.coordinator(&[
        "add",
        "--name",
        "moved",
        "-m",
        &format!("echo 8 >> {}", order.display()),
    ]);
    swarm.coordinator(&["priority", last.word(), "8"]).exits(0);
    swarm.drain();
    let ran = fs::read_to_string(order).unwrap().replace('\n', " ");
    assert_eq!(ran.trim(), "0 1 2 5 5 7 8 9");
}

#[test]
fn the_base_is_pinned_at_intake() {
    let swarm = Swarm::new();
    let before = swarm.git(&["rev-parse", "HEAD"]);
    let id = swarm.coordinator(&["add", "--name", "early", "-m", "cat README > seen.txt"]).exits(0);
    fs::write(swarm.at("README"), "later\n").unwrap();
    swarm.git(&["commit", "--quiet", "-am", "later"]);
    swarm.git(&["checkout", "--quiet", "-b", "elsewhere"]);
    swarm.coordinator(&["add", "--name", "late", "-m", "cat README > seen.txt"]).exits(0);
    assert_eq!(swarm.show(id.word())["base"], before.as_str(), "shown before it ever runs");
    swarm.drain();
    let seen = |task: &str| {
        let branch = swarm.show(task)["branch"].as_str().unwrap().to_owned();
        swarm.git(&["show", &format!("{branch}:seen.txt")])
    };
    assert_eq!((seen("early").as_str(), seen("late").as_str()), ("start", "later"));
    let late = swarm.show("late");
    assert_eq!(
        (late["base_name"].as_str(), late["state"].as_str()),
        (Some("elsewhere"), Some("done"))
    );
}

#[test]
fn a_branch_is_called_after_slug_and_tail() {
    let swarm = Swarm::new();
    let id =
        swarm.coordinator(&["add", "--name", "Fix the Login!.md", "-m", "echo x > x.txt"]).exits(0);
    swarm.drain();
    let tail = id.word().rsplit('-').next().unwrap().to_owned();
    let branch = format!("swarm/fix-the-login-{tail}");
    assert_eq!(swarm.show(id.word())["branch"], branch.as_str());
    assert_eq!(swarm.git(&["branch", "--list", "swarm/*", "--format=%(refname:short)"]), branch);
    let parent = swarm.git(&["rev-parse", &format!("{branch}~1")]);
    assert_eq!(swarm.show(id.word())["base"], parent.as_str());
}

#[test]
fn touch_interrupt_stops_new_claims_within_a_second_and_nothing_else() {
    let swarm = Swarm::new();
    let coordinator = swarm.start_coordinator(&["--agents", "2"]);
    swarm.drop("running", swarm.holds("running") + "echo x > x.txt\n");
    swarm.wait_held("running");
    fs::write(swarm.at("interrupt"), "lunch\n").unwrap();
    stays("the running task", Duration::from_secs(1), || swarm.names("claims").len() == 1);
    swarm.drop("waiting", "echo x > x.txt");
    stays("no new claim", Duration::from_millis(1500), || swarm.names("claims").len() == 1);
    assert_eq!(swarm.status()["paused"], "lunch");
    let said = swarm.coordinator(&["status"]).exits(0).out;
    assert!(said.contains("lunch"), "{said}");
    swarm.let_go("running");
    swarm.wait_in("done", "running");
    wait_until("the end of its claim", || swarm.names("claims").is_empty());
    stays("no new claim", Duration::from_millis(500), || swarm.names("claims").is_empty());
    fs::remove_file(swarm.at("interrupt")).unwrap();
    swarm.wait_in("done", "waiting");
    swarm.coordinator(&["pause"]).exits(0);
    swarm.coordinator(&["resume"]).exits(0);
    swarm.drop("after", "true");
    swarm.wait_in("done", "after");
    swarm.coordinator(&["stop"]).exits(0);
    coordinator.end().exits(130);
    wait_until("no worker", || swarm.names("workers").is_empty());
}

/// In a user namespace the limit is ours to set; where none may be made, this cannot be tried.
#[test]
fn without_inotify_it_polls_and_hears_a_pause_within_two_seconds() {
    let swarm = Swarm::new();
    let none = "echo 0 > /proc/sys/user/max_inotify_instances";
    if !swarm.start(swarm.command("unshare").args(["-Ur", "sh", "-c", none])).end().status.success()
    {
        println!("NOT TRIED: this machine lets nobody make a user namespace");
        return;
    }
    let line = format!("{none}; exec {WORKER}");
    let mut command = swarm.command("unshare");
    let worker = swarm.start(command.args(["-Ur", "sh", "-c", &line]));
    for name in ["one", "two"] {
        swarm.drop(name, "echo x > x.txt");
        swarm.wait_in("done", name);
        wait_until("the end of its claim", || swarm.names("claims").is_empty());
    }
    fs::write(swarm.at("interrupt"), "").unwrap();
    stays("idle", Duration::from_secs(2), || swarm.names("claims").is_empty());
    swarm.drop("three", "echo x > x.txt");
    stays("no claim", Duration::from_secs(2), || swarm.names("claims").is_empty());
    fs::remove_file(swarm.at("interrupt")).unwrap();
    swarm.wait_in("done", "three");
    worker.signal(nix::sys::signal::Signal::SIGTERM);
    worker.end().exits(143);
}
