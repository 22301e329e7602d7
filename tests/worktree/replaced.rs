//! What stands in a tree's place that is not the tree: never entered, mended, committed from, cleaned or removed.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use swarmdir::git::GitError;
use swarmdir::worktree::{Removal, RemovalRefusal, Removed, Scratch, Vacated};

use super::support::{World, collect, git, read, write};

/// What an agent puts in its tree's place.
const PUT: [fn(&World, &Path); 6] = [
    |_, tree| symlink(outside(tree), tree).unwrap(),
    |world, tree| symlink(&world.root, tree).unwrap(),
    |_, tree| std::fs::rename(outside(tree), tree).unwrap(),
    |_, tree| std::fs::write(tree, "a file").unwrap(),
    |_, tree| symlink("/nowhere", tree).unwrap(),
    // A link to the very tree, where it is now.
    |_, tree| symlink(tree.with_extension("moved"), tree).unwrap(),
];

/// A folder of the user's.
fn outside(tree: &Path) -> PathBuf {
    let outside = tree.parent().unwrap().with_file_name("outside");
    write(&outside.join("letter.txt"), "precious");
    write(&outside.join("src/a.txt"), "precious");
    write(&outside.join("build/kept"), "precious");
    outside
}

/// Puts it there; what was the tree is beside it.
fn put(world: &World, tree: &Path, n: usize) {
    std::fs::rename(tree, tree.with_extension("moved")).unwrap();
    PUT[n](world, tree);
}

/// Everything of the user's, as text.
fn precious(world: &World, tree: &Path) -> Vec<String> {
    let outside = tree.parent().unwrap().with_file_name("outside");
    let mut all = Vec::new();
    for dir in [&world.root, &outside, tree] {
        for name in ["README", "src/a.txt", "letter.txt", "build/kept", ".git/HEAD", ".git/config"]
        {
            all.push(format!("{name}: {}", read(&dir.join(name))));
        }
        all.push(format!("{:?}", std::fs::symlink_metadata(dir.join(".git")).map(|m| m.is_dir())));
    }
    all.push(git(&world.root, &["status", "--porcelain"]));
    all
}

#[test]
fn a_tree_that_was_replaced_during_the_work_is_left_alone() {
    for n in 0..PUT.len() {
        let world = World::new();
        let mut tree = world.enter("one");
        let path = tree.path().to_owned();
        write(&path.join("committed"), "by the agent");
        git(&path, &["add", "-A"]);
        git(&path, &["commit", "-qm", "work"]);
        write(&path.join("uncommitted"), "by the agent");
        put(&world, &path, n);
        let before = precious(&world, &path);
        let got = collect(&mut tree);
        assert_eq!(world.git(&["show", "swarm/one:committed"]), "by the agent", "{n}");
        assert!(got.changed, "work that no commit holds is a change, too");
        assert!(
            got.notes.iter().any(|note| note.contains("in place of the tree")),
            "{:?}",
            got.notes
        );
        let moved = path.with_extension("moved");
        let told = got.notes.iter().any(|note| note.contains(moved.to_str().unwrap()));
        assert!(told, "where the tree is: {:?}", got.notes);
        tree.release(false).unwrap();
        let mut next = world.enter("two");
        assert_eq!(next.path(), world.trees().join("box-2"), "{n}");
        collect(&mut next);
        next.release(false).unwrap();
        assert_eq!(precious(&world, &path), before, "{n}");
        assert_eq!(read(&moved.join("uncommitted")), "by the agent");
        let log = world.git(&["log", "--all", "--format=", "--name-only"]);
        assert!(!log.contains("letter.txt"), "{n}: {log}");
    }
}

#[test]
fn a_tree_that_was_replaced_while_it_was_free_or_parked_is_left_alone() {
    for n in 0..PUT.len() {
        for parked in [false, true] {
            let world = World::new();
            let mut tree = world.enter("one");
            let path = tree.path().to_owned();
            collect(&mut tree);
            tree.release(parked).unwrap();
            put(&world, &path, n);
            let before = precious(&world, &path);
            let task = if parked { "one" } else { "two" };
            let next = world.enter(task);
            assert_eq!(next.path(), world.trees().join("box-2"), "{n} {parked}");
            next.release(false).unwrap();
            assert_eq!(world.pool().vacate("q", "one").unwrap(), Vacated::Free);
            let order = Removal { task: None, why: "a test", targets: &[], unmerged_too: true };
            let removed = world.pool().remove_tree(1, &order).unwrap();
            assert!(
                matches!(removed, Removed::No(RemovalRefusal::HoldsMore { .. })),
                "{n}: {removed:?}"
            );
            let cleared = world.pool().remove_ignored(1).unwrap();
            assert!(matches!(cleared, Removed::No(_)), "{n}: {cleared:?}");
            assert_eq!(precious(&world, &path), before, "{n} {parked}");
        }
    }
}

#[test]
fn clearing_up_after_a_worker_that_died_touches_nothing_else() {
    for n in 0..PUT.len() {
        let world = World::new();
        let tree = world.enter("one");
        let path = tree.path().to_owned();
        drop(tree);
        put(&world, &path, n);
        let before = precious(&world, &path);
        assert_eq!(world.pool().vacate("q", "one").unwrap(), Vacated::Held, "{n}");
        assert_eq!(precious(&world, &path), before, "{n}");
    }
}

#[test]
fn what_stands_where_a_removal_puts_a_tree_aside_is_not_taken_for_it() {
    for suffix in ["gone", "leaving"] {
        let world = World::new();
        let mut tree = world.enter("one");
        collect(&mut tree);
        let path = tree.path().to_owned();
        tree.release(false).unwrap();
        let aside = path.with_extension(suffix);
        write(&aside.join("letter.txt"), "precious");
        let order = Removal { task: None, why: "a test", targets: &[], unmerged_too: true };
        let removed = world.pool().remove_tree(1, &order).unwrap();
        assert!(matches!(removed, Removed::No(RemovalRefusal::Replaced { .. })), "{removed:?}");
        assert_eq!(read(&aside.join("letter.txt")), "precious");
        assert!(path.join("README").exists());
    }
}

#[test]
fn two_trees_that_changed_places_are_neither_of_them() {
    let world = World::new();
    let (one, two) = (world.enter("one"), world.enter("two"));
    let (a, b) = (one.path().to_owned(), two.path().to_owned());
    write(&a.join("of-one"), "1");
    write(&b.join("of-two"), "2");
    drop((one, two));
    std::fs::rename(&a, a.with_extension("x")).unwrap();
    std::fs::rename(&b, &a).unwrap();
    std::fs::rename(a.with_extension("x"), &b).unwrap();
    for task in ["one", "two"] {
        assert_eq!(world.pool().vacate("q", task).unwrap(), Vacated::Held);
    }
    assert_eq!((read(&a.join("of-two")), read(&b.join("of-one"))), ("2".into(), "1".into()));
}

#[test]
fn a_directory_of_trees_that_became_a_link_gets_no_tree() {
    let world = World::new();
    world.enter("one").release(false).unwrap();
    let outside = world.dir.path().canonicalize().unwrap().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::rename(world.trees(), world.trees().with_extension("moved")).unwrap();
    symlink(&outside, world.trees()).unwrap();
    let trouble = world.job("two").trouble(&world.pool());
    assert!(matches!(trouble, GitError::TreesAreALink { .. }), "{trouble}");
    assert!(trouble.hint().unwrap().contains("trees ="));
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_git_file_that_became_a_link_to_the_users_repository_is_made_again() {
    let world = World::new();
    let mut tree = world.enter("one");
    let dot_git = tree.path().join(".git");
    write(&tree.path().join("left"), "left");
    std::fs::remove_file(&dot_git).unwrap();
    symlink(world.root.join(".git"), &dot_git).unwrap();
    let before = precious(&world, tree.path());
    let got = collect(&mut tree);
    assert!(got.notes[0].contains(".git file was damaged"), "{:?}", got.notes);
    assert_eq!(world.git(&["show", "swarm/one:left"]), "left");
    assert_eq!(git(tree.path(), &["symbolic-ref", "HEAD"]), "refs/heads/swarm/one");
    assert_eq!(before[..7], precious(&world, tree.path())[..7]);
}

#[test]
fn directories_within_a_tree_that_became_links_are_not_followed() {
    let world = World::new();
    world.file(".gitignore", "/build/\n/build\n");
    world.commit("rules");
    let outside = outside(&world.trees().join("box-1"));
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    std::fs::remove_dir_all(path.join("src")).unwrap();
    symlink(&outside, path.join("src")).unwrap();
    symlink(&outside, path.join("build")).unwrap();
    collect(&mut tree);
    tree.release(false).unwrap();
    // The next task's files go where a link led away.
    let next = world.enter("two");
    assert_eq!(next.path(), path);
    assert_eq!(read(&path.join("src/a.txt")), "one\n");
    assert!(!path.join("src").is_symlink());
    next.release(false).unwrap();
    let cleared = world.pool().remove_ignored(1).unwrap();
    assert!(matches!(cleared, Removed::Yes { .. }), "{cleared:?}");
    assert!(!path.join("build").exists());
    let order = Removal { task: None, why: "a test", targets: &[], unmerged_too: true };
    let removed = world.pool().remove_tree(1, &order).unwrap();
    assert!(matches!(removed, Removed::Yes { .. }), "{removed:?}");
    for name in ["letter.txt", "src/a.txt", "build/kept"] {
        assert_eq!(read(&outside.join(name)), "precious", "{name}");
    }
}

#[test]
fn links_in_place_of_our_own_small_files_lead_nowhere() {
    let world = World::new();
    let mut tree = world.enter("one");
    collect(&mut tree);
    tree.release(false).unwrap();
    let letter = world.dir.path().join("letter.txt");
    write(&letter, "precious");
    for name in ["box-1.json.tmp", "box-1.config.tmp", "box-2.made.tmp", "git-config.json.tmp"] {
        symlink(&letter, world.trees().join(name)).unwrap();
    }
    let (mut one, mut two) = (world.enter("two"), world.enter("three"));
    world.git(&["config", "filter.x.clean", "cat"]);
    for tree in [&mut one, &mut two] {
        write(&tree.path().join("x"), "x");
        assert_eq!(collect(tree).commits.len(), 1);
    }
    drop((one, two));
    symlink(&letter, world.trees().join("box-3.lock")).unwrap();
    let refused = world.job("four").trouble(&world.pool()).to_string();
    assert!(refused.contains("box-3.lock"), "{refused}");
    assert_eq!(read(&letter), "precious");
}

#[test]
fn a_scratch_directory_that_was_replaced_is_not_emptied() {
    for n in 0..PUT.len() {
        let world = World::new();
        let dir = world.trees();
        let scratch = Scratch::enter(&dir, "w").unwrap();
        let path = scratch.path().to_owned();
        put(&world, &path, n);
        let before = precious(&world, &path);
        let left = scratch.leave().unwrap_err();
        assert!(left.to_string().contains("in place of") && left.hint().is_some(), "{left}");
        assert!(Scratch::enter(&dir, "w").is_err(), "{n}");
        Scratch::forget(&dir, "w").unwrap();
        assert_eq!(precious(&world, &path), before, "{n}");
    }
}
