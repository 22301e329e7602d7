//! What a tree held before it was removed, and the proof that all of it is still there.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use git2::{ObjectType, Oid};

use super::support::{World, git, try_git};

/// Path to mode and content's id, as git would store the file.
pub(crate) type Files = BTreeMap<String, (String, String)>;

/// Everything of a tree that must outlive it.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) files: Files,
    pub(crate) objects: BTreeSet<String>,
}

fn id_of(bytes: &[u8]) -> String {
    Oid::hash_object(ObjectType::Blob, bytes).unwrap().to_string()
}

fn lines(text: &str, separator: char) -> Vec<String> {
    text.split(separator).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The files that git does not ignore, as they are on disk.
pub(crate) fn files(tree: &Path) -> Files {
    let listed = git(tree, &["ls-files", "-co", "--exclude-standard", "-z"]);
    let mut files = Files::new();
    for name in lines(&listed, '\0') {
        let path = tree.join(&name);
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if meta.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            files.insert(name, ("120000".into(), id_of(target.as_os_str().as_bytes())));
        } else if meta.is_file() {
            let mode = if meta.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" };
            files.insert(name, (mode.into(), id_of(&std::fs::read(&path).unwrap())));
        }
    }
    files
}

/// The files of a commit.
pub(crate) fn files_of(world: &World, name: &str) -> Files {
    let listed = world.git(&["ls-tree", "-r", "-z", name]);
    let row = |line: String| {
        let (facts, path) = line.split_once('\t').unwrap();
        let facts: Vec<&str> = facts.split(' ').collect();
        (path.to_owned(), (facts[0].to_owned(), facts[2].to_owned()))
    };
    lines(&listed, '\0').into_iter().map(row).collect()
}

/// The objects that the index names, unresolved sides too; but for the empty file, which stands there for one that
/// is only intended to be added.
pub(crate) fn staged(tree: &Path) -> BTreeSet<String> {
    let listed = git(tree, &["ls-files", "-s", "-z"]);
    let ids = lines(&listed, '\0');
    let ids = ids.iter().map(|line| line.split(' ').nth(1).unwrap().to_owned());
    ids.filter(|id| *id != id_of(b"")).collect()
}

/// The commit that HEAD is at, where there is one.
pub(crate) fn head(tree: &Path) -> Option<String> {
    let out = try_git(tree, &["rev-parse", "--verify", "--quiet", "HEAD"]);
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap().trim().to_owned())
}

/// Every object that some ref reaches; no tree's HEAD, no index and no log counts.
pub(crate) fn reached(world: &World) -> BTreeSet<String> {
    let refs = ["rev-list", "--objects", "--branches", "--tags", "--glob=refs/swarmdir/*"];
    let all = world.git(&refs);
    let stash = try_git(&world.root, &["rev-list", "--objects", "refs/stash"]);
    let stash = String::from_utf8(stash.stdout).unwrap();
    let ids = all.lines().chain(stash.lines());
    ids.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// Panics with what no ref reaches any more.
pub(crate) fn assert_reached(world: &World, wanted: &BTreeSet<String>, what: &str) {
    let reached = reached(world);
    let lost: Vec<&String> = wanted.difference(&reached).collect();
    assert!(lost.is_empty(), "{what}: lost {lost:?}");
}
