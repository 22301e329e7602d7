//! Costs, relative to git's own where the machine decides; printed for `--nocapture`.

use std::time::Instant;

use swarmdir::worktree::Scratch;

use super::support::{World, collect, git, write};

#[test]
fn a_scratch_directory_is_empty_for_each_user_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let trees = dir.path().join("trees");
    let scratch = Scratch::enter(&trees, "one").unwrap();
    write(&scratch.path().join("a/b"), "left by a crash");
    drop(scratch);
    let scratch = Scratch::enter(&trees, "one").unwrap();
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    write(&scratch.path().join("a/b"), "x");
    scratch.leave().unwrap();
    Scratch::forget(&trees, "one").unwrap();
    assert_eq!(std::fs::read_dir(&trees).unwrap().count(), 0);
    let begun = Instant::now();
    for _ in 0..1_000 {
        Scratch::enter(&trees, "one").unwrap().leave().unwrap();
    }
    println!("scratch: {:?} each", begun.elapsed() / 1_000);
}

#[test]
fn a_whole_cycle_in_a_small_repository_takes_milliseconds() {
    let world = World::new();
    for n in 0..100 {
        world.file(&format!("src/{n}.txt"), "base\n");
    }
    world.commit("base");
    let pool = world.pool();
    let rounds = 50;
    let mut parts = [0, 0, 0, 0];
    for n in 0..rounds {
        let job = world.job(&format!("t{n}"));
        let begun = Instant::now();
        let mut tree = job.enter(&pool);
        let entered = begun.elapsed();
        write(&tree.path().join("one.txt"), format!("{n}\n"));
        let collected = collect(&mut tree);
        let done = begun.elapsed();
        tree.make_durable(&collected).unwrap();
        let durable = begun.elapsed();
        tree.release(false).unwrap();
        let left = begun.elapsed();
        for (part, took) in
            parts.iter_mut().zip([entered, done - entered, durable - done, left - durable])
        {
            *part += took.as_micros();
        }
    }
    let each = parts.map(|part| part / rounds);
    println!("enter, collect, durable, release: {each:?} us");
}

#[test]
fn switching_a_large_tree_costs_less_than_making_one() {
    let world = World::new();
    let files = if cfg!(debug_assertions) { 5_000 } else { 50_000 };
    for n in 0..files {
        world.file(
            &format!("d{}/s{}/f{n}", n / 2_500, n / 100),
            &format!("content {n}\n").repeat(9),
        );
    }
    world.commit("large");
    let pool = world.pool();
    let begun = Instant::now();
    let mut tree = world.job("t0").enter(&pool);
    println!("first tree of {files} files: {:?}", begun.elapsed());
    let begun = Instant::now();
    collect(&mut tree);
    println!("collect nothing: {:?}", begun.elapsed());
    tree.release(false).unwrap();
    let aside = world.dir.path().join("aside");
    let begun = Instant::now();
    git(&world.root, &["worktree", "add", "-q", aside.to_str().unwrap()]);
    let by_git = begun.elapsed();
    let mut best = by_git;
    for n in 0..5 {
        world.file(&format!("d0/s0/f{n}"), "changed\n");
        world.commit("change");
        let job = world.job(&format!("t{}", n + 1));
        let begun = Instant::now();
        let tree = job.enter(&pool);
        best = best.min(begun.elapsed());
        println!("re-use: {:?}", begun.elapsed());
        assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
        tree.release(false).unwrap();
    }
    println!("git worktree add: {by_git:?}; re-use: {best:?}");
    assert!(best < by_git);
}
