//! `runs/T/`: a task's record, its runs and its attempts.
//!
//! State while the task is not terminal: no clean-up touches it. Each file is written once, by the one who
//! may: the record by whoever is first at intake, an attempt's files by the holder of its claim.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Queue, QueueError, Result};
use crate::domain::task::id::{Epoch, TaskId};
use crate::domain::task::name::AttemptName;
use crate::domain::task::record::{AttemptResult, AttemptStart, Lost, TaskRecord};
use crate::domain::time::UnixMs;
use crate::domain::time_bounds::written_ahead;
use crate::site::RunPaths;
use crate::sys::fs::{self, FsError, Linked};

/// No file name is longer, bytes.
const NAME_MAX: u64 = 4096;
/// No record is longer, bytes.
const RECORD_MAX: u64 = 64 << 20;

/// One attempt, as far as its files tell.
#[derive(Clone, Debug)]
pub struct AttemptFiles {
    /// Which.
    pub name: AttemptName,
    /// How it began; `None` where it died before.
    pub start: Option<AttemptStart>,
    /// How it ended; `None` while it runs, or where it was lost.
    pub result: Option<AttemptResult>,
    /// Its worker died.
    pub lost: Option<Lost>,
}

/// What counts against a task since its latest retry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Charged failures.
    pub failures: u32,
    /// Workers that died holding it.
    pub deaths: u32,
    /// Attempts, all runs.
    pub attempts: u32,
}

impl Queue {
    /// A task's directory, to be written to: made where it is missing, and never somewhere else that a link leads to.
    pub(super) fn own_run(&self, id: &TaskId) -> Result<RunPaths> {
        let run = self.paths.run(id);
        fs::mkdir_if_none(run.dir())?;
        Ok(run)
    }

    /// Reserves an id: making its directory is what makes it unique for ever. False: taken, choose another.
    pub(super) fn reserve(&self, id: &TaskId, dropped: &OsStr) -> Result<bool> {
        let files = self.paths.run(id);
        let made = fs::mkdir(files.dir())?;
        if made && !told_by_slug(id, dropped) {
            fs::write_synced(&files.name(), dropped.as_bytes(), self.strict())?;
            // It says how the text is to be read: whoever finishes an intake needs it.
            if self.strict() {
                fs::sync(files.dir())?;
            }
        }
        Ok(made)
    }

    /// Gives back a reservation that came to nothing.
    pub(super) fn unreserve(&self, id: &TaskId) -> Result<()> {
        let files = self.paths.run(id);
        fs::unlink(&files.name())?;
        fs::rmdir(files.dir())?;
        Ok(())
    }

    /// The name that was dropped. Where the id tells it, no file does.
    pub fn dropped_name(&self, id: &TaskId) -> OsString {
        match fs::read_foreign(&self.paths.run(id).name(), NAME_MAX) {
            Ok(Some(bytes)) if !bytes.is_empty() => OsString::from_vec(bytes),
            _ => self.record(id).map_or_else(|| id.slug().into(), |record| record.name.into()),
        }
    }

    /// The dropped name for people, invalid UTF-8 replaced; cheap, for lists of very many.
    pub fn shown_name(&self, id: &TaskId) -> String {
        match fs::read_foreign(&self.paths.run(id).name(), NAME_MAX) {
            Ok(Some(bytes)) if !bytes.is_empty() => String::from_utf8_lossy(&bytes).into_owned(),
            _ => id.slug().to_owned(),
        }
    }

    /// The record made at intake, where there is one that can be read.
    pub fn record(&self, id: &TaskId) -> Option<TaskRecord> {
        self.record_if_any(id).ok().flatten()
    }

    /// The same for whoever decides by it: one that is there and cannot be read now is an error.
    pub(super) fn record_if_any(&self, id: &TaskId) -> Result<Option<TaskRecord>> {
        let bytes = fs::read_if_any(&self.paths.run(id).record())?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Writes the record unless one is there: of several finishers the first decides what was pinned.
    pub(super) fn write_record(&self, record: &TaskRecord) -> Result<()> {
        let files = self.own_run(&record.id)?;
        let path = files.record();
        if !fs::exists(&path) {
            let staged = self.staging();
            fs::write_synced(&staged, &to_json(record), self.strict())?;
            if fs::link(&staged, &path)? == Linked::Gone {
                return Err(lost_on_the_way(staged));
            }
            fs::unlink(&staged)?;
        }
        // Also where somebody else wrote it: he may have died before this.
        if self.strict() {
            fs::sync(files.dir())?;
        }
        Ok(())
    }

    /// Notes how an attempt begins, in the directory that reading the task made. Not synced: after a power cut nobody works on it any more.
    pub fn write_start(&self, attempt: &AttemptName, start: &AttemptStart) -> Result<()> {
        let path = self.paths.attempt(attempt).start();
        Ok(fs::write(&path, &to_json(start))?)
    }

    /// Says where the task stands, for people and for whoever goes on with it. Replaced whole; not synced: what it
    /// says stands in the branch and in the attempts' files.
    pub fn write_context(&self, id: &TaskId, text: &str) -> Result<()> {
        let staged = self.staging();
        fs::write(&staged, text.as_bytes())?;
        // Nobody else moves the staged file, so this rename loses no race.
        let _ = fs::rename(&staged, &self.context_file(id))?;
        Ok(())
    }

    /// Where [`Queue::write_context`] wrote.
    pub fn context_file(&self, id: &TaskId) -> PathBuf {
        self.paths.run(id).context()
    }

    /// Writes the result and makes the attempt's files durable, so that they may be published.
    pub fn write_result(&self, attempt: &AttemptName, result: &AttemptResult) -> Result<()> {
        let files = self.paths.attempt(attempt);
        fs::write_synced(&files.result(), &to_json(result), self.strict())?;
        if self.strict() {
            for name in fs::list(files.dir())? {
                let path = files.dir().join(name);
                if path != files.result() && fs::look(&path)?.is_some_and(|meta| meta.is_file()) {
                    fs::sync(&path)?;
                }
            }
            fs::sync(files.dir())?;
            fs::sync(self.paths.run(&attempt.at.id).dir())?;
        }
        Ok(())
    }

    /// Notes that the attempt's worker died; only after the reclaim won.
    pub(super) fn write_lost(&self, attempt: &AttemptName, lost: &Lost) -> Result<()> {
        self.own_run(&attempt.at.id)?;
        let files = self.paths.attempt(attempt);
        fs::mkdir_if_none(files.dir())?;
        fs::write_synced(&files.lost(), &to_json(lost), self.strict())?;
        if self.strict() {
            // A task that takes the machine down with it must not be forgiven each time.
            fs::sync(files.dir())?;
            fs::sync(self.paths.run(&attempt.at.id).dir())?;
        }
        Ok(())
    }

    /// Begins a new run at `epoch`.
    pub(super) fn write_retry(&self, id: &TaskId, epoch: Epoch) -> Result<()> {
        let files = self.own_run(id)?;
        // It is empty: only its name must last.
        fs::write(&files.retry(epoch), b"")?;
        if self.strict() {
            fs::sync(files.dir())?;
        }
        Ok(())
    }

    /// The epoch at which the latest run began.
    pub fn run_epoch(&self, id: &TaskId) -> Result<Epoch> {
        Ok(run_epoch_of(&fs::list_if_any(self.paths.run(id).dir())?))
    }

    /// One attempt's files.
    pub fn attempt(&self, name: AttemptName) -> AttemptFiles {
        let files = self.paths.attempt(&name);
        AttemptFiles {
            start: read_json(&files.start()),
            result: read_json(&files.result()),
            lost: read_json(&files.lost()),
            name,
        }
    }

    /// Every attempt, oldest first.
    pub fn attempts(&self, id: &TaskId) -> Result<Vec<AttemptFiles>> {
        let names = fs::list_if_any(self.paths.run(id).dir())?;
        Ok(attempt_names(id, &names).into_iter().map(|name| self.attempt(name)).collect())
    }

    /// How many attempts there were, without reading them.
    pub fn attempt_count(&self, id: &TaskId) -> Result<u32> {
        let names = fs::list_if_any(self.paths.run(id).dir())?;
        Ok(u32::try_from(attempt_names(id, &names).len()).unwrap_or(u32::MAX))
    }

    /// Whether a blocked task's date is one of a clock that was ahead: the attempt that began the wait ended in the future.
    pub fn waits_by_a_wrong_clock(&self, id: &TaskId, now: UnixMs) -> Result<bool> {
        let names = attempt_names(id, &fs::list_if_any(self.paths.run(id).dir())?);
        let latest = names.last().map(|name| self.paths.attempt(name).result());
        let result: Option<AttemptResult> = latest.and_then(|path| read_json(&path));
        Ok(result.is_some_and(|result| written_ahead(result.ended_at, now)))
    }

    /// What counts against the task in its present run.
    pub fn tally(&self, id: &TaskId) -> Result<Tally> {
        let names = fs::list_if_any(self.paths.run(id).dir())?;
        let run = run_epoch_of(&names);
        let mut tally = Tally::default();
        for name in attempt_names(id, &names) {
            tally.attempts += 1;
            if name.at.epoch < run {
                continue;
            }
            let files = self.attempt(name);
            if files.lost.is_some() {
                tally.deaths += 1;
            } else if files.result.is_some_and(|result| result.charged) {
                tally.failures += 1;
            }
        }
        Ok(tally)
    }
}

/// A file for the name is made only where the name says more than the slug: making one costs more than all
/// else at intake.
fn told_by_slug(id: &TaskId, dropped: &OsStr) -> bool {
    dropped == OsStr::new(id.slug())
}

/// A staged file that nobody may touch for an hour is gone: this process stood still for longer.
fn lost_on_the_way(path: PathBuf) -> QueueError {
    let source = std::io::ErrorKind::NotFound.into();
    FsError { doing: "find", path, source }.into()
}

fn run_epoch_of(names: &[OsString]) -> Epoch {
    let retries = names.iter().filter_map(|n| Epoch::parse(n.to_str()?.strip_prefix("retry.")?));
    retries.max().unwrap_or_default()
}

fn attempt_names(id: &TaskId, names: &[OsString]) -> Vec<AttemptName> {
    let mut attempts: Vec<AttemptName> =
        names.iter().filter_map(|n| AttemptName::parse_dir(id, n.to_str()?)).collect();
    attempts.sort();
    attempts
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("records are plain data");
    bytes.push(b'\n');
    bytes
}

/// A record, where there is one that can be read; a torn one counts as absent.
pub(super) fn read_json<T: DeserializeOwned>(path: &std::path::Path) -> Option<T> {
    serde_json::from_slice(&fs::read_foreign(path, RECORD_MAX).ok()??).ok()
}
