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

#[test]
fn several_files_are_added_and_flags_say_what_front_matter_would() {
    let swarm = Swarm::new();
    fs::write(swarm.beside("a.md"), "---\ntitle: A\n---\necho a > x.txt\n").unwrap();
    fs::write(swarm.beside("b.json"), "{\"prompt\": \"echo b > x.txt\"}").unwrap();
    let flags = ["--priority", "2", "--agent", "sh", "--base", "main", "--timeout", "5m"];
    let labels = ["--label", "ui", "--label", "urgent"];
    let args = [&["add", "../a.md", "../b.json"][..], &flags, &labels].concat();
    let added = swarm.coordinator(&args).exits(0).out;
    let ids: Vec<&str> = added.lines().collect();
    assert_eq!(ids.len(), 2, "{added}");
    for id in &ids {
        let (dir, name) = swarm.place(id.rsplit('-').nth(1).unwrap()).unwrap();
        assert!(dir == "ready" && name.starts_with("2-"), "{dir}/{name}");
        let task = swarm.show(id);
        assert_eq!(task["labels"], serde_json::json!(["ui", "urgent"]));
        assert_eq!(task["base_name"], "main");
    }
    let message = ["add", "-m", "echo c > x.txt", "--title", "the \"third\": one", "--name", "c"];
    let id = swarm.coordinator(&message).exits(0);
    assert_eq!(swarm.show(id.word())["title"], "the \"third\": one");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 3");

    // All or none; and nothing is said twice.
    let wrong = swarm.coordinator(&["add", "../a.md", "../b.json", "--timeout", "soon"]).exits(2);
    assert!(wrong.err.contains("timeout") && wrong.out.is_empty(), "{wrong:?}");
    let twice = swarm.coordinator(&["add", "../b.json", "../a.md", "--title", "B"]).exits(2).err;
    assert!(twice.contains("title") && twice.contains("nothing was added"), "{twice}");
    let named = swarm.coordinator(&["add", "../a.md", "../b.json", "--name", "x"]).exits(2).err;
    assert!(named.contains("--name is for one task"), "{named}");
    assert_eq!(swarm.counts(), "done 3");
}
