//! A worker's whole attempt: without a tree and in one, well and badly ended, and a file that is wrong.

use super::{Case, Swarm, WORKER, assert_ends, drain, fail_all, kill_all, plain, repository};
use crate::crash::lab::WRONG;
use crate::crash::proof::Proof;

const ONCE: &[&str] = &[WORKER, "--once"];

fn without_a_tree() -> Case {
    Case {
        name: "worker, no tree, done",
        arrange: || {
            let swarm = plain("");
            // Its faults are the worker's own: the agent knows of none.
            swarm.drop("a", "[ -z \"$SWARMDIR_FAULT\" ]");
            swarm
        },
        argv: ONCE,
        finish: |swarm, context| {
            drain(swarm, context);
            assert_ends(swarm, &[("a", "done")], context);
        },
    }
}

#[test]
fn an_attempt_without_a_tree_may_die_at_every_call() {
    let mut proof = Proof::of("worker");
    kill_all(&[without_a_tree()], &mut proof);
    proof.write();
}

#[test]
fn a_call_of_an_attempt_may_fail() {
    let mut proof = Proof::of("worker-failing");
    fail_all(&without_a_tree(), &mut proof);
    proof.write();
}

#[test]
fn a_plan_that_cannot_be_read_ends_the_program() {
    let swarm = plain("");
    let mut worker = swarm.command(WORKER);
    let done =
        swarm.start(worker.args(["--drain"]).env("SWARMDIR_FAULT", "kill:1")).end().exits(101);
    assert!(done.err.contains("SWARMDIR_FAULT is no plan"), "{}", done.err);
}

#[test]
fn an_attempt_that_fails_may_die_at_every_call() {
    let badly = Case {
        name: "worker, no tree, failed and tried again",
        arrange: || {
            let swarm = plain("max_attempts = 2");
            swarm.drop("a", "[ $SWARMDIR_ATTEMPT -gt 1 ]");
            swarm
        },
        argv: ONCE,
        finish: |swarm, context| {
            drain(swarm, context);
            assert_ends(swarm, &[("a", "done")], context);
        },
    };
    let wrong = Case {
        name: "worker, a file that is wrong",
        arrange: || {
            let swarm = plain("");
            swarm.drop("a", WRONG);
            swarm
        },
        argv: ONCE,
        finish: |swarm, context| {
            drain(swarm, context);
            assert_ends(swarm, &[("a", "rejected")], context);
            let reports = swarm.names("rejected");
            assert_eq!(reports.len(), 2, "{context}: {reports:?}");
        },
    };
    let mut proof = Proof::of("worker-badly");
    kill_all(&[badly, wrong], &mut proof);
    proof.write();
}

/// Done once, with exactly its own commit on exactly one branch, and every tree free again.
fn one_commit(swarm: &Swarm, context: &str) {
    drain(swarm, context);
    assert_ends(swarm, &[("a", "done")], context);
    let branches = swarm.git(&["branch", "--list", "swarm/*", "--format=%(refname:short)"]);
    assert_eq!(branches.lines().count(), 1, "{context}: {branches}");
    let commits = swarm.git(&["log", "--format=%s", &format!("main..{branches}")]);
    assert_eq!(commits.lines().count(), 1, "{context}: {commits}");
    assert_eq!(swarm.git(&["show", &format!("{branches}:x.txt")]), "x", "{context}");
    let trees = swarm.git(&["worktree", "list", "--porcelain"]);
    assert!(!trees.lines().any(|line| line.starts_with("locked")), "{context}: {trees}");
    assert_eq!(swarm.git(&["fsck", "--no-progress", "--no-dangling"]), "", "{context}");
    assert_eq!(swarm.git(&["status", "--porcelain"]), "", "{context}");
}

#[test]
fn an_attempt_in_a_tree_may_die_at_every_call() {
    let case = Case {
        name: "worker, in a tree",
        arrange: || {
            let swarm = repository("");
            swarm.drop("a", "echo x > x.txt");
            swarm
        },
        argv: ONCE,
        finish: one_commit,
    };
    let mut proof = Proof::of("worker-tree");
    kill_all(&[case], &mut proof);
    proof.write();
}
