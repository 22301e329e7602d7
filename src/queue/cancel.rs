//! Row *cancel*: a wish that lasts, carried out by whoever meets the task.
//!
//! A task may hop between `ready/` and `blocked/` faster than anybody lists, so the wish is written down
//! first. Its name says which life it is for: so it can never reach into the next one, and whoever removes it
//! late cannot remove a later one.

use std::ffi::OsStr;
use std::path::Path;

use super::finish::Closed;
use super::intake::{Admission, Taken};
use super::pending::is_private;
use super::shift::Place;
use super::{Queue, Result};
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{QueueName, TaskEpoch};
use crate::site::Dir;
use crate::sys::fs;

/// What became of a wish, so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cancelled {
    /// It is in `cancelled/`; if somebody worked on it, he stops at his next heartbeat.
    Now,
    /// It had ended before.
    Ended,
    /// It was seen nowhere this time; the wish stays, look again.
    NotSeen,
}

impl Queue {
    /// Writes the wish down, for the task's present life; returns its name.
    pub fn wish_to_cancel(&self, id: &TaskId) -> Result<TaskEpoch> {
        let wish = TaskEpoch { id: id.clone(), epoch: self.life(id)? };
        // Empty: its name says all.
        fs::write(&self.file(Dir::Cancel, &wish), b"")?;
        self.sync_dir(Dir::Cancel)?;
        Ok(wish)
    }

    /// Whether there is a wish to cancel this task in its present life.
    pub fn cancel_wanted(&self, id: &TaskId) -> Result<bool> {
        match self.wishes_for(id)?.last() {
            Some(wish) => Ok(self.life(id)? <= wish.epoch),
            None => Ok(false),
        }
    }

    /// All wishes: which task, and the first epoch of the life that is meant.
    pub fn wishes(&self) -> Result<Vec<TaskEpoch>> {
        let names = fs::list(&self.dir(Dir::Cancel))?;
        let mut wishes = Vec::new();
        for wish in names.iter().filter_map(|name| TaskEpoch::parse(name.to_str()?)) {
            // What is no file is no wish of ours.
            if fs::look(&self.file(Dir::Cancel, &wish))?.is_some_and(|meta| meta.is_file()) {
                wishes.push(wish);
            }
        }
        Ok(wishes)
    }

    /// Those for one task, in the order of its lives.
    fn wishes_for(&self, id: &TaskId) -> Result<Vec<TaskEpoch>> {
        let mut wishes = self.wishes()?;
        wishes.retain(|wish| wish.id == *id);
        wishes.sort();
        Ok(wishes)
    }

    /// Removes the wishes that a life meets which ends at `at`; a later life's stays.
    pub(super) fn drop_wishes(&self, at: &TaskEpoch) -> Result<()> {
        for wish in self.wishes_for(&at.id)?.iter().filter(|wish| wish.epoch <= at.epoch) {
            fs::unlink(&self.file(Dir::Cancel, wish))?;
        }
        Ok(())
    }

    /// Tries once to carry a wish out, and removes it once the life that it is for has ended.
    pub fn carry_out(&self, wish: &TaskEpoch) -> Result<Cancelled> {
        let came_to = match self.whereabouts(&wish.id)? {
            None => return Ok(Cancelled::NotSeen),
            Some(Place::Ended(_)) => Cancelled::Ended,
            // After the name was seen: `retry.E` is written before the new life's first name, so a name of
            // another life is known to be one.
            Some(Place::Waiting(_)) if self.life(&wish.id)? > wish.epoch => Cancelled::Ended,
            Some(Place::Waiting(name)) => match self.cancel_waiting(&name)? {
                Closed::Refused => return Ok(Cancelled::NotSeen),
                Closed::Won => Cancelled::Now,
            },
        };
        fs::unlink(&self.file(Dir::Cancel, wish))?;
        Ok(came_to)
    }

    /// The rename that cancels; also a running task's, whose holder then finds its name gone.
    fn cancel_waiting(&self, name: &QueueName) -> Result<Closed> {
        let dir = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
        let closed =
            self.rename_once(&self.file(dir, name), Dir::Cancelled, &name.at.to_string())?;
        if closed == Closed::Won {
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
    /// such name, or another file bore it by then: that one stays taken up.
    pub fn take_up_named(&self, text: &str, admission: &dyn Admission) -> Result<Option<TaskId>> {
        let Some(seen) = self.dropped(text)? else { return Ok(None) };
        let taken = self.take_up(&[text.into()], admission)?.pop();
        let id = match taken {
            None | Some(Taken::Lost | Taken::Stuck(_)) => return Ok(None),
            Some(
                Taken::Ready(id) | Taken::Blocked(id) | Taken::Rejected(id) | Taken::Unfinished(id),
            ) => id,
        };
        let same = match self.whereabouts(&id)? {
            Some(Place::Waiting(name)) => {
                let dir = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
                let file = fs::look(&self.file(dir, &name))?;
                file.is_some_and(|meta| fs::file_id(&meta) == seen)
            }
            Some(Place::Ended(_)) => true,
            // It hops, and nobody can tell which file it is: in doubt it is not cancelled.
            None => false,
        };
        Ok(same.then_some(id))
    }
}
