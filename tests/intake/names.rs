//! Names that nobody expected: each becomes a safe id, and is shown safely.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::swarm::Swarm;

#[test]
fn every_name_that_a_file_system_takes_becomes_a_task() {
    let swarm = Swarm::new();
    let long = "l".repeat(255);
    let names: [&[u8]; 12] = [
        b"with spaces in it.md",
        b"two\nlines",
        b"-rf",
        b"--help",
        b"a;rm -rf $HOME",
        b"caf\xe9",
        "größe 🐝.md".as_bytes(),
        b"\x1b[31mred",
        b"..md",
        b"%s%n",
        b"a\\b",
        long.as_bytes(),
    ];
    for name in names {
        swarm.drop(OsStr::from_bytes(name), "echo x > x.txt");
    }
    swarm.drain();
    let status = swarm.status();
    // `..md` begins with a dot: it is left alone.
    assert_eq!(status["counts"]["done"], 11, "{status}");
    assert_eq!(swarm.pending().read_dir().unwrap().count(), 1);
    for task in status["tasks"].as_array().unwrap() {
        let id = task["id"].as_str().unwrap();
        assert!(
            id.len() <= 120 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)),
            "{id}"
        );
        assert!(task["branch"].as_str().unwrap().starts_with("swarm/"), "{task}");
        swarm.coordinator(&["show", id]).exits(0);
    }
    let text = swarm.coordinator(&["status"]).exits(0).out;
    assert!(!text.contains('\u{1b}'), "a name cannot colour the terminal: {text:?}");
    assert!(text.lines().count() < 20, "a name cannot make lines: {text}");
}

#[test]
fn one_name_dropped_twice_makes_two_tasks() {
    let swarm = Swarm::new();
    swarm.drop("twice.md", "echo 1 > x.txt");
    swarm.drain();
    swarm.drop("twice.md", "echo 2 > x.txt");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
    let ambiguous = swarm.coordinator(&["show", "twice"]).exits(2).err;
    assert!(ambiguous.contains("2 tasks") && ambiguous.contains("hint:"), "{ambiguous}");
    let ids: Vec<String> = swarm.names("runs");
    for (id, text) in ids.iter().zip(["1", "2"]) {
        let tail = id.rsplit('-').next().unwrap();
        let branch = swarm.show(tail)["branch"].as_str().unwrap().to_owned();
        assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), text);
    }
}
