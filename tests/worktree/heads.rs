//! Every odd place in which an agent can leave HEAD and its branch.

use super::support::{World, collect, git, read, try_git, write};

/// A tree in which the agent made one commit on its branch.
fn with_commit(world: &World) -> swarmdir::worktree::Tree {
    let tree = world.enter("one");
    commit(&tree, "mine");
    tree
}

fn commit(tree: &swarmdir::worktree::Tree, name: &str) {
    write(&tree.path().join(name), name);
    git(tree.path(), &["add", "-A"]);
    git(tree.path(), &["commit", "-qm", name]);
}

fn has(world: &World, rev: &str, file: &str) -> bool {
    try_git(&world.root, &["cat-file", "-e", &format!("{rev}:{file}")]).status.success()
}

#[test]
fn a_detached_head_that_went_forward_takes_the_branch_along() {
    let world = World::new();
    let mut tree = with_commit(&world);
    git(tree.path(), &["checkout", "-q", "--detach"]);
    commit(&tree, "further");
    write(&tree.path().join("left"), "left");
    let got = collect(&mut tree);
    assert_eq!(got.commits.len(), 3);
    assert_eq!(world.git(&["rev-parse", "swarm/one"]), got.head);
    assert!(has(&world, "swarm/one", "left"));
    assert!(got.pinned.is_none());
}

#[test]
fn a_branch_that_is_not_the_tasks_is_never_moved() {
    let world = World::new();
    world.git(&["branch", "develop"]);
    let before = world.git(&["rev-parse", "develop"]);
    let mut tree = world.enter("one");
    git(tree.path(), &["checkout", "-q", "develop"]);
    write(&tree.path().join("left"), "left");
    let got = collect(&mut tree);
    assert_eq!(world.git(&["rev-parse", "develop"]), before);
    assert!(has(&world, "swarm/one", "left"));
    assert_eq!(got.commits.len(), 1);
    assert!(got.notes[0].contains("on develop"), "{:?}", got.notes);
}

#[test]
fn a_branch_of_the_agents_own_that_builds_on_ours_is_followed() {
    let world = World::new();
    let mut tree = with_commit(&world);
    git(tree.path(), &["checkout", "-q", "-b", "feature"]);
    commit(&tree, "on-feature");
    let got = collect(&mut tree);
    assert_eq!(got.head, world.git(&["rev-parse", "feature"]));
    assert_eq!(got.commits.len(), 2);
}

#[test]
fn a_head_that_went_elsewhere_is_pinned() {
    let world = World::new();
    let mut tree = with_commit(&world);
    let ours = world.git(&["rev-parse", "swarm/one"]);
    git(tree.path(), &["checkout", "-q", "--detach", "main"]);
    write(&tree.path().join("astray"), "astray");
    let got = collect(&mut tree);
    assert_eq!(got.head, ours);
    assert_eq!(got.pinned, Some(world.git(&["rev-parse", "refs/swarmdir/one/1.w"])));
    assert!(has(&world, "refs/swarmdir/one/1.w", "astray"));
    tree.make_durable(&got).unwrap();
    tree.release(false).unwrap();
    world.git(&["gc", "-q", "--prune=now"]);
    world.fsck();
}

#[test]
fn a_head_that_went_back_changes_nothing() {
    let world = World::new();
    let mut tree = with_commit(&world);
    git(tree.path(), &["checkout", "-q", "--detach", "main"]);
    let got = collect(&mut tree);
    assert_eq!((got.commits.len(), got.pinned.is_none()), (1, true));
}

#[test]
fn a_deleted_branch_is_made_again() {
    let world = World::new();
    let mut tree = with_commit(&world);
    git(tree.path(), &["checkout", "-q", "--detach"]);
    git(tree.path(), &["branch", "-qD", "swarm/one"]);
    let got = collect(&mut tree);
    assert_eq!(world.git(&["rev-parse", "swarm/one"]), got.head);
    assert_eq!(got.commits.len(), 1);
    tree.release(false).unwrap();
    // It is still known as ours.
    let tree = world.enter("one");
    assert_eq!((tree.branch(), tree.continued()), ("swarm/one", true));
}

#[test]
fn a_renamed_branch_leaves_its_work_under_the_tasks_name() {
    let world = World::new();
    let mut tree = with_commit(&world);
    git(tree.path(), &["branch", "-m", "better-name"]);
    let got = collect(&mut tree);
    assert_eq!(world.git(&["rev-parse", "better-name"]), got.head);
    assert_eq!(world.git(&["rev-parse", "swarm/one"]), got.head);
}

#[test]
fn an_orphan_is_collected() {
    let world = World::new();
    let mut tree = with_commit(&world);
    git(tree.path(), &["checkout", "-q", "--orphan", "new-world"]);
    write(&tree.path().join("left"), "left");
    let got = collect(&mut tree);
    let pinned = got.pinned.unwrap();
    assert!(has(&world, &pinned, "left"));
    assert_eq!(git(&world.root, &["rev-list", "--count", &pinned]), "1");
    tree.release(false).unwrap();
    assert_eq!(git(world.enter("two").path(), &["status", "--porcelain"]), "");
    world.fsck();
}

#[test]
fn a_merge_in_progress_is_committed_as_it_is() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("README"), "ours\n");
    git(tree.path(), &["commit", "-qam", "ours"]);
    world.file("README", "theirs\n");
    world.commit("theirs");
    assert!(!try_git(tree.path(), &["merge", "main"]).status.success());
    let got = collect(&mut tree);
    assert!(got.notes[0].contains("a merge was in progress"), "{:?}", got.notes);
    let text = world.git(&["show", "swarm/one:README"]);
    assert!(text.contains("<<<<<<<") && text.contains("theirs"), "{text}");
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    assert_eq!(git(tree.path(), &["rev-list", "--count", "--merges", "HEAD"]), "0");
    tree.release(false).unwrap();
    world.fsck();
}

#[test]
fn conflicts_of_every_kind_are_collected() {
    let world = World::new();
    world.file("gone", "base\n");
    world.file("kept", "base\n");
    world.commit("base");
    let mut tree = world.enter("one");
    write(&tree.path().join("kept"), "ours\n");
    git(tree.path(), &["rm", "-q", "gone"]);
    write(&tree.path().join("both"), "ours\n");
    git(tree.path(), &["add", "-A"]);
    git(tree.path(), &["commit", "-qm", "ours"]);
    world.git(&["rm", "-q", "kept"]);
    world.file("gone", "theirs\n");
    world.file("both", "theirs\n");
    world.commit("theirs");
    assert!(!try_git(tree.path(), &["merge", "main"]).status.success());
    let got = collect(&mut tree);
    assert!(got.notes[0].contains("conflict markers"), "{:?}", got.notes);
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    assert!(has(&world, "swarm/one", "gone") && has(&world, "swarm/one", "kept"));
    world.fsck();
}

#[test]
fn a_rebase_in_progress_loses_neither_side() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("README"), "ours\n");
    git(tree.path(), &["commit", "-qam", "ours"]);
    let ours = world.git(&["rev-parse", "swarm/one"]);
    world.file("README", "theirs\n");
    world.commit("theirs");
    assert!(!try_git(tree.path(), &["rebase", "main"]).status.success());
    let got = collect(&mut tree);
    assert_eq!(got.head, ours);
    let pinned = got.pinned.unwrap();
    assert!(git(&world.root, &["show", &format!("{pinned}:README")]).contains("<<<<<<<"));
    tree.release(false).unwrap();
    assert_eq!(git(world.enter("two").path(), &["status", "--porcelain"]), "");
}

#[test]
fn a_missing_or_damaged_git_file_is_made_again() {
    for damage in ["", "gitdir: /nowhere\n", "garbage"] {
        let world = World::new();
        let mut tree = with_commit(&world);
        write(&tree.path().join("left"), "left");
        let dot_git = tree.path().join(".git");
        std::fs::remove_file(&dot_git).unwrap();
        if !damage.is_empty() {
            std::fs::write(&dot_git, damage).unwrap();
        }
        let got = collect(&mut tree);
        assert_eq!((got.commits.len(), got.notes.len()), (2, 1), "{:?}", got.notes);
        assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_tree_that_became_its_own_repository_is_collected() {
    let world = World::new();
    let mut tree = with_commit(&world);
    std::fs::remove_file(tree.path().join(".git")).unwrap();
    git(tree.path(), &["init", "-q"]);
    write(&tree.path().join("left"), "left");
    let got = collect(&mut tree);
    assert_eq!(got.commits.len(), 2);
    assert!(got.notes[0].contains("a repository of its own"), "{:?}", got.notes);
}

#[test]
fn a_tree_that_removed_itself_keeps_its_commits() {
    let world = World::new();
    let mut tree = with_commit(&world);
    let path = tree.path().to_owned();
    git(&world.root, &["worktree", "remove", "--force", path.to_str().unwrap()]);
    let got = collect(&mut tree);
    assert!(has(&world, &got.head, "mine"));
    assert!(got.notes[0].contains("files were gone"), "{:?}", got.notes);
    tree.release(false).unwrap();
    let next = world.enter("two");
    assert_eq!(git(next.path(), &["status", "--porcelain"]), "");
    assert_eq!(read(&next.path().join("README")), "hello\n");
    world.fsck();
}
