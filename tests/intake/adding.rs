//! `add`: a file, standard input, a message; the id alone on stdout, durable, or an error and no task.

use std::fs;
use std::process::Stdio;

use crate::support::running::Running;
use crate::support::swarm::{COORDINATOR, Swarm};

#[test]
fn a_file_standard_input_and_a_message_print_the_id_alone() {
    let swarm = Swarm::new();
    fs::write(swarm.beside("fix it.md"), "---\ntitle: T\n---\necho file > x.txt\n").unwrap();
    fs::write(swarm.beside("stdin"), "echo stdin > x.txt\n").unwrap();
    let file = swarm.coordinator(&["add", "../fix it.md"]).exits(0);
    let message = swarm.coordinator(&["add", "-m", "echo message > x.txt"]).exits(0);
    let mut command = swarm.command(COORDINATOR);
    command.args(["add", "-"]).stdin(Stdio::from(fs::File::open(swarm.beside("stdin")).unwrap()));
    let stdin = Running::start(&mut command, &swarm.beside("home"), "add").end().exits(0);
    for done in [&file, &message, &stdin] {
        assert_eq!((done.out.lines().count(), done.err.as_str()), (1, ""), "{done:?}");
    }
    assert!(
        file.word().contains("-fix-it-") && stdin.word().contains("-stdin-"),
        "{file:?} {stdin:?}"
    );
    swarm.drain();
    assert_eq!(swarm.counts(), "done 3");
    for (done, text) in [(&file, "file"), (&message, "message"), (&stdin, "stdin")] {
        let task = swarm.show(done.word());
        assert_eq!(task["id"], done.word());
        let branch = task["branch"].as_str().unwrap();
        assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), text);
    }
    assert!(swarm.beside("fix it.md").exists(), "a file that is added stays where it is");
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_added() {
    let swarm = Swarm::new();
    fs::write(swarm.beside("wrong.md"), "---\ntitel: x\npriority: 12\n---\nx\n").unwrap();
    fs::write(swarm.beside("big"), vec![b'x'; 10 * 1024 * 1024 + 1]).unwrap();
    for (args, word) in [
        (vec!["add", "../wrong.md"], "did you mean `title`"),
        (vec!["add", "../big"], "10"),
        (vec!["add", "../absent"], "absent"),
        (vec!["add", "-m", " "], "prompt"),
        (vec!["add", ".."], "directory"),
    ] {
        let done = swarm.coordinator(&args).exits(2);
        assert!(done.out.is_empty() && done.err.contains(word), "{args:?}: {done:?}");
        assert!(
            done.err.trim_end().lines().last().unwrap().contains("hint:"),
            "{args:?}: {done:?}"
        );
    }
    swarm.coordinator(&["add"]).exits(2);
    swarm.coordinator(&["add", "../wrong.md", "-m", "x"]).exits(2);
    swarm.drain();
    assert_eq!(swarm.counts(), "");
}
