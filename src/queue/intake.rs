//! Row *intake*: from a dropped file to a task, in two renames.
//!
//! The first makes it ours under a name that never existed (`blocked/5-T.0~intake`); under that name it is
//! read, checked and recorded; the second makes it eligible. Nothing read under the dropped name decides
//! anything. Any process may finish what another one began.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::finish::Transition;
use super::pending::Sightings;
use super::pending::{DroppedContent, Written, read_dropped};
use super::runs::to_json;
use super::{Queue, QueueError, Result};
use crate::domain::settings::problem::Problem;
use crate::domain::task::id::{Epoch, TaskId};
use crate::domain::task::name::{Band, QueueName, TaskEpoch};
use crate::domain::task::reason::{Reason, Wait};
use crate::domain::task::record::{Rejection, TaskRecord};
use crate::domain::text;
use crate::site::Dir;
use crate::sys::clock;
use crate::sys::fs;
use crate::sys::random;

pub use super::pending::MAX_TASK_BYTES;

/// Judges what was dropped; implemented above, where files are parsed and repositories are known.
pub trait IntakeCheck {
    /// Called under the task's own name, perhaps more than once (after a crash, or by two finishers).
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision;
}

/// A dropped file under its new name.
#[derive(Debug)]
pub struct Dropped<'a> {
    /// The task's name for ever.
    pub id: &'a TaskId,
    /// The name that it was dropped under.
    pub name: &'a OsStr,
    /// Its content, cut one byte beyond [`MAX_TASK_BYTES`].
    pub bytes: &'a [u8],
}

/// The judgement.
#[derive(Debug)]
pub enum IntakeDecision {
    /// Eligible.
    Ready(Box<TaskRecord>),
    /// Wrong; everything that is.
    Rejected {
        /// For `--json`.
        problems: Vec<Problem>,
        /// The same for people.
        report: String,
    },
    /// It cannot be judged now (its repository is away): it stays as it is, with this explanation.
    NotNow(String),
}

/// What intake made of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IntakeResult {
    /// It is a task now.
    Ready(TaskId),
    /// It is wrong.
    Rejected(TaskId),
    /// Not finished: still written to, or not to be judged now; somebody looks again.
    Unfinished(TaskId),
    /// It may not be moved: why. It stays where it is.
    Stuck(String),
    /// Somebody else was first.
    Lost,
}

impl Queue {
    /// Takes up settled files from `pending/`. The directories that became fuller are synced once for all.
    pub fn take_in(
        &self,
        names: &[OsString],
        admission: &dyn IntakeCheck,
    ) -> Result<Vec<IntakeResult>> {
        let mut reserved = Vec::new();
        for name in names {
            reserved.push(stuck_or(self.new_id(name))?);
        }
        if reserved.iter().any(std::result::Result::is_ok) {
            self.sync_dir(Dir::Runs)?;
        }
        let mut begun = Vec::new();
        for (name, reserved) in names.iter().zip(reserved) {
            let dropped = self.dir(Dir::Pending).join(name);
            begun.push(match reserved {
                Ok(id) => stuck_or(self.begin_intake(&dropped, id))?,
                Err(stuck) => Err(stuck),
            });
        }
        let mut taken = Vec::new();
        let finish = |begun| match begun {
            Ok(Some(name)) => self.finish(&name, admission, Written::Foreign),
            Ok(None) => Ok(IntakeResult::Lost),
            Err(stuck) => Ok(stuck),
        };
        let finished: Result<()> =
            begun.into_iter().try_for_each(|begun| finish(begun).map(|done| taken.push(done)));
        self.sync_after(&taken, true)?;
        finished.map(|()| taken)
    }

    /// Takes up a text that was never in `pending/` (`add`); durable when this returns.
    pub fn enqueue(
        &self,
        name: &OsStr,
        bytes: &[u8],
        admission: &dyn IntakeCheck,
    ) -> Result<IntakeResult> {
        let staged = self.staging();
        fs::write_synced(&staged, bytes, self.strict())?;
        let id = self.new_id(name)?;
        self.sync_dir(Dir::Runs)?;
        let Some(begun) = self.begin_intake(&staged, id)? else { return Ok(IntakeResult::Lost) };
        let taken = self.finish(&begun, admission, Written::Synced)?;
        self.sync_after(std::slice::from_ref(&taken), true)?;
        Ok(taken)
    }

    /// The first rename, once all that its name stands for is durable. `None`: somebody else was first, or its
    /// user took the file away. A file that was moved is gone on with, whatever the reply says: its reservation
    /// holds the name that it was dropped under.
    fn begin_intake(&self, from: &Path, id: TaskId) -> Result<Option<QueueName>> {
        let name = QueueName {
            band: Band::DEFAULT,
            at: TaskEpoch { id, epoch: Epoch(0) },
            reason: Some(Reason::open(Wait::Intake)),
        };
        let to = name.to_string();
        let moved = match self.rename_once(from, Dir::Blocked, &to) {
            Err(_) if self.stands(Dir::Blocked, &to)? => Ok(Transition::Won),
            other => other,
        };
        if !matches!(moved, Ok(Transition::Won)) {
            self.unreserve(&name.at.id)?;
        }
        Ok((moved? == Transition::Won).then_some(name))
    }

    fn new_id(&self, dropped: &OsStr) -> Result<TaskId> {
        let stamp = clock::stamp(clock::now());
        let slug = text::slug_of_file(&dropped.to_string_lossy());
        loop {
            let id = TaskId::compose(&stamp, &slug, &random::tail())
                .expect("a stamp, a slug and a tail fit within an id");
            if self.reserve(&id, dropped)? {
                return Ok(id);
            }
        }
    }

    /// From `~intake` to what the admission says; for what a dead process left, and what was put off.
    pub fn finish_intake(
        &self,
        name: &QueueName,
        admission: &dyn IntakeCheck,
    ) -> Result<IntakeResult> {
        let taken = self.finish(name, admission, Written::Foreign)?;
        self.sync_after(std::slice::from_ref(&taken), false)?;
        Ok(taken)
    }

    fn finish(
        &self,
        name: &QueueName,
        admission: &dyn IntakeCheck,
        content: Written,
    ) -> Result<IntakeResult> {
        let path = self.file(Dir::Blocked, name);
        let id = &name.at.id;
        let read = match read_dropped(&path, content) {
            // Nor must one that cannot be read now.
            Err(QueueError::Fs(e)) if !e.disk_full() => return self.put_off(id, &e.to_string()),
            other => other?,
        };
        let (file, bytes) = match read {
            DroppedContent::Gone => return Ok(IntakeResult::Lost),
            DroppedContent::Unsettled => return Ok(IntakeResult::Unfinished(id.clone())),
            DroppedContent::Wrong(problem) => {
                let report = format!("{problem}\n");
                return self.move_rejected(name, vec![problem], &report);
            }
            DroppedContent::Bytes(file, bytes) => (file, bytes),
        };
        // Whoever dropped it may not have synced it; what is judged here is what stays.
        let settle = || match content {
            Written::Foreign if self.strict() => fs::sync_file(&file, &path),
            Written::Foreign | Written::Synced => Ok(()),
        };
        let dropped = self.dropped_name(id);
        self.own_run(id)?;
        fs::unlink(&self.put_off_note(id))?;
        match admission.admit(&Dropped { id, name: &dropped, bytes: &bytes }) {
            IntakeDecision::Ready(record) => {
                settle()?;
                self.write_record(&record)?;
                let next = QueueName { band: record.priority, ..name.ready_next() };
                self.move_taken(&path, Dir::Ready, &next, IntakeResult::Ready(id.clone()))
            }
            IntakeDecision::Rejected { problems, report } => {
                settle()?;
                self.move_rejected(name, problems, &report)
            }
            IntakeDecision::NotNow(why) => self.put_off(id, &why),
        }
    }

    /// Leaves a file where it is, with the reason for whoever asks.
    fn put_off(&self, id: &TaskId, why: &str) -> Result<IntakeResult> {
        self.own_run(id)?;
        fs::write(&self.put_off_note(id), why.as_bytes())?;
        Ok(IntakeResult::Unfinished(id.clone()))
    }

    /// Whether an intake was put off, for a reason that only somebody else can mend.
    pub fn is_put_off(&self, id: &TaskId) -> bool {
        fs::exists(&self.put_off_note(id))
    }

    fn put_off_note(&self, id: &TaskId) -> PathBuf {
        self.paths.run(id).waiting()
    }

    fn move_taken(
        &self,
        from: &Path,
        dir: Dir,
        to: &QueueName,
        won: IntakeResult,
    ) -> Result<IntakeResult> {
        let closed = self.rename_once(from, dir, &to.to_string())?;
        Ok(if closed == Transition::Won { won } else { IntakeResult::Lost })
    }

    fn move_rejected(
        &self,
        name: &QueueName,
        problems: Vec<Problem>,
        report: &str,
    ) -> Result<IntakeResult> {
        self.write_rejection(&name.at, report, &problems)?;
        let from = self.file(Dir::Blocked, name);
        let closed = self.rename_once(&from, Dir::Rejected, &name.at.to_string())?;
        let id = name.at.id.clone();
        Ok(if closed == Transition::Won { IntakeResult::Rejected(id) } else { IntakeResult::Lost })
    }

    /// The neighbour that lists what is wrong, for people and for programs. Before the name, and durable before
    /// it, so that nobody sees a rejected file without its reasons.
    pub(super) fn write_rejection(
        &self,
        at: &TaskEpoch,
        report: &str,
        problems: &[Problem],
    ) -> Result<()> {
        let name = self.dropped_name(&at.id).to_string_lossy().into_owned();
        let rejection = Rejection { name, problems: problems.to_vec() };
        let strict = self.strict();
        let text = self.paths.report(at);
        fs::write_over(&text, report.as_bytes(), strict)?;
        self.sync_dir(Dir::Rejected)?;
        let run = self.own_run(&at.id)?;
        fs::write_over(&run.rejection(), &to_json(&rejection), strict)?;
        if strict {
            fs::sync(run.dir())?;
        }
        Ok(())
    }

    /// Syncs the directories that tasks came to; `begun`: also those that only came to `~intake`. `blocked/` last:
    /// it is also where they came from, and a file system without a journal might keep only that they left.
    fn sync_after(&self, taken: &[IntakeResult], begun: bool) -> Result<()> {
        let any = |test: fn(&IntakeResult) -> bool| taken.iter().any(test);
        if any(|t| matches!(t, IntakeResult::Ready(_))) {
            self.sync_dir(Dir::Ready)?;
        }
        if any(|t| matches!(t, IntakeResult::Rejected(_))) {
            self.sync_dir(Dir::Rejected)?;
        }
        if begun && any(|t| matches!(t, IntakeResult::Unfinished(_))) {
            self.sync_dir(Dir::Blocked)?;
        }
        Ok(())
    }

    /// Tasks whose intake somebody began; with `looks`, only those that stay so.
    pub fn unfinished_intakes(&self, looks: &mut Sightings) -> Result<Vec<QueueName>> {
        let mut begun = self.blocked()?;
        begun.retain(|name| name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake));
        looks.keep_only(&begun);
        // One that was put off has no maker at work: it is tried at the first look, then now and then.
        let due = |name: &QueueName| {
            let first = !looks.knows(&name.to_string()) && self.is_put_off(&name.at.id);
            looks.lingers(&name.to_string()) || first
        };
        Ok(begun.into_iter().filter(due).collect())
    }
}

/// One file that may not be moved must not keep the others waiting.
fn stuck_or<T>(result: Result<T>) -> Result<std::result::Result<T, IntakeResult>> {
    match result {
        Err(QueueError::Fs(e)) if !e.disk_full() => Ok(Err(IntakeResult::Stuck(e.to_string()))),
        other => other.map(Ok),
    }
}
