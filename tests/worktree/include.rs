//! `.worktreeinclude`: which ignored files come along, and which never.

use std::os::unix::fs::symlink;

use super::support::{World, read, write};

#[test]
fn ignored_files_that_are_named_come_along() {
    let world = World::new();
    world.file(".gitignore", ".env\n/local/\nnode_modules/\n*.cache\n");
    world
        .file(".worktreeinclude", "# comment\n.env\n/local/\n!local/not-this\nREADME\nuntracked\n");
    world.commit("rules");
    world.file(".env", "SECRET=1");
    world.file("sub/.env", "SECRET=2");
    world.file("local/a", "a");
    world.file("local/not-this", "no");
    world.file("node_modules/x/.env", "not ours");
    world.file("x.cache", "not named");
    world.file("untracked", "not ignored");
    symlink("/etc/hostname", world.root.join("local/link")).unwrap();
    symlink("/etc", world.root.join("local/dir-link")).unwrap();
    let tree = world.enter("one");
    let got = tree.include(&[]).unwrap();
    let names: Vec<&str> = got.copied.iter().map(|p| p.to_str().unwrap()).collect();
    assert_eq!(names, [".env", "local/a", "local/dir-link", "local/link", "sub/.env"]);
    assert_eq!(got.notes, Vec::<String>::new());
    assert_eq!(read(&tree.path().join("sub/.env")), "SECRET=2");
    let link = std::fs::read_link(tree.path().join("local/link")).unwrap();
    assert_eq!(link.to_str(), Some("/etc/hostname"));
}

#[test]
fn nothing_tracked_is_replaced_and_no_link_is_followed() {
    let world = World::new();
    world.file(".gitignore", ".env\n/out/\n");
    world.commit("rules");
    world.file(".env", "mine");
    world.file("out/file", "mine");
    let outside = world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    // On the task's base both names are taken: one by a tracked file, one by a link that leads away.
    world.git(&["checkout", "-q", "-b", "base"]);
    std::fs::rename(world.root.join("out"), world.root.join("kept")).unwrap();
    symlink(&outside, world.root.join("out")).unwrap();
    world.git(&["add", "-f", ".env", "out"]);
    world.git(&["commit", "-qm", "tracked"]);
    let mut job = world.job("one");
    job.base = world.head();
    world.git(&["checkout", "-q", "main"]);
    std::fs::rename(world.root.join("kept"), world.root.join("out")).unwrap();
    world.file(".env", "changed in the checkout");
    let tree = job.enter(&world.pool());
    let got = tree.include(&[".env".into(), "/out/".into()]).unwrap();
    assert_eq!((got.copied.len(), got.notes.len()), (0, 2), "{got:?}");
    assert_eq!(read(&tree.path().join(".env")), "mine");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_file_that_an_agent_changed_stays_when_its_work_goes_on() {
    let world = World::new();
    world.file(".env", "from the checkout");
    let rules = [".env".to_owned()];
    let tree = world.enter("one");
    assert_eq!(tree.include(&rules).unwrap().copied.len(), 1);
    write(&tree.path().join(".env"), "changed by the agent");
    tree.release(true).unwrap();
    let tree = world.enter("one");
    assert_eq!(tree.include(&rules).unwrap().copied.len(), 0);
    assert_eq!(read(&tree.path().join(".env")), "changed by the agent");
    tree.release(false).unwrap();
    let tree = world.enter("two");
    assert_eq!(tree.include(&rules).unwrap().copied.len(), 1);
    assert_eq!(read(&tree.path().join(".env")), "from the checkout");
}
