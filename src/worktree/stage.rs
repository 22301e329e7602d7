//! Putting the files of a tree into its index, so that one tree object holds them. git does it.
//!
//! Nothing here fails for one bad file: it is left out, and said so. What a commit must not hold (a repository within
//! the tree, content whose filter an agent changed) is left out, too, and stays as HEAD has it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{Index, Oid};

use super::survey::TreeScan;
use crate::git::command::{self, Git};
use crate::git::command::{NAMED, TreePath, names, printed};
use crate::git::error::{GitError, Result};
use crate::sys::fs;
use crate::sys::spawn::Exit;

const DOING: &str = "stage what was left";

/// The index of a tree, in a form that can be read here: git rewrites one that is split or sparse. One that git cannot
/// read either is made anew from HEAD: then every file counts as possibly changed, and none is lost.
pub(crate) fn read_index(git: &Git, path: &Path, notes: &mut Vec<String>) -> Result<Index> {
    let git = git.clone().offline().with_index(path);
    let opened = || Index::open(path).map_err(GitError::git("read the index", path));
    if !fs::exists(path) {
        // Git had forgotten the tree: what HEAD knows is tracked, also where it would be ignored.
        git.ask(DOING, &["read-tree", "HEAD"], b"")?;
    }
    if let Ok(index) = opened() {
        return Ok(index);
    }
    let rewrite = ["update-index", "--no-split-index", "--force-write-index"];
    let written = git.ask(DOING, &rewrite, b"")?;
    if written.exit == Some(Exit::Code(0))
        && let Ok(index) = opened()
    {
        return Ok(index);
    }
    fs::unlink(path)?;
    notes.push("the tree's index could not be read and was made again from HEAD".into());
    git.ask(DOING, &["read-tree", "HEAD"], b"")?;
    opened()
}

/// Takes the files as they are into the index; returns it as a tree, and what could not be taken. `withheld` stays as
/// HEAD has it.
pub(crate) fn stage(
    git: &Git,
    head: Option<&git2::Tree<'_>>,
    survey: &TreeScan,
    withheld: &[TreePath],
    notes: &mut Vec<String>,
) -> Result<(Oid, Vec<TreePath>)> {
    let git = git.clone().offline();
    if !survey.hidden.is_empty() {
        let paths = survey.hidden.join(&0);
        for flag in ["--no-assume-unchanged", "--no-skip-worktree"] {
            git.run(DOING, &["update-index", flag, "-z", "--stdin"], &paths)?;
        }
    }
    unstage(&git, head, withheld)?;
    let left_out: Vec<&TreePath> =
        survey.nested.iter().chain(&survey.embedded).chain(withheld).collect();
    let refused = add(&git, &left_out, notes)?;
    let tree = git.oid(DOING, &["write-tree", "--missing-ok"], b"")?;
    Ok((tree, refused))
}

fn add(git: &Git, left_out: &[&TreePath], notes: &mut Vec<String>) -> Result<Vec<TreePath>> {
    let mut spec = b".\0".to_vec();
    for path in left_out {
        spec.extend_from_slice(b":(top,exclude,literal)");
        spec.extend_from_slice(path);
        spec.push(0);
    }
    let args = ["add", "--all", "--ignore-errors", "--pathspec-from-file=-", "--pathspec-file-nul"];
    let answer = git.run_partly(DOING, &args, &spec)?;
    if answer.exit == Some(Exit::Code(0)) {
        return Ok(Vec::new());
    }
    let refused = unstaged(git, left_out)?;
    if !refused.is_empty() {
        let why = command::words(&answer.stderr);
        notes.push(format!("not committed, {why}: {}", names(&refused)));
    }
    Ok(refused)
}

/// Files that are not as the index has them.
fn unstaged(git: &Git, left_out: &[&TreePath]) -> Result<Vec<TreePath>> {
    let args = ["ls-files", "-z", "--others", "--modified", "--deleted", "--exclude-standard"];
    let listed = git.run(DOING, &args, b"")?;
    let mut paths: Vec<TreePath> = printed(&listed).map(<[u8]>::to_vec).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.retain(|path| !path.ends_with(b"/") && !left_out.contains(&path));
    Ok(paths)
}

/// Files that differ from HEAD or are new, staged or not.
pub(crate) fn candidates(git: &Git) -> Result<Vec<TreePath>> {
    let mut paths = unstaged(git, &[])?;
    let staged = ["diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD", "--"];
    // Before the first commit all is new, and listed as such.
    let answer = git.ask(DOING, &staged, b"")?;
    paths.extend(printed(&answer.stdout).map(<[u8]>::to_vec));
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// Puts the entries of these paths back to what HEAD has.
fn unstage(git: &Git, head: Option<&git2::Tree<'_>>, paths: &[TreePath]) -> Result<()> {
    let mut lines = Vec::new();
    for path in paths {
        let known = head.and_then(|tree| tree.get_path(Path::new(OsStr::from_bytes(path))).ok());
        let facts = match known {
            Some(entry) => format!("{:o} {}\t", entry.filemode(), entry.id()),
            None => format!("0 {}\t", Oid::ZERO_SHA1),
        };
        lines.extend_from_slice(facts.as_bytes());
        lines.extend_from_slice(path);
        lines.push(0);
    }
    if lines.is_empty() {
        return Ok(());
    }
    git.run(DOING, &["update-index", "-z", "--index-info"], &lines).map(drop)
}

/// What is in the tree but in no commit, for people.
pub(crate) fn tell(survey: &TreeScan, notes: &mut Vec<String>) {
    let mut say = |what: &str, paths: &[TreePath]| {
        if !paths.is_empty() {
            notes.push(format!("{what}: {}", names(paths)));
        }
    };
    say("a repository within the tree is not committed; it stays in this tree", &survey.nested);
    let embedded = "a repository within the tree, of which the branch has only the commit's name; it stays in this tree";
    say(embedded, &survey.embedded);
    for (path, what) in survey.submodules.iter().take(NAMED) {
        say(what, std::slice::from_ref(path));
    }
    say("not a file, and not committed", &survey.special);
    for (path, why) in survey.unreadable.iter().take(NAMED) {
        say(&format!("could not be looked into ({why})"), std::slice::from_ref(path));
    }
}
