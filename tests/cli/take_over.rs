//! Taking work over: diff and merge, and what stands in the way.

use std::fs;

use crate::support::swarm::{COORDINATOR, Swarm};

/// A swarm whose task `change` has made a branch that changes README and adds a file.
fn worked() -> Swarm {
    let swarm = Swarm::new();
    swarm.drop("change", "echo changed > README; echo 'a line' > new.txt");
    swarm.drain();
    swarm
}

#[test]
fn diff_shows_what_a_branch_changes_and_merge_takes_it_over() {
    let swarm = worked();
    let patch = swarm.coordinator(&["diff", "change"]).exits(0).out;
    assert!(patch.contains("-start\n+changed\n") && patch.contains("+a line\n"), "{patch}");
    let stat = swarm.coordinator(&["diff", "change", "--stat"]).exits(0).out;
    assert!(stat.contains("new.txt | 1 +") && stat.contains("2 files changed"), "{stat}");
    // What came to main meanwhile is not the task's change.
    fs::write(swarm.at("other.txt"), "other\n").unwrap();
    swarm.git(&["add", "other.txt"]);
    swarm.git(&["commit", "--quiet", "-m", "other"]);
    assert_eq!(swarm.coordinator(&["diff", "change"]).exits(0).out, patch);
    fs::write(swarm.at("untracked.txt"), "mine\n").unwrap();
    let said = swarm.coordinator(&["merge", "change"]).exits(0);
    assert!(said.out.is_empty() && said.err.contains("Merge made"), "{said:?}");
    assert_eq!(fs::read_to_string(swarm.at("README")).unwrap(), "changed\n");
    assert_eq!(fs::read_to_string(swarm.at("untracked.txt")).unwrap(), "mine\n");
    assert_eq!(swarm.git(&["rev-list", "--count", "--min-parents=2", "HEAD"]), "1");
    let again = swarm.coordinator(&["merge", "change"]).exits(0).err;
    assert!(again.contains("Already up to date"), "{again}");
}

#[test]
fn a_merge_that_cannot_be_leaves_everything_as_it_was() {
    let swarm = worked();
    let state = || (swarm.git(&["rev-parse", "HEAD"]), swarm.git(&["status", "--porcelain"]));
    fs::write(swarm.at("README"), "mine\n").unwrap();
    let before = state();
    let said = swarm.coordinator(&["merge", "change"]).exits(75).err;
    assert!(said.contains("uncommitted changes: README") && said.contains("hint:"), "{said}");
    assert_eq!(state(), before);
    swarm.git(&["commit", "--quiet", "-am", "mine"]);
    let before = state();
    let said = swarm.coordinator(&["merge", "change"]).exits(75).err;
    assert!(said.contains("conflicts with what is checked out: README"), "{said}");
    assert_eq!(state(), before);
    assert_eq!(fs::read_to_string(swarm.at("README")).unwrap(), "mine\n");
    swarm.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    fs::write(swarm.at("new.txt"), "in the way\n").unwrap();
    let said = swarm.coordinator(&["merge", "change"]).exits(75).err;
    assert!(said.contains("git refused") && said.contains("new.txt"), "{said}");
    assert_eq!(fs::read_to_string(swarm.at("new.txt")).unwrap(), "in the way\n");
    swarm.git(&["checkout", "--quiet", "--detach"]);
    let said = swarm.coordinator(&["merge", "change"]).exits(75).err;
    assert!(said.contains("no branch is checked out"), "{said}");
}

#[test]
fn an_agent_may_look_and_not_take_its_own_work_over() {
    let swarm = Swarm::new();
    let ask = format!("{COORDINATOR} --root \"$SWARM_E2E\"");
    swarm.drop("first", "echo x > x.txt");
    swarm.drain();
    swarm.drop(
        "asks",
        format!("{ask} diff first > diff.txt; {ask} merge first 2> merge.txt; echo $? > code.txt"),
    );
    swarm.drain();
    let branch = swarm.show("asks")["branch"].as_str().unwrap().to_owned();
    let of = |file: &str| swarm.git(&["show", &format!("{branch}:{file}")]);
    assert!(of("diff.txt").contains("+x"), "{}", of("diff.txt"));
    assert_ne!(of("code.txt"), "0");
    assert!(of("merge.txt").contains("only its user may merge"), "{}", of("merge.txt"));
    assert!(of("merge.txt").contains("hint: in a shell of your own: coordinator merge"));
    assert!(!swarm.at("x.txt").exists());
}

#[test]
fn what_has_no_branch_says_so() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "-m", "echo x", "--name", "waits"]).exits(0);
    for command in ["diff", "merge"] {
        let said = swarm.coordinator(&[command, "waits"]).exits(75).err;
        assert!(said.contains("has no branch yet") && said.contains("hint:"), "{said}");
    }
    swarm.drop("scratch.md", "---\nagent: scratch\n---\ntrue\n");
    swarm.drop("gone", "echo x > x.txt");
    swarm.drain();
    let said = swarm.coordinator(&["diff", "scratch"]).exits(2).err;
    assert!(said.contains("has no repository"), "{said}");
    let branch = swarm.show("gone")["branch"].as_str().unwrap().to_owned();
    swarm.git(&["branch", "--quiet", "-D", &branch]);
    for command in ["diff", "merge"] {
        let said = swarm.coordinator(&[command, "gone"]).exits(2).err;
        assert!(said.contains("is gone") && said.contains("coordinator restore"), "{said}");
    }
}
