//! Entering, leaving, coming back: which tree, which branch, which files.

use std::process::Command;

use swarmdir::git::{GitError, Repo};
use swarmdir::worktree::{Entered, TreePool, Vacated};

use super::support::{World, collect, collect_quietly, git, read, try_git, write};

#[test]
fn a_task_gets_a_tree_beside_the_repository_on_a_branch_of_its_own() {
    let world = World::new();
    let tree = world.enter("one");
    assert_eq!(tree.path(), world.trees().join("box-1"));
    assert_eq!(git(tree.path(), &["symbolic-ref", "HEAD"]), "refs/heads/swarm/one");
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    assert_eq!(read(&tree.path().join("src/a.txt")), "one\n");
    assert_eq!((tree.base(), tree.continued()), (world.head().as_str(), false));
    assert!(world.git(&["worktree", "list"]).contains("box-1"));
    world.fsck();
}

#[test]
fn the_branch_can_be_checked_out_by_the_user_when_the_task_is_over() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("new.txt"), "new\n");
    let collected = collect_quietly(&mut tree);
    assert!(collected.leftover && collected.changed);
    tree.release(false).unwrap();
    world.git(&["checkout", "-q", "swarm/one"]);
    assert_eq!(read(&world.root.join("new.txt")), "new\n");
    let message = world.git(&["log", "-1", "--format=%B%an"]);
    assert!(message.contains("Swarmdir-Task: one") && message.ends_with("Ada"), "{message}");
}

#[test]
fn a_free_tree_is_switched_and_keeps_what_git_ignores() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("x.cache"), "warm");
    write(&tree.path().join("build/out/o"), "warm");
    write(&tree.path().join("made/here.txt"), "by one");
    std::fs::create_dir_all(tree.path().join("hollow/deep")).unwrap();
    std::fs::remove_file(tree.path().join("README")).unwrap();
    collect_quietly(&mut tree);
    tree.release(false).unwrap();

    world.file("src/a.txt", "two\n");
    world.git(&["rm", "-q", "README"]);
    world.file("README/now/a/directory", "x");
    world.commit("next");
    let tree = world.enter("two");
    assert_eq!(tree.path(), world.trees().join("box-1"));
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    assert_eq!(git(tree.path(), &["diff", "HEAD", "--stat"]), "");
    assert_eq!(read(&tree.path().join("src/a.txt")), "two\n");
    assert_eq!(read(&tree.path().join("README/now/a/directory")), "x");
    assert_eq!(read(&tree.path().join("build/out/o")), "warm");
    assert_eq!(read(&tree.path().join("x.cache")), "warm");
    assert!(!tree.path().join("made").exists());
    assert!(!tree.path().join("hollow").exists());
    assert_eq!(tree.notes(), Vec::<String>::new());
    tree.release(false).unwrap();
    world.fsck();
}

#[test]
fn a_blocked_task_comes_back_to_its_own_tree_with_its_uncommitted_work() {
    let world = World::new();
    let tree = world.enter("one");
    write(&tree.path().join("half.txt"), "half");
    let path = tree.path().to_owned();
    tree.release(true).unwrap();
    let other = world.enter("two");
    assert_ne!(other.path(), path);
    let mut job = world.job("one");
    job.token = "2.v".into();
    let mut tree = job.enter(&world.pool());
    assert_eq!((tree.path(), tree.continued()), (path.as_path(), true));
    assert_eq!(read(&path.join("half.txt")), "half");
    assert_eq!(collect_quietly(&mut tree).commits.len(), 1);
}

#[test]
fn a_tree_that_another_process_holds_is_busy_not_broken() {
    let world = World::new();
    let held = world.enter("one");
    match world.job("one").try_enter(&world.pool()).unwrap() {
        Entered::Busy { holder } => assert_eq!(holder, "1.w"),
        Entered::Tree(tree) => panic!("{:?}", tree.path()),
    }
    assert_eq!(world.pool().vacate("q", "one").unwrap(), Vacated::Busy);
    drop(held);
    assert!(world.enter("one").continued());
}

#[test]
fn a_tree_removed_by_hand_is_replaced_and_the_branch_goes_on() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("kept.txt"), "kept");
    let head = collect_quietly(&mut tree).head;
    std::fs::remove_dir_all(tree.path()).unwrap();
    tree.release(true).unwrap();
    let tree = world.enter("one");
    assert!(tree.continued());
    assert_eq!(tree.notes(), ["the tree of the last attempt was gone"]);
    assert_eq!(git(tree.path(), &["rev-parse", "swarm/one"]), head);
    assert_eq!(read(&tree.path().join("kept.txt")), "kept");
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    world.fsck();
}

#[test]
fn a_task_lost_elsewhere_starts_afresh_under_a_name_with_its_epoch() {
    let world = World::new();
    let elsewhere = world.enter("one");
    let mut job = world.job("one");
    (job.fresh, job.token) = (true, "3.v".into());
    let tree = job.enter(&world.pool());
    assert_eq!(tree.branch(), "swarm/one-e3");
    assert!(!tree.continued());
    // From now on that is the one that goes on, though the older tree is still there.
    drop(tree);
    let mut job = world.job("one");
    job.token = "4.u".into();
    let tree = job.enter(&world.pool());
    assert_eq!((tree.branch(), tree.continued()), ("swarm/one-e3", true));
    drop((tree, elsewhere));
    let pool = world.pool();
    assert_eq!(pool.vacate("q", "one").unwrap(), Vacated::Free);
    assert_eq!(pool.holders().unwrap().len(), 0);
}

#[test]
fn a_retry_goes_on_beside_a_branch_that_the_user_has_checked_out() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("new.txt"), "new\n");
    collect_quietly(&mut tree);
    tree.release(false).unwrap();
    world.git(&["checkout", "-q", "swarm/one"]);
    let mut job = world.job("one");
    job.token = "5.v".into();
    let tree = job.enter(&world.pool());
    assert_eq!((tree.branch(), tree.continued()), ("swarm/one-e5", true));
    assert_eq!(read(&tree.path().join("new.txt")), "new\n");
    assert!(tree.notes()[0].contains("is checked out at"), "{:?}", tree.notes());
}

#[test]
fn what_somebody_did_in_a_free_tree_is_saved_before_the_tree_is_used() {
    let world = World::new();
    let mut tree = world.enter("one");
    collect_quietly(&mut tree);
    let path = tree.path().to_owned();
    tree.release(false).unwrap();
    write(&path.join("by-hand.txt"), "precious");
    write(&path.join("src/a.txt"), "changed by hand");
    let tree = world.enter("two");
    assert_eq!(tree.path(), path);
    assert_eq!(git(&path, &["status", "--porcelain"]), "");
    assert!(!path.join("by-hand.txt").exists());
    let salvage = world.git(&["for-each-ref", "--format=%(refname)", "refs/swarmdir/salvage"]);
    let saved = world.salvaged_files();
    assert_eq!(world.git(&["show", &format!("{saved}:by-hand.txt")]), "precious");
    assert_eq!(world.git(&["show", &format!("{saved}:src/a.txt")]), "changed by hand");
    assert!(tree.notes()[0].contains(&salvage), "{:?}", tree.notes());
    world.fsck();
}

#[test]
fn a_tree_that_holds_a_foreign_repository_is_kept_and_not_used_again() {
    let world = World::new();
    let mut tree = world.enter("one");
    let inner = tree.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    git(&inner, &["init", "-q"]);
    write(&inner.join("f"), "theirs");
    let collected = collect(&mut tree);
    assert!(collected.notes[0].contains("inner"), "{:?}", collected.notes);
    assert_eq!(git(tree.path(), &["ls-files", "inner"]), "");
    assert!(tree.holds_more());
    tree.release(false).unwrap();
    let next = world.enter("two");
    assert_eq!(next.path(), world.trees().join("box-2"));
    assert_eq!(read(&inner.join("f")), "theirs");
    // The user can still check the branch out.
    world.git(&["checkout", "-q", "swarm/one"]);
}

#[test]
fn a_bare_repository_has_trees_too() {
    let world = World::new();
    let bare = world.root.with_file_name("bare.git");
    world.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let config = read(&bare.join("config"));
    let pool = TreePool::new(Repo::discover(&bare).unwrap(), None, "box");
    let mut tree = world.job("one").enter(&pool);
    assert_eq!(tree.path(), world.root.with_file_name("bare.git.swarmdir").join("box-1"));
    write(&tree.path().join("x"), "x");
    assert_eq!(collect(&mut tree).commits.len(), 1);
    tree.release(false).unwrap();
    assert_eq!(read(&bare.join("config")), config);
    let before = pool.repo().fingerprint();
    assert_eq!(before, pool.repo().fingerprint());
    // Again, from the branch alone: without a log it is known by its base.
    assert!(world.job("one").enter(&pool).continued());
}

#[test]
fn several_repositories_may_share_a_directory_for_trees() {
    let (one, two) = (World::new(), World::new());
    let shared = one.dir.path().join("trees");
    let dirs = [&one, &two].map(|world| {
        let pool = TreePool::new(world.repo(), Some(shared.clone()), "box");
        let tree = world.job("t").enter(&pool);
        tree.path().to_owned()
    });
    assert_ne!(dirs[0], dirs[1]);
    assert!(dirs[0].starts_with(&shared));
}

#[test]
fn a_task_that_is_over_is_cleared_up_after_its_worker() {
    let world = World::new();
    let tree = world.enter("one");
    write(&tree.path().join("late.txt"), "late");
    drop(tree);
    let pool = world.pool();
    assert_eq!(pool.holders().unwrap().len(), 1);
    assert_eq!(pool.vacate("q", "one").unwrap(), Vacated::Free);
    assert_eq!(pool.vacate("q", "one").unwrap(), Vacated::Free);
    assert_eq!(pool.holders().unwrap().len(), 0);
    assert_eq!(world.git(&["show", "swarm/one:late.txt"]), "late");
}

#[test]
fn no_hook_runs_and_the_configuration_stays_as_it_is() {
    let world = World::new();
    let config = read(&world.root.join(".git/config"));
    for hook in ["post-checkout", "pre-commit", "post-commit", "reference-transaction"] {
        let path = world.root.join(".git/hooks").join(hook);
        write(&path, "#!/bin/sh\ntouch \"$(git rev-parse --git-common-dir)/hook-ran\"\n");
        assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
    }
    let mut tree = world.enter("one");
    write(&tree.path().join("x"), "x");
    collect(&mut tree);
    tree.release(false).unwrap();
    assert!(!world.root.join(".git/hook-ran").exists());
    assert_eq!(read(&world.root.join(".git/config")), config);
}

#[test]
fn a_tree_is_not_swept_away_by_gits_own_clean_up() {
    let world = World::new();
    let tree = world.enter("one");
    world.git(&["worktree", "prune", "--expire", "now"]);
    world.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    let removed = try_git(&world.root, &["worktree", "repair"]);
    assert!(removed.status.success());
}

#[test]
fn without_a_repository_the_error_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let trouble = Repo::discover(dir.path()).err().unwrap();
    assert!(matches!(trouble, GitError::NotARepository { .. }), "{trouble}");
    assert!(trouble.hint().unwrap().starts_with("git init "));
}
