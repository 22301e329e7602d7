//! Row *sweep*: what crashes leave and nobody needs. Idempotent, and never what a live process still uses.

use super::open::{PROBE, PROBED};
use super::register::is_torn;
use super::{Dir, Queue, Result};
use crate::domain::id::{TaskId, WorkerId};
use crate::sys::fs;

/// Staging files and empty reservations are garbage when they are so old, milliseconds: no live process
/// pauses so long between two calls without being declared dead.
const OLD_MS: u64 = 3_600_000;

impl Queue {
    /// Removes old staging files, wishes to retire of workers that are gone, and reservations that came to
    /// nothing. Returns how many names went.
    pub fn sweep(&self) -> Result<usize> {
        let now = self.file_system_now()?;
        Ok(self.sweep_staging(now)? + self.sweep_retired()? + self.sweep_reservations(now)?)
    }

    /// Removes claims and workers' files whose content a power cut took. Whoever made them is dead; the task
    /// behind such a claim is ready again under the same name, as if the claim had never been.
    pub fn sweep_torn(&self) -> Result<usize> {
        let mut removed = 0;
        for dir in [Dir::Claims, Dir::Workers, Dir::Gone] {
            for name in fs::list(&self.dir(dir))? {
                let path = self.dir(dir).join(&name);
                if !name.as_encoded_bytes().starts_with(b".") && is_torn(&path) {
                    removed += usize::from(fs::unlink(&path)?);
                }
            }
        }
        Ok(removed)
    }

    /// In `tmp/` all but the locks; elsewhere what a start that died left of its trial of the file system.
    fn sweep_staging(&self, now: i128) -> Result<usize> {
        let mut removed = 0;
        for dir in PROBED {
            for name in fs::list(&self.dir(dir))? {
                let bytes = name.as_encoded_bytes();
                let staged = dir == Dir::Tmp && !bytes.starts_with(b".");
                let path = self.dir(dir).join(&name);
                if (staged || bytes.starts_with(PROBE.as_bytes())) && is_old(&path, now)? {
                    removed += usize::from(fs::unlink(&path)?);
                }
            }
        }
        Ok(removed)
    }

    fn sweep_retired(&self) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Retire))? {
            let id = name.to_str().and_then(WorkerId::parse);
            if id.is_some_and(|id| !fs::exists(&self.file(Dir::Workers, id))) {
                removed += usize::from(fs::unlink(&self.dir(Dir::Retire).join(&name))?);
            }
        }
        Ok(removed)
    }

    /// A directory in `runs/` that holds no more than the dropped name, of a task that is nowhere.
    fn sweep_reservations(&self, now: i128) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Runs))? {
            let Some(id) = name.to_str().and_then(TaskId::parse) else { continue };
            let dir = self.run_dir(&id);
            let only_reserved = || {
                let names = fs::list_if_any(&dir)?;
                fs::Result::Ok(names.iter().all(|n| n == "name"))
            };
            if is_old(&dir, now)? && only_reserved()? && self.whereabouts(&id)?.is_none() {
                self.unreserve(&id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// What the clock of the file system says, nanoseconds: the time of a file made just now.
    pub(super) fn file_system_now(&self) -> Result<i128> {
        let path = self.staging();
        fs::write(&path, b"")?;
        let made = fs::look(&path)?;
        fs::unlink(&path)?;
        Ok(made.as_ref().map_or(0, fs::mtime_ns))
    }
}

/// Older than any transition takes.
pub(super) fn is_old(path: &std::path::Path, now: i128) -> Result<bool> {
    let meta = fs::look(path)?;
    Ok(meta.is_some_and(|meta| now - fs::mtime_ns(&meta) > i128::from(OLD_MS) * 1_000_000))
}
