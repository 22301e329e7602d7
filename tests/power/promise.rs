//! What must hold after a power cut, once the queue has been opened again and tended.
//!
//! Every text of a workload is told from the others by its content. Invariant: nothing is asked of a state but
//! what `queue/README.md` promises (section fsync, and I1 to I11).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use swarmdir::domain::settings::choice::Durability;
use swarmdir::domain::task::name::{AttemptName, QueueName, TaskEpoch};
use swarmdir::domain::task::reason::Wait;
use swarmdir::domain::task::record::{Lost, Rejection};
use swarmdir::domain::time::UnixMs;
use swarmdir::queue::check::Violation;
use swarmdir::queue::intake::{IntakeCheck, IntakeResult};
use swarmdir::queue::{Queue, QueueError};
use swarmdir::site::Dir;

use super::disk::{Names, State};
use super::tape::Entry;
use super::workload::Text;
use crate::support::deadline::wait_for;

/// Where a text must be found.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Must {
    /// It may be nowhere; what there is of it is whole.
    Nothing,
    /// Its user did not sync it: it may be torn.
    Loose,
    /// In `ready/`, or blocked for a while.
    Waiting,
    /// Waiting, in this band.
    Band(u8),
    Held,
    PutOff,
    Done,
    Failed,
    Cancelled,
    Rejected,
}

/// What is promised at one point of a tape.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Promises {
    /// By text; several while a step is under way.
    pub(crate) places: BTreeMap<usize, Vec<Must>>,
    lives: BTreeMap<usize, u32>,
    deaths: BTreeMap<usize, u32>,
    identity: Option<String>,
}

impl Promises {
    pub(crate) fn after(entries: &[Entry]) -> Promises {
        let mut now = Promises::default();
        for entry in entries {
            match entry {
                Entry::Begin { text, must } => {
                    now.places.entry(*text).or_default().push(must.clone());
                }
                Entry::Kept { text, must } => {
                    now.places.insert(*text, vec![must.clone()]);
                }
                Entry::Life { text, epoch } => {
                    now.lives.insert(*text, *epoch);
                }
                Entry::Deaths { text, count } => {
                    now.deaths.insert(*text, *count);
                }
                Entry::Identity(id) => now.identity = Some(id.clone()),
                _ => {}
            }
        }
        now
    }
}

/// A text as it was found.
struct Found {
    text: Option<usize>,
    dir: Dir,
    name: String,
    at: Option<TaskEpoch>,
}

/// What the states of one workload are judged by.
pub(crate) struct Judge<'a> {
    pub(crate) texts: &'a [Text],
    pub(crate) intake: &'a dyn IntakeCheck,
    pub(crate) max_deaths: u32,
    pub(crate) mode: Names,
}

impl Judge<'_> {
    /// Opens and tends the queue in `base`; says what is broken. `live` is what was there before the cut.
    pub(crate) fn verdict(&self, base: &Path, promises: &Promises, live: &State) -> Option<String> {
        self.try_verdict(base, promises, live).err()
    }

    fn try_verdict(&self, base: &Path, promises: &Promises, live: &State) -> Result<(), String> {
        let path = base.join("swarm/queue");
        let queue = Queue::open_or_make(&path, Durability::Relaxed).map_err(|e| e.to_string())?;
        if promises.identity.as_ref().is_some_and(|id| id != queue.id()) {
            return Err("the queue has become another one".into());
        }
        let claimed = surviving_claims(&queue);
        // Two names of one file: a rename from one to the other does nothing, and the next round mends that.
        for _ in 0..if self.mode == Names::Torn { 2 } else { 1 } {
            self.recover(&queue).map_err(|e| format!("recovery: {e}"))?;
        }
        let violations = queue.violations_now().map_err(|e| e.to_string())?;
        if !violations.is_empty() {
            return Err(format!("check: {violations:?}"));
        }
        let found = self.find(&queue);
        let goes_on = |at: &TaskEpoch| {
            let name = found.iter().find(|one| one.at.as_ref().is_some_and(|it| it.id == at.id));
            name.is_some_and(|one| matches!(one.dir, Dir::Ready | Dir::Failed))
        };
        let forgotten = |at: &&TaskEpoch| goes_on(at) && !death_is_noted(&queue, at);
        if self.mode == Names::Whole
            && let Some(at) = claimed.iter().find(forgotten)
        {
            return Err(format!("nobody knows who died of {at}"));
        }
        self.judge_places(&found, promises)?;
        for one in &found {
            self.judge_files(&queue, one, live)?;
            self.judge_counts(&queue, one, promises)?;
        }
        Ok(())
    }

    /// As often as it takes: a file that a process of another test has inherited, between fork and exec, is still
    /// being written to for all that one can tell.
    fn finish_intake(&self, queue: &Queue, name: &QueueName) -> Result<(), QueueError> {
        wait_for("the end of an intake", || match queue.finish_intake(name, self.intake) {
            Ok(IntakeResult::Unfinished(id)) if !queue.is_put_off(&id) => None,
            came_to => Some(came_to.map(drop)),
        })
    }

    /// What housekeeping does, for workers that are all dead, with nothing to wait for.
    fn recover(&self, queue: &Queue) -> Result<(), QueueError> {
        if self.mode == Names::Torn {
            let doubled = |v: &Violation| v.invariant == "I1";
            for violation in queue.violations_now()?.iter().filter(|v| doubled(v)) {
                queue.set_aside(violation)?;
            }
        }
        queue.sweep_torn()?;
        let pending = names(queue, Dir::Pending).into_iter().map(Into::into);
        queue.take_in(&pending.collect::<Vec<_>>(), self.intake)?;
        for name in queue.blocked()? {
            if name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake) {
                self.finish_intake(queue, &name)?;
            }
        }
        for request in queue.cancel_requests()? {
            queue.carry_out(&request)?;
        }
        for (card, _) in queue.workers()? {
            queue.declare_dead(&card.id)?;
        }
        for claim in queue.dead_claims()? {
            let worker = claim.card.id.clone();
            let lost = Lost { worker, noticed_at: UnixMs(0), evidence: "a power cut".into() };
            queue.reclaim(&claim, &lost, self.max_deaths)?;
        }
        for card in queue.gone()? {
            queue.bury(&card.id)?;
        }
        Ok(())
    }

    /// Every name of every task.
    fn find(&self, queue: &Queue) -> Vec<Found> {
        let dirs =
            [Dir::Ready, Dir::Blocked, Dir::Done, Dir::Failed, Dir::Cancelled, Dir::Rejected];
        let mut found = Vec::new();
        for dir in dirs {
            for name in names(queue, dir) {
                if name.ends_with(".error.txt") {
                    continue;
                }
                let bytes = fs::read(queue.paths().file(dir, &name)).unwrap();
                let text = self.texts.iter().position(|text| text.bytes.as_bytes() == bytes);
                let at = match dir {
                    Dir::Ready | Dir::Blocked => QueueName::parse(&name).map(|name| name.at),
                    Dir::Done | Dir::Failed => AttemptName::parse(&name).map(|name| name.at),
                    _ => TaskEpoch::parse(&name),
                };
                found.push(Found { text, dir, name, at });
            }
        }
        found
    }

    fn judge_places(&self, found: &[Found], promises: &Promises) -> Result<(), String> {
        let loose = promises.places.values().filter(|musts| musts.contains(&Must::Loose)).count();
        let torn = found.iter().filter(|one| one.text.is_none()).count();
        // Without a journal it may be there under two names.
        if torn > loose * if self.mode == Names::Torn { 2 } else { 1 } {
            return Err(format!("{torn} torn texts, {loose} of them their users' doing"));
        }
        for (text, musts) in &promises.places {
            let places: Vec<&Found> = found.iter().filter(|one| one.text == Some(*text)).collect();
            // Without a journal a name in `pending/` may come back: then it is a task of its own.
            if self.mode == Names::Whole && places.len() > 1 {
                return Err(format!("text {text} is there {} times", places.len()));
            }
            let holds = |must: &Must| match must {
                Must::Nothing => places.is_empty(),
                Must::Loose => true,
                _ => places.iter().any(|one| one.is(must)),
            };
            if !musts.iter().any(holds) {
                let at: Vec<String> =
                    places.iter().map(|one| format!("{}/{}", one.dir.name(), one.name)).collect();
                return Err(format!("text {text} must be {musts:?} and is {at:?}"));
            }
        }
        Ok(())
    }

    /// The task's and the last attempt's files are complete.
    fn judge_files(&self, queue: &Queue, one: &Found, live: &State) -> Result<(), String> {
        let (Some(text), Some(at)) = (one.text, &one.at) else { return Ok(()) };
        let dropped = queue.dropped_name(&at.id);
        if dropped != self.texts[text].name {
            return Err(format!("{:?} is called {dropped:?} now", self.texts[text].name));
        }
        let path = format!("swarm/queue/runs/{}/", at.id);
        let must_be_whole = match one.dir {
            Dir::Done | Dir::Failed => {
                let attempt = AttemptName::parse(&one.name).expect("found as one");
                let dir = format!("{path}{}/", attempt.dir());
                let ran = live.contains_key(Path::new(&format!("{dir}result.json")));
                if ran { vec![dir] } else { vec![] }
            }
            Dir::Rejected => {
                let rejection = queue.paths().root().join(format!("runs/{}/rejection.json", at.id));
                let bytes = fs::read(rejection).unwrap_or_default();
                serde_json::from_slice::<Rejection>(&bytes)
                    .map_err(|e| format!("rejection: {e}"))?;
                let report = format!("swarm/queue/rejected/{at}");
                let stood = live.contains_key(Path::new(&report));
                if stood { vec![format!("{report}.error.txt")] } else { vec![] }
            }
            _ => vec![],
        };
        let base = queue.paths().root().parent().and_then(Path::parent).expect("swarm/queue");
        for (path, content) in live {
            let Some((_, bytes)) = content else { continue };
            let text = path.to_str().expect("plain names");
            let asked = must_be_whole.iter().any(|must| text.starts_with(must.as_str()));
            if asked
                && !text.ends_with("/lost")
                && fs::read(base.join(path)).ok().as_ref() != Some(bytes)
            {
                return Err(format!("{path:?} is not whole"));
            }
        }
        Ok(())
    }

    fn judge_counts(&self, queue: &Queue, one: &Found, promises: &Promises) -> Result<(), String> {
        let (Some(text), Some(at)) = (one.text, &one.at) else { return Ok(()) };
        if let Some(epoch) = promises.lives.get(&text)
            && at.epoch.0 >= *epoch
        {
            let life = queue.run_epoch(&at.id).map_err(|e| e.to_string())?.0;
            if life != *epoch {
                return Err(format!("text {text} is in life {life}, not {epoch}"));
            }
        }
        let deaths = queue.tally(&at.id).map_err(|e| e.to_string())?.deaths;
        let noted = promises.deaths.get(&text).copied().unwrap_or(0);
        if deaths < noted {
            return Err(format!("text {text} knows of {deaths} deaths, not of {noted}"));
        }
        Ok(())
    }
}

impl Found {
    fn is(&self, must: &Must) -> bool {
        let wait = || QueueName::parse(&self.name)?.reason.map(|reason| reason.wait);
        match must {
            Must::Nothing | Must::Loose => true,
            Must::Waiting => match self.dir {
                Dir::Ready => true,
                Dir::Blocked => !matches!(wait(), Some(Wait::Hold | Wait::Intake)),
                _ => false,
            },
            Must::Band(band) => {
                let found = QueueName::parse(&self.name).map(|name| name.band.get());
                self.dir == Dir::Ready && found == Some(*band)
            }
            Must::Held => self.dir == Dir::Blocked && wait() == Some(Wait::Hold),
            Must::PutOff => self.dir == Dir::Blocked && wait() == Some(Wait::Intake),
            Must::Done => self.dir == Dir::Done,
            Must::Failed => self.dir == Dir::Failed,
            Must::Cancelled => self.dir == Dir::Cancelled,
            Must::Rejected => self.dir == Dir::Rejected,
        }
    }
}

fn names(queue: &Queue, dir: Dir) -> Vec<String> {
    let entries = fs::read_dir(queue.paths().dir(dir)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// Claims of tasks that are still ready under that name.
fn surviving_claims(queue: &Queue) -> Vec<TaskEpoch> {
    let ready: Vec<TaskEpoch> =
        names(queue, Dir::Ready).iter().filter_map(|n| Some(QueueName::parse(n)?.at)).collect();
    let claims = names(queue, Dir::Claims);
    let claims = claims.iter().filter_map(|name| TaskEpoch::parse(name));
    claims.filter(|at| ready.contains(at)).collect()
}

/// A claim that outlived the cut says whose it was, so that its death counts.
fn death_is_noted(queue: &Queue, at: &TaskEpoch) -> bool {
    let dir: PathBuf = queue.paths().run(&at.id).dir().to_owned();
    let prefix = format!("{}.", at.epoch.0);
    fs::read_dir(dir).unwrap().flatten().any(|entry| {
        let ours = entry.file_name().to_string_lossy().starts_with(&prefix);
        ours && entry.path().join("lost").exists()
    })
}
