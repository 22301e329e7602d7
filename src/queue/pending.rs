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

/// What is remembered of files that were not settled, between two looks.
#[derive(Debug, Default)]
pub struct Looks {
    seen: HashMap<OsString, Sight>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sight {
    what: (u64, u64, i64, i64),
    since_ms: u64,
}

/// A file to take up now, and one that needs time.
#[derive(Debug, Default)]
pub struct Drops {
    /// Settled, in the order in which they are taken up: by time, then by name.
    pub settled: Vec<OsString>,
    /// How many still need time; look again within a second.
    pub unsettled: usize,
}

impl Queue {
    /// Looks at the drop zone.
    pub fn drops(&self, looks: &mut Looks) -> Result<Drops> {
        let mut names = fs::list(&self.dir(Dir::Pending))?;
        names.retain(|name| !is_private(name));
        if names.is_empty() {
            looks.seen.clear();
            return Ok(Drops::default());
        }
        looks.seen.retain(|name, _| names.contains(name));
        let mut settled = Vec::new();
        let mut unsettled = 0;
        for name in names {
            let path = self.dir(Dir::Pending).join(&name);
            let Some(meta) = fs::look(&path)? else { continue };
            if looks.settled(&name, &path, &meta) {
                settled.push((fs::mtime_ns(&meta), name));
            } else {
                unsettled += 1;
            }
        }
        settled.sort();
        Ok(Drops { settled: settled.into_iter().map(|(_, name)| name).collect(), unsettled })
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
pub(super) fn is_private(name: &OsStr) -> bool {
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
