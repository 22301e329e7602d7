//! A small repository to play with, for the demo and the self-test: made by git itself, as users do.

use std::path::Path;

use crate::site::IGNORED;
use crate::sys::fs::FsError;
use crate::sys::{fs, tool};

/// Makes what lies in this directory the first commit of a repository, and hides the queue from it. It has an author
/// of its own: a fresh machine has none. An error says which command failed, and why.
pub fn repository(root: &Path) -> Result<(), String> {
    let ignored = IGNORED.map(|name| format!("/{name}\n")).concat();
    fs::write_with_umask(&root.join(".gitignore"), ignored.as_bytes())
        .map_err(|e: FsError| e.to_string())?;
    let path = root.to_string_lossy().into_owned();
    for args in [
        vec!["init", "-q", "-b", "main", &path],
        vec!["-C", &path, "config", "user.name", "swarmdir"],
        vec!["-C", &path, "config", "user.email", "swarmdir@localhost"],
        vec!["-C", &path, "add", "-A"],
        vec!["-C", &path, "commit", "-q", "-m", "Start"],
    ] {
        tool::run("git", &args).map_err(|why| format!("git {}: {why}", args.join(" ")))?;
    }
    Ok(())
}
