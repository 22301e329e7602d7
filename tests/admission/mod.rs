//! Disk, inodes and memory: claims pause, nothing is lost, and all goes on by itself.
//!
//! The disks are real, on loop devices, and the agents fill them. That needs root, loop devices and mkfs.ext4: where
//! they are missing it is said, and it fails for that only where `CI` is set.

mod disk;
mod inodes;
mod memory;
mod output;
mod turns;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::power::mount::Mount;
use crate::support::deadline::{wait_for, wait_until};
use crate::support::swarm::Swarm;
use swarmdir::domain::event::Event;

/// The size of the disks, bytes.
const DISK: u64 = 200 << 20;

/// A disk of 200 MB, or a loud word that there is none. Nothing is put by for root: full is full.
fn mount(more: &[&str]) -> Option<Mount> {
    match Mount::made("ext4", DISK, &[&["-m", "0"], more].concat()) {
        Ok(mount) => Some(mount),
        Err(missing) => {
            assert!(std::env::var_os("CI").is_none(), "no disk can be filled: {missing}");
            println!("*** NOT TESTED: no disk was filled: {missing} ***");
            None
        }
    }
}

/// A swarm that keeps so much free of this disk, and whose agents' `build/` git ignores.
fn swarm(mount: &Mount, lines: &str) -> Swarm {
    let swarm = Swarm::within(mount.point(), &format!("durability = \"strict\"\n{lines}"));
    let exclude = swarm.at(".git/info/exclude");
    let text = fs::read_to_string(&exclude).unwrap();
    fs::write(exclude, text + "build/\n").unwrap();
    swarm
}

/// What agents left in their trees that git ignores goes away: somebody makes room.
fn make_room(swarm: &Swarm) {
    for entry in fs::read_dir(swarm.beside("repo.swarmdir")).into_iter().flatten().flatten() {
        let _none_there = fs::remove_dir_all(entry.path().join("build"));
    }
}

/// Waits until `status` says that this is what is missing; returns what it says.
#[track_caller]
fn wait_paused(swarm: &Swarm, what: &str) -> Value {
    wait_until("a queue", || swarm.at("queue/FORMAT").exists());
    wait_for(format!("a pause for {what}"), || {
        let room = swarm.status()["shortage"].take();
        (room["what"] == what).then_some(room)
    })
}

/// Waits until a task was given back for want of room.
#[track_caller]
fn wait_put_off(swarm: &Swarm, slug: &str) {
    wait_until(format!("{slug} put off"), || {
        swarm.place(slug).is_some_and(|(dir, name)| dir == "blocked" && name.contains("~disk-"))
    });
}

/// Makes room whenever it is missing, until so many tasks are done; returns how often.
#[track_caller]
fn make_room_until_done(swarm: &Swarm, count: usize) -> usize {
    let mut pauses = 0;
    wait_until(format!("{count} tasks done"), || {
        if !swarm.status()["shortage"].is_null() {
            pauses += 1;
            make_room(swarm);
        }
        swarm.names("done").len() >= count
    });
    pauses
}

/// How often an event stands in the journals.
fn recorded(swarm: &Swarm, is: impl Fn(&Event) -> bool) -> usize {
    swarm.events().iter().filter(|line| is(&line.event)).count()
}

/// Outcomes of a task's attempts, oldest first, those that were charged with a `!`.
fn outcomes(swarm: &Swarm, slug: &str) -> Vec<String> {
    let show = swarm.show(slug);
    let attempts = show["attempts"].as_array().unwrap().iter();
    let word = |attempt: &Value| {
        let result = &attempt["result"];
        let charged = if result["charged"] == true { "!" } else { "" };
        format!("{}{charged}", result["outcome"].as_str().unwrap_or("none"))
    };
    attempts.map(word).collect()
}

/// Nothing is wrong, and nothing was lost.
#[track_caller]
fn sound(swarm: &Swarm, counts: &str) {
    assert_eq!(swarm.counts(), counts);
    swarm.coordinator(&["check"]).exits(0);
    swarm.git(&["fsck", "--full", "--no-dangling"]);
}

/// The file that a task left on its branch.
fn on_branch(swarm: &Swarm, slug: &str, file: &str) -> String {
    let branch = swarm.show(slug)["branch"].as_str().unwrap().to_owned();
    swarm.git(&["show", &format!("{branch}:{file}")])
}

fn proof(label: &str, figure: impl std::fmt::Display) {
    crate::support::proof::proof("admission", label, figure);
}

/// Bytes that are free on a disk.
fn free_bytes(path: &Path) -> u64 {
    swarmdir::sys::disk::spaces(&[(path.to_owned(), false)])[0].free_bytes
}
