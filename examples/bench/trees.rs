//! A tree of very many files: made, and used again, against `git worktree add`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use swarmdir::git::Repo;
use swarmdir::worktree::{CollectOrder, Entered, Tree, TreePool, TreeRequest};

use crate::lab::{Lab, done, median, output};
use crate::table::Row;
use crate::throughput::repository;

pub(crate) fn fifty_thousand(lab: &Lab) -> Vec<Row> {
    let files = lab.size(50_000, 500);
    let place = lab.place("large");
    repository(&place, files);
    let trees = lab.place("large-trees");
    let pool = TreePool::new(Repo::discover(&place).unwrap(), Some(trees.clone()), "bench");
    let (mut by_git, mut made, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let mut held = Vec::new();
    for n in 0..lab.size(3, 1) {
        by_git.push(timed(|| {
            let aside = trees.join(format!("by-git-{n}"));
            done(
                Command::new("git").args(["worktree", "add", "-q"]).arg(aside).current_dir(&place),
            );
        }));
        // One more tree each time, as the earlier ones are still held.
        made.push(timed(|| held.push(enter(&pool, &place, &format!("made{n}")))));
    }
    held.into_iter().for_each(leave);
    for n in 0..lab.size(5, 1) {
        std::fs::write(place.join(format!("d0/s0/f{n}")), "changed\n").unwrap();
        done(Command::new("git").args(["commit", "-qam", "change"]).current_dir(&place));
        let mut tree = None;
        used.push(timed(|| tree = Some(enter(&pool, &place, &format!("used{n}")))));
        leave(tree.unwrap());
    }
    let (git, made, used) = (median(&by_git), median(&made), median(&used));
    let row = |what: &str, ours: f64, aim: f64| {
        let what = format!("{what} a tree of {files} files");
        let mut row =
            Row::rates(&what, "/s", 1.0 / ours, ("git worktree add", 1.0 / git), Some(aim));
        row.ours = format!("{:.0} ms", ours * 1e3);
        row.peer = format!("git worktree add {:.0} ms", git * 1e3);
        row
    };
    vec![row("make", made, 1.0), row("re-use", used, 10.0)]
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn enter(pool: &TreePool, repository: &Path, task: &str) -> Box<Tree> {
    let head = output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(repository));
    let intent = repository.with_extension(format!("{task}.intent"));
    let order = TreeRequest {
        task,
        token: "1.w",
        queue: "q",
        branch: &format!("swarm/{task}"),
        branch_is_fixed: false,
        base_oid: head.trim(),
        intent: &intent,
        fresh: false,
        sync: false,
    };
    match pool.enter(&order).unwrap() {
        Entered::Tree(tree) => tree,
        Entered::Busy { holder } => panic!("nobody else is here, but {holder}"),
    }
}

fn leave(mut tree: Box<Tree>) {
    let order = CollectOrder { message_subject: "left", trailers: &[] };
    let _nothing_was_changed = tree.collect(&order).unwrap();
    tree.release(false).unwrap();
}
