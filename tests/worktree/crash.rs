//! A worker that dies between any two steps of entering, and the one that comes after it.
//!
//! Each test builds by hand what is on disk at that point: the intent, the branch, the record, a tree
//! that is half switched.

use super::support::{World, collect_quietly, git, read, write};

fn intent(world: &World, branch: &str) -> String {
    let base = world.head();
    format!(r#"{{"branch":"{branch}","base":"{base}","start":"{base}","since_ms":1}}"#)
}

fn record(world: &World, phase: &str) -> String {
    let base = world.head();
    format!(
        r#"{{"queue":"q","task":"one","token":"1.w","branch":"swarm/one","base":"{base}","phase":"{phase}","since_ms":1}}"#
    )
}

fn is_whole(world: &World) {
    let mut tree = world.enter("one");
    assert_eq!(tree.branch(), "swarm/one");
    assert!(!tree.continued());
    assert_eq!(tree.notes(), Vec::<String>::new());
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    assert_eq!(git(tree.path(), &["symbolic-ref", "HEAD"]), "refs/heads/swarm/one");
    assert!(!collect_quietly(&mut tree).changed);
    tree.release(false).unwrap();
    assert_eq!(world.git(&["for-each-ref", "refs/heads"]).lines().count(), 2);
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 2);
    world.fsck();
}

#[test]
fn after_the_intent() {
    let world = World::new();
    write(&world.intent("one"), intent(&world, "swarm/one"));
    is_whole(&world);
}

#[test]
fn after_a_torn_intent() {
    let world = World::new();
    write(&world.intent("one"), "{\"bra");
    is_whole(&world);
}

#[test]
fn after_the_branch() {
    let world = World::new();
    write(&world.intent("one"), intent(&world, "swarm/one"));
    let log = ["update-ref", "--create-reflog", "-m", "swarmdir: one"];
    world.git(&[&log[..], &["refs/heads/swarm/one", "HEAD"]].concat());
    is_whole(&world);
}

#[test]
fn with_the_lock_of_the_branch_in_its_hand() {
    let world = World::new();
    write(&world.intent("one"), intent(&world, "swarm/one"));
    let common = world.git(&["rev-parse", "--path-format=absolute", "--git-common-dir"]);
    write(&std::path::Path::new(&common).join("refs/heads/swarm/one.lock"), "");
    is_whole(&world);
}

#[test]
fn after_head_was_put_on_the_branch_but_before_that_was_noted() {
    let world = World::new();
    write(&world.intent("one"), intent(&world, "swarm/one"));
    let log = ["update-ref", "--create-reflog", "-m", "swarmdir: one"];
    world.git(&[&log[..], &["refs/heads/swarm/one", "HEAD"]].concat());
    let path = world.trees().join("box-1");
    world.git(&["worktree", "add", "-q", path.to_str().unwrap(), "swarm/one"]);
    world.note_made(&path);
    write(&world.trees().join("box-1.json"), record(&world, "preparing"));
    is_whole(&world);
}

#[test]
fn after_the_intent_when_somebody_else_made_the_branch() {
    let world = World::new();
    write(&world.intent("one"), intent(&world, "swarm/one"));
    world.git(&["branch", "swarm/one"]);
    let tree = world.enter("one");
    assert_eq!(tree.branch(), "swarm/one-2");
}

#[test]
fn after_the_record_of_a_new_tree() {
    let world = World::new();
    write(&world.trees().join("box-1.json"), record(&world, "preparing"));
    is_whole(&world);
}

#[test]
fn after_the_directory_of_a_new_tree() {
    let world = World::new();
    write(&world.trees().join("box-1.json"), record(&world, "preparing"));
    std::fs::create_dir(world.trees().join("box-1")).unwrap();
    is_whole(&world);
}

#[test]
fn after_the_ties_of_a_new_tree() {
    let world = World::new();
    let path = world.trees().join("box-1");
    world.git(&["worktree", "add", "-q", "--detach", "--no-checkout", path.to_str().unwrap()]);
    write(&world.trees().join("box-1.json"), record(&world, "preparing"));
    is_whole(&world);
}

#[test]
fn between_the_administrative_directory_and_the_git_file() {
    let world = World::new();
    let path = world.trees().join("box-1");
    world.git(&["worktree", "add", "-q", "--detach", "--no-checkout", path.to_str().unwrap()]);
    std::fs::remove_file(path.join(".git")).unwrap();
    write(&world.trees().join("box-1.json"), record(&world, "preparing"));
    is_whole(&world);
}

#[test]
fn with_the_branch_that_a_new_tree_is_registered_by() {
    let world = World::new();
    world.git(&["branch", "swarmdir-new-swarm-box-7"]);
    is_whole(&world);
}

#[test]
fn in_the_middle_of_a_switch() {
    let world = World::new();
    for n in 0..20 {
        world.file(&format!("dir/{n}"), "old");
    }
    world.commit("old");
    let mut tree = world.enter("zero");
    let path = tree.path().to_owned();
    write(&path.join("build/kept"), "cache");
    collect_quietly(&mut tree);
    tree.release(false).unwrap();
    world.git(&["branch", "-D", "-q", "swarm/zero"]);
    for n in 0..10 {
        world.file(&format!("dir/{n}"), "new");
        world.file(&format!("added/{n}"), "new");
        world.git(&["rm", "-q", &format!("dir/{}", n + 10)]);
    }
    world.commit("new");
    // Some files are the new ones, some are half-written, one is gone; a lock was left.
    write(&path.join("dir/0"), "new");
    write(&path.join("dir/1"), "n");
    write(&path.join("added/0"), "new");
    std::fs::remove_file(path.join("dir/11")).unwrap();
    let admin = git(&path, &["rev-parse", "--absolute-git-dir"]);
    std::fs::write(format!("{admin}/index.lock"), "").unwrap();
    write(&world.trees().join("box-1.json"), record(&world, "preparing"));
    is_whole(&world);
    assert_eq!(read(&path.join("build/kept")), "cache");
    assert!(!path.join("dir/12").exists());
}

#[test]
fn while_leaving_after_head_left_the_branch() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("x"), "x");
    collect_quietly(&mut tree);
    let path = tree.path().to_owned();
    drop(tree);
    git(&path, &["checkout", "-q", "--detach"]);
    let tree = world.enter("one");
    assert!(tree.continued() && tree.notes().is_empty());
    assert_eq!(git(&path, &["symbolic-ref", "HEAD"]), "refs/heads/swarm/one");
}

#[test]
fn of_a_task_whose_record_was_torn() {
    let world = World::new();
    let tree = world.enter("one");
    let path = tree.path().to_owned();
    write(&path.join("uncommitted"), "precious");
    drop(tree);
    write(&world.trees().join("box-1.json"), "{");
    // Nobody can tell whose tree it is: what is in it is saved, and the branch is still known.
    let tree = world.enter("one");
    assert_eq!(tree.branch(), "swarm/one-e1");
    let saved = world.salvaged_files();
    assert_eq!(world.git(&["show", &format!("{saved}:uncommitted")]), "precious");
}
