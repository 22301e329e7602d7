//! A snapshot of the queue: names only, nothing opened but claims and workers.
//!
//! Directories are listed one after another while others move names, so a task may be seen twice or not at
//! all: later states win, and whoever needs certainty looks again.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::pending::is_private;
use super::register::Card;
use super::shift::EndedTask;
use super::{Queue, Result};
use crate::domain::liveness::lease::Pulse;
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{AttemptName, QueueName, TaskEpoch};
use crate::site::Dir;
use crate::sys::fs;

#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Dropped, not taken in.
    pub pending: Vec<OsString>,
    /// In `ready/`, in the order of work.
    pub ready: Vec<QueueName>,
    pub blocked: Vec<QueueName>,
    pub claims: BTreeMap<TaskEpoch, Card>,
    pub workers: Vec<(Card, Pulse)>,
    /// Ended tasks, by directory.
    pub ended: Vec<EndedTask>,
}

impl Queue {
    /// Lists everything. The order matters: a task that moves on while we list is then rather seen twice
    /// than not at all.
    pub fn scan(&self) -> Result<Snapshot> {
        let claims = self.claims()?.into_iter().map(|claim| (claim.at, claim.card)).collect();
        let pending = fs::list(&self.dir(Dir::Pending))?;
        let mut ready = self.waiting_in(Dir::Ready)?;
        ready.sort();
        let mut snapshot = Snapshot {
            pending: pending.into_iter().filter(|name| !is_private(name)).collect(),
            ready,
            blocked: self.waiting_in(Dir::Blocked)?,
            claims,
            workers: self.workers()?,
            ended: self.all_ended()?,
        };
        snapshot.settle();
        Ok(snapshot)
    }

    /// How many ended, without parsing: for counts over very many.
    pub fn all_ended(&self) -> Result<Vec<EndedTask>> {
        let mut ended = self.parsed(Dir::Done, |n| AttemptName::parse(n).map(EndedTask::Done))?;
        ended.extend(self.parsed(Dir::Failed, |n| AttemptName::parse(n).map(EndedTask::Failed))?);
        ended.extend(
            self.parsed(Dir::Cancelled, |n| TaskEpoch::parse(n).map(EndedTask::Cancelled))?,
        );
        ended.extend(self.parsed(Dir::Rejected, |n| TaskEpoch::parse(n).map(EndedTask::Rejected))?);
        Ok(ended)
    }

    /// The blocked tasks.
    pub fn blocked(&self) -> Result<Vec<QueueName>> {
        self.waiting_in(Dir::Blocked)
    }

    /// The names in `ready/` or `blocked/`: with a reason in the one and without in the other, it is foreign.
    pub(super) fn waiting_in(&self, dir: Dir) -> Result<Vec<QueueName>> {
        let mut names = self.parsed(dir, QueueName::parse)?;
        names.retain(|name| name.reason.is_some() == (dir == Dir::Blocked));
        Ok(names)
    }

    /// How many names `ready/` and `claims/` hold, and whether `pending/` holds any: what a drain asks.
    pub fn unfinished(&self) -> Result<(usize, usize)> {
        let ready = self.waiting_in(Dir::Ready)?.len();
        Ok((ready, self.parsed(Dir::Claims, TaskEpoch::parse)?.len()))
    }

    fn parsed<T>(&self, dir: Dir, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
        let names = fs::list(&self.dir(dir))?;
        Ok(names.iter().filter_map(|name| parse(name.to_str()?)).collect())
    }
}

impl Snapshot {
    /// A task that moved while we listed shows once: ended beats blocked beats ready.
    fn settle(&mut self) {
        // Only names that were seen while others moved can repeat: what waits is compared with what ended.
        let ended: std::collections::HashSet<&TaskId> =
            self.ended.iter().map(|ended| &ended.at().id).collect();
        self.blocked.retain(|name| !ended.contains(&name.at.id));
        let blocked: std::collections::HashSet<TaskId> =
            self.blocked.iter().map(|name| name.at.id.clone()).collect();
        self.ready.retain(|n| !ended.contains(&n.at.id) && !blocked.contains(&n.at.id));
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FoundTask {
    One(TaskId),
    /// Several; the newest first.
    Several(Vec<TaskId>),
    /// None; some that look alike.
    None(Vec<TaskId>),
}

impl Queue {
    /// Every task that has a record or a reservation, in no order.
    pub fn known_tasks(&self) -> Result<Vec<TaskId>> {
        self.parsed(Dir::Runs, TaskId::parse)
    }

    /// Looks a task up by id, then tail or slug, then by a part of its id. What an intake reserved before it died
    /// is no task.
    pub fn find(&self, text: &str) -> Result<FoundTask> {
        if let Some(id) = TaskId::parse(text)
            && fs::exists(self.paths.run(&id).dir())
        {
            return Ok(FoundTask::One(id));
        }
        let all = self.known_tasks()?;
        let exact = |id: &&TaskId| id.tail() == text || id.slug() == text;
        let mut matches: Vec<TaskId> = all.iter().filter(exact).cloned().collect();
        if matches.is_empty() && text.len() >= 3 {
            matches = all.iter().filter(|id| id.as_str().contains(text)).cloned().collect();
        }
        let mut real = Vec::new();
        for id in matches {
            if !self.is_only_reserved(&id)? {
                real.push(id);
            }
        }
        let mut matches = real;
        matches.sort_by(|a, b| b.cmp(a));
        Ok(match matches.as_slice() {
            [one] => FoundTask::One(one.clone()),
            [] => FoundTask::None(alike(text, all)),
            _ => FoundTask::Several(matches),
        })
    }
}

fn alike(text: &str, all: Vec<TaskId>) -> Vec<TaskId> {
    let likeness = |id: &TaskId| strsim::jaro_winkler(id.slug(), text);
    let mut close: Vec<(f64, TaskId)> =
        all.into_iter().map(|id| (likeness(&id), id)).filter(|(like, _)| *like >= 0.8).collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0));
    close.into_iter().take(3).map(|(_, id)| id).collect()
}
