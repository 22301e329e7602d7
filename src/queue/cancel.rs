//! Row *cancel*: a request that lasts, carried out by whoever meets the task.
//!
//! A task may hop between `ready/` and `blocked/` faster than anybody lists, so the request is written down
//! first. Its name says which run of the task it is for: so it can never reach into the next one, and whoever removes it
//! late cannot remove a later one.

use std::ffi::OsStr;
use std::path::Path;

use super::finish::Transition;
use super::intake::{IntakeCheck, IntakeResult};
use super::pending::is_private;
use super::shift::TaskPlace;
use super::{Queue, Result};
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{QueueName, TaskEpoch};
use crate::site::Dir;
use crate::sys::fs;

/// What became of a request, so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cancelled {
    /// It is in `cancelled/`; if somebody worked on it, he stops at his next heartbeat.
    Now,
    /// It had ended before.
    Ended,
    /// It was seen nowhere this time; the request stays, look again.
    NotSeen,
}

impl Queue {
    /// Writes the request down, for the task's present run; returns its name.
    pub fn request_cancel(&self, id: &TaskId) -> Result<TaskEpoch> {
        let request = TaskEpoch { id: id.clone(), epoch: self.run_epoch(id)? };
        // Empty: its name says all.
        fs::write(&self.file(Dir::Cancel, &request), b"")?;
        self.sync_dir(Dir::Cancel)?;
        Ok(request)
    }

    /// Whether there is a request to cancel this task in its present run.
    pub fn cancel_wanted(&self, id: &TaskId) -> Result<bool> {
        match self.cancel_requests_for(id)?.last() {
            Some(request) => Ok(self.run_epoch(id)? <= request.epoch),
            None => Ok(false),
        }
    }

    /// All requests: which task, and the first epoch of the run that is meant.
    pub fn cancel_requests(&self) -> Result<Vec<TaskEpoch>> {
        let names = fs::list(&self.dir(Dir::Cancel))?;
        let mut requests = Vec::new();
        for request in names.iter().filter_map(|name| TaskEpoch::parse(name.to_str()?)) {
            // What is no file is no request of ours.
            if fs::look(&self.file(Dir::Cancel, &request))?.is_some_and(|meta| meta.is_file()) {
                requests.push(request);
            }
        }
        Ok(requests)
    }

    /// Those for one task, in the order of its runs.
    fn cancel_requests_for(&self, id: &TaskId) -> Result<Vec<TaskEpoch>> {
        let mut requests = self.cancel_requests()?;
        requests.retain(|request| request.id == *id);
        requests.sort();
        Ok(requests)
    }

    /// Removes the requests that a run meets which ends at `at`; a later run's stays.
    pub(super) fn drop_cancel_requests(&self, at: &TaskEpoch) -> Result<()> {
        for request in
            self.cancel_requests_for(&at.id)?.iter().filter(|request| request.epoch <= at.epoch)
        {
            fs::unlink(&self.file(Dir::Cancel, request))?;
        }
        Ok(())
    }

    /// Tries once to carry a request out, and removes it once the run that it is for has ended.
    pub fn carry_out(&self, request: &TaskEpoch) -> Result<Cancelled> {
        let came_to = match self.whereabouts(&request.id)? {
            None => return Ok(Cancelled::NotSeen),
            Some(TaskPlace::Ended(_)) => Cancelled::Ended,
            // After the name was seen: `retry.E` is written before the new run's first name, so a name of
            // another run is known to be one.
            Some(TaskPlace::Waiting(_)) if self.run_epoch(&request.id)? > request.epoch => {
                Cancelled::Ended
            }
            Some(TaskPlace::Waiting(name)) => match self.cancel_waiting(&name)? {
                Transition::Refused => return Ok(Cancelled::NotSeen),
                Transition::Won => Cancelled::Now,
            },
        };
        fs::unlink(&self.file(Dir::Cancel, request))?;
        Ok(came_to)
    }

    /// The rename that cancels; also a running task's, whose holder then finds its name gone.
    fn cancel_waiting(&self, name: &QueueName) -> Result<Transition> {
        let dir = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
        let closed =
            self.rename_once(&self.file(dir, name), Dir::Cancelled, &name.at.to_string())?;
        if closed == Transition::Won {
            self.sync_dir(Dir::Cancelled)?;
        }
        Ok(closed)
    }

    /// Whether a person means a name in `pending/` by `text`.
    pub fn dropped_as(&self, text: &str) -> Result<bool> {
        Ok(self.dropped(text)?.is_some())
    }

    /// Which file a name in `pending/` is now; never one outside of it, nor one that is not finished.
    fn dropped(&self, text: &str) -> Result<Option<(u64, u64)>> {
        let name = OsStr::new(text);
        if Path::new(name).file_name() != Some(name) || is_private(name) {
            return Ok(None);
        }
        Ok(fs::look(&self.dir(Dir::Pending).join(name))?.as_ref().map(fs::file_id))
    }

    /// Takes up what a person means by a name in `pending/`, so that it can be cancelled. `None`: there is no
    /// such name, or another file bore it by then: that one stays taken in.
    pub fn take_in_named(&self, text: &str, admission: &dyn IntakeCheck) -> Result<Option<TaskId>> {
        let Some(seen) = self.dropped(text)? else { return Ok(None) };
        let taken = self.take_in(&[text.into()], admission)?.pop();
        let id = match taken {
            None | Some(IntakeResult::Lost | IntakeResult::Stuck(_)) => return Ok(None),
            Some(
                IntakeResult::Ready(id) | IntakeResult::Rejected(id) | IntakeResult::Unfinished(id),
            ) => id,
        };
        let same = match self.whereabouts(&id)? {
            Some(TaskPlace::Waiting(name)) => {
                let dir = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
                let file = fs::look(&self.file(dir, &name))?;
                file.is_some_and(|meta| fs::file_id(&meta) == seen)
            }
            Some(TaskPlace::Ended(_)) => true,
            // It hops, and nobody can tell which file it is: in doubt it is not cancelled.
            None => false,
        };
        Ok(same.then_some(id))
    }
}
