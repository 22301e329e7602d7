//! The journal: who did what when, one append-only file a process. It holds [`Event`]s and nothing else, and is
//! evidence, never state.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Queue, Result};
use crate::domain::event::{Event, EventLine};
use crate::domain::task::id::WorkerId;
use crate::site::Dir;
use crate::sys::lock::Lock;
use crate::sys::{clock, fs};

/// The journal that commands share; nobody holds it.
const SHARED: &str = "commands";
/// The shared one begins anew above this size, bytes.
const SHARED_MAX: u64 = 8 << 20;

/// A process's own journal begins anew above this size, bytes; the part before stays beside it, as `NAME.1.jsonl`.
const PART_MAX: u64 = 16 << 20;

/// So many journals of processes that are gone are left by housekeeping, the newest, and all together so large, bytes.
const LEFT_COUNT: usize = 512;
const LEFT_BYTES: u64 = 256 << 20;

/// One process's own file in `log/`.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    owner: String,
    part: Mutex<Part>,
}

/// The file as it is open now.
#[derive(Debug)]
struct Part {
    file: File,
    bytes: u64,
    /// Says that its process lives.
    _alive: Option<Lock>,
}

impl Part {
    fn open(path: &Path, owner: &str) -> fs::Result<Part> {
        let file = fs::open_append(path)?;
        // Where locks do not work, age alone protects it.
        let alive = if owner == SHARED { None } else { Lock::try_take(path).ok().flatten() };
        let bytes = fs::look(path)?.map_or(0, |meta| meta.len());
        Ok(Part { file, bytes, _alive: alive })
    }
}

#[derive(Clone, Debug)]
pub struct JournalFile {
    pub path: PathBuf,
    pub bytes: u64,
    /// Its last line was written then, milliseconds since 1970.
    pub written_ms: u64,
    /// Its process lives, as far as can be seen.
    pub alive: bool,
}

impl Queue {
    /// Opens this process's journal.
    pub fn journal(&self, owner: &str) -> Result<Journal> {
        let path = self.paths.journal(owner);
        let part = Mutex::new(Part::open(&path, owner)?);
        Ok(Journal { path, owner: owner.to_owned(), part })
    }

    /// The journal that commands share.
    pub fn commands_journal(&self) -> Result<Journal> {
        self.journal(SHARED)
    }

    /// Every journal. The shared one never counts as left.
    pub fn journals(&self) -> Result<Vec<JournalFile>> {
        let mut found = Vec::new();
        for name in fs::list(&self.dir(Dir::Log))? {
            let path = self.dir(Dir::Log).join(&name);
            let Some(meta) = fs::look(&path)?.filter(std::fs::Metadata::is_file) else { continue };
            let owner = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
            let whole = owner.map(|owner| owner.strip_suffix(".1").unwrap_or(owner));
            let registered = whole.and_then(WorkerId::parse).is_some_and(|id| {
                [Dir::Workers, Dir::Gone].iter().any(|dir| fs::exists(&self.file(*dir, &id)))
            });
            let alive = owner.is_none_or(|owner| owner == SHARED)
                || registered
                || Lock::try_take(&path)?.is_none();
            let written_ms = u64::try_from(fs::mtime_ns(&meta) / 1_000_000).unwrap_or(0);
            found.push(JournalFile { path, bytes: meta.len(), written_ms, alive });
        }
        Ok(found)
    }

    /// Lets the shared journal begin anew where it has grown large; what was written is then a journal like others.
    pub fn rotate_shared(&self) -> Result<bool> {
        let path = self.paths.journal(SHARED);
        if fs::look(&path)?.is_none_or(|meta| meta.len() <= SHARED_MAX) {
            return Ok(false);
        }
        let name = format!("{SHARED}-{}.jsonl", clock::stamp(clock::now()));
        Ok(fs::rename(&path, &self.file(Dir::Log, name))? == fs::Renamed::Done)
    }

    /// Every event of every journal, as far as it can be read.
    pub fn events(&self) -> Result<Vec<EventLine>> {
        let dir = self.dir(Dir::Log);
        let mut events = Vec::new();
        for name in fs::list(&dir)? {
            let text = fs::read_text(&dir.join(name))?;
            events.extend(text.lines().filter_map(EventLine::parse));
        }
        Ok(events)
    }

    /// Keeps what dead processes left bounded, and the shared journal. Returns how many journals went.
    pub fn trim_journals(&self) -> Result<usize> {
        self.rotate_shared()?;
        let mut left = self.journals()?;
        left.retain(|journal| !journal.alive);
        left.sort_by_key(|journal| std::cmp::Reverse(journal.written_ms));
        let mut bytes = 0;
        let mut removed = 0;
        for (place, journal) in left.iter().enumerate() {
            bytes += journal.bytes;
            if place >= LEFT_COUNT || bytes > LEFT_BYTES {
                removed += usize::from(fs::unlink(&journal.path)?);
            }
        }
        Ok(removed)
    }
}

impl Journal {
    /// Records an event. A journal that cannot be written must not stop the work that it describes.
    pub fn record(&self, event: Event) {
        let text = EventLine::new(clock::now(), event).text();
        let mut part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
        // A line that is lost is only evidence.
        fs::write_all(&part.file, &self.path, text.as_bytes()).ok();
        part.bytes += text.len() as u64;
        // Others write to the shared one: `gc` turns that.
        if part.bytes > PART_MAX && self.owner != SHARED {
            // A file that stays larger does no harm.
            self.turn(&mut part).ok();
        }
    }

    fn turn(&self, part: &mut Part) -> fs::Result<()> {
        let before = self.path.with_file_name(format!("{}.1.jsonl", self.owner));
        fs::unlink(&before)?;
        // The file is this process's alone: this rename loses no race.
        let _ = fs::rename(&self.path, &before)?;
        *part = Part::open(&self.path, &self.owner)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_journal_is_in_two_parts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("W.jsonl");
        let part = Part::open(&path, "W").unwrap();
        let journal = Journal { path: path.clone(), owner: "W".into(), part: Mutex::new(part) };
        let more = "x".repeat(1 << 20);
        for n in 0..40 {
            let name = format!("{n}");
            journal.record(Event::TaskUntrusted { name, why: more.clone() });
        }
        let mut names = fs::list(dir.path()).unwrap();
        names.sort();
        assert_eq!(names, ["W.1.jsonl", "W.jsonl"]);
        let size = |name| fs::look(&dir.path().join(name)).unwrap().unwrap().len();
        assert!(size("W.1.jsonl") < PART_MAX + (2 << 20) && size("W.jsonl") < PART_MAX);
        assert!(fs::read_text(&path).unwrap().contains("\"name\":\"39\""));
        assert!(Lock::try_take(&path).unwrap().is_none(), "its process lives");
    }
}
