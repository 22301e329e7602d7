//! A queue that was there and is gone is an error with a way out, never made anew without a word.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::swarm::Swarm;

const COMMANDS: [&[&str]; 7] = [
    &["add", "-m", "echo y"],
    &["status"],
    &["init"],
    &["--drain"],
    &["run", "--drain"],
    &["check", "--fix"],
    &["stop"],
];

#[track_caller]
fn all_refuse(swarm: &Swarm) {
    for args in COMMANDS {
        let done = swarm.coordinator(args).exits(69);
        assert!(done.err.contains("is gone"), "{args:?}: {}", done.err);
        assert!(
            done.err.contains("queue-id") && done.err.contains("coordinator init"),
            "{}",
            done.err
        );
    }
    swarm.worker(&["--drain"]).exits(69);
    let doctor = swarm.coordinator(&["doctor"]);
    assert!(doctor.out.contains("is gone"), "{}", doctor.out);
    assert!(!swarm.at("queue/FORMAT").exists());
}

/// As it is to be for the last look of the test.
fn anew(swarm: &Swarm) {
    fs::remove_file(swarm.at(".swarmdir/queue-id")).unwrap();
    swarm.coordinator(&["init"]).exits(0);
    swarm.drop("new", "echo n > n.txt");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
}

fn used() -> Swarm {
    let swarm = Swarm::new();
    swarm.drop("old", "echo x > x.txt");
    swarm.drain();
    swarm
}

#[test]
fn a_removed_queue() {
    let swarm = used();
    fs::remove_dir_all(swarm.at("queue")).unwrap();
    all_refuse(&swarm);
    assert!(!swarm.at("queue").exists(), "and nothing of it was made");
    anew(&swarm);
}

/// The mount point of a disk that is not there: an empty directory, or a link that leads nowhere.
#[test]
fn an_unmounted_disk_and_it_is_back() {
    let swarm = used();
    let away = swarm.beside("away");
    fs::rename(swarm.at("queue"), &away).unwrap();
    fs::create_dir(swarm.at("queue")).unwrap();
    all_refuse(&swarm);
    fs::remove_dir(swarm.at("queue")).unwrap();
    symlink(swarm.beside("disk/queue"), swarm.at("queue")).unwrap();
    all_refuse(&swarm);
    fs::create_dir(swarm.beside("disk")).unwrap();
    fs::rename(&away, swarm.beside("disk/queue")).unwrap();
    assert_eq!(swarm.counts(), "done 1");
    swarm.drop("more", "echo y > y.txt");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
}

#[test]
fn one_that_git_took_away_but_for_its_tracked_file() {
    let swarm = Swarm::new();
    fs::create_dir(swarm.at("queue")).unwrap();
    fs::write(swarm.at("queue/README.md"), "the protocol\n").unwrap();
    swarm.git(&["add", "-f", "queue/README.md"]);
    swarm.git(&["commit", "-qm", "protocol"]);
    swarm.drop("old", "echo x > x.txt");
    swarm.drain();
    swarm.git(&["clean", "-fdxq", "-e", "/.swarmdir", "-e", "/swarm.toml"]);
    all_refuse(&swarm);
    anew(&swarm);
}

#[test]
fn one_that_never_was_is_made() {
    let swarm = Swarm::new();
    fs::create_dir_all(swarm.at(".swarmdir/log")).unwrap();
    swarm.drop("first", "echo x > x.txt");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
    let known = fs::read_to_string(swarm.at(".swarmdir/queue-id")).unwrap();
    let format = fs::read_to_string(swarm.at("queue/FORMAT")).unwrap();
    assert_eq!(known.lines().next(), format.lines().nth(1));
    // The memory may be lost: it is made again.
    fs::remove_dir_all(swarm.at(".swarmdir")).unwrap();
    swarm.coordinator(&["add", "-m", "echo y > y.txt"]).exits(0);
    assert_eq!(fs::read_to_string(swarm.at(".swarmdir/queue-id")).unwrap(), known);
}
