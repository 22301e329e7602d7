//! Nothing that an agent made is lost: repositories within its tree, commits beside its branch.

use std::path::Path;

use super::support::{World, collect, git, read, try_git, write};

fn says(notes: &[String], text: &str) -> bool {
    notes.iter().any(|note| note.contains(text))
}

/// What an agent does in its tree.
type Act = fn(&World, &Path);
/// Makes a commit in a tree, and returns it.
type Makes<'a> = &'a dyn Fn(&Path) -> String;

fn repository(at: &Path) {
    write(&at.join("app.js"), "code of the app\n");
    git(at, &["init", "-q"]);
    git(at, &["add", "-A"]);
    git(at, &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "app"]);
}

#[test]
fn a_repository_within_the_tree_keeps_it_however_it_is_tracked() {
    let acts: [(&str, Act); 4] = [
        ("app", |_, tree| {
            // As a scaffolding tool does, and the agent's `git add -A` after it.
            repository(&tree.join("app"));
            try_git(tree, &["add", "-A"]);
            git(tree, &["commit", "-qm", "add the app"]);
        }),
        ("app", |_, tree| repository(&tree.join("app"))),
        ("deep/er/app", |_, tree| repository(&tree.join("deep/er/app"))),
        ("app", |world, tree| {
            // A worktree of the same repository.
            git(tree, &["worktree", "add", "-q", "--detach", "app"]);
            write(&tree.join("app/app.js"), "code of the app\n");
            assert!(world.root.exists());
        }),
    ];
    for (n, (name, act)) in acts.into_iter().enumerate() {
        let world = World::new();
        let mut tree = world.enter("one");
        let path = tree.path().to_owned();
        act(&world, &path);
        write(&path.join("other.txt"), "other\n");
        let got = collect(&mut tree);
        assert!(says(&got.notes, "a repository within the tree"), "{n}: {:?}", got.notes);
        assert!(says(&got.notes, name), "{n}: {:?}", got.notes);
        assert_eq!(world.git(&["show", "swarm/one:other.txt"]), "other");
        assert!(tree.holds_more());
        tree.release(false).unwrap();
        assert_ne!(world.enter("two").path(), path, "{n}");
        assert_eq!(read(&path.join(name).join("app.js")), "code of the app\n", "{n}");
    }
}

#[test]
fn a_submodule_is_emptied_for_the_next_task_only_when_all_of_it_is_published() {
    let library = World::new();
    let world = World::new();
    world.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "lib"]);
    world.commit("with a library");
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    git(&path, &["submodule", "--quiet", "update", "--init"]);
    write(&path.join("x.cache"), "warm");
    collect(&mut tree);
    tree.release(false).unwrap();
    let mut tree = world.enter("two");
    assert_eq!(tree.path(), path, "used again");
    assert_eq!(read(&path.join("x.cache")), "warm");
    assert_eq!(std::fs::read_dir(path.join("lib")).unwrap().count(), 0, "as git leaves it");
    git(&path, &["submodule", "--quiet", "update", "--init"]);
    let lib = path.join("lib");
    write(&lib.join("stashed"), "x");
    git(&lib, &["-c", "user.name=a", "-c", "user.email=a@b", "stash", "-q", "-u"]);
    let got = collect(&mut tree);
    assert!(says(&got.notes, "lib"), "{:?}", got.notes);
    tree.release(false).unwrap();
    assert_ne!(world.enter("three").path(), path);
    assert_eq!(git(&lib, &["stash", "list"]).lines().count(), 1);
}

#[test]
fn commits_beside_the_branch_are_kept_and_named() {
    let commit = |tree: &Path, name: &str| {
        write(&tree.join(name), name);
        git(tree, &["add", "-A"]);
        git(tree, &["commit", "-qm", name]);
        git(tree, &["rev-parse", "HEAD"])
    };
    let acts: [(&str, Makes<'_>); 5] = [
        ("the branch feature/y", &|tree| {
            git(tree, &["checkout", "-q", "-b", "feature/y"]);
            let id = commit(tree, "w");
            git(tree, &["checkout", "-q", "swarm/one"]);
            id
        }),
        ("on no branch", &|tree| {
            git(tree, &["checkout", "-q", "--detach"]);
            let id = commit(tree, "w");
            git(tree, &["checkout", "-q", "swarm/one"]);
            id
        }),
        ("on no branch", &|tree| {
            let id = commit(tree, "w");
            git(tree, &["reset", "-q", "--hard", "HEAD~1"]);
            id
        }),
        ("on no branch", &|tree| {
            git(tree, &["checkout", "-q", "-b", "gone"]);
            let id = commit(tree, "w");
            git(tree, &["checkout", "-q", "swarm/one"]);
            git(tree, &["branch", "-qD", "gone"]);
            id
        }),
        ("on no branch", &|tree| {
            git(tree, &["checkout", "-q", "--orphan", "new-world"]);
            let id = commit(tree, "w");
            git(tree, &["checkout", "-q", "swarm/one"]);
            git(tree, &["branch", "-qD", "new-world"]);
            id
        }),
    ];
    for (n, (what, act)) in acts.into_iter().enumerate() {
        let world = World::new();
        let mut tree = world.enter("one");
        let id = act(tree.path());
        let got = collect(&mut tree);
        assert!(got.changed, "{n}");
        assert!(says(&got.notes, what) && says(&got.notes, &id[..7]), "{n}: {:?}", got.notes);
        tree.make_durable(&got).unwrap();
        tree.release(false).unwrap();
        world.git(&["reflog", "expire", "--expire=now", "--all"]);
        world.git(&["gc", "-q", "--prune=now"]);
        assert!(!world.git(&["for-each-ref", "--contains", &id]).is_empty(), "{n}");
        // What was kept once is not kept again by the next task in this tree.
        let mut next = world.enter("two");
        assert_eq!(collect(&mut next).notes, Vec::<String>::new(), "{n}");
    }
}

#[test]
fn what_the_task_before_committed_in_the_tree_is_not_the_next_ones() {
    let world = World::new();
    let first = world.enter("zero");
    let place = first.path().to_owned();
    first.release(false).unwrap();
    // Quick enough that commits and hand-overs share their second, which is all that git's logs tell.
    for n in 0..4 {
        let mut tree = world.enter(&format!("works-{n}"));
        assert_eq!(tree.path(), place);
        write(&place.join("w"), format!("{n}"));
        git(&place, &["add", "w"]);
        git(&place, &["commit", "-qm", "w"]);
        assert!(collect(&mut tree).changed);
        tree.release(false).unwrap();
        let mut tree = world.enter(&format!("idle-{n}"));
        let got = collect(&mut tree);
        assert_eq!((got.changed, got.notes), (false, Vec::new()), "{n}");
        tree.release(false).unwrap();
    }
}

#[test]
fn what_an_agent_amended_or_rebased_away_is_not_kept() {
    let world = World::new();
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    write(&path.join("w"), "1");
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "one"]);
    git(&path, &["commit", "-q", "--amend", "-m", "two"]);
    world.file("other", "other\n");
    world.commit("main goes on");
    git(&path, &["rebase", "-q", "main"]);
    let got = collect(&mut tree);
    assert_eq!((got.kept, got.notes), (Vec::new(), Vec::new()));
    assert_eq!(got.commits.len(), 2);
}

#[test]
fn locks_that_a_killed_git_left_are_told_and_ours_are_removed() {
    let world = World::new();
    let mut tree = world.enter("one");
    let admin = git(tree.path(), &["rev-parse", "--absolute-git-dir"]);
    std::fs::write(Path::new(&admin).join("index.lock"), "").unwrap();
    std::fs::write(world.root.join(".git/packed-refs.lock"), "").unwrap();
    std::fs::write(world.root.join(".git/refs/heads/swarm/one.lock"), "").unwrap();
    write(&tree.path().join("x"), "x");
    let got = collect(&mut tree);
    assert!(says(&got.notes, "packed-refs.lock"), "{:?}", got.notes);
    assert_eq!(got.commits.len(), 1);
    assert!(!Path::new(&admin).join("index.lock").exists());
    assert!(!world.root.join(".git/refs/heads/swarm/one.lock").exists());
    // Whose the shared one is cannot be proved.
    assert!(world.root.join(".git/packed-refs.lock").exists());
}
