//! Where the last commit that touched a tracked file came from: made here, or fetched.
//!
//! Fetched is what a remote-tracking ref reaches, and what else git notes of fetching where no such ref is made: a clone
//! of one tag, `git fetch URL` and a pull request checked out from it, the edge of a shallow clone. Of a merge that mixed
//! both sides each side is asked: one that was fetched decides. Asked of the git program, which alone knows every form
//! of storage; only for files that git tracks and nobody trusted yet.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::git;
use crate::domain::trust::Tracked;
use crate::sys::fs;

/// So many merges of merges are followed; more cannot be told.
const MOST_MERGES: usize = 64;
/// So far back a reflog is read.
const REFLOG: &str = "--max-count=2000";
/// No list of commits of git's is longer, bytes.
const LIST_MAX: u64 = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct TrackedEntry {
    /// The top of the checkout whose index has it.
    pub(super) top: PathBuf,
    pub(super) path: PathBuf,
    /// The staged content; `None` where it is in conflict.
    pub(super) blob: Option<String>,
}

/// Judges a tracked file by its history.
pub(super) fn judge(entry: &TrackedEntry) -> Tracked {
    History::of(entry).and_then(|history| history.judge(entry)).unwrap_or_else(Tracked::Unknown)
}

struct History<'a> {
    dir: &'a Path,
    path: &'a Path,
    /// Commits that were fetched, besides those that remote-tracking refs reach.
    fetched: BTreeSet<String>,
    shallow: BTreeSet<String>,
}

impl<'a> History<'a> {
    fn of(entry: &'a TrackedEntry) -> Result<History<'a>, String> {
        let dir = entry.top.as_path();
        let dirs = lines(&ask(
            dir,
            &["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"],
        )?);
        let [git_dir, common] = dirs.as_slice() else {
            return Err("git does not say where its files are".into());
        };
        let list = |dir: &str, name: &str| commits_in(&Path::new(dir).join(name));
        let shallow = list(common, "shallow");
        let mut fetched = list(git_dir, "FETCH_HEAD");
        fetched.extend(list(common, "FETCH_HEAD"));
        let branch = ask(dir, &["symbolic-ref", "--quiet", "HEAD"]).map(|out| lines(&out));
        let branch = branch.unwrap_or_default().into_iter().next();
        for log in std::iter::once("HEAD").chain(branch.as_deref()) {
            // Without a reflog there is nothing to read.
            let log = ask(dir, &["reflog", "show", REFLOG, "--format=%H %gs", log, "--"]);
            fetched.extend(log.map(|out| fetched_in(&lines(&out))).unwrap_or_default());
        }
        let mut history = History { dir, path: &entry.path, fetched, shallow };
        history.fetched.retain(|commit| exists(dir, commit));
        Ok(history)
    }

    fn judge(&self, entry: &TrackedEntry) -> Result<Tracked, String> {
        if ask(self.dir, &["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]).is_err() {
            // Nothing was committed on this branch yet.
            return self.staged(entry);
        }
        let committed = self.blob_at("HEAD")?;
        let mut heads = vec!["HEAD".to_owned()];
        // A merge that is under way has mixed what its end will.
        if committed != entry.blob
            && ask(self.dir, &["rev-parse", "--quiet", "--verify", "MERGE_HEAD"]).is_ok()
        {
            heads.push("MERGE_HEAD".into());
        }
        let mut asked = 0;
        while let Some(head) = heads.pop() {
            asked += 1;
            if asked > MOST_MERGES {
                return Err("its history has too many merges".into());
            }
            if self.blob_at(&head)?.is_none() {
                continue;
            }
            match self.unpublished(&head)? {
                // A merge that touched it mixed what its sides have.
                Some((_, parents)) if parents.len() > 1 => heads.extend(parents),
                Some(_) => {}
                None => {
                    if let Some(commit) = self.last(&head)? {
                        return Ok(Tracked::Elsewhere { within: self.within(&commit), commit });
                    }
                }
            }
        }
        if committed == entry.blob { Ok(Tracked::Here) } else { self.staged(entry) }
    }

    /// What is staged and in no commit here may still be a fetched commit's very content.
    fn staged(&self, entry: &TrackedEntry) -> Result<Tracked, String> {
        let Some(blob) = &entry.blob else { return Ok(Tracked::Here) };
        let find = format!("--find-object={blob}");
        let mut args =
            vec!["log", "--max-count=1", "--format=%H", "--full-history", &find, "--remotes"];
        args.extend(self.fetched.iter().chain(&self.shallow).map(String::as_str));
        let found = self.ask_of_path(&args)?;
        Ok(match lines(&found).into_iter().next() {
            Some(commit) => Tracked::Elsewhere { within: self.within(&commit), commit },
            None => Tracked::Here,
        })
    }

    /// The newest commit below `head` that touches the file and was not fetched, with its parents.
    fn unpublished(&self, head: &str) -> Result<Option<(String, Vec<String>)>, String> {
        let mut args = vec!["log", "--max-count=1", "--format=%H %P", head, "--not", "--remotes"];
        args.extend(self.fetched.iter().chain(&self.shallow).map(String::as_str));
        let found = self.ask_of_path(&args)?;
        Ok(lines(&found).first().and_then(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            Some((words.next()?, words.collect()))
        }))
    }

    fn last(&self, head: &str) -> Result<Option<String>, String> {
        let found = self.ask_of_path(&["log", "--max-count=1", "--format=%H", head])?;
        Ok(lines(&found).into_iter().next())
    }

    fn blob_at(&self, commit: &str) -> Result<Option<String>, String> {
        let found = self.ask_of_path(&["ls-tree", commit])?;
        // "mode type object TAB path"
        Ok(lines(&found).first().and_then(|line| line.split_whitespace().nth(2).map(str::to_owned)))
    }

    fn ask_of_path(&self, args: &[&str]) -> Result<Vec<u8>, String> {
        let mut all: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        all.extend([OsStr::new("--"), self.path.as_os_str()]);
        git::ask(self.dir, &all)
    }

    /// Where a fetched commit is found, for people.
    fn within(&self, commit: &str) -> String {
        let contains = format!("--contains={commit}");
        let format = "--format=%(refname:lstrip=2) %(symref)";
        let found = ask(self.dir, &["for-each-ref", format, &contains, "refs/remotes"]);
        let lines = found.map(|out| lines(&out)).unwrap_or_default();
        // A symbolic one (`origin/HEAD`) stands for another.
        let named = lines.iter().find_map(|line| line.strip_suffix(' '));
        let other = if self.shallow.is_empty() { "what was fetched" } else { "a shallow clone" };
        named.unwrap_or(other).to_owned()
    }
}

fn ask(dir: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    git::ask(dir, &args)
}

fn exists(dir: &Path, commit: &str) -> bool {
    ask(dir, &["rev-parse", "--quiet", "--verify", &format!("{commit}^{{commit}}")]).is_ok()
}

fn lines(out: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(out)
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The commits at the beginning of the lines of `FETCH_HEAD` or `shallow`.
fn commits_in(path: &Path) -> BTreeSet<String> {
    let bytes = fs::read_foreign(path, LIST_MAX).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let words = text.lines().filter_map(|line| line.split_whitespace().next());
    words.filter(|word| is_commit(word)).map(str::to_owned).collect()
}

fn is_commit(word: &str) -> bool {
    matches!(word.len(), 40 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a reflog says came from elsewhere, as it came.
fn fetched_in(lines: &[String]) -> BTreeSet<String> {
    let came = |what: &str| {
        what.starts_with("clone: ")
            || what.starts_with("fetch")
            || (what.starts_with("pull") && what.ends_with("Fast-forward"))
    };
    let split = lines.iter().filter_map(|line| line.split_once(' '));
    split
        .filter(|(commit, what)| is_commit(commit) && came(what))
        .map(|(c, _)| c.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reflog_tells_what_came_as_it_is_from_what_was_made_here() {
        let id = |n: char| n.to_string().repeat(40);
        let line = |n: char, what: &str| format!("{} {what}", id(n));
        let log = [
            line('a', "clone: from https://example.org/x"),
            line('b', "commit: fix"),
            line('c', "pull: Fast-forward"),
            line('d', "pull: Merge made by the 'ort' strategy."),
            line('e', "fetch origin pull/5/head:pr: storing head"),
            line('f', "pull --rebase (finish): returning to refs/heads/main"),
            "short clone: x".to_owned(),
        ];
        let fetched: Vec<String> = fetched_in(&log).into_iter().collect();
        assert_eq!(fetched, [id('a'), id('c'), id('e')]);
    }
}
