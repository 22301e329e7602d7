//! How far upward a root is looked for, and whose directories count.
//!
//! As git looks for a repository: not beyond the top of the repository around, not beyond the user's home, and not into
//! what belongs to another user, unless the user's own `safe.directory` admits it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::git::safe_directories;
use crate::domain::trust::User;
use crate::sys::{env, fs};

#[derive(Debug)]
pub struct Search {
    user: User,
    home: OnceCell<Option<PathBuf>>,
    safe: OnceCell<Vec<PathBuf>>,
}

impl Search {
    /// For this process's user.
    pub fn new() -> Search {
        Search { user: env::user(), home: OnceCell::new(), safe: OnceCell::new() }
    }

    /// Whether nothing above this directory is looked at.
    pub fn ends_at(&self, dir: &Path) -> bool {
        let home = || env::home().and_then(|home| fs::canonical(&home).ok());
        fs::exists(&dir.join(".git")) || self.home.get_or_init(home).as_deref() == Some(dir)
    }

    /// Whether what this directory holds under a name may be used: the user owns both, or git was told that it is safe.
    pub fn admits(&self, dir: &Path, name: &str) -> bool {
        let ours = |path: &Path| {
            fs::look(path).is_ok_and(|meta| meta.is_none_or(|m| self.user.owns(fs::owner(&m))))
        };
        let mut path = dir.to_owned();
        let whole = Path::new(name).components().all(|part| {
            path.push(part);
            ours(&path)
        });
        (whole && ours(dir)) || self.is_safe(dir)
    }

    /// As git reads `safe.directory`: `*`, a directory, or a directory and all below it (`…/*`).
    fn is_safe(&self, dir: &Path) -> bool {
        let safe = self.safe.get_or_init(safe_directories);
        safe.iter().any(|entry| match entry.file_name() {
            _ if entry == Path::new("*") => true,
            Some(last) if last == "*" => {
                entry.parent().is_some_and(|above| dir != above && dir.starts_with(real(above)))
            }
            _ => real(entry) == dir,
        })
    }
}

impl Default for Search {
    fn default() -> Search {
        Search::new()
    }
}

fn real(path: &Path) -> PathBuf {
    fs::canonical(path).unwrap_or_else(|_| path.to_owned())
}
