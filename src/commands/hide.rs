//! Keeping git from seeing what of ours lies in a checkout.

use std::path::Path;

use crate::git::{GitError, Repo, doctor};
use crate::site::IGNORED;
use crate::sys::fs;

/// Hides what of ours lies in a checkout from git. Returns what had to be added.
pub fn hide(repo: &Repo, root: &Path) -> Result<Vec<String>, GitError> {
    // A pattern with a slash at its end means no link to a directory.
    let as_it_is = |name: &'static str| match name.strip_suffix('/') {
        Some(dir) if fs::is_link(&root.join(dir)) => format!("/{dir}"),
        _ => format!("/{name}"),
    };
    let patterns = IGNORED.map(|name| exclusion(repo, root, &as_it_is(name)));
    doctor::exclude(repo, &patterns.each_ref().map(String::as_str))
}

/// A pattern from the root of the checkout, which may lie above ours.
fn exclusion(repo: &Repo, root: &Path, pattern: &str) -> String {
    let below = repo.checkout().and_then(|checkout| root.strip_prefix(checkout).ok());
    match below.and_then(Path::to_str) {
        Some(below) if !below.is_empty() => format!("/{below}{pattern}"),
        _ => pattern.to_owned(),
    }
}
