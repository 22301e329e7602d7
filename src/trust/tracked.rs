//! Whether a repository around a file tracks it: one look at the index, in process.
//!
//! Where libgit2 cannot read what git wrote (a split or sparse index, another hash, reftable, a repository of another
//! owner) the git program is asked. Repositories lie within each other, so every one around the file is asked. Invariant:
//! what no one could answer is an error, not a "no".

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use git2::Repository;

use super::git::path_of;
use super::history::TrackedEntry;
use super::{git, history};
use crate::domain::trust::Tracked;
use crate::git::{GitError, Repo};
use crate::sys::fs;

/// What the repositories around a file say of it. The directory of the path is one without links.
pub(super) fn tracked(path: &Path) -> Tracked {
    for checkout in around(path.parent().unwrap_or(path)) {
        match checkout.and_then(|checkout| Ok((checkout.entry(path)?, checkout))) {
            Ok((None, _)) => {}
            Ok((Some(_), checkout)) if checkout.is_local() => return Tracked::Here,
            Ok((Some(entry), _)) => return history::judge(&entry),
            Err(why) => return Tracked::Unknown(why),
        }
    }
    Tracked::No
}

/// The checkouts around a directory (one without links), the nearest first; an error ends the list.
pub(super) fn around(dir: &Path) -> impl Iterator<Item = Result<Checkout, String>> {
    let mut from = Some(dir.to_owned());
    std::iter::from_fn(move || {
        loop {
            match nearest(from.as_deref()?) {
                Ok(Some((checkout, above))) => {
                    from = above;
                    if let Some(checkout) = checkout {
                        return Some(Ok(checkout));
                    }
                }
                Ok(None) => return None,
                Err(why) => {
                    from = None;
                    return Some(Err(why));
                }
            }
        }
    })
}

type NearestCheckout = Option<(Option<Checkout>, Option<PathBuf>)>;

/// The nearest repository at or above a directory, and where to look for the next one.
fn nearest(from: &Path) -> Result<NearestCheckout, String> {
    let repo = match Repo::discover(from) {
        Ok(repo) => repo,
        Err(GitError::NotARepository { .. }) => return Ok(None),
        Err(_) => {
            let args = ["rev-parse", "--path-format=absolute", "--show-toplevel"];
            let top = git::ask(from, &args.map(OsStr::new))?;
            let top = path_of(top.strip_suffix(b"\n").unwrap_or(&top));
            let above = above(from, &top);
            return Ok(Some((Some(Checkout { top, git: None }), above)));
        }
    };
    let above = above(from, repo.root());
    // A bare repository has no files of its own.
    let top = repo.checkout().map(Path::to_owned);
    Ok(Some((top.map(|top| Checkout { top, git: Some(repo.into_git()) }), above)))
}

/// Where to go on: above what was found, and in any case higher than before.
fn above(from: &Path, found: &Path) -> Option<PathBuf> {
    let next = found.parent().filter(|next| from.starts_with(next) && *next != from);
    next.or_else(|| from.parent()).map(Path::to_owned)
}

pub(super) struct Checkout {
    top: PathBuf,
    /// `None` where only the git program understands it.
    git: Option<Repository>,
}

impl Checkout {
    /// What the index has under this path.
    fn entry(&self, path: &Path) -> Result<Option<TrackedEntry>, String> {
        let Ok(below) = path.strip_prefix(&self.top) else { return Ok(None) };
        let entry = |blob| TrackedEntry { top: self.top.clone(), path: below.to_owned(), blob };
        if let Some(index) = self.git.as_ref().and_then(|git| git.index().ok()) {
            let blob = index.get_path(below, 0).map(|entry| entry.id.to_string());
            let conflict = (1..=3).any(|stage| index.get_path(below, stage).is_some());
            return Ok((blob.is_some() || conflict).then(|| entry(blob)));
        }
        // "mode blob stage TAB name NUL"
        let out = self.list(&["--stage"], below)?;
        let text = String::from_utf8_lossy(&out).into_owned();
        let mut words = text.split_whitespace().skip(1);
        let (Some(blob), Some(stage)) = (words.next(), words.next()) else { return Ok(None) };
        Ok(Some(entry((stage == "0").then(|| blob.to_owned()))))
    }

    pub(super) fn below(&self, dir: &Path) -> Result<Vec<PathBuf>, String> {
        let Ok(below) = dir.strip_prefix(&self.top) else { return Ok(Vec::new()) };
        if let Some(index) = self.git.as_ref().and_then(|git| git.index().ok()) {
            let paths = index.iter().map(|entry| path_of(&entry.path));
            let paths = paths.filter(|path| path.starts_with(below));
            return Ok(paths.map(|path| self.top.join(path)).collect());
        }
        let here = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        let out = self.list(&[], here)?;
        let names = out.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| self.top.join(path_of(name))).collect())
    }

    fn list(&self, flags: &[&str], path: &Path) -> Result<Vec<u8>, String> {
        let args = ["ls-files", "-z"].iter().chain(flags).chain(&["--"]).map(OsStr::new);
        let args: Vec<&OsStr> = args.chain([path.as_os_str()]).collect();
        git::ask(&self.top, &args)
    }

    /// The index's file as it is now, where it is known: while it stays so, the same files are tracked.
    pub(super) fn index_file(&self) -> Option<(PathBuf, i128, u64)> {
        let path = self.git.as_ref()?.path().join("index");
        let meta = fs::look(&path).ok()??;
        Some((path, fs::ctime_ns(&meta), meta.len()))
    }

    /// Whether nothing here came from another repository, as far as git notes it: told without a walk.
    fn is_local(&self) -> bool {
        let Some(git) = &self.git else { return false };
        let no_remotes =
            git.references_glob("refs/remotes/*").is_ok_and(|mut refs| refs.next().is_none());
        let not_fetched = [git.path(), git.commondir()]
            .iter()
            .all(|dir| ["FETCH_HEAD", "shallow"].iter().all(|name| !fs::exists(&dir.join(name))));
        no_remotes && not_fetched && !was_cloned(git)
    }
}

fn was_cloned(git: &Repository) -> bool {
    let Ok(log) = git.reflog("HEAD") else { return false };
    log.iter().any(|entry| {
        let message = entry.message_bytes().unwrap_or_default();
        [&b"clone: "[..], b"pull", b"fetch"].iter().any(|word| message.starts_with(word))
    })
}
