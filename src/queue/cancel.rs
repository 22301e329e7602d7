//! Row *cancel*: a wish that lasts, carried out by whoever meets the task.
//!
//! A task may hop between `ready/` and `blocked/` faster than anybody lists, so the wish is written down
//! first; it names the life that it is for, so that it can never reach into the next one.

use std::ffi::OsStr;
use std::path::Path;

use super::finish::Closed;
use super::pending::is_private;
use super::shift::Place;
use super::takeup::{Admission, Taken};
use super::{Dir, Queue, Result};
use crate::domain::id::{Epoch, TaskId};
use crate::domain::name::QueueName;
use crate::sys::fs;

/// No wish is longer, bytes: an epoch.
const WISH_MAX: u64 = 64;

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
    /// Writes the wish down, for the task's present life.
    pub fn wish_to_cancel(&self, id: &TaskId) -> Result<()> {
        let life = self.life(id)?;
        let staged = self.staging();
        fs::write_synced(&staged, life.to_string().as_bytes(), self.strict())?;
        let _placed = fs::rename(&staged, &self.file(Dir::Cancel, id))?;
        self.sync_dir(Dir::Cancel)
    }

    /// Whether there is a wish to cancel this task in its present life.
    pub fn cancel_wanted(&self, id: &TaskId) -> Result<bool> {
        match self.wished_life(id)? {
            Some(wished) => Ok(self.life(id)? <= wished),
            None => Ok(false),
        }
    }

    /// The life that a wish is for, where there is one.
    fn wished_life(&self, id: &TaskId) -> Result<Option<Epoch>> {
        let bytes = fs::read_foreign(&self.file(Dir::Cancel, id), WISH_MAX)?;
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(text.map(|text| Epoch::parse(&text).unwrap_or_default()))
    }

    /// All wishes.
    pub fn wishes(&self) -> Result<Vec<TaskId>> {
        let names = fs::list(&self.dir(Dir::Cancel))?;
        let ids = names.iter().filter_map(|name| TaskId::parse(name.to_str()?));
        Ok(ids.filter(|id| fs::is_file(&self.file(Dir::Cancel, id))).collect())
    }

    /// Tries once to carry a wish out, and removes it once the task has ended.
    pub fn carry_out(&self, id: &TaskId) -> Result<Cancelled> {
        let wish = self.file(Dir::Cancel, id);
        let Some(wished) = self.wished_life(id)? else { return Ok(Cancelled::Ended) };
        if self.life(id)? > wished {
            fs::unlink(&wish)?;
            return Ok(Cancelled::Ended);
        }
        match self.whereabouts(id)? {
            None => Ok(Cancelled::NotSeen),
            Some(Place::Ended(_)) => {
                fs::unlink(&wish)?;
                Ok(Cancelled::Ended)
            }
            Some(Place::Waiting(name)) => match self.cancel_waiting(&name)? {
                Closed::Refused => Ok(Cancelled::NotSeen),
                Closed::Won => {
                    fs::unlink(&wish)?;
                    Ok(Cancelled::Now)
                }
            },
        }
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
        let file = match self.whereabouts(&id)? {
            Some(Place::Waiting(name)) => {
                let dir = if name.reason.is_some() { Dir::Blocked } else { Dir::Ready };
                fs::look(&self.file(dir, &name))?
            }
            _ => None,
        };
        let same = file.is_none_or(|meta| fs::file_id(&meta) == seen);
        Ok(same.then_some(id))
    }
}
