//! Workers and their control groups: one each, gone with them, also when they were killed.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use swarmdir::sys::cgroup::Cgroup;
use swarmdir::sys::{process, random};

use crate::support::cgroups::{are_here, groups_of};
use crate::support::proof::proof;
use crate::support::running::alive;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// Leaves a daemon that bears no mark, and goes on until it is let go.
fn with_daemon(swarm: &Swarm, name: &str) -> String {
    let pid = swarm.beside(&format!("{name}.daemon"));
    let pid = pid.display();
    format!(
        "[ $SWARMDIR_ATTEMPT -gt 1 ] && exit 0\n(setsid env -i /bin/sh -c 'cd /; echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600' </dev/null >/dev/null 2>&1 &)\nuntil [ -e {pid} ]; do sleep 0.01; done\n{}",
        swarm.holds(name)
    )
}

/// Kills a worker that is alone on a task with such a daemon; whether the daemon lives when the task was done again.
fn survives(swarm: &Swarm, name: &str) -> bool {
    swarm.drop(name, with_daemon(swarm, name));
    let worker = swarm.start_worker(&[]);
    swarm.wait_held(name);
    let id = swarm.names("workers").pop().unwrap();
    let daemon = fs::read_to_string(swarm.beside(&format!("{name}.daemon"))).unwrap();
    let daemon: i32 = daemon.trim().parse().unwrap();
    worker.signal(Signal::SIGKILL);
    worker.end().exits(137);
    swarm.drain();
    swarm.wait_in("done", name);
    assert!(groups_of(&id).is_empty(), "nothing is left of a dead worker");
    let lives = alive(daemon);
    process::signal(daemon, Signal::SIGKILL);
    lives
}

#[test]
fn what_a_killed_worker_left_is_found_by_its_group_alone() {
    if !are_here() {
        return;
    }
    let off = Swarm::with("cgroups = \"off\"");
    assert!(survives(&off, "off"), "no mark, no parent: the sweep cannot know it");
    let on = Swarm::new();
    assert!(!survives(&on, "on"), "what is in the group of a dead worker is its own");
    proof("cgroups", "cgroups: daemons of killed workers that only the group caught", 1);
}

#[test]
fn a_task_says_its_own_limit_and_is_told_that_it_met_it() {
    if !are_here() {
        return;
    }
    let swarm = Swarm::with("limits = { max = { tree_memory = \"96MiB\" } }");
    swarm.drop("hog.md", "---\nlimits:\n  tree_memory: 64MiB\n---\nset -e\nhead -c 200M /dev/zero | tail -c 200M | wc -c\nexit 3\n");
    swarm.drop("greedy.md", "---\nlimits:\n  tree_memory: 1GiB\n---\ntrue\n");
    swarm.drain_to(1);
    swarm.wait_in("failed", "hog");
    swarm.wait_in("rejected", "greedy");
    let said = swarm.coordinator(&["explain", "hog"]).out;
    assert!(said.contains("it used more than 64MiB of memory"), "{said}");
    assert_eq!(swarm.names("workers").len(), 0);
}

#[test]
fn a_worker_that_ends_takes_its_group_with_it() {
    if !are_here() {
        return;
    }
    let swarm = Swarm::new();
    swarm.drop("a", swarm.holds("a"));
    let worker = swarm.start_worker(&["--drain"]);
    let pid = swarm.wait_held("a");
    let own = fs::read_to_string(format!("/proc/{}/cgroup", worker.pid())).unwrap();
    assert!(!own.contains("/swarmdir-") || own.contains("/swarmdir-own"), "not the worker: {own}");
    let id = swarm.names("workers").pop().unwrap();
    let groups = groups_of(&id);
    assert!(!groups.is_empty());
    for group in &groups {
        let members = fs::read_to_string(group.join("cgroup.procs")).unwrap();
        assert!(members.lines().any(|member| member == pid.to_string()), "{members}");
    }
    swarm.let_go("a");
    worker.end().exits(0);
    assert!(groups_of(&id).is_empty());
}

/// A user without rights, as most are: nothing fails for it.
#[test]
fn without_rights_it_goes_on_without_groups_and_says_so() {
    if !nix::unistd::geteuid().is_root() {
        println!("*** NOT TESTED: only root can become a user without rights ***");
        return;
    }
    let swarm =
        Swarm::with("[agent.scratch2]\nkind = \"command\"\nargv = [\"sh\"]\nworktree = false\n");
    swarm.pending();
    let everything = swarm.beside("").display().to_string();
    assert!(
        std::process::Command::new("chown")
            .args(["-R", "65534:65534", &everything])
            .status()
            .unwrap()
            .success()
    );
    let nobody = |args: &[&str]| {
        let mut command = swarm.command(WORKER);
        command.args(args).uid(65_534).gid(65_534);
        swarm.start(&mut command).end()
    };
    swarm
        .drop("plain.md", "---\nagent: scratch2\n---\ngrep -c swarmdir- /proc/self/cgroup; true\n");
    nobody(&["--drain"]).exits(0);
    swarm.wait_in("done", "plain");
    let log = fs::read_to_string(swarm.at(".swarmdir/log/worker.log")).unwrap();
    assert!(log.contains("no control groups: "), "{log}");
    let mut command = swarm.command(WORKER);
    command.args(["--drain"]).env("SWARMDIR_CGROUPS", "require").uid(65_534).gid(65_534);
    let refused = swarm.start(&mut command).end().exits(69);
    assert!(refused.err.contains("cgroups are required"), "{}", refused.err);
}

#[test]
fn doctor_has_tried_it() {
    let swarm = Swarm::new();
    // What somebody left who was killed while he tried.
    let left = are_here().then(|| {
        let name = format!("{:016x}", random::number());
        let _beside = Cgroup::make(&name, true).unwrap();
        let left = groups_of(&name)[0].with_file_name("swarmdir-probe.1.1.0");
        fs::create_dir(&left).unwrap();
        left
    });
    let mut doctor = swarm.command(COORDINATOR);
    let doctor = swarm.start(doctor.arg("doctor"));
    let pid = doctor.pid();
    let said = doctor.end().out;
    if let Some(left) = left {
        assert!(said.contains("killed as a whole"), "{said}");
        assert!(!left.exists());
    }
    assert_eq!(groups_of(&format!("probe.{pid}")), Vec::<PathBuf>::new());
    let off = Swarm::with("cgroups = \"off\"");
    let said = off.coordinator(&["doctor"]).out;
    assert!(said.contains("off by the setting"), "{said}");
}
