//! The names of groups, which say who made them, and the removal of empty ones whose makers are dead.

use std::path::Path;

use super::kill::{children, members, remove};
use crate::sys::process::{Presence, sight_of};

/// How the name of every group of ours begins.
const PREFIX: &str = "swarmdir-";

pub(super) fn prefix(worker: &str) -> String {
    format!("{PREFIX}{worker}.")
}

/// Removes the empty groups in a directory whose makers are dead, of whichever queue they were.
pub(super) fn tidy_in(dir: &Path) {
    for dir in children(dir) {
        let maker = dir.file_name().and_then(|name| maker(name.to_str()?));
        let dead = maker.is_some_and(|(pid, ticks)| sight_of(pid, ticks) == Presence::Ended);
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
