//! Names of dropped files that somebody chose with care: each becomes a task like any other, and nothing else.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::properties::safe::{assert_harmless, is_component};
use crate::support::proof::proof;
use crate::support::swarm::Swarm;

/// None of them is one that editors or copiers use for what is not finished.
fn names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"two\nlines.md"[..],
        b"-rf",
        b"--upload-pack=touch pwned",
        b"-D",
        b";$(touch pwned)",
        b"`touch pwned`",
        b"|touch pwned",
        b"$HOME",
        b"~a",
        b"a..b",
        b"a@{1}",
        b"HEAD",
        b"refs",
        b"main",
        b"a.lock",
        b"5-x.1",
        b"5-x.1~hold",
        b"x.1.00000000000000000000000000000000",
        b"x.0.error.txt",
        b"task.json.md",
        b"%s%n%x",
        b"\\x1b[2J",
        b"\x1b]0;title\x07.md",
        b"\x1b[2J\x1b[H",
        b"\x7f\x08\x0d",
        b"caf\xe9\xff",
        "a\u{9b}31m".as_bytes(),
        "txt.\u{202e}gpj".as_bytes(),
        "\u{200b}".as_bytes(),
        "\u{e0041}".as_bytes(),
        "‥".as_bytes(),
        " ".as_bytes(),
        b"*",
        b"CON",
        b"'\"",
        b"<b>",
    ]
    .map(<[u8]>::to_vec)
    .into();
    names.extend([vec![b'x'; 255], vec![b'-'; 255], "é".repeat(127).into_bytes(), vec![0xff; 255]]);
    names
}

/// Every path below a directory that lies beside the checkout; the queue and git keep their own order.
fn below(dir: &std::path::Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        into.insert(path.display().to_string());
        if entry.file_type().unwrap().is_dir() {
            below(&path, into);
        }
    }
}

#[test]
fn every_hostile_name_becomes_one_harmless_task_and_nothing_else() {
    let swarm = Swarm::new();
    let names = names();
    // Nobody works yet, but there is a queue.
    swarm.drain();
    for name in &names {
        swarm.drop(OsStr::from_bytes(name), "echo x > x.txt\n");
    }
    for color in ["never", "always"] {
        let text = swarm.coordinator(&["--color", color, "status", "--all"]).exits(0).out;
        assert_harmless("status", &super::terminal::without_own_colors(&text));
        assert!(text.lines().count() <= names.len() + 6, "a name makes lines: {text}");
    }
    swarm.drain();
    assert_eq!(swarm.counts(), format!("done {}", names.len()));
    assert_eq!(swarm.names("pending"), Vec::<String>::new());

    let trees = swarm.beside("repo.swarmdir");
    let mut branches = BTreeSet::new();
    for id in swarm.names("runs") {
        assert!(is_component(&id), "{id:?}");
        let task = swarm.show(&id);
        let branch = task["branch"].as_str().unwrap().to_owned();
        assert!(branch.starts_with("swarm/"), "{branch:?}");
        swarm.git(&["check-ref-format", &format!("refs/heads/{branch}")]);
        assert_eq!(swarm.git(&["check-ref-format", "--branch", &branch]), branch);
        assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "x");
        let cwd = task["attempts"][0]["start"]["cwd"].as_str().unwrap();
        let tree = std::path::Path::new(cwd).strip_prefix(&trees).expect("below the trees");
        assert!(tree.components().all(|part| is_component(part.as_os_str().to_str().unwrap())));
        for args in [["show", &id], ["explain", &id], ["logs", &id]] {
            assert_harmless(args[0], &swarm.coordinator(&args).exits(0).out);
        }
        branches.insert(branch);
    }
    assert_eq!(branches.len(), names.len());
    let kept: BTreeSet<Vec<u8>> = swarm
        .names("runs")
        .iter()
        .map(|id| fs::read(swarm.at(format!("queue/runs/{id}/name"))).unwrap_or_default())
        .collect();
    let told = |name: &&Vec<u8>| kept.contains(*name);
    assert!(names.iter().filter(told).count() + 4 >= names.len(), "the names themselves are kept");

    // One branch each beside `main`, and nothing that a shell would have made.
    let refs = swarm.git(&["for-each-ref", "--format=%(refname)"]);
    let made = refs.lines().filter(|name| *name != "refs/heads/main");
    let made: BTreeSet<String> =
        made.map(|name| name.trim_start_matches("refs/heads/").to_owned()).collect();
    assert_eq!(made, branches);
    let mut paths = BTreeSet::new();
    below(swarm.root().parent().unwrap(), &mut paths);
    let odd: Vec<&String> = paths.iter().filter(|path| path.ends_with("/pwned")).collect();
    assert_eq!(odd, Vec::<&String>::new());
    assert_eq!(swarm.git(&["status", "--porcelain"]), "");
    proof("hostile", "names dropped, each a safe task", names.len());
}

/// Somebody made a directory where a cancelled task's name should go: that task stays, and the others go on.
#[test]
fn what_lies_in_the_way_of_one_task_stops_no_other() {
    let swarm = Swarm::new();
    let stuck = swarm.coordinator(&["add", "--name", "stuck", "-m", "true"]).exits(0);
    swarm.coordinator(&["hold", "stuck"]).exits(0);
    let name = swarm.wait_in("blocked", "stuck");
    let at = name.trim_start_matches("5-").trim_end_matches("~hold");
    fs::create_dir(swarm.at(format!("queue/cancelled/{at}"))).unwrap();
    fs::create_dir(swarm.at("queue/cancel/a-directory")).unwrap();
    fs::write(swarm.at(format!("queue/cancel/{}.0", stuck.word())), "").unwrap();
    swarm.drop("other", "echo x > x.txt");
    // 75: something is left for later.
    swarm.worker(&["--drain"]).exits(75);
    assert_eq!(swarm.place("other").map(|(dir, _)| dir), Some("done"));
    assert!(swarm.at(format!("queue/blocked/{name}")).is_file());
    fs::remove_dir(swarm.at(format!("queue/cancelled/{at}"))).unwrap();
    swarm.drain();
    assert_eq!(swarm.place("stuck").map(|(dir, _)| dir), Some("cancelled"));
}
