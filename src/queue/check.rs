//! fsck: the numbered invariants of `queue/README.md`, each looked up on disk, and what mends it.
//!
//! A live queue moves while it is read, so a finding counts only if it is found again a moment later;
//! [`Queue::check`] looks twice by itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::open::PROBE;
use super::register::Card;
use super::{Queue, Result};
use crate::domain::process::HostMatch;
use crate::domain::task::id::{TaskId, WorkerId};
use crate::domain::task::name::{AttemptName, QueueName, TaskEpoch};
use crate::domain::task::reason::Wait;
use crate::site::{Dir, REPORT};
use crate::sys::fs;
use crate::sys::{clock, identity};

/// One broken invariant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Violation {
    /// Its number in `queue/README.md`: `I1` …
    pub invariant: &'static str,
    /// The name that breaks it.
    pub path: PathBuf,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Between the two looks, milliseconds: longer than any transition takes.
const AGAIN_MS: u64 = 300;

impl Queue {
    /// Everything that is wrong, twice in a row. Empty: the queue is sound.
    pub fn check(&self) -> Result<Vec<Violation>> {
        let first = self.violations_now()?;
        if first.is_empty() {
            return Ok(first);
        }
        clock::pause_ms(AGAIN_MS);
        let second = self.violations_now()?;
        Ok(second.into_iter().filter(|violation| first.contains(violation)).collect())
    }

    /// Everything that is wrong at this instant: exact for a queue at rest, a hint for a live one.
    pub fn violations_now(&self) -> Result<Vec<Violation>> {
        let mut found = Vec::new();
        let names = self.names(&mut found)?;
        self.check_one_name(&names, &mut found);
        self.check_records(&names, &mut found);
        self.check_rejections(&mut found)?;
        self.check_claims(&mut found)?;
        self.check_workers(&mut found)?;
        self.check_cancel_requests(&names, &mut found);
        Ok(found)
    }

    /// Every name of every task; what does not parse is foreign (I3).
    fn names(&self, found: &mut Vec<Violation>) -> Result<BTreeMap<TaskId, Vec<(Dir, String)>>> {
        let mut names: BTreeMap<TaskId, Vec<(Dir, String)>> = BTreeMap::new();
        for dir in [Dir::Done, Dir::Failed, Dir::Cancelled, Dir::Rejected, Dir::Ready, Dir::Blocked]
        {
            for name in fs::list(&self.dir(dir))? {
                let text = name.to_string_lossy().into_owned();
                let report = dir == Dir::Rejected && text.ends_with(REPORT);
                // What a start that died left of its trial of the file system: the sweep's.
                if report || text.starts_with(PROBE) {
                    continue;
                }
                match task_of(dir, &text) {
                    Some(id) => names.entry(id).or_default().push((dir, text)),
                    None => found.push(Violation {
                        invariant: "I3",
                        path: self.dir(dir).join(&name),
                        what: "no name that the queue gives".into(),
                        fix: "move it away; to make it a task, move it to pending/".into(),
                    }),
                }
            }
        }
        Ok(names)
    }

    fn check_one_name(
        &self,
        names: &BTreeMap<TaskId, Vec<(Dir, String)>>,
        found: &mut Vec<Violation>,
    ) {
        for places in names.values() {
            // Done is done. Else the higher epoch wins: every move but an ending raises it. `names` lists the
            // directories in the order that decides between equals.
            let mut places = places.clone();
            places.sort_by_key(|(dir, name)| {
                (*dir != Dir::Done, std::cmp::Reverse(epoch_of(*dir, name)))
            });
            for (dir, name) in places.iter().skip(1) {
                let kept = self.file(places[0].0, &places[0].1);
                found.push(Violation {
                    invariant: "I1",
                    path: self.file(*dir, name),
                    what: format!("a second name of the task whose name is {kept:?}"),
                    fix: "coordinator check --fix sets it aside in runs/".into(),
                });
            }
        }
    }

    fn check_records(
        &self,
        names: &BTreeMap<TaskId, Vec<(Dir, String)>>,
        found: &mut Vec<Violation>,
    ) {
        for (dir, name) in names.values().flatten() {
            let violation = match dir {
                Dir::Ready | Dir::Blocked => {
                    let parsed = QueueName::parse(name);
                    let at_intake =
                        |n: &QueueName| n.reason.as_ref().is_some_and(|r| r.wait == Wait::Intake);
                    let unrecorded =
                        parsed.filter(|n| !at_intake(n) && self.record(&n.at.id).is_none());
                    unrecorded.map(|_| ("I4", "it was taken in without a record in runs/"))
                }
                Dir::Done => {
                    let attempt = AttemptName::parse(name);
                    let without = attempt.filter(|a| self.attempt(a.clone()).result.is_none());
                    without.map(|_| ("I5", "it was published without a result in runs/"))
                }
                _ => None,
            };
            if let Some((invariant, what)) = violation {
                found.push(Violation {
                    invariant,
                    path: self.file(*dir, name),
                    what: what.into(),
                    fix: "a crash of the machine under durability = \"relaxed\"? coordinator retry TASK"
                        .into(),
                });
            }
        }
    }

    fn check_rejections(&self, found: &mut Vec<Violation>) -> Result<()> {
        for name in fs::list(&self.dir(Dir::Rejected))? {
            let text = name.to_string_lossy().into_owned();
            if TaskEpoch::parse(&text).is_some()
                && !fs::exists(&self.file(Dir::Rejected, format!("{text}{REPORT}")))
            {
                found.push(Violation {
                    invariant: "I6",
                    path: self.file(Dir::Rejected, &text),
                    what: "a rejected file without its reasons".into(),
                    fix: "coordinator retry TASK has it read again".into(),
                });
            }
        }
        Ok(())
    }

    fn check_claims(&self, found: &mut Vec<Violation>) -> Result<()> {
        let claims = fs::list(&self.dir(Dir::Claims))?;
        for name in claims.iter().filter(|name| !name.as_encoded_bytes().starts_with(b".")) {
            let path = self.dir(Dir::Claims).join(name);
            let fix = "any running worker mends it, or: coordinator check --fix";
            let mut report = |invariant, what: &str| {
                let (path, what, fix) = (path.clone(), what.to_owned(), fix.to_owned());
                found.push(Violation { invariant, path, what, fix });
            };
            let Some(at) = name.to_str().and_then(TaskEpoch::parse) else {
                report("I3", "no name that the queue gives");
                continue;
            };
            if self.ready_name(&at)?.is_none() {
                report("I7", "a claim on a task that is not there (any more)");
            } else if super::register::is_torn(&path) {
                report("I8", "a claim whose content is lost (a power cut)");
            } else if let Some((card, _)) = super::register::read_card(&path)
                && !fs::exists(&self.file(Dir::Workers, &card.id))
            {
                report("I8", "a claim of a worker that is not registered (it died)");
            }
        }
        Ok(())
    }

    fn check_workers(&self, found: &mut Vec<Violation>) -> Result<()> {
        let me = identity::me();
        let dead = |card: &Card| card.host_match(&me) == HostMatch::Here && !card.lives_here(&me);
        for (card, _) in self.workers()?.iter().filter(|(card, _)| dead(card)) {
            found.push(Violation {
                invariant: "I9",
                path: self.file(Dir::Workers, &card.id),
                what: format!("registered, but process {} is gone", card.process.pid),
                fix: "any running worker mends it, or: coordinator check --fix".into(),
            });
        }
        for name in fs::list(&self.dir(Dir::Gone))? {
            if name.to_str().and_then(WorkerId::parse).is_some() {
                found.push(Violation {
                    invariant: "I10",
                    path: self.dir(Dir::Gone).join(&name),
                    what: "a dead worker's remains".into(),
                    fix: "a worker or coordinator on its machine sweeps it, or: check --fix".into(),
                });
            }
        }
        Ok(())
    }

    fn check_cancel_requests(
        &self,
        names: &BTreeMap<TaskId, Vec<(Dir, String)>>,
        found: &mut Vec<Violation>,
    ) {
        for request in self.cancel_requests().unwrap_or_default() {
            let ended = |dir: &Dir| !matches!(dir, Dir::Ready | Dir::Blocked);
            if names.get(&request.id).is_some_and(|places| places.iter().all(|(dir, _)| ended(dir)))
            {
                found.push(Violation {
                    invariant: "I11",
                    path: self.file(Dir::Cancel, &request),
                    what: "a cancel request a task that has ended".into(),
                    fix: "any running worker mends it, or: coordinator check --fix".into(),
                });
            }
        }
    }

    /// Sets a second name of a task aside, where it is kept but means nothing. (I1)
    pub fn set_aside(&self, violation: &Violation) -> Result<()> {
        let Some(name) = violation.path.file_name().and_then(|name| name.to_str()) else {
            return Ok(());
        };
        let dir = violation.path.parent().and_then(|dir| dir.file_name()?.to_str()).unwrap_or("x");
        let id = Dir::ALL.iter().find(|d| d.name() == dir).and_then(|d| task_of(*d, name));
        if let Some(id) = id {
            let aside = self.paths.run(&id).duplicate(dir, name);
            // Whoever moved it, it is aside.
            let _ = fs::rename(&violation.path, &aside)?;
        }
        Ok(())
    }
}

fn task_of(dir: Dir, name: &str) -> Option<TaskId> {
    match dir {
        Dir::Ready => QueueName::parse(name).filter(|n| n.reason.is_none()).map(|n| n.at.id),
        Dir::Blocked => QueueName::parse(name).filter(|n| n.reason.is_some()).map(|n| n.at.id),
        Dir::Done | Dir::Failed => AttemptName::parse(name).map(|name| name.at.id),
        _ => TaskEpoch::parse(name).map(|at| at.id),
    }
}

fn epoch_of(dir: Dir, name: &str) -> u32 {
    let at = match dir {
        Dir::Ready | Dir::Blocked => QueueName::parse(name).map(|n| n.at),
        Dir::Done | Dir::Failed => AttemptName::parse(name).map(|name| name.at),
        _ => TaskEpoch::parse(name),
    };
    at.map_or(0, |at| at.epoch.0)
}
