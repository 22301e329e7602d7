//! Row *take up*: from a dropped file to a task, in two renames.
//!
//! The first makes it ours under a name that never existed (`blocked/5-T.0~taking`); under that name it is
//! read, checked and recorded; the second makes it eligible. Nothing read under the dropped name decides
//! anything. Any process may finish what another one began.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::finish::Closed;
use super::pending::Looks;
use super::runs::to_json;
use super::{Dir, Queue, QueueError, Result};
use crate::domain::id::{Epoch, TaskId};
use crate::domain::name::{Band, QueueName, TaskEpoch};
use crate::domain::problem::Problem;
use crate::domain::reason::{Reason, Wait};
use crate::domain::record::{Rejection, TaskRecord};
use crate::domain::text;
use crate::sys::clock;
use crate::sys::fs::{self, Renamed};
use crate::sys::random;
use crate::sys::settled::{Writers, writers};

/// What a dropped file may hold, bytes; one more is read to see that there is more.
pub const MAX_TASK_BYTES: u64 = 10 * 1024 * 1024;

/// Judges what was dropped; implemented above, where files are parsed and repositories are known.
pub trait Admission {
    /// Called under the task's own name, perhaps more than once (after a crash, or by two finishers).
    fn admit(&self, dropped: &Dropped<'_>) -> Admitted;
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
pub enum Admitted {
    /// Eligible.
    Ready(Box<TaskRecord>),
    /// Recorded, but not eligible.
    Blocked(Box<TaskRecord>, Reason),
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

/// What take-up made of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is a task now.
    Ready(TaskId),
    /// It is a task that waits.
    Blocked(TaskId),
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
    pub fn take_up(&self, names: &[OsString], admission: &dyn Admission) -> Result<Vec<Taken>> {
        let mut begun = Vec::new();
        for name in names {
            let dropped = self.dir(Dir::Pending).join(name);
            begun.push(match self.begin_taking(&dropped, name) {
                // One file that may not be moved must not keep the others waiting.
                Err(QueueError::Fs(e)) if !e.disk_full() => Err(Taken::Stuck(e.to_string())),
                other => Ok(other?),
            });
        }
        if self.strict() && begun.iter().any(|begun| matches!(begun, Ok(Some(_)))) {
            fs::sync(&self.dir(Dir::Runs))?;
        }
        let mut taken = Vec::new();
        let finish = |begun| match begun {
            Ok(Some(name)) => self.finish(&name, admission),
            Ok(None) => Ok(Taken::Lost),
            Err(stuck) => Ok(stuck),
        };
        let finished: Result<()> =
            begun.into_iter().try_for_each(|begun| finish(begun).map(|done| taken.push(done)));
        self.sync_after(&taken)?;
        finished.map(|()| taken)
    }

    /// Takes up a text that was never in `pending/` (`add`); durable when this returns.
    pub fn enqueue(&self, name: &OsStr, bytes: &[u8], admission: &dyn Admission) -> Result<Taken> {
        let staged = self.staging();
        fs::write_synced(&staged, bytes, self.strict())?;
        let Some(taking) = self.begin_taking(&staged, name)? else { return Ok(Taken::Lost) };
        if self.strict() {
            fs::sync(&self.dir(Dir::Runs))?;
        }
        self.finish_taking(&taking, admission)
    }

    /// The first rename. `None`: somebody else was first, or its user took the file away.
    fn begin_taking(&self, from: &Path, dropped: &OsStr) -> Result<Option<QueueName>> {
        let id = self.new_id(dropped)?;
        let name = QueueName {
            band: Band::DEFAULT,
            at: TaskEpoch { id, epoch: Epoch(0) },
            reason: Some(Reason::open(Wait::Taking)),
        };
        let renamed = fs::rename(from, &self.file(Dir::Blocked, &name));
        if !matches!(renamed, Ok(Renamed::Done)) {
            self.unreserve(&name.at.id)?;
        }
        Ok((renamed? == Renamed::Done).then_some(name))
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

    /// From `~taking` to what the admission says; for what a dead process left, and what was put off.
    pub fn finish_taking(&self, name: &QueueName, admission: &dyn Admission) -> Result<Taken> {
        let taken = self.finish(name, admission)?;
        self.sync_after(std::slice::from_ref(&taken))?;
        Ok(taken)
    }

    fn finish(&self, name: &QueueName, admission: &dyn Admission) -> Result<Taken> {
        let path = self.file(Dir::Blocked, name);
        let id = &name.at.id;
        let bytes = match self.read_dropped(&path)? {
            Content::Gone => return Ok(Taken::Lost),
            Content::Unsettled => return Ok(Taken::Unfinished(id.clone())),
            Content::Wrong(problem) => {
                let report = format!("{problem}\n");
                return self.move_rejected(name, vec![problem], &report);
            }
            Content::Bytes(bytes) => bytes,
        };
        let dropped = self.dropped_name(id);
        self.own_run_dir(id)?;
        fs::unlink(&self.put_off_note(id))?;
        match admission.admit(&Dropped { id, name: &dropped, bytes: &bytes }) {
            Admitted::Ready(record) => {
                self.write_record(&record)?;
                let next = QueueName { band: record.priority, ..name.ready_next() };
                self.move_taken(&path, Dir::Ready, &next, Taken::Ready(id.clone()))
            }
            Admitted::Blocked(record, reason) => {
                self.write_record(&record)?;
                let next = QueueName { band: record.priority, ..name.blocked_next(reason) };
                self.move_taken(&path, Dir::Blocked, &next, Taken::Blocked(id.clone()))
            }
            Admitted::Rejected { problems, report } => self.move_rejected(name, problems, &report),
            Admitted::NotNow(why) => {
                fs::write(&self.put_off_note(id), why.as_bytes())?;
                Ok(Taken::Unfinished(id.clone()))
            }
        }
    }

    /// Whether a take-up was put off, for a reason that only somebody else can mend.
    pub fn is_put_off(&self, id: &TaskId) -> bool {
        fs::exists(&self.put_off_note(id))
    }

    fn put_off_note(&self, id: &TaskId) -> PathBuf {
        self.run_dir(id).join("waiting")
    }

    fn move_taken(&self, from: &Path, dir: Dir, to: &QueueName, won: Taken) -> Result<Taken> {
        let closed = self.rename_once(from, dir, &to.to_string())?;
        Ok(if closed == Closed::Won { won } else { Taken::Lost })
    }

    fn move_rejected(
        &self,
        name: &QueueName,
        problems: Vec<Problem>,
        report: &str,
    ) -> Result<Taken> {
        self.write_rejection(&name.at, report, &problems)?;
        let from = self.file(Dir::Blocked, name);
        let closed = self.rename_once(&from, Dir::Rejected, &name.at.to_string())?;
        let id = name.at.id.clone();
        Ok(if closed == Closed::Won { Taken::Rejected(id) } else { Taken::Lost })
    }

    /// The neighbour that lists what is wrong, for people and for programs. Before the name, so that nobody
    /// sees a rejected file without its reasons.
    pub(super) fn write_rejection(
        &self,
        at: &TaskEpoch,
        report: &str,
        problems: &[Problem],
    ) -> Result<()> {
        let name = self.dropped_name(&at.id).to_string_lossy().into_owned();
        let rejection = Rejection { name, problems: problems.to_vec() };
        let strict = self.strict();
        let text = self.file(Dir::Rejected, format!("{at}.error.txt"));
        fs::write_synced(&text, report.as_bytes(), strict)?;
        let dir = self.own_run_dir(&at.id)?;
        Ok(fs::write_synced(&dir.join("rejection.json"), &to_json(&rejection), strict)?)
    }

    fn read_dropped(&self, path: &Path) -> Result<Content> {
        let Some(meta) = fs::look(path)? else { return Ok(Content::Gone) };
        if !meta.is_file() {
            return Ok(Content::Wrong(not_a_file(&meta)));
        }
        let file = match fs::open_foreign(path) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Content::Gone),
            Err(e) => return Ok(Content::Wrong(unreadable(&e))),
        };
        if writers(&file) == Writers::Some {
            return Ok(Content::Unsettled);
        }
        let bytes = fs::read_up_to(&file, path, MAX_TASK_BYTES)?;
        if self.strict() {
            fs::sync_file(&file, path)?;
        }
        Ok(Content::Bytes(bytes))
    }

    fn sync_after(&self, taken: &[Taken]) -> Result<()> {
        let any = |test: fn(&Taken) -> bool| taken.iter().any(test);
        if any(|t| matches!(t, Taken::Ready(_))) {
            self.sync_dir(Dir::Ready)?;
        }
        if any(|t| matches!(t, Taken::Blocked(_) | Taken::Unfinished(_))) {
            self.sync_dir(Dir::Blocked)?;
        }
        if any(|t| matches!(t, Taken::Rejected(_))) {
            self.sync_dir(Dir::Rejected)?;
        }
        Ok(())
    }

    /// Tasks whose take-up somebody began; with `looks`, only those that stay so.
    pub fn unfinished_takings(&self, looks: &mut Looks) -> Result<Vec<QueueName>> {
        let mut taking = self.blocked()?;
        taking
            .retain(|name| name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Taking));
        looks.keep_only(&taking);
        // One that was put off has no maker at work: it is tried at the first look, then now and then.
        let due = |name: &QueueName| {
            let first = !looks.knows(&name.to_string()) && self.is_put_off(&name.at.id);
            looks.lingers(&name.to_string()) || first
        };
        Ok(taking.into_iter().filter(due).collect())
    }
}

enum Content {
    Gone,
    Unsettled,
    Wrong(Problem),
    Bytes(Vec<u8>),
}

fn not_a_file(meta: &std::fs::Metadata) -> Problem {
    use std::os::unix::fs::FileTypeExt;
    let kind = meta.file_type();
    let (what, hint) = match () {
        () if kind.is_symlink() => ("a symbolic link", "drop the file itself: cp or ln, not ln -s"),
        () if kind.is_dir() => ("a directory", "drop its files one by one"),
        () if kind.is_fifo() => ("a FIFO", "write the text to a file"),
        () if kind.is_socket() => ("a socket", "write the text to a file"),
        () => ("a device", "write the text to a file"),
    };
    Problem::new(format!("this is {what}, not a task file")).hint(hint)
}

fn unreadable(e: &fs::FsError) -> Problem {
    Problem::new(format!("it cannot be opened: {}", e.source))
        .hint("make it readable for the user that runs the swarm, then: coordinator retry TASK")
}
