//! What makes a branch durable: exactly the objects that git names, the ref, and every directory that leads to them.
//!
//! git itself says what a branch added; with one fsync fewer, something of that would be missing here.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use swarmdir::sys::seam::{self, Call, CallFate, Hook, Op};
use swarmdir::worktree::{Collected, Tree};

use crate::worktree::support::{World, collect, git, write};

/// Notes what is synced.
struct Synced(Rc<RefCell<Vec<PathBuf>>>);

impl Hook for Synced {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        if call.op == Op::Sync {
            self.0.borrow_mut().push(call.path.to_owned());
        }
        CallFate::Go
    }
}

fn synced(tree: &Tree, collected: &Collected) -> Vec<PathBuf> {
    let paths = Rc::new(RefCell::new(Vec::new()));
    seam::with(Box::new(Synced(paths.clone())), || tree.make_durable(collected).unwrap());
    paths.take()
}

/// Every file behind these refs that the base has not, with the directories above it.
fn needed(world: &World, refs: &[&str]) -> BTreeSet<PathBuf> {
    let common = world.root.join(".git");
    let mut needed = BTreeSet::new();
    let mut add = |path: PathBuf, top: &Path| {
        let above = path.ancestors().skip(1).take_while(|dir| dir.starts_with(top));
        needed.extend(above.map(Path::to_owned));
        needed.insert(path);
    };
    for name in refs {
        for line in world.git(&["rev-list", "--objects", &format!("main..{name}")]).lines() {
            let (fan, rest) = line.split(' ').next().unwrap().split_at(2);
            let objects = common.join("objects");
            add(objects.join(fan).join(rest), &objects);
        }
        add(common.join(name), &common.join("refs"));
    }
    needed
}

/// A tree with a commit of the agent's own, and something left over.
fn worked(world: &World) -> Tree {
    let tree = world.enter("one");
    write(&tree.path().join("deep/down/file"), "new\n");
    write(&tree.path().join("src/a.txt"), "changed\n");
    git(tree.path(), &["add", "-A"]);
    git(tree.path(), &["commit", "-qm", "the agent's own"]);
    write(&tree.path().join("late"), "left over\n");
    tree
}

#[test]
fn every_object_of_a_branch_is_synced_with_its_ref_and_their_directories() {
    let world = World::new();
    let mut tree = worked(&world);
    let collected = collect(&mut tree);
    assert_eq!(collected.commits.len(), 2);
    let paths = synced(&tree, &collected);
    let once: BTreeSet<PathBuf> = paths.iter().cloned().collect();
    assert_eq!(once.len(), paths.len(), "nothing is synced twice");
    assert_eq!(once, needed(&world, &["refs/heads/swarm/one"]));
    let file = |path: &PathBuf| path.is_file();
    let last_file = paths.iter().rposition(file).unwrap();
    let first_dir = paths.iter().position(|path| path.is_dir()).unwrap();
    assert!(last_file < first_dir, "a name never lasts before what it names");
    super::proof("fsyncs of a branch, each needed", paths.len());
}

#[test]
fn work_that_went_astray_is_synced_too() {
    let world = World::new();
    let mut tree = worked(&world);
    git(tree.path(), &["add", "-A"]);
    git(tree.path(), &["commit", "-qm", "more"]);
    git(tree.path(), &["checkout", "-q", "--detach", "main"]);
    write(&tree.path().join("astray"), "astray\n");
    let collected = collect(&mut tree);
    assert!(collected.pinned.is_some());
    let paths: BTreeSet<PathBuf> = synced(&tree, &collected).into_iter().collect();
    assert_eq!(paths, needed(&world, &["refs/heads/swarm/one", "refs/swarmdir/one/1.w"]));
}
