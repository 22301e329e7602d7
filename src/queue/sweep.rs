//! Rows *sweep* and *prune*: what crashes leave and nobody needs goes; an ended task is forgotten.
//!
//! Sweeping is idempotent, and never takes what a live process still uses. Of an ended task the name goes by one unlink, then
//! what lay beside it. The mark `runs/T/pruned` says at which epoch that was meant. Every new run writes `retry.E` before it
//! moves the task, so a mark that is not older than the latest run, on a task without its name, is of a task that is nowhere:
//! what is left of it is garbage, whoever died.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::finish::Transition;
use super::open::{PROBE, PROBED, STAGED_FORMAT};
use super::register::is_torn;
use super::shift::EndedTask;
use super::{Queue, Result};
use crate::domain::task::id::{Epoch, TaskId, WorkerId};
use crate::domain::task::name::TaskEpoch;
use crate::site::{Dir, REPORT};
use crate::sys::fs;

/// Staging files and empty reservations are garbage when they are so old, milliseconds: no live process
/// pauses so long between two calls without being declared dead.
const OLD_MS: u64 = 3_600_000;

impl Queue {
    /// Removes old staging files, reports of files that were not rejected after all, cancel requests what is nowhere,
    /// requests to retire and probes of workers that are gone, and reservations that came to nothing. Returns how many names went.
    pub fn sweep(&self) -> Result<usize> {
        let now = self.file_system_now()?;
        Ok(self.sweep_staging(now)?
            + self.sweep_reports(now)?
            + self.sweep_cancel_requests(now)?
            + self.sweep_retired()?
            + self.sweep_probes()?
            + self.sweep_reservations(now)?)
    }

    /// Removes claims and workers' files whose content a power cut took. Whoever made them is dead; the task
    /// behind such a claim is ready again under the same name, as if the claim had never been.
    pub fn sweep_torn(&self) -> Result<usize> {
        let mut removed = 0;
        for dir in [Dir::Claims, Dir::Workers, Dir::Gone] {
            let ours = |name: &str| match dir {
                Dir::Claims => TaskEpoch::parse(name).is_some(),
                _ => WorkerId::parse(name).is_some(),
            };
            for name in fs::list(&self.dir(dir))? {
                let path = self.dir(dir).join(&name);
                if name.to_str().is_some_and(ours) && is_torn(&path) {
                    removed += usize::from(fs::unlink(&path)?);
                }
            }
        }
        Ok(removed)
    }

    /// What is staged in `tmp/`; elsewhere what a start that died left of its trial of the file system.
    fn sweep_staging(&self, now: i128) -> Result<usize> {
        let mut removed = 0;
        for dir in PROBED {
            for name in fs::list(&self.dir(dir))? {
                let bytes = name.as_encoded_bytes();
                let ours =
                    bytes.starts_with(PROBE.as_bytes()) || dir == Dir::Tmp && is_staging(bytes);
                let path = self.dir(dir).join(&name);
                if ours && is_old(&path, now, Metadata::is_file)? {
                    removed += usize::from(fs::unlink(&path)?);
                }
            }
        }
        Ok(removed)
    }

    /// A report is written before its file is moved beside it: whoever died in between left it alone. Whoever
    /// rejects the same name again writes it anew, so that it is not old.
    fn sweep_reports(&self, now: i128) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Rejected))? {
            let Some(at) = name.to_str().and_then(|name| name.strip_suffix(REPORT)) else {
                continue;
            };
            let path = self.dir(Dir::Rejected).join(&name);
            if is_old(&path, now, Metadata::is_file)?
                && fs::look(&self.file(Dir::Rejected, at))?.is_none()
            {
                removed += usize::from(fs::unlink(&path)?);
            }
        }
        Ok(removed)
    }

    /// Requests that nobody could carry out for so long: somebody removed the task by hand.
    fn sweep_cancel_requests(&self, now: i128) -> Result<usize> {
        let mut removed = 0;
        for request in self.cancel_requests()? {
            let path = self.file(Dir::Cancel, &request);
            if is_old(&path, now, Metadata::is_file)? && self.whereabouts(&request.id)?.is_none() {
                removed += usize::from(fs::unlink(&path)?);
            }
        }
        Ok(removed)
    }

    fn sweep_retired(&self) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Retire))? {
            let Some(id) = name.to_str().and_then(WorkerId::parse) else { continue };
            let path = self.dir(Dir::Retire).join(&name);
            let asked = fs::look(&path)?.is_some_and(|meta| meta.is_file());
            if asked && fs::look(&self.file(Dir::Workers, id))?.is_none() {
                removed += usize::from(fs::unlink(&path)?);
            }
        }
        Ok(removed)
    }

    /// Old reservations that came to nothing.
    fn sweep_reservations(&self, now: i128) -> Result<usize> {
        let mut removed = 0;
        for name in fs::list(&self.dir(Dir::Runs))? {
            let Some(id) = name.to_str().and_then(TaskId::parse) else { continue };
            if is_old(self.paths.run(&id).dir(), now, Metadata::is_dir)?
                && self.is_only_reserved(&id)?
            {
                self.unreserve(&id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// A directory in `runs/` that holds no more than the dropped name, of a task that is nowhere.
    pub(super) fn is_only_reserved(&self, id: &TaskId) -> Result<bool> {
        let names = fs::list_if_any(self.paths.run(id).dir())?;
        Ok(names.iter().all(|n| n == "name") && self.whereabouts(id)?.is_none())
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

/// Whether a name in `tmp/` is one that the queue gives; all else there is somebody's own.
fn is_staging(name: &[u8]) -> bool {
    let hex =
        |digits: &[u8]| digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    match name.strip_prefix(STAGED_FORMAT.as_bytes()) {
        Some(id) => id.len() == 32 && hex(id),
        None => name.len() == 16 && hex(name),
    }
}

/// Whether something of this kind has been there unchanged for so long that nobody uses it.
pub(super) fn is_old(path: &Path, now: i128, kind: fn(&Metadata) -> bool) -> Result<bool> {
    let meta = fs::look(path)?.filter(kind);
    Ok(meta.is_some_and(|meta| now - fs::mtime_ns(&meta) > i128::from(OLD_MS) * 1_000_000))
}

impl EndedTask {
    /// Its directory, and its name there.
    pub fn place(&self) -> (Dir, String) {
        match self {
            EndedTask::Done(name) => (Dir::Done, name.to_string()),
            EndedTask::Failed(name) => (Dir::Failed, name.to_string()),
            EndedTask::Cancelled(at) => (Dir::Cancelled, at.to_string()),
            EndedTask::Rejected(at) => (Dir::Rejected, at.to_string()),
        }
    }
}

impl Queue {
    /// The file that an ended task is.
    pub fn ended_file(&self, ended: &EndedTask) -> PathBuf {
        let (dir, name) = ended.place();
        self.file(dir, name)
    }

    /// Forgets an ended task. Refused: somebody retried or pruned it meanwhile, or its worker has not left it yet:
    /// one whose task was cancelled learns that at its next heartbeat.
    pub fn prune(&self, ended: &EndedTask) -> Result<Transition> {
        let at = ended.at();
        if self.is_claimed(at) {
            return Ok(Transition::Refused);
        }
        let (dir, name) = ended.place();
        let run = self.paths.run(&at.id);
        if fs::is_dir(run.dir()) {
            let epoch = at.epoch.to_string();
            fs::write_synced(&run.pruned(), epoch.as_bytes(), self.strict())?;
            if self.strict() {
                fs::sync(run.dir())?;
            }
        }
        if !fs::unlink(&self.file(dir, &name))? {
            return Ok(Transition::Refused);
        }
        self.sync_dir(dir)?;
        if let EndedTask::Rejected(at) = ended {
            fs::unlink(&self.paths.report(at))?;
        }
        self.drop_cancel_requests(at)?;
        self.clear_run(&at.id)?;
        Ok(Transition::Won)
    }

    /// Goes on with what was cut short: returns how many tasks' remains went.
    pub fn clear_pruned(&self) -> Result<usize> {
        let marked = self.marked()?;
        if marked.is_empty() {
            return Ok(0);
        }
        let mut cleared = 0;
        let ended = self.all_ended()?;
        for (id, epoch) in marked {
            if self.run_epoch(&id)? > epoch {
                fs::unlink(&self.paths.run(&id).pruned())?;
            } else if !ended.iter().any(|ended| ended.at().id == id) {
                self.clear_run(&id)?;
                cleared += 1;
            }
        }
        Ok(cleared)
    }

    /// Tasks with the mark. One that cannot be read was not yet whole, so its task still has its name.
    fn marked(&self) -> Result<Vec<(TaskId, Epoch)>> {
        let ids = self.run_ids()?.into_iter();
        let mark = |id: TaskId| {
            let bytes = fs::read_if_any(&self.paths.run(&id).pruned()).ok()??;
            Some((id, Epoch::parse(std::str::from_utf8(&bytes).ok()?)?))
        };
        Ok(ids.filter_map(mark).collect())
    }

    /// Every directory in `runs/`.
    pub fn run_ids(&self) -> Result<Vec<TaskId>> {
        let names = fs::list(&self.dir(Dir::Runs))?;
        Ok(names.iter().filter_map(|name| TaskId::parse(name.to_str()?)).collect())
    }

    /// Removes `runs/T`, the mark last, so that it can be gone on with.
    fn clear_run(&self, id: &TaskId) -> Result<()> {
        let run = self.paths.run(id);
        for name in fs::list_if_any(run.dir())? {
            let path = run.dir().join(name);
            if path == run.pruned() {
                continue;
            } else if fs::is_dir(&path) {
                fs::remove_tree(&path)?;
            } else {
                fs::unlink(&path)?;
            }
        }
        fs::unlink(&run.pruned())?;
        fs::rmdir(run.dir())?;
        Ok(())
    }

    /// Removes what is in `runs/` of a task that has no name any more. The caller saw twice that it has none; this
    /// looks a last time.
    pub fn clear_lost_run(&self, id: &TaskId) -> Result<Transition> {
        if self.whereabouts(id)?.is_some() || !self.is_old_run(id)? {
            return Ok(Transition::Refused);
        }
        self.clear_run(id)?;
        Ok(Transition::Won)
    }

    /// Whether a task's directory has not changed for so long that no intake can be under way.
    pub fn is_old_run(&self, id: &TaskId) -> Result<bool> {
        is_old(self.paths.run(id).dir(), self.file_system_now()?, std::fs::Metadata::is_dir)
    }

    /// Reports in `rejected/` whose task is not there: it was retried or removed, or whoever wrote the report died.
    pub fn lone_reports(&self) -> Result<Vec<PathBuf>> {
        let mut lone = Vec::new();
        for name in fs::list(&self.dir(Dir::Rejected))? {
            let at = name.to_str().and_then(|n| TaskEpoch::parse(n.strip_suffix(REPORT)?));
            if at.is_some_and(|at| !fs::exists(&self.file(Dir::Rejected, at))) {
                lone.push(self.dir(Dir::Rejected).join(name));
            }
        }
        Ok(lone)
    }

    /// Removes such a report, if nobody is about to reject its task.
    pub fn clear_report(&self, path: &std::path::Path) -> Result<bool> {
        let old = is_old(path, self.file_system_now()?, std::fs::Metadata::is_file)?;
        let still = self.lone_reports()?.iter().any(|lone| lone == path);
        Ok(old && still && fs::unlink(path)?)
    }
}
