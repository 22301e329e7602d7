//! The user's checkout: never touched by us, and what others did to it is noticed.

use swarmdir::git::Fingerprint;

use super::support::{World, collect, git, write};

/// Staged, unstaged and stashed work.
fn busy_checkout() -> World {
    let world = World::new();
    world.file("README", "stashed\n");
    world.git(&["stash", "-q"]);
    world.file("src/a.txt", "staged\n");
    world.git(&["add", "src/a.txt"]);
    world.file("README", "unstaged\n");
    world.file("untracked.txt", "untracked\n");
    world
}

fn state(world: &World) -> Vec<String> {
    [
        &["status", "--porcelain=v2", "--branch"][..],
        &["stash", "list", "--format=%H"],
        &["diff"],
        &["diff", "--cached"],
        &["config", "--list", "--local"],
    ]
    .map(|args| git(&world.root, args))
    .to_vec()
}

#[test]
fn work_in_the_checkout_is_untouched_by_ours() {
    let world = busy_checkout();
    let repo = world.repo();
    let (before, state_before) = (repo.fingerprint(), state(&world));
    for round in ["one", "two"] {
        let mut tree = world.enter(round);
        write(&tree.path().join("README"), round);
        write(&tree.path().join("new.txt"), round);
        collect(&mut tree);
        tree.release(false).unwrap();
    }
    assert_eq!(Fingerprint::changes(&before, &repo.fingerprint()), Vec::<String>::new());
    assert_eq!(state(&world), state_before);
}

#[test]
fn what_an_agent_does_to_the_checkout_is_named() {
    let world = busy_checkout();
    let repo = world.repo();
    let said = |act: &dyn Fn()| {
        let before = repo.fingerprint();
        act();
        Fingerprint::changes(&before, &repo.fingerprint())
    };
    assert_eq!(
        said(&|| world.file("README", "changed by an agent\n")),
        ["1 tracked file changed: README"]
    );
    assert_eq!(
        said(&|| drop(world.git(&["add", "README"]))),
        ["what is staged in the index changed"]
    );
    // Looking refreshes time stamps in the index; that is no change.
    assert_eq!(said(&|| drop(world.git(&["status"]))), Vec::<String>::new());
    let lines = said(&|| drop(world.git(&["stash", "drop", "-q"])));
    assert_eq!(lines, ["the stash changed: it had 1 entries, and has 0"]);
    let rules = world.root.join(".git/info");
    let lines = said(&|| write(&rules.join("exclude"), "*.secret\n"));
    assert_eq!(lines, ["info/exclude changed: what git ignores here"]);
    let lines = said(&|| write(&rules.join("attributes"), "*.x -filter\n"));
    assert_eq!(lines, ["info/attributes changed: the attributes of files"]);
    let lines = said(&|| write(&world.root.join(".git/objects/info/alternates"), "/nowhere\n"));
    assert_eq!(lines, ["objects/info/alternates changed: where objects are borrowed from"]);
    std::fs::remove_file(world.root.join(".git/objects/info/alternates")).unwrap();
    let lines = said(&|| write(&world.root.join(".git/hooks/pre-commit"), "#!/bin/sh\n"));
    assert_eq!(lines, ["the hooks changed"]);
    let lines = said(&|| drop(world.git(&["checkout", "-q", "-b", "x"])));
    assert_eq!(lines, ["HEAD moved: it was on main, and is on x"]);
    std::fs::remove_file(world.root.join(".git/hooks/pre-commit")).unwrap();
    let lines = said(&|| drop(world.git(&["commit", "-qm", "by an agent"])));
    assert!(lines[0].starts_with("the branch x moved from "), "{lines:?}");
}

#[test]
fn excluded_paths_are_written_once() {
    let world = World::new();
    let repo = world.repo();
    let exclude = swarmdir::git::doctor::exclude;
    let path = world.root.join(".git/info/exclude");
    std::fs::write(&path, "mine").unwrap();
    assert_eq!(exclude(&repo, &["/queue/", "/interrupt"]).unwrap(), ["/queue/", "/interrupt"]);
    assert_eq!(exclude(&repo, &["/queue/", "/.swarmdir/"]).unwrap(), ["/.swarmdir/"]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "mine\n/queue/\n/interrupt\n/.swarmdir/\n");
}
