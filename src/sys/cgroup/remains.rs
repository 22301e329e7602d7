//! Groups that workers left which were killed: found by name, wherever they lie, emptied and removed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::find::{Ground, ground, mounts};
use super::group::{PREFIX, prefix};
use super::kill::{Killed, children, kill_all, members, remove};
use crate::sys::grace::Grace;
use crate::sys::process::{Sight, sight_of};

/// Deeper than anybody nests groups.
const DEPTH: u32 = 16;

/// Ends all that is in the groups of a worker that is dead, and removes them.
pub fn end_of(worker: &str, grace: &mut Grace, patience_ms: u64) -> Killed {
    let prefix = prefix(worker);
    let is_its = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    let mut found = Vec::new();
    for base in ground().map(|ground| ground.bases.as_slice()).unwrap_or_default() {
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
        return Killed::default();
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
pub(super) fn tidy(ground: &Ground) {
    ground.bases.iter().for_each(|base| tidy_in(&base.dir));
}

/// The same in one place.
pub(super) fn tidy_in(dir: &Path) {
    for dir in children(dir) {
        let maker = dir.file_name().and_then(|name| maker(name.to_str()?));
        let dead = maker.is_some_and(|(pid, ticks)| sight_of(pid, ticks) == Sight::Ended);
        if dead && members(&dir).is_empty() {
            remove(&dir);
        }
    }
}

/// The process that made a group, by its name.
fn maker(name: &str) -> Option<(i32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('.').skip(1);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_who_made_it() {
        assert_eq!(maker("swarmdir-0a1b.42.777.0"), Some((42, 777)));
        assert_eq!(maker("swarmdir-own"), None);
        assert_eq!(maker("user.42.777.0"), None);
    }
}
