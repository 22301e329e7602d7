//! Row *prune*: an ended task is forgotten. Its name goes by one unlink, then what lay beside it.
//!
//! The mark `runs/T/pruned` says at which epoch that was meant. Every new run writes `retry.E` before it moves the
//! task, so a mark that is not older than the latest run, on a task without its name, is of a task that is nowhere:
//! what is left of it is garbage, whoever died.

use std::path::PathBuf;

use super::finish::Transition;
use super::shift::EndedTask;
use super::sweep::is_old;
use super::{Queue, Result};
use crate::domain::task::id::{Epoch, TaskId};
use crate::domain::task::name::TaskEpoch;
use crate::site::{Dir, REPORT};
use crate::sys::fs;

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
