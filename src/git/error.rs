//! What can go wrong with a repository or a tree, in words for people.
//!
//! One enum for the whole mechanism: callers tell apart what the task's author can mend (a name), what
//! the operator can mend (a repository) and what the machine did. Lost races are not in here.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::sys::fs::FsError;

pub(crate) type Result<T> = std::result::Result<T, GitError>;

/// What libgit2 answers, before it is known what was tried.
pub(crate) type GitResult<T> = std::result::Result<T, git2::Error>;

/// Whether an error goes away by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Retryable {
    Locked,
    /// A clean-up was in the way, perhaps.
    Stumble,
    No,
}

/// What went wrong.
#[derive(Debug)]
#[expect(missing_docs, reason = "what a variant says names its fields")]
pub enum GitError {
    /// There is no repository at or above this path.
    NotARepository { path: PathBuf },
    /// The repository belongs to another user.
    NotOwned { path: PathBuf },
    /// HEAD names a branch without a commit.
    Unborn { path: PathBuf },
    /// No branch, tag or commit of this name.
    UnknownBase {
        name: String,
        /// Branches with nearly this name, best first.
        near: Vec<String>,
    },
    /// More than one object begins like this.
    AmbiguousBase { name: String },
    /// The name leads to something else than a commit.
    NotACommit {
        name: String,
        /// What it is: `blob`, `tree`.
        kind: String,
    },
    /// Nobody may call a branch or a base like this.
    BadName { name: String, why: &'static str },
    /// The branch exists and is not this task's.
    BranchTaken { branch: String },
    /// A branch cannot be made because another one's name is its directory, or the other way round.
    BranchBlocked {
        branch: String,
        /// The branch in its way.
        by: String,
    },
    /// The task's branch is checked out somewhere else.
    BranchCheckedOut { branch: String, at: PathBuf },
    /// Another process holds one of git's locks, and does not let go.
    Locked {
        doing: &'static str,
        /// git's own words.
        message: String,
    },
    /// The file system refused.
    Fs(FsError),
    /// git's command line refused.
    Command {
        doing: &'static str,
        path: PathBuf,
        /// git's own words, on one line.
        words: String,
    },
    /// The directory of the trees is a symbolic link: what is behind it may be anybody's.
    TreesAreALink { path: PathBuf },
    /// Something else stands where a directory of ours was made.
    Replaced { path: PathBuf, what: String },
    /// libgit2 refused.
    Git {
        doing: &'static str,
        path: PathBuf,
        /// libgit2's answer.
        source: git2::Error,
    },
}

impl GitError {
    /// Names what was tried, for a closure that maps libgit2's errors.
    pub(crate) fn git(doing: &'static str, path: &Path) -> impl FnOnce(git2::Error) -> GitError {
        let path = path.to_owned();
        move |source| match source.code() {
            git2::ErrorCode::Locked => {
                GitError::Locked { doing, message: source.message().to_owned() }
            }
            git2::ErrorCode::Owner => GitError::NotOwned { path },
            _ => GitError::Git { doing, path, source },
        }
    }

    /// No room was left; git and libgit2 tell it only in words.
    pub fn disk_full(&self) -> bool {
        let full = |words: &str| words.contains("No space left") || words.contains("uota exceeded");
        match self {
            GitError::Fs(error) => error.disk_full(),
            GitError::Command { words, .. } => full(words),
            GitError::Git { source, .. } => full(source.message()),
            _ => false,
        }
    }

    /// Whether it goes away by itself, as far as git's words tell.
    pub(crate) fn passes(&self) -> Retryable {
        let GitError::Command { words, .. } = self else { return Retryable::No };
        let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
        if words.contains(".lock': File exists") {
            return Retryable::Locked;
        }
        // A clean-up removes directories of objects that were empty a moment ago.
        match says(&["unable to create temporary", "unable to write file", "failed to write"])
            && !self.disk_full()
        {
            true => Retryable::Stumble,
            false => Retryable::No,
        }
    }

    /// Whether git or libgit2 refused.
    pub(crate) fn is_git(&self) -> bool {
        matches!(self, GitError::Git { .. } | GitError::Command { .. })
    }

    /// Whether the task itself has to be changed: a name in it is wrong.
    pub fn is_the_tasks(&self) -> bool {
        matches!(
            self,
            GitError::UnknownBase { .. }
                | GitError::AmbiguousBase { .. }
                | GitError::NotACommit { .. }
                | GitError::BadName { .. }
                | GitError::BranchTaken { .. }
                | GitError::BranchBlocked { .. }
        )
    }

    /// What to do about it, where one can say.
    pub fn hint(&self) -> Option<String> {
        match self {
            GitError::NotARepository { path } => {
                Some(format!("git init {}", shell_words::quote(&path.to_string_lossy())))
            }
            GitError::NotOwned { path } => Some(format!(
                "git config --global --add safe.directory {}",
                shell_words::quote(&path.to_string_lossy())
            )),
            GitError::Unborn { .. } => {
                Some("make a first commit: git commit --allow-empty -m start".into())
            }
            GitError::UnknownBase { near, .. } => {
                near.first().map(|name| format!("did you mean {name:?}?"))
            }
            GitError::AmbiguousBase { .. } => Some("write more digits of the commit".into()),
            GitError::BranchTaken { .. } => Some("choose another `branch:` for the task".into()),
            GitError::BranchBlocked { by, .. } => {
                Some(format!("rename it: git branch -m {by} {by}-old"))
            }
            GitError::BranchCheckedOut { at, .. } => Some(format!(
                "git -C {} switch --detach",
                shell_words::quote(&at.to_string_lossy())
            )),
            GitError::TreesAreALink { path } => Some(format!(
                "rm {}; or name where the trees shall be: trees = \"DIR\" in swarm.toml",
                shell_words::quote(&path.to_string_lossy())
            )),
            GitError::Locked { .. } => {
                Some("see that no git runs there, then remove the .lock file it names".into())
            }
            GitError::Replaced { path, .. } => Some(format!(
                "look at it, and move it away: ls -l {}",
                shell_words::quote(&path.to_string_lossy())
            )),
            GitError::Git { source, .. } => forms(source.message()),
            _ => None,
        }
    }
}

/// What to do where a repository is stored in a form that libgit2 does not read.
fn forms(words: &str) -> Option<String> {
    if words.contains("refstorage") {
        return Some(
            "its references can be stored as files: git refs migrate --ref-format=files".into(),
        );
    }
    words
        .contains("object format")
        .then(|| "only repositories with SHA-1 objects can be used".into())
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GitError::NotARepository { path } => {
                write!(f, "there is no git repository at or above {path:?}")
            }
            GitError::NotOwned { path } => write!(f, "{path:?} belongs to another user"),
            GitError::Unborn { path } => write!(f, "{path:?} has no commit to start from yet"),
            GitError::UnknownBase { name, .. } => {
                write!(f, "no branch, tag or commit is called {name:?}")
            }
            GitError::AmbiguousBase { name } => {
                write!(f, "more than one object is called {name:?}")
            }
            GitError::NotACommit { name, kind } => write!(f, "{name:?} is a {kind}, not a commit"),
            GitError::BadName { name, why } => write!(f, "{name:?} cannot be used: {why}"),
            GitError::BranchTaken { branch } => write!(f, "a branch {branch:?} exists already"),
            GitError::BranchBlocked { branch, by } => {
                write!(f, "the branch {branch:?} cannot exist beside the branch {by:?}")
            }
            GitError::BranchCheckedOut { branch, at } => {
                write!(f, "the branch {branch:?} is checked out at {at:?}")
            }
            GitError::Locked { doing, message } => write!(f, "cannot {doing}: {message}"),
            GitError::Fs(error) => error.fmt(f),
            GitError::Command { doing, path, words } => {
                write!(f, "cannot {doing} in {path:?}: {words}")
            }
            GitError::Replaced { path, what } => {
                write!(f, "in place of {path:?} stands {what}; nothing in it is touched")
            }
            GitError::TreesAreALink { path } => {
                write!(f, "{path:?} is a symbolic link, so no trees are made there")
            }
            GitError::Git { doing, path, source } => {
                write!(f, "cannot {doing} in {path:?}: {}", source.message())
            }
        }
    }
}

impl std::error::Error for GitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            GitError::Fs(error) => Some(error),
            GitError::Git { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<FsError> for GitError {
    fn from(error: FsError) -> GitError {
        GitError::Fs(error)
    }
}
