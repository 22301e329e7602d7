//! Paths in settings: what they are relative to, and `~/`.

use std::path::{Path, PathBuf};

use crate::domain::settings::problem::Problem;
use crate::form::{Node, text};

/// What the paths of one layer are relative to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The root for the file and the environment, the working directory for flags.
    pub(super) base: &'a Path,
    /// The user's home, for `~/`.
    pub(super) home: Option<&'a Path>,
}

impl Place<'_> {
    /// Reads a path.
    pub(super) fn path(&self, node: &Node) -> Result<PathBuf, Problem> {
        let text = text(node)?;
        if text.trim().is_empty() {
            return Err(Problem::new("is blank").hint("leave the key out for the default"));
        }
        let in_home = if text == "~" { Some("") } else { text.strip_prefix("~/") };
        match (in_home, self.home) {
            (Some(rest), Some(home)) => Ok(joined(home, rest.as_ref())),
            (Some(_), None) => Err(Problem::new("begins with `~`, but HOME is not set")),
            (None, _) => Ok(joined(self.base, text.as_ref())),
        }
    }

    /// Reads a program: a bare name is left for PATH, everything else is a path.
    pub(super) fn program(&self, node: &Node) -> Result<PathBuf, Problem> {
        let name = text(node)?;
        let bare = !name.trim().is_empty() && !name.contains('/') && name != "~";
        if bare { Ok(PathBuf::from(name)) } else { self.path(node) }
    }
}

/// A path below a directory, unless it is absolute; without `.` in it.
pub(super) fn joined(base: &Path, path: &Path) -> PathBuf {
    base.join(path).components().collect()
}
