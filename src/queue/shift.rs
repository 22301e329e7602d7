//! Rows *unblock*, *re-prioritise*, *retry*: somebody moves a task that nobody works on.

use super::finish::Transition;
use super::{Queue, Result};
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{AttemptName, Band, QueueName, TaskEpoch};
use crate::domain::task::reason::{Reason, Wait};
use crate::site::Dir;
use crate::sys::fs;

/// A task's name in a directory of ended ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndedTask {
    /// `done/`
    Done(AttemptName),
    /// `failed/`
    Failed(AttemptName),
    /// `cancelled/`
    Cancelled(TaskEpoch),
    /// `rejected/`
    Rejected(TaskEpoch),
}

impl EndedTask {
    /// The task, and the epoch that it ended with.
    pub fn at(&self) -> &TaskEpoch {
        match self {
            EndedTask::Done(name) | EndedTask::Failed(name) => &name.at,
            EndedTask::Cancelled(at) | EndedTask::Rejected(at) => at,
        }
    }
}

impl Queue {
    /// Makes a blocked task eligible.
    pub fn unblock(&self, name: &QueueName) -> Result<Transition> {
        self.shift(Dir::Blocked, name, Dir::Ready, &name.ready_next())
    }

    /// Moves a waiting task to another band.
    pub fn reprioritise(&self, name: &QueueName, band: Band) -> Result<Transition> {
        match &name.reason {
            None => {
                let next = QueueName { band, ..name.ready_next() };
                self.shift(Dir::Ready, name, Dir::Ready, &next)
            }
            Some(reason) => {
                let next = QueueName { band, ..name.blocked_next(reason.clone()) };
                self.shift(Dir::Blocked, name, Dir::Blocked, &next)
            }
        }
    }

    /// Takes a waiting task out of the running until somebody releases it.
    pub fn hold(&self, name: &QueueName) -> Result<Transition> {
        let from = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
        self.shift(from, name, Dir::Blocked, &name.blocked_next(Reason::open(Wait::Hold)))
    }

    /// Begins a new run of an ended task; a rejected one is read anew. Only what ended badly: [`EndedTask::Done`]
    /// is refused by the caller.
    pub fn retry(&self, ended: &EndedTask) -> Result<Transition> {
        let at = ended.at().next();
        let (dir, name) = ended.place();
        let band = self.record_if_any(&at.id)?.map(|record| record.priority);
        self.write_retry(&at.id, at.epoch)?;
        let recorded = band.is_some();
        let reason = (!recorded).then(|| Reason::open(Wait::Intake));
        let to = if recorded { Dir::Ready } else { Dir::Blocked };
        let next = QueueName { band: band.unwrap_or_default(), at, reason };
        let closed = self.rename_once(&self.file(dir, &name), to, &next.to_string())?;
        if closed == Transition::Won {
            self.sync_dir(to)?;
            if let EndedTask::Rejected(at) = ended {
                fs::unlink(&self.paths.report(at))?;
            }
        }
        Ok(closed)
    }

    /// Whether somebody works on this name (or did, and died).
    pub fn is_claimed(&self, at: &TaskEpoch) -> bool {
        fs::exists(&self.file(Dir::Claims, at))
    }

    /// The name of a task in `ready/` at a known epoch: only the band is unknown, and the usual one is tried
    /// first. Cheaper than a listing.
    pub(super) fn ready_name(&self, at: &TaskEpoch) -> Result<Option<QueueName>> {
        let others = (0..=9).filter_map(Band::new).filter(|band| *band != Band::DEFAULT);
        for band in std::iter::once(Band::DEFAULT).chain(others) {
            let name = QueueName { band, at: at.clone(), reason: None };
            if fs::look(&self.file(Dir::Ready, &name))?.is_some() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    pub(super) fn shift(
        &self,
        from: Dir,
        name: &QueueName,
        to: Dir,
        next: &QueueName,
    ) -> Result<Transition> {
        let closed = self.rename_once(&self.file(from, name), to, &next.to_string())?;
        if closed == Transition::Won {
            self.sync_dir(to)?;
        }
        Ok(closed)
    }

    /// Where the task is now, by listing: waiting first, then ended. `None`: nowhere (it may be hopping).
    pub fn whereabouts(&self, id: &TaskId) -> Result<Option<TaskPlace>> {
        for dir in [Dir::Ready, Dir::Blocked] {
            let mut names = self.waiting_in(dir)?.into_iter();
            if let Some(name) = names.find(|name| name.at.id == *id) {
                return Ok(Some(TaskPlace::Waiting(name)));
            }
        }
        Ok(self.ended(id)?.map(TaskPlace::Ended))
    }

    /// How the task ended, if it did.
    pub fn ended(&self, id: &TaskId) -> Result<Option<EndedTask>> {
        Ok(self.all_ended()?.into_iter().find(|ended| ended.at().id == *id))
    }
}

/// Where a task was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskPlace {
    /// In `ready/` or `blocked/`.
    Waiting(QueueName),
    /// In a directory of ended ones.
    Ended(EndedTask),
}
