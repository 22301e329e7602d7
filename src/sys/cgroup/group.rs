//! The group of one worker: every agent of its is put in there before it begins, one at a time.
//!
//! It is used again by the next attempt, for it is empty by then: making one costs more than entering one, and the
//! kernel keeps a removed one as long as a page of the disk's cache is on its account. A new one is made where
//! something that counts was left (files in memory), or where somebody took it away.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::find::ground;
use super::kill::{Killed, kill_all, remove};
use super::made::{Counts, Made, on, say};
use super::remains;
use super::spawner::Spawner;
use crate::sys::grace::Grace;
use crate::sys::{identity, process};

pub(super) const PREFIX: &str = "swarmdir-";
/// What is still in there when its worker ends is given so long, milliseconds.
const LAST_MS: u64 = 1_000;

/// The beginning of the names of a worker's groups.
pub(super) fn prefix(worker: &str) -> String {
    format!("{PREFIX}{worker}.")
}

/// What a group is held to; `None`: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// All of its memory, bytes.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
}

/// What happened in a group since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Processes that the kernel killed for lack of memory.
    pub oom_kills: u64,
    /// Its own limit of memory was met.
    pub at_memory_limit: bool,
    /// How often a process more was refused.
    pub forks_refused: u64,
}

/// What the system would not do.
#[derive(Debug)]
pub struct Trouble {
    /// On what.
    pub path: PathBuf,
    /// Its answer.
    pub source: io::Error,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.path, self.source)
    }
}

/// The way into a group for what is to be started.
#[derive(Clone, Debug, Default)]
pub struct Entrance {
    /// Whoever writes `0` to each of these is in it.
    pub(crate) admission: Arc<Vec<File>>,
    /// Whatever this starts is in it.
    pub(crate) spawner: Option<Arc<Spawner>>,
}

/// A worker's group.
#[derive(Debug)]
pub struct Group {
    worker: String,
    required: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    made: Option<Made>,
    /// Of version 1; goes from one group to the next.
    spawner: Option<Arc<Spawner>>,
    count: u32,
}

impl Group {
    /// Makes one for a worker; `required`: without it nothing may be started.
    pub fn make(worker: &str, required: bool) -> Result<Group, Trouble> {
        if let Ok(ground) = ground() {
            remains::tidy(ground);
        }
        let state = Mutex::new(State { made: None, spawner: None, count: 0 });
        let group = Group { worker: worker.to_owned(), required, state };
        group.state().fresh(worker)?;
        Ok(group)
    }

    /// Whether nothing may be started outside of it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Makes it ready for the next attempt.
    pub fn hold(&self, held: Held) -> Result<Entrance, Trouble> {
        let mut state = self.state();
        let usable = state
            .made
            .as_mut()
            .is_some_and(|made| !made.is_stained(held.memory) && made.hold(held).is_ok());
        if !usable {
            state.fresh(&self.worker)?.hold(held)?;
        }
        let made = state.made.as_mut().expect("it was made just now");
        Ok(made.entrance.clone())
    }

    /// The one that there is cannot be entered: the next [`Group::hold`] makes another.
    pub fn forget(&self) {
        self.state().leave();
    }

    /// Ends everything in it: by TERM within its grace, then by KILL.
    pub fn kill(&self, grace: &mut Grace, patience_ms: u64) -> Killed {
        let mut state = self.state();
        let Some(made) = &mut state.made else { return Killed::default() };
        if made.is_empty() {
            return Killed::default();
        }
        let killed = kill_all(&made.paths(), grace, patience_ms);
        if !killed.pids.is_empty() {
            // Forks may be refused there since.
            made.held.processes = Some(0);
        }
        killed
    }

    /// What happened since the last time that this was asked.
    pub fn look(&self) -> Seen {
        let mut state = self.state();
        let Some(made) = &mut state.made else { return Seen::default() };
        let (now, before) = (made.count(), made.before);
        made.before = now;
        let since = |count: fn(&Counts) -> u64| count(&now).saturating_sub(count(&before));
        Seen {
            oom_kills: since(|counts| counts.oom_kills),
            at_memory_limit: since(|counts| counts.limit_met) > 0 || made.was_full(),
            forks_refused: since(|counts| counts.forks_refused),
        }
    }

    /// Its directories now.
    pub fn dirs(&self) -> Vec<PathBuf> {
        let state = self.state();
        state.made.iter().flat_map(Made::paths).map(Path::to_owned).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.state().leave();
    }
}

impl State {
    fn fresh(&mut self, worker: &str) -> Result<&mut Made, Trouble> {
        self.leave();
        let ground = ground().map_err(|why| Trouble {
            path: "/sys/fs/cgroup".into(),
            source: io::Error::new(io::ErrorKind::Unsupported, why),
        })?;
        let pid = process::own_pid();
        let ticks = identity::start_ticks(pid).unwrap_or(0);
        let name = format!("{}{pid}.{ticks}.{}", prefix(worker), self.count);
        self.count += 1;
        let mut made = Made {
            dirs: Vec::new(),
            entrance: Entrance::default(),
            pids_current: None,
            memory_events: None,
            pids_events: None,
            held: Held::default(),
            before: Counts::default(),
        };
        let mut admission = Vec::new();
        for base in &ground.bases {
            let dir = base.dir.join(&name);
            fs::create_dir(&dir).map_err(on(&dir))?;
            if base.v2 {
                let procs = dir.join("cgroup.procs");
                admission.push(File::options().write(true).open(&procs).map_err(on(&procs))?);
            } else {
                let spawner = self.spawner()?;
                say(&dir.join("tasks"), &spawner.thread().to_string())?;
                made.entrance.spawner = Some(spawner);
            }
            if base.memory {
                let file = if base.v2 { "memory.events" } else { "memory.oom_control" };
                made.memory_events = File::open(dir.join(file)).ok();
            }
            if base.pids {
                made.pids_events = File::open(dir.join("pids.events")).ok();
                made.pids_current = File::open(dir.join("pids.current")).ok();
            }
            made.dirs.push((dir, base.clone()));
        }
        made.entrance.admission = Arc::new(admission);
        Ok(self.made.insert(made))
    }

    fn spawner(&mut self) -> Result<Arc<Spawner>, Trouble> {
        if let Some(spawner) = &self.spawner {
            return Ok(Arc::clone(spawner));
        }
        let spawner = Arc::new(Spawner::start().map_err(on(Path::new("/proc/self/task")))?);
        Ok(Arc::clone(self.spawner.insert(spawner)))
    }

    fn leave(&mut self) {
        let Some(made) = self.made.take() else { return };
        if let Some(spawner) = &made.entrance.spawner {
            for (_, base) in &made.dirs {
                // Back to where it came from, or the directory cannot go.
                let _it_stays_then = say(&base.dir.join("tasks"), &spawner.thread().to_string());
            }
        }
        let paths = made.paths();
        if !paths.iter().all(|dir| remove(dir)) {
            kill_all(&paths, &mut Grace::none(), LAST_MS);
            for dir in paths {
                remove(dir);
            }
        }
    }
}
