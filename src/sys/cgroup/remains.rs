//! Groups that workers left which were killed: found by name, wherever they lie, emptied and removed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::find::{CgroupBases, bases, mounts};
use super::kill::{CgroupKill, children, kill_all, remove};
use super::tidy::{prefix, tidy_in};
use crate::sys::grace::Grace;

/// Deeper than anybody nests groups.
const DEPTH: u32 = 16;

/// Ends all that is in the groups of a worker that is dead, and removes them.
pub fn end_of(worker: &str, grace: &mut Grace, patience_ms: u64) -> CgroupKill {
    let prefix = prefix(worker);
    let is_its = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    let mut found = Vec::new();
    for base in bases().map(|found| found.bases.as_slice()).unwrap_or_default() {
        found.extend(
            children(&base.dir).into_iter().filter(|dir| dir.file_name().is_some_and(is_its)),
        );
    }
    if found.is_empty() {
        // It may have been started elsewhere: in another session, by systemd.
        for mount in mounts() {
            gather(&mount.point, &is_its, DEPTH, &mut found);
        }
    }
    if found.is_empty() {
        return CgroupKill::default();
    }
    let dirs: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    let killed = kill_all(&dirs, grace, patience_ms);
    for dir in dirs {
        remove(dir);
    }
    killed
}

fn gather(dir: &Path, is_its: &dyn Fn(&OsStr) -> bool, depth: u32, found: &mut Vec<PathBuf>) {
    if depth == 0 {
        return;
    }
    for child in children(dir) {
        if child.file_name().is_some_and(is_its) {
            found.push(child);
        } else {
            gather(&child, is_its, depth - 1, found);
        }
    }
}

/// Removes the empty groups beside ours whose makers are dead, of whichever queue they were.
pub(super) fn tidy(found: &CgroupBases) {
    found.bases.iter().for_each(|base| tidy_in(&base.dir));
}
