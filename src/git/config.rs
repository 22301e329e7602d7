//! git's configuration as git itself reads it, and what changed in it during an attempt.
//!
//! Includes, conditions and scopes are git's business, so git is asked for the list. It is asked again only where one
//! of the files that it came from is another one now. Nothing here writes.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::command::Git;
use super::error::Result;
use crate::sys::{env, fs};

/// Every entry that is in force in a repository, in git's order; and where they came from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Key (section and name in lower case) and value; no value at all means true.
    entries: Vec<(String, Option<String>)>,
    #[serde(skip)]
    origins: Vec<(PathBuf, Option<Stat>)>,
}

/// What tells that a file is not the one that was read: inode, size, times of content and of the inode.
type Stat = (u64, u64, i64, i64, i64, i64);

/// A key whose values are not what they were.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ConfigChange {
    pub(crate) key: String,
    pub(crate) was: Vec<String>,
    pub(crate) is: Vec<String>,
}

impl Config {
    /// Asks git for all that is in force in the repository whose shared directory this is.
    pub(crate) fn read(common: &Path) -> Result<Config> {
        // Looked at first: a file that changes while git reads counts as changed.
        let mut origins: Vec<_> = usual_files(common).into_iter().map(with_stat).collect();
        let args = ["config", "--list", "-z", "--show-origin"];
        let listed = Git::bare(common).run("read the configuration", &args, b"")?;
        let mut entries = Vec::new();
        let mut parts = listed.split(|byte| *byte == 0);
        while let (Some(origin), Some(entry)) = (parts.next(), parts.next()) {
            if let Some(path) = origin.strip_prefix(b"file:") {
                let path = PathBuf::from(OsString::from_vec(path.to_vec()));
                if !origins.iter().any(|(known, _)| *known == path) {
                    origins.push(with_stat(path));
                }
            }
            let text = String::from_utf8_lossy(entry);
            entries.push(match text.split_once('\n') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (text.into_owned(), None),
            });
        }
        Ok(Config { entries, origins })
    }

    /// The same as of now; `None` where no file that it came from is another one than before.
    pub(crate) fn read_again(&self, common: &Path) -> Result<Option<Config>> {
        let same = self.origins.iter().all(|(path, stat)| stat_of(path) == *stat);
        if same { Ok(None) } else { Config::read(common).map(Some) }
    }

    /// The entries whose keys are wanted, whatever they came from.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Config {
        let entries = self.entries.iter().filter(|(key, _)| wanted(key)).cloned();
        Config { entries: entries.collect(), origins: Vec::new() }
    }

    pub(crate) fn values(&self, key: &str) -> Vec<String> {
        let of_key = self.entries.iter().filter(|(known, _)| known == key);
        of_key.map(|(_, value)| value.clone().unwrap_or_else(|| "true".into())).collect()
    }

    pub(crate) fn value(&self, key: &str) -> Option<String> {
        self.values(key).pop()
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        let value = self.value(key).unwrap_or_default().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "false" | "no" | "off" | "0")
    }

    /// Whether git knows a name and an address to commit with.
    pub(crate) fn has_identity(&self) -> bool {
        let has = |what: &str| {
            let keys = [format!("user.{what}"), format!("committer.{what}")];
            keys.iter().any(|key| self.value(key).is_some_and(|value| !value.is_empty()))
        };
        has("name") && has("email")
    }

    /// Whether git knows what to run for a filter.
    pub(crate) fn has_filter(&self, driver: &str) -> bool {
        let has = |what: &str| self.value(&format!("filter.{driver}.{what}")).is_some();
        has("clean") || has("process")
    }

    /// Where missing objects may be fetched from: the repository is a partial clone.
    pub(crate) fn is_partial_clone(&self) -> bool {
        let promisor = |key: &str| key.starts_with("remote.") && key.ends_with(".promisor");
        self.value("extensions.partialclone").is_some()
            || self.entries.iter().any(|(key, _)| promisor(key))
    }

    /// The keys whose values differ, by name.
    pub(crate) fn changes(&self, after: &Config) -> Vec<ConfigChange> {
        let mut keys: Vec<&String> =
            self.entries.iter().chain(&after.entries).map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        let change = |key: &String| {
            let (was, is) = (self.values(key), after.values(key));
            (was != is).then(|| ConfigChange { key: key.clone(), was, is })
        };
        keys.into_iter().filter_map(change).collect()
    }
}

impl std::fmt::Display for ConfigChange {
    /// For people; a value may be a secret, so only its key is told.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match (self.was.is_empty(), self.is.is_empty()) {
            (true, _) => "was added",
            (_, true) => "was removed",
            _ => "has another value",
        };
        write!(f, "{} {what}", without_credentials(&self.key))
    }
}

/// A key may hold an address, and that a password: `url.https://NAME:PASSWORD@HOST/.insteadOf`.
fn without_credentials(key: &str) -> String {
    let Some((before, rest)) = key.split_once("://") else { return key.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{before}://…{}", &rest[at..]),
        None => key.to_owned(),
    }
}

fn usual_files(common: &Path) -> Vec<PathBuf> {
    let home = env::home();
    let xdg = env::var("XDG_CONFIG_HOME").map(PathBuf::from);
    let xdg = xdg.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let mut files = vec![common.join("config"), common.join("config.worktree")];
    files.extend(home.map(|home| home.join(".gitconfig")));
    files.extend(xdg.map(|dir| dir.join("git/config")));
    files
}

/// Where git looks for patterns to ignore unless `core.excludesFile` says otherwise.
pub(crate) fn usual_excludes() -> OsString {
    let xdg = env::var("XDG_CONFIG_HOME").map(PathBuf::from);
    let xdg = xdg.or_else(|| env::home().map(|home| home.join(".config")));
    xdg.map_or_else(OsString::new, |dir| dir.join("git/ignore").into_os_string())
}

fn with_stat(path: PathBuf) -> (PathBuf, Option<Stat>) {
    let stat = stat_of(&path);
    (path, stat)
}

fn stat_of(path: &Path) -> Option<Stat> {
    // Through links: what is read is the file at their end.
    let meta = fs::canonical(path).ok().and_then(|path| fs::look(&path).ok().flatten())?;
    let changed = (meta.ctime(), meta.ctime_nsec());
    Some((meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec(), changed.0, changed.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, Option<&str>)]) -> Config {
        let entries = entries.iter().map(|(key, value)| ((*key).into(), value.map(str::to_owned)));
        Config { entries: entries.collect(), origins: Vec::new() }
    }

    #[test]
    fn changes_are_told_by_key() {
        let before = config(&[("a.b", Some("1")), ("a.c", None), ("a.d", Some("x"))]);
        let after = config(&[("a.b", Some("2")), ("a.c", Some("true")), ("a.e", Some("secret"))]);
        let said: Vec<String> =
            before.changes(&after).iter().map(ConfigChange::to_string).collect();
        assert_eq!(said, ["a.b has another value", "a.d was removed", "a.e was added"]);
        assert_eq!(before.changes(&before), []);
        for (key, shown) in [
            ("url.https://me:secret@host/x.insteadof", "url.https://…@host/x.insteadof"),
            ("url.https://host/a@b.insteadof", "url.https://host/a@b.insteadof"),
            ("http.https://host.proxy", "http.https://host.proxy"),
        ] {
            assert_eq!(without_credentials(key), shown);
        }
    }

    #[test]
    fn the_last_value_is_in_force() {
        let known = config(&[("a.b", Some("1")), ("a.b", Some("off")), ("a.c", None)]);
        assert_eq!(known.value("a.b").as_deref(), Some("off"));
        assert!(!known.is_true("a.b") && known.is_true("a.c") && !known.is_true("a.none"));
    }
}
