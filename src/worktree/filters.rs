//! Content that must not be committed because the attempt changed what git does to it.
//!
//! A filter may keep a secret out of the repository, an encoding makes a text readable in it. They run as they were
//! configured before the attempt; where that cannot be had (another driver, other attributes), the file is withheld.
//! Asks git, changes nothing but an index of its own.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{ObjectType, Oid, Repository};

use super::stage::candidates;
use super::survey::TreeScan;
use crate::git::command::Git;
use crate::git::command::{TreePath, names};
use crate::git::config::Config;
use crate::git::error::{GitError, Result};
use crate::git::overrides::Overrides;
use crate::sys::dir::Dir;
use crate::sys::fs;

const DOING: &str = "look up the attributes of files";
/// A file of attributes has at most so many bytes that are looked at.
const ATTRIBUTES_MAX: u64 = 1 << 20;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Treatment {
    filter: String,
    encoding: String,
}

/// What is looked at.
pub(crate) struct FilterCheck<'a> {
    /// The tree with its real index.
    pub(crate) git: &'a Git,
    pub(crate) repo: &'a Repository,
    pub(crate) files: &'a Dir,
    pub(crate) survey: &'a TreeScan,
    pub(crate) overrides: &'a Overrides,
    pub(crate) base: Oid,
    pub(crate) head: Option<Oid>,
    /// `info/attributes` of the repository is not what it was.
    pub(crate) shared_changed: bool,
}

impl FilterCheck<'_> {
    /// The files that must be left as HEAD has them.
    pub(crate) fn withheld(&self, notes: &mut Vec<String>) -> Result<Vec<TreePath>> {
        let drivers = self.overrides.drivers();
        if drivers.is_empty() && !self.shared_changed && !self.attributes_changed()? {
            return Ok(Vec::new());
        }
        let paths = candidates(self.git)?;
        if paths.is_empty() {
            return Ok(paths);
        }
        if self.shared_changed {
            let why = "not committed, since info/attributes changed during the attempt, so that nobody can tell what \
                       git did to these files before";
            notes.push(format!("{why}: {}", names(&paths)));
            return Ok(paths);
        }
        let before = self.treatments_before(&paths)?;
        let now = self.treatments_now(&paths)?;
        let of = |map: &HashMap<TreePath, Treatment>, path: &TreePath| {
            map.get(path).cloned().unwrap_or_default()
        };
        let held: Vec<TreePath> = paths
            .into_iter()
            .filter(|path| must_wait(&of(&before, path), &of(&now, path), &drivers))
            .collect();
        if !held.is_empty() {
            notes.push(format!(
                "not committed, since the attempt changed the filter or the encoding that git needs for them: {}",
                names(&held)
            ));
        }
        Ok(held)
    }

    /// As the attributes were where the task began.
    fn treatments_before(&self, paths: &[TreePath]) -> Result<HashMap<TreePath, Treatment>> {
        let index = self.repo.path().join("index.attributes");
        let git = self.git.clone().with_index(&index);
        git.run(DOING, &["read-tree", &self.base.to_string()], b"")?;
        let found = treatments(&git, &["--cached"], paths);
        fs::unlink(&index)?;
        found
    }

    /// As they are on disk. (For a file of attributes that is gone git would take the one in the index.)
    fn treatments_now(&self, paths: &[TreePath]) -> Result<HashMap<TreePath, Treatment>> {
        let gone = self.survey.attributes.iter().filter(|path| {
            let at = self.files.at(Path::new(OsStr::from_bytes(path)), false).ok().flatten();
            !at.is_some_and(|at| fs::exists(at.path()))
        });
        let gone: Vec<&[u8]> = gone.map(Vec::as_slice).collect();
        let admin = self.repo.path();
        let index = admin.join("index.attributes");
        fs::copy_with_time(&admin.join("index"), &index)?;
        let git = self.git.clone().with_index(&index);
        git.run(DOING, &["update-index", "--force-remove", "-z", "--stdin"], &gone.join(&0))?;
        let found = treatments(&git, &[], paths);
        fs::unlink(&index)?;
        found
    }

    /// Whether a file of attributes is another one than where the task began.
    fn attributes_changed(&self) -> Result<bool> {
        let failed = |error| GitError::git(DOING, self.repo.path())(error);
        let tree = |oid| self.repo.find_commit(oid)?.tree();
        let Some(head) = self.head else { return Ok(true) };
        let (before, now) = (tree(self.base).map_err(failed)?, tree(head).map_err(failed)?);
        let mut options = git2::DiffOptions::new();
        options.skip_binary_check(true);
        let diff = self.repo.diff_tree_to_tree(Some(&before), Some(&now), Some(&mut options));
        let committed = diff.map_err(failed)?.deltas().any(|delta| {
            let sides = [delta.old_file().path(), delta.new_file().path()];
            let named = |path: &Path| path.file_name() == Some(OsStr::new(".gitattributes"));
            sides.into_iter().flatten().any(named)
        });
        Ok(committed || self.survey.attributes.iter().any(|path| !self.is_committed(&now, path)))
    }

    /// Whether HEAD has the file as it is on disk.
    fn is_committed(&self, head: &git2::Tree<'_>, path: &[u8]) -> bool {
        let name = Path::new(OsStr::from_bytes(path));
        let known = head.get_path(name).ok().map(|entry| entry.id());
        let here = read_attributes(self.files, path);
        let here = here.and_then(|bytes| Oid::hash_object(ObjectType::Blob, &bytes).ok());
        known == here
    }
}

/// Whether a file has to stay out: its filter is one that the attempt changed, or what git did to it when the task
/// began it would not do any more.
fn must_wait(before: &Treatment, now: &Treatment, drivers: &[&str]) -> bool {
    let set = |value: &str| !matches!(value, "" | "unspecified" | "unset");
    [before, now].iter().any(|treatment| drivers.contains(&treatment.filter.as_str()))
        || (set(&before.filter) && before.filter != now.filter)
        || (set(&before.encoding) && before.encoding != now.encoding)
}

fn treatments(
    git: &Git,
    more: &[&str],
    paths: &[TreePath],
) -> Result<HashMap<TreePath, Treatment>> {
    let args = ["check-attr", "-z", "--stdin"];
    let attributes = ["filter", "working-tree-encoding"];
    let args: Vec<&str> = args.iter().chain(more).chain(&attributes).copied().collect();
    let mut stdin = paths.join(&0);
    stdin.push(0);
    let printed = git.run(DOING, &args, &stdin)?;
    let mut all: HashMap<TreePath, Treatment> = HashMap::new();
    let mut parts = printed.split(|byte| *byte == 0);
    while let (Some(path), Some(attribute), Some(value)) =
        (parts.next(), parts.next(), parts.next())
    {
        let treatment = all.entry(path.to_vec()).or_default();
        let value = String::from_utf8_lossy(value).into_owned();
        match attribute {
            b"filter" => treatment.filter = value,
            _ => treatment.encoding = value,
        }
    }
    Ok(all)
}

/// Files of a commit that carry a filter which nobody configured here: git took them as they are.
pub(crate) fn without_filter(
    git: &Git,
    config: &Config,
    survey: &TreeScan,
    files: &Dir,
    paths: &[TreePath],
) -> Result<Option<String>> {
    let unknown = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        let mut drivers = text.split_whitespace().filter_map(|word| word.strip_prefix("filter="));
        drivers.any(|driver| !config.has_filter(driver))
    };
    let mut texts = survey.attributes.iter().filter_map(|path| read_attributes(files, path));
    if paths.is_empty() || !texts.any(|text| unknown(&text)) {
        return Ok(None);
    }
    let found = treatments(git, &[], paths)?;
    let bare = found.values().filter(|treatment| {
        let filter = treatment.filter.as_str();
        !matches!(filter, "" | "unspecified" | "unset" | "set") && !config.has_filter(filter)
    });
    let count = bare.count();
    Ok((count > 0).then(|| {
        format!(
            "{count} files were committed without their git filter, which is not configured here"
        )
    }))
}

fn read_attributes(files: &Dir, path: &[u8]) -> Option<Vec<u8>> {
    let at = files.at(Path::new(OsStr::from_bytes(path)), false).ok()??;
    fs::read_foreign(at.path(), ATTRIBUTES_MAX).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_waits_where_git_would_treat_it_otherwise_than_before() {
        let with = |filter: &str, encoding: &str| Treatment {
            filter: filter.into(),
            encoding: encoding.into(),
        };
        let plain = with("unspecified", "unspecified");
        for (before, now, waits) in [
            (plain.clone(), plain.clone(), false),
            (plain.clone(), with("lfs", "unspecified"), false),
            (plain.clone(), with("evil", "unspecified"), true),
            (with("vault", "unspecified"), with("vault", "unspecified"), false),
            (with("vault", "unspecified"), plain.clone(), true),
            (with("vault", "unspecified"), with("unset", "unspecified"), true),
            (with("vault", "unspecified"), with("lfs", "unspecified"), true),
            (with("evil", "unspecified"), plain.clone(), true),
            (with("unset", "UTF-16"), with("unset", "UTF-16"), false),
            (with("unset", "UTF-16"), with("unset", "UTF-8"), true),
            (with("unset", "unset"), with("unset", "UTF-16"), false),
        ] {
            assert_eq!(must_wait(&before, &now, &["evil"]), waits, "{before:?} {now:?}");
        }
    }
}
