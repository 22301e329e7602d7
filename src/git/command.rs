//! git's own command line, for what only git knows: filling a tree, staging, committing, cleaning.
//!
//! Plumbing only. No hook runs, nothing waits for a person or for ever, the terminal is out of reach, and which
//! directory, index and shared directory are meant is said, never searched. What of the configuration has no say is
//! told by the caller.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::error::{GitError, Result, Retryable};
use super::patience::retry;
use crate::sys::helper::{self, Helper, HelperOutput};
use crate::sys::spawn::Exit;
use crate::sys::{env, fs};

/// One call may take so long, milliseconds: a large checkout with a slow filter does.
const LIMIT_MS: u64 = 1_800_000;
/// A question takes no longer, milliseconds.
const QUESTION_MS: u64 = 60_000;

/// Variables of git's that are the user's own choice; all others name places or change formats.
const KEPT: [&str; 9] = [
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_PROXY_SSL_CAINFO",
];

#[derive(Clone, Debug)]
pub(crate) struct Git {
    env: Vec<(OsString, OsString)>,
    cwd: PathBuf,
    limit_ms: u64,
}

impl Git {
    /// In a repository, without files.
    pub(crate) fn bare(git_dir: &Path) -> Git {
        let ours = |(key, _): &(OsString, OsString)| {
            !key.as_bytes().starts_with(b"GIT_") || KEPT.iter().any(|kept| key == kept)
        };
        let mut git = Git {
            env: env::all().into_iter().filter(ours).collect(),
            cwd: git_dir.to_owned(),
            limit_ms: QUESTION_MS,
        };
        for (key, value) in [
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "false"),
            ("SSH_ASKPASS", "false"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("LC_ALL", "C"),
        ] {
            git.set(key, value);
        }
        git.set("GIT_DIR", git_dir);
        git
    }

    /// In a checkout, as its user runs it: with his settings, for what he asked for himself.
    pub(crate) fn of_its_user(checkout: &Path) -> Git {
        let mut git = Git::bare(checkout);
        git.env.retain(|(key, _)| key != "GIT_DIR" && key != "GIT_NO_REPLACE_OBJECTS");
        git.limit_ms = LIMIT_MS;
        git
    }

    /// In a worktree: its administrative directory, the directory with its files, and what replaces its configuration.
    pub(crate) fn in_tree(admin: &Path, files: &Path, pairs: Vec<(String, String)>) -> Git {
        let mut git = Git::bare(admin);
        git.cwd = files.to_owned();
        git.limit_ms = LIMIT_MS;
        git.set("GIT_WORK_TREE", ".");
        git.set("GIT_CONFIG_COUNT", pairs.len().to_string());
        for (n, (key, value)) in pairs.into_iter().enumerate() {
            git.set(&format!("GIT_CONFIG_KEY_{n}"), key);
            git.set(&format!("GIT_CONFIG_VALUE_{n}"), value);
        }
        git
    }

    /// The same, asking nobody for objects: all that is needed is here.
    pub(crate) fn offline(mut self) -> Git {
        self.set("GIT_NO_LAZY_FETCH", "1");
        self.set("GIT_ALLOW_PROTOCOL", "none");
        self
    }

    pub(crate) fn with_index(mut self, index: &Path) -> Git {
        self.set("GIT_INDEX_FILE", index);
        self
    }

    pub(crate) fn with(mut self, key: &str, value: &str) -> Git {
        self.set(key, value);
        self
    }

    pub(crate) fn within(mut self, limit_ms: u64) -> Git {
        self.limit_ms = limit_ms;
        self
    }

    fn set(&mut self, key: &str, value: impl AsRef<OsStr>) {
        self.env.retain(|(known, _)| known != key);
        self.env.push((key.into(), value.as_ref().to_owned()));
    }

    /// Runs one command, which has to succeed; what it printed. Tried again while another git holds a lock, or
    /// cleans up around it: only for what is harmless to repeat.
    pub(crate) fn run(&self, doing: &'static str, args: &[&str], stdin: &[u8]) -> Result<Vec<u8>> {
        retry(GitError::passes, || {
            let answer = self.ask(doing, args, stdin)?;
            match answer.exit {
                Some(Exit::Code(0)) if !answer.late => Ok(answer.stdout),
                _ => Err(self.failed(doing, &answer)),
            }
        })
    }

    /// Runs one command that goes on after each file it cannot take, and then ends with 1. Tried again as [`Git::run`]
    /// does; what a clean-up took away in one of several files would be missing else.
    pub(crate) fn run_partly(
        &self,
        doing: &'static str,
        args: &[&str],
        stdin: &[u8],
    ) -> Result<HelperOutput> {
        let mut last = None;
        let answer = retry(GitError::passes, || {
            let answer = self.ask(doing, args, stdin)?;
            if answer.exit == Some(Exit::Code(0)) && !answer.late {
                return Ok(answer);
            }
            let failed = self.failed(doing, &answer);
            let partly = answer.exit == Some(Exit::Code(1)) && !answer.late;
            if partly && failed.passes() == Retryable::No {
                return Ok(answer);
            }
            last = partly.then_some(answer);
            Err(failed)
        });
        answer.or_else(|error| last.ok_or(error))
    }

    pub(crate) fn ask(
        &self,
        doing: &'static str,
        args: &[&str],
        stdin: &[u8],
    ) -> Result<HelperOutput> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let missing = || self.error(doing, "git is not installed (or not in PATH)".into());
        let program = env::find_program("git").ok_or_else(missing)?;
        let (env, cwd, limit_ms) = (&self.env, &self.cwd, self.limit_ms);
        helper::run(&Helper { program: &program, args: &args, env, cwd, stdin, limit_ms })
            .map_err(|error| self.error(doing, error.to_string()))
    }

    pub(crate) fn oid(&self, doing: &'static str, args: &[&str], stdin: &[u8]) -> Result<Oid> {
        let printed = self.run(doing, args, stdin)?;
        let text = String::from_utf8_lossy(&printed).trim().to_owned();
        Oid::from_str(&text).map_err(|_| self.error(doing, format!("git printed {text:?}")))
    }

    /// What an answer that is not a success means.
    pub(crate) fn failed(&self, doing: &'static str, answer: &HelperOutput) -> GitError {
        let words = words(&answer.stderr);
        let how = match (&answer.exit, answer.late) {
            (_, true) => format!("it took longer than {} s", self.limit_ms / 1000),
            (Some(exit), _) => exit.to_string(),
            (None, _) => "its end was not seen".into(),
        };
        let said = if words.is_empty() { how } else { format!("{words} ({how})") };
        self.error(doing, said)
    }

    fn error(&self, doing: &'static str, words: String) -> GitError {
        GitError::Command { doing, path: self.place(), words }
    }

    /// Where it works, for people.
    fn place(&self) -> PathBuf {
        fs::canonical(&self.cwd).unwrap_or_else(|_| self.cwd.clone())
    }
}

/// The lines of git's that matter, as one line for people.
pub(crate) fn words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr).into_owned();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let matters = |line: &&str| !line.starts_with("hint:") && !line.starts_with("warning:");
    let mut last: Vec<&str> = lines.filter(matters).rev().take(4).collect();
    last.reverse();
    last.join("; ").chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect()
}

pub(crate) type TreePath = Vec<u8>;

/// So many names are written out for people.
pub(crate) const NAMED: usize = 5;

pub(crate) fn printed(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}

/// A few names for people.
pub(crate) fn names(paths: &[TreePath]) -> String {
    let mut list: Vec<String> = paths
        .iter()
        .take(NAMED)
        .map(|path| {
            let text = String::from_utf8_lossy(path);
            let plain = !text.chars().any(|c| c.is_control() || c == ',');
            if plain { text.into_owned() } else { format!("{text:?}") }
        })
        .collect();
    if paths.len() > NAMED {
        list.push(format!("and {} more", paths.len() - NAMED));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_becomes_one_line() {
        let said = b"warning: x\nfatal: a\x1b[0m\n\nhint: do\nerror: b\n";
        assert_eq!(words(said), "fatal: a [0m; error: b");
    }

    #[test]
    fn variables_that_name_places_are_not_passed_on() {
        let git = Git::bare(Path::new("/x")).with("GIT_INDEX_FILE", "/i");
        let get = |name: &str| git.env.iter().find(|(key, _)| key == name).map(|(_, v)| v.clone());
        assert_eq!(get("GIT_DIR"), Some("/x".into()));
        assert_eq!(get("GIT_INDEX_FILE"), Some("/i".into()));
        assert_eq!(get("GIT_WORK_TREE"), None);
    }
}
