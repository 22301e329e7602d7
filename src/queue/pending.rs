//! What lies in `pending/`, and whether it is still being written.
//!
//! Anybody may write here, so nothing is trusted: names are bytes, files may be links or FIFOs, and "settled"
//! is only a hint that saves work. What counts is decided under the name that take-up gives.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Dir, Queue, Result};
use crate::sys::clock;
use crate::sys::fs;
use crate::sys::settled::{Writers, writers};

/// Where the kernel does not tell about writers: unchanged for so long, milliseconds.
const QUIET_MS: u64 = 1_500;
/// An empty file gets so long for its content to arrive, milliseconds.
const EMPTY_MS: u64 = 5_000;

/// A list is believed for so long while it still holds names, milliseconds.
const FRESH_MS: u64 = 200;
/// Listing takes at most one part in so many of the time.
const SHARE: u64 = 20;

/// What is remembered between two looks: the list, and files that were not settled.
#[derive(Debug, Default)]
pub struct Looks {
    seen: HashMap<OsString, Sight>,
    /// Names of the latest listing that were not looked at yet, last first. With very many files it saves
    /// looking at all of them for each batch.
    backlog: Vec<OsString>,
    stale_at_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sight {
    what: (u64, u64, i64, i64),
    since_ms: u64,
}

/// Files to take up now, and how many need time.
#[derive(Debug, Default)]
pub struct Drops {
    /// Settled, in the order in which they are taken up: by time, then by name.
    pub settled: Vec<OsString>,
    /// How many still need time or were not looked at; look again within a second.
    pub unsettled: usize,
}

impl Queue {
    /// How many files lie in the drop zone, as far as is known; lists it where that is not known any more.
    pub fn dropped(&self, looks: &mut Looks) -> Result<usize> {
        let before = clock::mono_ms();
        if looks.backlog.is_empty() || before >= looks.stale_at_ms {
            self.list_drops(looks)?;
            let after = clock::mono_ms();
            looks.stale_at_ms = after + FRESH_MS.max((after - before) * SHARE);
        }
        Ok(looks.backlog.len())
    }

    fn list_drops(&self, looks: &mut Looks) -> Result<()> {
        let mut names = fs::list(&self.dir(Dir::Pending))?;
        names.retain(|name| !is_private(name));
        looks.backlog.clear();
        if names.is_empty() {
            looks.seen.clear();
            return Ok(());
        }
        looks.seen.retain(|name, _| names.contains(name));
        let mut timed = Vec::with_capacity(names.len());
        for name in names {
            if let Some(meta) = fs::look(&self.dir(Dir::Pending).join(&name))? {
                timed.push((fs::mtime_ns(&meta), name));
            }
        }
        timed.sort_unstable_by(|a, b| b.cmp(a));
        looks.backlog = timed.into_iter().map(|(_, name)| name).collect();
        Ok(())
    }

    /// Looks at what [`Queue::dropped`] found, until so many are settled.
    pub fn drops(&self, looks: &mut Looks, most: usize) -> Result<Drops> {
        let mut drops = Drops::default();
        while drops.settled.len() < most {
            let Some(name) = looks.backlog.pop() else { break };
            let path = self.dir(Dir::Pending).join(&name);
            let Some(meta) = fs::look(&path)? else { continue };
            if looks.settled(&name, &path, &meta) {
                drops.settled.push(name);
            } else {
                drops.unsettled += 1;
            }
        }
        drops.unsettled += looks.backlog.len();
        Ok(drops)
    }
}

impl Looks {
    /// Whether nobody seems to write to the file any more.
    pub(super) fn settled(&mut self, name: &OsStr, path: &Path, meta: &Metadata) -> bool {
        if !meta.is_file() {
            return true;
        }
        let patience = match (meta.len(), open_writers(path)) {
            (_, Writers::Some) => return self.forget(name),
            (0, _) => EMPTY_MS,
            (_, Writers::None) => return true,
            (_, Writers::Unknown) => QUIET_MS,
        };
        let what = (meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec());
        let now = clock::mono_ms();
        let sight = self.seen.entry(name.to_owned()).or_insert(Sight { what, since_ms: now });
        if sight.what != what {
            *sight = Sight { what, since_ms: now };
        }
        now - sight.since_ms >= patience
    }

    /// Whether a name of ours was there a while ago already, so that its maker has probably died.
    pub(super) fn lingers(&mut self, name: &str) -> bool {
        let now = clock::mono_ms();
        let fresh = Sight { what: (0, 0, 0, 0), since_ms: now };
        let sight = self.seen.entry(OsString::from(name)).or_insert(fresh);
        now - sight.since_ms >= QUIET_MS
    }

    /// Forgets what is not among these names any more.
    pub(super) fn keep_only(&mut self, names: &[impl ToString]) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.seen.retain(|seen, _| names.iter().any(|name| seen == OsStr::new(name)));
    }

    fn forget(&mut self, name: &OsStr) -> bool {
        self.seen.remove(name);
        false
    }
}

fn open_writers(path: &Path) -> Writers {
    match fs::open_foreign(path) {
        Ok(Some(file)) => writers(&file),
        _ => Writers::Unknown,
    }
}

/// Names that editors and copiers use for what is not finished.
fn is_private(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let ends = |suffix: &str| name.ends_with(suffix.as_bytes());
    name.starts_with(b".")
        || ends("~")
        || ends(".tmp")
        || ends(".swp")
        || ends(".part")
        || (name.starts_with(b"#") && ends("#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_leave_is_left_alone() {
        for name in [".x", "a~", "a.tmp", "a.swp", "a.part", "#a#"] {
            assert!(is_private(OsStr::new(name)), "{name}");
        }
        for name in ["a", "a.md", "-x", "a.tmpl", "~a"] {
            assert!(!is_private(OsStr::new(name)), "{name}");
        }
    }
}
