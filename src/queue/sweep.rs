//! Row *sweep*: what crashes leave and nobody needs. Idempotent, and never what a live process still uses.

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
        Ok(self.sweep_staging()? + self.sweep_retired()? + self.sweep_reservations()?)
    }

    fn sweep_staging(&self) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Tmp))? {
            let path = self.dir(Dir::Tmp).join(&name);
            if !name.as_encoded_bytes().starts_with(b".") && self.is_old(&path)? {
                removed += usize::from(fs::unlink(&path)?);
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
    fn sweep_reservations(&self) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Runs))? {
            let Some(id) = name.to_str().and_then(TaskId::parse) else { continue };
            let dir = self.run_dir(&id);
            let only_reserved = || {
                let names = fs::list_if_any(&dir)?;
                fs::Result::Ok(names.iter().all(|n| n == "name"))
            };
            if self.is_old(&dir)? && only_reserved()? && self.whereabouts(&id)?.is_none() {
                self.unreserve(&id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// By the file system's own clock: compared with a file that was made just now.
    fn is_old(&self, path: &std::path::Path) -> Result<bool> {
        let Some(meta) = fs::look(path)? else { return Ok(false) };
        let now = i128::from(crate::sys::clock::now().0) * 1_000_000;
        Ok(now - fs::mtime_ns(&meta) > i128::from(OLD_MS) * 1_000_000)
    }
}
