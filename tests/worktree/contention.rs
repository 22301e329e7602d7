//! Ten workers, a hundred tasks, one repository, and people's git beside them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use swarmdir::git::Fingerprint;
use swarmdir::worktree::{Removal, Removed};

use super::support::{World, collect, git, try_git, write};

const WORKERS: usize = 10;
const TASKS: usize = 100;

#[test]
fn no_lock_error_reaches_a_task() {
    let world = World::new();
    for n in 0..50 {
        world.file(&format!("src/{n}.txt"), "base\n");
    }
    world.commit("base");
    world.file("README", "stashed\n");
    world.git(&["stash", "-q"]);
    world.file("README", "unstaged\n");
    let side = world.root.with_file_name("side");
    world.git(&["worktree", "add", "-q", side.to_str().unwrap(), "-b", "side"]);
    let repo = world.repo();
    let before = repo.fingerprint();
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let beside = scope.spawn(|| people_at_work(&side, &over));
        let _over = Over(&over);
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| work(&world, &next))).collect();
        for worker in workers {
            worker.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        assert!(beside.join().unwrap() > 0);
    });
    assert_eq!(Fingerprint::changes(&before, &repo.fingerprint()), Vec::<String>::new());
    let branches = world.git(&["for-each-ref", "--format=%(refname)", "refs/heads/swarm"]);
    assert_eq!(branches.lines().count(), TASKS);
    for task in 0..TASKS {
        let count = world.git(&["rev-list", "--count", &format!("main..swarm/t{task}")]);
        assert_eq!(count, "2", "t{task}");
    }
    let trees = world.git(&["worktree", "list"]).lines().count() - 2;
    // A look at a place may come just between one worker leaving it and another taking it.
    assert!(trees <= 2 * WORKERS, "{trees} trees");
    assert_eq!(world.git(&["for-each-ref", "refs/swarmdir"]), "");
    world.fsck();
}

/// `git worktree prune` takes an administrative directory that has neither a lock nor a `gitdir` file yet, and the
/// directory of them all when it is empty.
#[test]
fn what_a_prune_takes_while_a_tree_is_registered_is_made_again() {
    let world = World::new();
    let pool = world.pool();
    let over = AtomicBool::new(false);
    let admins = world.root.join(".git/worktrees");
    thread::scope(|scope| {
        let prune = scope.spawn(|| {
            let mut pruned = 0;
            while !over.load(Ordering::Relaxed) {
                for admin in std::fs::read_dir(&admins).into_iter().flatten().flatten() {
                    pruned += usize::from(std::fs::remove_dir(admin.path()).is_ok());
                }
                std::fs::remove_dir(&admins).ok();
                thread::yield_now();
            }
            pruned
        });
        let _over = Over(&over);
        // Trees that are held are not used again: each is registered anew.
        let trees: Vec<_> =
            (0..40).map(|task| world.job(&format!("t{task}")).enter(&pool)).collect();
        over.store(true, Ordering::Relaxed);
        assert!(prune.join().unwrap() > 0);
        for mut tree in trees {
            assert_eq!(collect(&mut tree).notes, Vec::<String>::new());
            tree.release(false).unwrap();
        }
    });
    world.fsck();
}

/// Holds the lock of all packed refs, as `git pack-refs` does, while `act` is at it.
fn while_refs_are_packed(world: &World, act: impl FnOnce() + Send) {
    world.git(&["pack-refs", "--all"]);
    let lock = world.root.join(".git/packed-refs.lock");
    std::fs::File::create_new(&lock).unwrap();
    thread::scope(|scope| {
        let acts = scope.spawn(act);
        // Long enough for a try that comes to nothing; however long it is, the end is the same.
        assert!((0..20_000).all(|_| lock.exists()));
        std::fs::remove_file(&lock).unwrap();
        acts.join().unwrap();
    });
}

#[test]
fn what_is_deleted_while_somebody_packs_refs_is_gone_afterwards() {
    let world = World::new();
    world.git(&["branch", "swarmdir-new-left"]);
    while_refs_are_packed(&world, || drop(world.enter("one")));
    world.git(&["branch", "swarm/two"]);
    while_refs_are_packed(&world, || {
        let order = Removal { task: None, why: "t", targets: &[], unmerged_too: true };
        let removed = world.pool().remove_branch("swarm/two", &order).unwrap();
        assert!(matches!(removed, Removed::Yes { .. }));
    });
    assert_eq!(
        world.git(&["for-each-ref", "--format=%(refname)", "refs/heads"]),
        "refs/heads/main\nrefs/heads/swarm/one"
    );
}

/// Ends the bystander also when a worker failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes tasks until there are none: the agent commits once, by git's command line, and leaves a file.
fn work(world: &World, next: &AtomicUsize) {
    let pool = world.pool();
    loop {
        let task = next.fetch_add(1, Ordering::Relaxed);
        if task >= TASKS {
            return;
        }
        let mut job = world.job(&format!("t{task}"));
        job.token = format!("{task}.w");
        let mut tree = job.enter(&pool);
        write(&tree.path().join(format!("src/{}.txt", task % 50)), format!("by {task}\n"));
        // git itself may lose against `git gc`, which removes directories of objects that were empty a
        // moment ago; an agent would try again, too. What is tested is that our side never fails.
        let commit = ["commit", "-qam", &format!("task {task}")];
        let committed = (0..5).any(|_| try_git(tree.path(), &commit).status.success());
        assert!(committed, "task {task}");
        write(&tree.path().join("left.txt"), format!("left by {task}\n"));
        let got = collect(&mut tree);
        assert_eq!((got.commits.len(), got.notes), (2, Vec::<String>::new()));
        tree.release(false).unwrap();
    }
}

/// Commits, packs and cleans up as people do; returns how many rounds.
fn people_at_work(side: &std::path::Path, over: &AtomicBool) -> usize {
    let mut rounds = 0;
    while !over.load(Ordering::Relaxed) {
        write(&side.join("diary"), format!("{rounds}\n"));
        git(side, &["add", "-A"]);
        git(side, &["commit", "-qm", "diary"]);
        // These may meet a lock of ours, as they may one of git's; it is ours that must not fail.
        let _ = try_git(side, &["gc", "-q"]);
        let _ = try_git(side, &["pack-refs", "--all", "--prune"]);
        let _ = try_git(side, &["worktree", "prune"]);
        rounds += 1;
    }
    rounds
}
