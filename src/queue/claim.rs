//! Rows *claim* and *read*: the right to work on a task, and the copy that is worked from.
//!
//! A claim is a hard link of the worker's own file. It gives the right to work; the rename in
//! [`super::finish`] decides what comes of it. A [`Claim`] must be finished by one of its methods: dropping
//! it leaves the task to the reclaimer.

use std::fs::File;

use super::register::Registration;
use super::{Queue, Result};
use crate::domain::task::name::{AttemptName, QueueName};
use crate::site::Dir;
use crate::sys::fs::{self, Linked};

/// A claimed task.
#[must_use = "a claim must be published, given back, rejected or cancelled"]
#[derive(Debug)]
pub struct Claim {
    /// Its name in `ready/`.
    pub(super) name: QueueName,
    /// The attempt that this claim is.
    pub(super) attempt: AttemptName,
    /// What was found under that name.
    file: File,
}

/// What became of trying.
#[derive(Debug)]
pub enum ClaimResult {
    /// The task is ours to work on.
    Won(Claim),
    /// Somebody else holds it.
    Lost,
    /// The name is gone: published, moved or cancelled since it was listed.
    Gone,
    /// We were declared dead.
    Buried,
}

/// Whether a claim still stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClaimState {
    /// Ours, and the name is there.
    Holds,
    /// The name in `ready/` is gone: cancelled, or reclaimed.
    NameGone,
    /// The link is not ours any more.
    ClaimGone,
    /// Somebody wants it cancelled.
    CancelWanted,
}

impl Queue {
    /// Tries to claim a task seen in `ready/`.
    pub fn claim(&self, me: &Registration, name: &QueueName) -> Result<ClaimResult> {
        let link = self.file(Dir::Claims, &name.at);
        match fs::link(me.path(), &link)? {
            Linked::Gone => return Ok(ClaimResult::Buried),
            // A reply of ours may have been lost: then the link is ours.
            Linked::Exists if !self.bears_my_inode(me, &link)? => return Ok(ClaimResult::Lost),
            Linked::Exists | Linked::Made => {}
        }
        let path = self.file(Dir::Ready, name);
        let Some(file) = fs::open_foreign(&path)? else {
            fs::unlink(&link)?;
            return Ok(ClaimResult::Gone);
        };
        me.note_claim();
        let attempt = AttemptName { at: name.at.clone(), worker: me.id().clone() };
        Ok(ClaimResult::Won(Claim { name: name.clone(), attempt, file }))
    }

    /// How a claim of ours stands now. Asked at every heartbeat.
    pub fn standing(&self, me: &Registration, name: &QueueName) -> Result<ClaimState> {
        if fs::look(&self.file(Dir::Ready, name))?.is_none() {
            return Ok(ClaimState::NameGone);
        }
        if !self.bears_my_inode(me, &self.file(Dir::Claims, &name.at))? {
            return Ok(ClaimState::ClaimGone);
        }
        let wanted = self.cancel_wanted(&name.at.id)?;
        Ok(if wanted { ClaimState::CancelWanted } else { ClaimState::Holds })
    }

    fn bears_my_inode(&self, me: &Registration, link: &std::path::Path) -> Result<bool> {
        Ok(fs::look(link)?.is_some_and(|meta| me.is_mine(fs::file_id(&meta))))
    }
}

impl Claim {
    /// The name it was claimed under.
    pub fn name(&self) -> &QueueName {
        &self.name
    }

    /// The attempt that it is.
    pub fn attempt(&self) -> &AttemptName {
        &self.attempt
    }

    /// We were declared dead: the link stays, and whoever reclaims it decides.
    pub fn leave_to_reclaimer(self) {}

    /// Copies what was claimed to the attempt's own directory and returns the copy's content (cut one byte
    /// beyond `max_bytes`). All work goes on from that copy: the file in `ready/` may be edited by anybody.
    pub fn read(&self, queue: &Queue, max_bytes: u64) -> Result<Vec<u8>> {
        let shown = queue.file(Dir::Ready, &self.name);
        let bytes = fs::read_up_to(&self.file, &shown, max_bytes)?;
        queue.own_run(&self.attempt.at.id)?;
        let files = queue.paths.attempt(&self.attempt);
        fs::mkdir_if_none(files.dir())?;
        fs::write(&files.task(), &bytes)?;
        Ok(bytes)
    }
}
