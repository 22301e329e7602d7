//! What lies in `pending/`, whether it is still being written, and reading it under its task's name.
//!
//! Anybody may write here, so nothing is trusted: names are bytes, files may be links or FIFOs, and "settled"
//! is only a hint that saves work. What counts is decided under the name that intake gives. Invariant: nothing is followed,
//! nothing is waited for.

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Queue, Result};
use crate::domain::settings::problem::Problem;
use crate::site::Dir;
use crate::sys::settled::{Writers, writers};
use crate::sys::{clock, fs};

/// Where the kernel does not tell about writers: unchanged for so long, milliseconds.
const QUIET_MS: u64 = 1_500;
/// An empty file gets so long for its content to arrive, milliseconds.
const EMPTY_MS: u64 = 5_000;

/// What may not be taken in is looked at again so much later, milliseconds.
const ASIDE_MS: u64 = 1_000;

/// A look at the drop zone takes at most one part in so many of a process's time.
const SHARE: u64 = 20;

/// What is remembered of files that were not settled, between two looks.
#[derive(Debug, Default)]
pub struct Sightings {
    seen: HashMap<OsString, Sighting>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sighting {
    what: (u64, u64, i64, i64),
    since_ms: u64,
}

/// One process's view of the drop zone: listed rarely, worked off in order.
#[derive(Debug, Default)]
pub struct DropZone {
    looks: Sightings,
    /// Names as listed, not yet looked at.
    listed: Vec<OsString>,
    /// Names in the order in which they are taken in: by time, then by name.
    backlog: VecDeque<OsString>,
    /// Names that need time.
    unsettled: usize,
    /// Names that the caller may not take up now, and until when they are not looked at.
    aside: HashMap<OsString, u64>,
    listed_again_at_ms: u64,
}

impl DropZone {
    /// How many files lie there, at the price of one listing at most.
    pub fn waiting(&mut self, queue: &Queue) -> Result<usize> {
        let now = clock::mono_ms();
        if self.backlog.is_empty() && now >= self.listed_again_at_ms {
            let mut names = fs::list(&queue.dir(Dir::Pending))?;
            names.retain(|name| !is_private(name));
            self.aside.retain(|name, until_ms| now < *until_ms && names.contains(name));
            names.retain(|name| !self.aside.contains_key(name));
            self.looks.seen.retain(|name, _| names.contains(name));
            self.unsettled = 0;
            self.listed = names;
            let after = clock::mono_ms();
            self.listed_again_at_ms = after + (after - now) * SHARE;
        }
        Ok(self.listed.len() + self.backlog.len() + self.unsettled)
    }

    /// The next settled files, at most so many. Call it only in one process at a time: it opens them.
    pub fn settled(&mut self, queue: &Queue, most: usize) -> Result<Vec<OsString>> {
        self.sort(queue)?;
        let mut settled = Vec::new();
        while settled.len() < most
            && let Some(name) = self.backlog.pop_front()
        {
            let path = queue.dir(Dir::Pending).join(&name);
            let Some(meta) = fs::look(&path)? else { continue };
            if self.looks.settled(&name, &path, &meta) {
                settled.push(name);
            } else {
                self.unsettled += 1;
            }
        }
        Ok(settled)
    }

    /// Leaves a name alone for a while: neither waits anybody for it, nor does it keep a drain from its end.
    pub fn set_aside(&mut self, name: &OsStr) {
        self.aside.insert(name.to_owned(), clock::mono_ms() + ASIDE_MS);
    }

    /// How many are left for a later look.
    pub fn left(&self) -> usize {
        self.backlog.len() + self.unsettled
    }

    fn sort(&mut self, queue: &Queue) -> Result<()> {
        let mut dated = Vec::with_capacity(self.listed.len());
        for name in self.listed.drain(..) {
            if let Some(meta) = fs::look(&queue.dir(Dir::Pending).join(&name))? {
                dated.push((fs::mtime_ns(&meta), name));
            }
        }
        dated.sort();
        self.backlog.extend(dated.into_iter().map(|(_, name)| name));
        Ok(())
    }
}

impl Sightings {
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
        let sight = self.seen.entry(name.to_owned()).or_insert(Sighting { what, since_ms: now });
        if sight.what != what {
            *sight = Sighting { what, since_ms: now };
        }
        now - sight.since_ms >= patience
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.seen.contains_key(OsStr::new(name))
    }

    /// Whether a name of ours was there a while ago already, so that its maker has probably died.
    pub(super) fn lingers(&mut self, name: &str) -> bool {
        let now = clock::mono_ms();
        let fresh = Sighting { what: (0, 0, 0, 0), since_ms: now };
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
pub fn is_private(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let ends = |suffix: &str| name.ends_with(suffix.as_bytes());
    name.starts_with(b".")
        || ends("~")
        || ends(".tmp")
        || ends(".swp")
        || ends(".part")
        || (name.starts_with(b"#") && ends("#"))
}

/// What a dropped file may hold, bytes; one more is read to see that there is more.
pub const MAX_TASK_BYTES: u64 = 10 * 1024 * 1024;

/// Who wrote what is taken in, and so whether it is durable, and may still be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Anybody.
    Foreign,
    /// We did, closed it and synced it. Nobody is asked about writers: a process that another thread is starting
    /// holds every descriptor that was open at that moment, until it executes its program.
    Synced,
}

pub(super) enum DroppedContent {
    Gone,
    /// It is still being written.
    Unsettled,
    /// It is no file, or may not be read.
    Wrong(Problem),
    /// Its content, cut one byte beyond [`MAX_TASK_BYTES`], and the open file.
    Bytes(File, Vec<u8>),
}

/// Reads it.
pub(super) fn read_dropped(path: &Path, written: Written) -> Result<DroppedContent> {
    let Some(meta) = fs::look(path)? else { return Ok(DroppedContent::Gone) };
    if !meta.is_file() {
        return Ok(DroppedContent::Wrong(not_a_file(&meta)));
    }
    let file = match fs::open_foreign(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(DroppedContent::Gone),
        // A process or a disk in trouble is not the file's fault: it is read again later.
        Err(e) if e.unopenable() => return Ok(DroppedContent::Wrong(unreadable(&e))),
        Err(e) => return Err(e.into()),
    };
    if written == Written::Foreign && writers(&file) == Writers::Some {
        return Ok(DroppedContent::Unsettled);
    }
    let bytes = fs::read_up_to(&file, path, MAX_TASK_BYTES)?;
    Ok(DroppedContent::Bytes(file, bytes))
}

fn not_a_file(meta: &std::fs::Metadata) -> Problem {
    use std::os::unix::fs::FileTypeExt;
    let kind = meta.file_type();
    let (what, hint) = match () {
        () if kind.is_symlink() => ("a symbolic link", "drop the file itself: cp or ln, not ln -s"),
        () if kind.is_dir() => ("a directory", "drop its files one by one"),
        () if kind.is_fifo() => ("a FIFO", "write the text to a file"),
        () if kind.is_socket() => ("a socket", "write the text to a file"),
        () => ("a device", "write the text to a file"),
    };
    Problem::new(format!("this is {what}, not a task file")).hint(hint)
}

fn unreadable(e: &fs::FsError) -> Problem {
    Problem::new(format!("it cannot be opened: {}", e.source))
        .hint("make it readable for the user that runs the swarm, then: coordinator retry TASK")
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
