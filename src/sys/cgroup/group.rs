//! The group of one worker: every agent of its is put in there before it begins, one at a time.
//!
//! It is used again by the next attempt, for it is empty by then: making one costs more than entering one, and the
//! kernel keeps a removed one as long as a page of the disk's cache is on its account. A new one is made where
//! something that counts was left (files in memory), or where somebody took it away.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::find::{CgroupBases, bases, mounts};
use super::kill::{CgroupKill, children, kill_all, prefix, remove, tidy_in};
use super::made::{CgroupCounts, CgroupDirs, CgroupEntry, CgroupError, CgroupLimits, on, say};
use super::spawner::Spawner;
use crate::sys::grace::Grace;
use crate::sys::{identity, process};

/// What is still in there when its worker ends is given so long, milliseconds.
const LAST_MS: u64 = 1_000;

/// What happened in a group since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CgroupEvents {
    /// Processes that the kernel killed for lack of memory.
    pub oom_kills: u64,
    /// Its own limit of memory was met.
    pub at_memory_limit: bool,
    /// How often a process more was refused.
    pub forks_refused: u64,
}

/// A worker's group.
#[derive(Debug)]
pub struct Cgroup {
    worker: String,
    required: bool,
    state: Mutex<CgroupState>,
}

#[derive(Debug)]
struct CgroupState {
    made: Option<CgroupDirs>,
    /// Of version 1; goes from one group to the next.
    spawner: Option<Arc<Spawner>>,
    count: u32,
}

impl Cgroup {
    /// Makes one for a worker; `required`: without it nothing may be started.
    pub fn make(worker: &str, required: bool) -> Result<Cgroup, CgroupError> {
        if let Ok(found) = bases() {
            tidy(found);
        }
        let state = Mutex::new(CgroupState { made: None, spawner: None, count: 0 });
        let group = Cgroup { worker: worker.to_owned(), required, state };
        group.state().fresh(worker)?;
        Ok(group)
    }

    /// Whether nothing may be started outside of it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Makes it ready for the next attempt.
    pub fn hold(&self, held: CgroupLimits) -> Result<CgroupEntry, CgroupError> {
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

    /// The one that there is cannot be entered: the next [`Cgroup::hold`] makes another.
    pub fn forget(&self) {
        self.state().leave();
    }

    /// Ends everything in it: by TERM within its grace, then by KILL.
    pub fn kill(&self, grace: &mut Grace, patience_ms: u64) -> CgroupKill {
        let mut state = self.state();
        let Some(made) = &mut state.made else { return CgroupKill::default() };
        if made.is_empty() {
            return CgroupKill::default();
        }
        let killed = kill_all(&made.paths(), grace, patience_ms);
        if !killed.pids.is_empty() {
            // Forks may be refused there since.
            made.held.processes = Some(0);
        }
        killed
    }

    /// What happened since the last time that this was asked.
    pub fn look(&self) -> CgroupEvents {
        let mut state = self.state();
        let Some(made) = &mut state.made else { return CgroupEvents::default() };
        let (now, before) = (made.count(), made.before);
        made.before = now;
        let since = |count: fn(&CgroupCounts) -> u64| count(&now).saturating_sub(count(&before));
        CgroupEvents {
            oom_kills: since(|counts| counts.oom_kills),
            at_memory_limit: since(|counts| counts.limit_met) > 0 || made.was_full(),
            forks_refused: since(|counts| counts.forks_refused),
        }
    }

    /// Its directories now.
    pub fn dirs(&self) -> Vec<PathBuf> {
        let state = self.state();
        state.made.iter().flat_map(CgroupDirs::paths).map(Path::to_owned).collect()
    }

    fn state(&self) -> MutexGuard<'_, CgroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.state().leave();
    }
}

impl CgroupState {
    fn fresh(&mut self, worker: &str) -> Result<&mut CgroupDirs, CgroupError> {
        self.leave();
        let found = bases().map_err(|why| CgroupError {
            path: "/sys/fs/cgroup".into(),
            source: io::Error::new(io::ErrorKind::Unsupported, why),
        })?;
        let pid = process::own_pid();
        let ticks = identity::start_ticks(pid).unwrap_or(0);
        let name = format!("{}{pid}.{ticks}.{}", prefix(worker), self.count);
        self.count += 1;
        let mut made = CgroupDirs {
            dirs: Vec::new(),
            entrance: CgroupEntry::default(),
            pids_current: None,
            memory_events: None,
            pids_events: None,
            held: CgroupLimits::default(),
            before: CgroupCounts::default(),
        };
        let mut admission = Vec::new();
        for base in &found.bases {
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

    fn spawner(&mut self) -> Result<Arc<Spawner>, CgroupError> {
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
                drop(say(&base.dir.join("tasks"), &spawner.thread().to_string()));
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

/// Deeper than anybody nests groups.
const DEPTH: u32 = 16;

/// Ends all that is in the groups of a worker that is dead, and removes them.
pub fn end_of(worker: &str, grace: &mut Grace, patience_ms: u64) -> CgroupKill {
    let prefix = prefix(worker);
    let is_its = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    let mut found = Vec::new();
    for base in bases().map(|found| found.bases.as_slice()).unwrap_or_default() {
        found.extend(
            children(&base.dir).into_iter().filter(|dir| dir.file_name().is_some_and(is_its)),
        );
    }
    if found.is_empty() {
        // It may have been started elsewhere: in another session, by systemd.
        for mount in mounts() {
            gather(&mount.point, &is_its, DEPTH, &mut found);
        }
    }
    if found.is_empty() {
        return CgroupKill::default();
    }
    let dirs: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    let killed = kill_all(&dirs, grace, patience_ms);
    for dir in dirs {
        remove(dir);
    }
    killed
}

fn gather(dir: &Path, is_its: &dyn Fn(&OsStr) -> bool, depth: u32, found: &mut Vec<PathBuf>) {
    if depth == 0 {
        return;
    }
    for child in children(dir) {
        if child.file_name().is_some_and(is_its) {
            found.push(child);
        } else {
            gather(&child, is_its, depth - 1, found);
        }
    }
}

/// Removes the empty groups beside ours whose makers are dead, of whichever queue they were.
pub(super) fn tidy(found: &CgroupBases) {
    found.bases.iter().for_each(|base| tidy_in(&base.dir));
}
