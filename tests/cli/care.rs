//! `check`, `doctor`, `demo`, completions and man pages.

use std::fs;

use crate::support::swarm::{COORDINATOR, Swarm};

#[test]
fn check_finds_and_mends_what_a_crash_can_leave() {
    let swarm = Swarm::new();
    swarm.drop("a", "echo x > x.txt");
    swarm.drain();
    swarm.coordinator(&["check"]).exits(0);
    let done = swarm.names("done").remove(0);
    let (id, _) = done.split_once('.').unwrap();
    fs::copy(swarm.at("queue/done").join(&done), swarm.at(format!("queue/ready/5-{id}.1")))
        .unwrap();
    let text = swarm.coordinator(&["check"]).exits(1);
    assert!(text.out.contains(id), "{text:?}");
    let found = swarm.coordinator(&["check", "--json"]).exits(1);
    let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    let violation = &found["violations"][0];
    for key in ["invariant", "path", "fix"] {
        assert!(violation[key].is_string(), "{key} in {found}");
    }
    swarm.coordinator(&["check", "--fix"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn doctor_says_that_no_tree_is_made_behind_a_link() {
    let swarm = Swarm::new();
    std::os::unix::fs::symlink("/tmp", swarm.beside("repo.swarmdir")).unwrap();
    let said = swarm.coordinator(&["doctor"]).out;
    assert!(said.contains("is a symbolic link") && said.contains("trees = "), "{said}");
    let chosen = Swarm::with("trees = \"../repo.swarmdir\"");
    fs::create_dir(chosen.beside("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", chosen.beside("repo.swarmdir")).unwrap();
    let said = chosen.coordinator(&["doctor"]).out;
    assert!(!said.contains("is a symbolic link"), "{said}");
    chosen.drop("one", "echo x > x.txt");
    chosen.drain();
    assert_eq!(chosen.counts(), "done 1");
}

#[test]
fn doctor_says_what_works_and_how_to_mend_the_rest() {
    let swarm = Swarm::new();
    swarm.drain();
    let done = swarm.coordinator(&["doctor"]).exits(0);
    for word in ["git", "link", "inotify", "disk"] {
        assert!(done.out.contains(word), "{word} in\n{}", done.out);
    }
    let json = swarm.json(&["doctor"]);
    assert!(json["schema"].is_number(), "{json}");
    assert_eq!(swarm.names("pending"), Vec::<String>::new(), "its probes are gone");
}

#[test]
fn the_demo_keeps_its_promise() {
    let swarm = Swarm::empty();
    let dir = swarm.beside("demo");
    let done = swarm.coordinator(&["demo", "--dir", dir.to_str().unwrap()]).exits(0);
    for word in
        ["STATE", "swarm/add-a-greeting-", "silent", "the tests are red", "$", "4 done", "2 failed"]
    {
        assert!(done.out.contains(word), "{word} in\n{}", done.out);
    }
    assert!(done.err.contains("kill -9"), "{}", done.err);
    let repository = dir.join("repository");
    let git = |args: &[&str]| swarm.git_in(&repository, args);
    for line in done.out.lines().map(str::trim).filter(|line| line.starts_with("git -C")) {
        swarm.start(swarm.command("sh").args(["-c", line])).end().exits(0);
    }
    let branches = git(&["branch", "--list", "swarm/*", "--format=%(refname:short)"]);
    let survivor = branches.lines().find(|b| b.contains("survive-a-crash")).unwrap();
    assert_eq!(
        git(&["show", &format!("{survivor}:survivor.txt")]).lines().count(),
        2,
        "half by half"
    );
    let root = repository.to_str().unwrap();
    let check = swarm.coordinator(&["--root", root, "check"]).exits(0);
    assert_eq!(check.out, "");
    let lost = swarm.json(&["--root", root, "show", "survive-a-crash"]);
    assert!(lost["attempts"][0]["lost"].is_object(), "{lost}");
    assert_eq!(swarm.names("done"), Vec::<String>::new(), "the demo stays in its own directory");
    let merged = git(&["ls-tree", "--name-only", "main"]);
    for file in ["greeting.txt", "a.txt", "b.txt", "survivor.txt"] {
        assert!(merged.lines().any(|name| name == file), "{file} was merged as printed: {merged}");
    }
    assert!(!merged.contains("broken.txt"), "what failed was not");
}

#[test]
fn completions_and_man_pages_are_written() {
    let swarm = Swarm::empty();
    for shell in ["bash", "zsh", "fish"] {
        assert!(swarm.coordinator(&["completions", shell]).exits(0).out.contains("coordinator"));
    }
    let done = swarm.coordinator(&["man", swarm.beside("man").to_str().unwrap()]).exits(0);
    assert_eq!(done.out, "");
    for page in ["coordinator.1", "worker.1", "coordinator-status.1"] {
        assert!(swarm.beside("man").join(page).exists(), "{page}");
    }
    for program in [COORDINATOR, crate::support::swarm::WORKER] {
        let help = swarm.start(swarm.command(program).arg("--help")).end().exits(0).out;
        assert!(help.contains("75") && help.contains("128+n"), "{help}");
        swarm.start(swarm.command(program).arg("--version")).end().exits(0);
    }
}
