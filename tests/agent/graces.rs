//! What an agent left running is asked to end before it is killed, so that it can clear up: git its lock files, say.

use std::fs;
use std::path::Path;
use std::process::Command;

use swarmdir::agent::Report;
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::sys::grace::GRACE_MS;
use swarmdir::sys::sweep;

use crate::support::alone::{alone, this_test};
use crate::support::cgroups::{are_here, group};
use crate::support::jobs::{Place, run};

/// Longer than a grace and the noise of a busy machine, shorter than any deadline of a sweep.
const SOON_MS: u64 = GRACE_MS + 20_000;

/// Starts this in a session of its own and goes on when it has said that it is ready.
fn left_behind(script: &str) -> String {
    format!(
        "cat > left.sh <<'END'\n{script}\nEND\n(setsid sh left.sh </dev/null >/dev/null 2>&1 &)\nuntil [ -e ready ]; do sleep 0.01; done"
    )
}

/// A leftover that clears up when it is asked, which takes a moment.
const TIDY: &str = "trap 'sleep 0.2; echo cleared > cleared; exit' TERM\ntouch ready\nwhile :; do sleep 0.05; done";

fn nothing_is_left() {
    let left = sweep::children_of(swarmdir::sys::process::own_pid());
    assert_eq!(left, Vec::<i32>::new());
}

fn tried(script: &str) -> (Place, Report) {
    sweep::become_subreaper().unwrap();
    let place = Place::new();
    let report = run(&place.sh(script, "x"));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    nothing_is_left();
    (place, report)
}

#[test]
fn who_clears_up_when_asked_may_do_so() {
    alone(this_test!(), || {
        let (place, report) = tried(&left_behind(TIDY));
        assert_eq!(place.text("cleared"), "cleared\n");
        assert!(report.swept >= 1 && report.elapsed_ms < SOON_MS, "{report:?}");
    });
}

#[test]
fn also_who_stands_still_and_who_has_no_environment() {
    alone(this_test!(), || {
        let still = TIDY.replace("while :; do sleep 0.05; done", "kill -STOP $$; sleep 60");
        let (place, _) = tried(&left_behind(&still));
        assert_eq!(place.text("cleared"), "cleared\n", "it is woken to hear of it");
        let bare = left_behind(TIDY).replace("setsid sh", "setsid env -i /bin/sh");
        let (place, _) = tried(&bare);
        assert_eq!(place.text("cleared"), "cleared\n", "it is found by descent");
    });
}

#[test]
fn who_ignores_it_is_killed_soon() {
    alone(this_test!(), || {
        let deaf = "trap '' TERM INT HUP\ntouch ready\nwhile :; do sleep 0.05; done";
        let (_, report) = tried(&left_behind(deaf));
        assert!((GRACE_MS..SOON_MS).contains(&report.elapsed_ms), "{report:?}");
    });
}

/// It answers by starting others, in sessions of their own, and those do the same.
#[test]
fn who_forks_instead_is_killed_with_what_it_forked() {
    alone(this_test!(), || {
        let hydra = "trap 'setsid sh left.sh &' TERM\ntouch ready\nwhile :; do sleep 0.05; done";
        let (_, report) = tried(&left_behind(hydra));
        assert!(report.elapsed_ms < SOON_MS && report.swept > 1, "{report:?}");
    });
}

#[test]
fn many_that_go_when_asked_are_not_waited_for() {
    alone(this_test!(), || {
        let many = "for n in $(seq 200); do sleep 600 & done\ntouch ready\nwait";
        let (_, report) = tried(&left_behind(many));
        assert!(report.swept > 200, "{report:?}");
        assert!(report.elapsed_ms < SOON_MS, "{report:?}");
    });
}

#[test]
fn also_in_a_control_group() {
    if !are_here() {
        return;
    }
    alone(this_test!(), || {
        sweep::become_subreaper().unwrap();
        let place = Place::new();
        let mut job = place.sh(&left_behind(TIDY), "x");
        job.bounds.group = Some(group());
        let report = run(&job);
        assert_eq!(
            (&report.ending, place.text("cleared").as_str()),
            (&Outcome::Success, "cleared\n")
        );
        nothing_is_left();
    });
}

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let status = command.current_dir(dir).args(args).status().unwrap();
    assert!(status.success(), "git {args:?}");
}

/// Each with another lock of the repository in its hands: of a ref, of the packed refs, of the index.
#[test]
fn a_git_in_the_middle_of_something_removes_its_lock_files() {
    let editor = "GIT_EDITOR='sh -c \"touch ready; sleep 300\"' git -c user.name=n -c user.email=e@localhost commit --allow-empty -e -m x --include a";
    let transaction = |line: &str| {
        format!("(printf 'start\\n{line}\\nprepare\\n'; sleep 300) | git update-ref --stdin")
    };
    for (locked, holds) in [
        ("refs/heads/old.lock", transaction("update refs/heads/old HEAD HEAD")),
        ("packed-refs.lock", transaction("delete refs/heads/packed")),
        ("index.lock", editor.to_owned()),
    ] {
        let place = Place::new();
        let tree = place.tree();
        git(&tree, &["init", "-q", "-b", "main"]);
        fs::write(tree.join("a"), "a").unwrap();
        git(&tree, &["add", "a"]);
        git(&tree, &["-c", "user.name=n", "-c", "user.email=e@localhost", "commit", "-qm", "c"]);
        git(&tree, &["branch", "packed"]);
        git(&tree, &["pack-refs", "--all"]);
        git(&tree, &["update-ref", "refs/heads/old", "HEAD"]);
        fs::write(tree.join("a"), "b").unwrap();
        let script =
            format!("({holds}) >/dev/null 2>&1 &\nuntil [ -e .git/{locked} ]; do sleep 0.01; done");
        let report = run(&place.sh(&script, "x"));
        assert_eq!(report.ending, Outcome::Success, "{report:?}");
        let found = Command::new("find").arg(tree.join(".git")).args(["-name", "*.lock"]).output();
        assert_eq!(String::from_utf8_lossy(&found.unwrap().stdout), "", "{locked}");
    }
}
