//! Wrong files: rejected with all their errors, nothing lost, mended and run.

use std::fs;

use crate::support::swarm::Swarm;

const WRONG: &str =
    "---\ntitel: x\npriority: 12\nmax_turns: many\ndepends_on: other\nagent: clod\n---\nDo it.\n";

/// The report beside the only rejected file of this slug.
fn report(swarm: &Swarm, slug: &str) -> String {
    let names = swarm.names("rejected");
    let part = format!("-{slug}-");
    let name = names.iter().find(|n| n.contains(&part) && n.ends_with(".error.txt"));
    let name = name.unwrap_or_else(|| panic!("no report on {slug}: {names:?}"));
    fs::read_to_string(swarm.at("queue/rejected").join(name)).unwrap()
}

#[test]
fn a_wrong_file_gets_a_neighbour_with_all_its_errors() {
    let swarm = Swarm::new();
    swarm.drop("wrong.md", WRONG);
    swarm.worker(&["--drain"]).exits(1);
    let text = report(&swarm, "wrong");
    for expected in [
        "line 2",
        "titel",
        "did you mean `title`",
        "line 3",
        "priority",
        "line 4",
        "max_turns",
        "line 5",
        "depends_on",
        "line 6",
        "clod",
        "retry",
    ] {
        assert!(text.contains(expected), "{expected:?} in\n{text}");
    }
    let names = swarm.names("rejected");
    assert_eq!(names.len(), 2, "{names:?}");
    let kept = fs::read_to_string(swarm.at("queue/rejected").join(&names[0])).unwrap();
    assert_eq!(kept, WRONG, "the file itself is as it was");
    let task = &swarm.status()["tasks"][0];
    assert_eq!((&task["state"], &task["name"]), (&"rejected".into(), &"wrong.md".into()));
    assert!(task["reason"].as_str().unwrap().contains("titel"), "{task}");
}

#[test]
fn two_bad_files_of_one_name_are_both_kept() {
    let swarm = Swarm::new();
    swarm.drop("bad.md", "---\nnope: 1\n---\nfirst\n");
    swarm.worker(&["--drain"]).exits(1);
    swarm.drop("bad.md", "---\nnope: 2\n---\nsecond\n");
    swarm.worker(&["--drain"]).exits(1);
    let names = swarm.names("rejected");
    assert_eq!(names.len(), 4, "{names:?}");
    let all: String = names
        .iter()
        .map(|n| fs::read_to_string(swarm.at("queue/rejected").join(n)).unwrap())
        .collect();
    assert!(all.contains("first") && all.contains("second"), "{all}");
}

#[test]
fn a_rejected_file_is_mended_and_retried() {
    let swarm = Swarm::new();
    swarm.drop("mend.md", WRONG);
    swarm.worker(&["--drain"]).exits(1);
    let still = swarm.coordinator(&["retry", "mend"]).exits(2);
    assert!(still.err.contains("still wrong") && still.err.contains("hint:"), "{}", still.err);
    assert_eq!(swarm.counts(), "rejected 1");
    let names = swarm.names("rejected");
    let file = names.iter().find(|name| !name.ends_with(".txt")).unwrap();
    fs::write(swarm.at("queue/rejected").join(file), "---\ntitle: x\n---\necho x > x.txt\n")
        .unwrap();
    swarm.coordinator(&["retry", "mend"]).exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(swarm.names("rejected"), Vec::<String>::new(), "its old report is gone");
    assert_eq!(swarm.show("mend")["title"], "x");
}

#[test]
fn content_that_is_no_text_is_rejected_with_the_reason() {
    let swarm = Swarm::new();
    swarm.drop("latin1", b"caf\xe9\n");
    swarm.drop("nul", b"one\0two\n");
    swarm.drop("blank", " \n\t\n");
    swarm.drop("front-only.md", "---\ntitle: x\n---\n");
    swarm.drop("big", vec![b'x'; 10 * 1024 * 1024 + 1]);
    swarm.drop("torn.json", "{\"prompt\": \"x\"");
    swarm.drop("open.md", "---\ntitle: x\n");
    swarm.worker(&["--drain"]).exits(1);
    assert_eq!(swarm.counts(), "rejected 7");
    for (slug, word) in [
        ("latin1", "UTF-8"),
        ("nul", "NUL"),
        ("blank", "prompt"),
        ("front-only", "prompt"),
        ("big", "10"),
        ("torn", "JSON"),
        ("open", "---"),
    ] {
        let text = report(&swarm, slug);
        assert!(text.contains(word), "{slug}: {word:?} in\n{text}");
        assert!(text.contains("hint:"), "{slug}:\n{text}");
        assert!(!text.contains('\0') && !text.contains('\u{1b}'), "{slug}: safe for a terminal");
    }
}

#[test]
fn exactly_ten_megabytes_still_run() {
    let swarm = Swarm::new();
    let mut text = b"echo x > x.txt; exit 0\n#".to_vec();
    text.resize(10 * 1024 * 1024, b'x');
    swarm.drop("big", text);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn a_base_or_branch_that_cannot_be_is_the_files_error() {
    let swarm = Swarm::new();
    swarm.git(&["branch", "taken"]);
    swarm.drop("base", "---\nbase: no-such-branch\n---\nx\n");
    swarm.drop("bad-branch", "---\nbranch: a..b\n---\nx\n");
    swarm.drop("taken", "---\nbranch: taken\n---\nx\n");
    swarm.worker(&["--drain"]).exits(1);
    assert_eq!(swarm.counts(), "rejected 3");
    assert!(report(&swarm, "base").contains("no-such-branch"));
    assert!(report(&swarm, "bad-branch").contains("branch"));
    assert!(report(&swarm, "taken").contains("taken"));
}
