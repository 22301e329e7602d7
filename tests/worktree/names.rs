//! Names: bases that people write, branches that exist already.

use swarmdir::git::GitError;

use super::support::{World, collect, git, write};

#[test]
fn a_base_is_any_name_of_a_commit() {
    let world = World::new();
    let first = world.head();
    world.git(&["tag", "-a", "v1", "-m", "first"]);
    world.git(&["branch", "other"]);
    world.file("x", "x");
    let second = world.commit("second");
    world.git(&["update-ref", "refs/remotes/origin/main", &second]);
    let repo = world.repo();
    for (name, oid) in [
        ("main", &second),
        ("other", &first),
        ("v1", &first),
        ("origin/main", &second),
        (&second, &second),
        (&second[..9], &second),
        ("main~1", &first),
    ] {
        assert_eq!(&repo.resolve(Some(name)).unwrap().oid, oid, "{name}");
    }
    let head = repo.resolve(None).unwrap();
    assert_eq!((head.name.as_str(), &head.oid), ("main", &second));
    // A branch comes before a tag of its name.
    world.git(&["tag", "main", &first]);
    assert_eq!(repo.resolve(Some("main")).unwrap().oid, second);
}

#[test]
fn a_wrong_base_is_explained() {
    let world = World::new();
    let repo = world.repo();
    let told = |name: &str| repo.resolve(Some(name)).unwrap_err();
    let trouble = told("mian");
    assert_eq!(trouble.to_string(), "no branch, tag or commit is called \"mian\"");
    assert_eq!(trouble.hint().unwrap(), "did you mean \"main\"?");
    assert!(matches!(told("HEAD:README"), GitError::NotACommit { .. }));
    assert!(matches!(told("--all"), GitError::BadName { .. }));
    assert!(matches!(told("a\nb"), GitError::BadName { .. }));
    assert!(matches!(told(""), GitError::BadName { .. }));
    assert!(matches!(told("a b"), GitError::UnknownBase { .. }));
    assert!(matches!(told("main..other"), GitError::UnknownBase { .. }));
    assert!(matches!(
        told("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"),
        GitError::UnknownBase { .. }
    ));
}

#[test]
fn a_repository_without_a_commit_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    let repo = swarmdir::git::Repo::discover(dir.path()).unwrap();
    assert!(matches!(repo.resolve(None), Err(GitError::Unborn { .. })));
}

#[test]
fn a_branch_name_is_checked_before_it_is_made() {
    let world = World::new();
    world.git(&["branch", "taken"]);
    world.git(&["branch", "dir/leaf"]);
    let repo = world.repo();
    for bad in ["-x", "HEAD", "a..b", "a b", "a\tb", "", "x.lock", "/x", "x/", "refs/heads/x", "@{"]
    {
        let trouble = repo.check_branch_name(bad).unwrap_err();
        assert!(matches!(trouble, GitError::BadName { .. }), "{bad:?}: {trouble}");
    }
    assert!(matches!(repo.check_branch_name("taken"), Err(GitError::BranchTaken { .. })));
    for blocked in ["taken/x", "dir"] {
        let trouble = repo.check_branch_name(blocked).unwrap_err();
        assert!(matches!(trouble, GitError::BranchBlocked { .. }), "{trouble}");
    }
    repo.check_branch_name("dir/other").unwrap();
}

#[test]
fn a_default_name_that_is_taken_gets_a_number() {
    let world = World::new();
    world.git(&["branch", "swarm/one"]);
    world.git(&["branch", "swarm/one-2"]);
    let tree = world.enter("one");
    assert_eq!(tree.branch(), "swarm/one-3");
    assert_eq!(world.git(&["rev-parse", "swarm/one"]), world.head());
}

#[test]
fn a_chosen_name_that_is_taken_is_an_error_and_stays_untouched() {
    let world = World::new();
    world.git(&["branch", "mine"]);
    let mut job = world.job("one");
    (job.branch, job.fixed) = ("mine".into(), true);
    let trouble = job.trouble(&world.pool());
    assert!(matches!(trouble, GitError::BranchTaken { .. }), "{trouble}");
    assert!(trouble.is_the_tasks());
    // Once more: the failed try has not made it ours.
    assert!(matches!(job.trouble(&world.pool()), GitError::BranchTaken { .. }));
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_branch_called_swarm_does_not_stop_the_work() {
    let world = World::new();
    world.git(&["branch", "swarm"]);
    let mut tree = world.enter("one");
    assert_eq!(tree.branch(), "swarm-one");
    assert!(tree.notes()[0].contains("stands in the way"), "{:?}", tree.notes());
    let mut job = world.job("two");
    (job.branch, job.fixed) = ("swarm/two".into(), true);
    let trouble = job.trouble(&world.pool());
    assert!(matches!(trouble, GitError::BranchBlocked { .. }), "{trouble}");
    write(&tree.path().join("x"), "x");
    assert!(collect(&mut tree).changed);
}
