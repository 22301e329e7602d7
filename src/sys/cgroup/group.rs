//! The group of one worker: every agent of its is put in there before it begins, one at a time.
//!
//! It is used again by the next attempt, for it is empty by then: making one costs more than entering one, and the
//! kernel keeps a removed one as long as a page of the disk's cache is on its account. A new one is made where
//! something that counts was left (files in memory), or where somebody took it away.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::find::{Base, ground};
use super::kill::{Killed, children, kill_all, remove};
use super::remains;
use crate::sys::{identity, process};

pub(super) const PREFIX: &str = "swarmdir-";
/// More than this share of the limit that is in use before an attempt begins is not the attempt's fault.
const LEFTOVER_SHARE: u64 = 16;
/// No file of events is longer.
const EVENTS_BYTES: usize = 1_024;
/// So near to its limit a group has met it.
const PEAK_SHARE: u64 = 64;
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
    count: u32,
}

/// As it lies in its hierarchies now.
#[derive(Debug)]
struct Made {
    dirs: Vec<(PathBuf, Base)>,
    /// Of each directory; they say, too, whether anybody is in there.
    doors: Arc<Vec<File>>,
    /// Where the kernel counts lack of memory, and refused forks; open, for they are read after each attempt.
    memory_events: Option<File>,
    pids_events: Option<File>,
    held: Held,
    before: Counts,
}

/// What the kernel counts from the making of a group on.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    oom_kills: u64,
    limit_met: u64,
    forks_refused: u64,
}

impl Group {
    /// Makes one for a worker; `required`: without it nothing may be started.
    pub fn make(worker: &str, required: bool) -> Result<Group, Trouble> {
        if let Ok(ground) = ground() {
            remains::tidy(ground);
        }
        let state = Mutex::new(State { made: None, count: 0 });
        let group = Group { worker: worker.to_owned(), required, state };
        group.state().fresh(worker)?;
        Ok(group)
    }

    /// Whether nothing may be started outside of it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Makes it ready for the next attempt. Whoever writes `0` to each of these files is in it.
    pub fn hold(&self, held: Held) -> Result<Arc<Vec<File>>, Trouble> {
        let mut state = self.state();
        let usable = state
            .made
            .as_mut()
            .is_some_and(|made| !made.is_stained(held.memory) && made.hold(held).is_ok());
        if !usable {
            state.fresh(&self.worker)?.hold(held)?;
        }
        let made = state.made.as_mut().expect("it was made just now");
        Ok(Arc::clone(&made.doors))
    }

    /// The one that there is cannot be entered: the next [`Group::hold`] makes another.
    pub fn forget(&self) {
        self.state().leave();
    }

    /// Kills everything in it.
    pub fn kill(&self, patience_ms: u64) -> Killed {
        let mut state = self.state();
        let Some(made) = &mut state.made else { return Killed::default() };
        if made.is_empty() {
            return Killed::default();
        }
        let killed = kill_all(&made.paths(), patience_ms);
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
            doors: Arc::default(),
            memory_events: None,
            pids_events: None,
            held: Held::default(),
            before: Counts::default(),
        };
        let mut doors = Vec::new();
        for base in &ground.bases {
            let dir = base.dir.join(&name);
            fs::create_dir(&dir).map_err(on(&dir))?;
            let procs = dir.join("cgroup.procs");
            doors.push(File::options().read(true).write(true).open(&procs).map_err(on(&procs))?);
            if base.memory {
                let file = if base.v2 { "memory.events" } else { "memory.oom_control" };
                made.memory_events = File::open(dir.join(file)).ok();
            }
            if base.pids {
                made.pids_events = File::open(dir.join("pids.events")).ok();
            }
            made.dirs.push((dir, base.clone()));
        }
        made.doors = Arc::new(doors);
        Ok(self.made.insert(made))
    }

    fn leave(&mut self) {
        let Some(made) = self.made.take() else { return };
        let paths = made.paths();
        if !paths.iter().all(|dir| remove(dir)) {
            kill_all(&paths, LAST_MS);
            for dir in paths {
                remove(dir);
            }
        }
    }
}

impl Made {
    fn paths(&self) -> Vec<&Path> {
        self.dirs.iter().map(|(dir, _)| dir.as_path()).collect()
    }

    fn of(&self, which: fn(&Base) -> bool) -> Option<&(PathBuf, Base)> {
        self.dirs.iter().find(|(_, base)| which(base))
    }

    /// Files in memory that an earlier attempt left are on its account.
    fn is_stained(&self, limit: Option<u64>) -> bool {
        let (Some(limit), Some((dir, base))) = (limit, self.of(|base| base.memory)) else {
            return false;
        };
        let key = if base.v2 { "shmem" } else { "total_shmem" };
        let text = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
        value(&text, key) > limit / LEFTOVER_SHARE
    }

    fn hold(&mut self, held: Held) -> Result<(), Trouble> {
        if held.memory != self.held.memory
            && let Some((dir, base)) = self.of(|base| base.memory)
        {
            hold_memory(dir, base.v2, held.memory)?;
        }
        if held.processes != self.held.processes
            && let Some((dir, _)) = self.of(|base| base.pids)
        {
            say(&dir.join("pids.max"), &or_max(held.processes))?;
        }
        self.held = held;
        if let (Some(_), Some((dir, _))) = (held.memory, self.of(|base| base.memory && !base.v2)) {
            say(&dir.join("memory.max_usage_in_bytes"), "0")?;
        }
        Ok(())
    }

    /// Whether nobody is in there, nor in a group that was made in there.
    fn is_empty(&self) -> bool {
        let nobody = |door: &File| door.read_at(&mut [0], 0).is_ok_and(|read| read == 0);
        self.doors.iter().all(nobody) && self.dirs.iter().all(|(dir, _)| children(dir).is_empty())
    }

    fn count(&self) -> Counts {
        let memory = text(self.memory_events.as_ref());
        let pids = text(self.pids_events.as_ref());
        Counts {
            oom_kills: value(&memory, "oom_kill"),
            // Version 1 has a count of its own, which newer kernels leave at zero: the peak has to tell.
            limit_met: value(&memory, "max"),
            forks_refused: value(&pids, "max"),
        }
    }

    /// Version 1: the peak since [`Made::hold`] is at the limit, but for what the kernel sets aside for each processor.
    fn was_full(&self) -> bool {
        let (Some(limit), Some((dir, base))) = (self.held.memory, self.of(|base| base.memory))
        else {
            return false;
        };
        let peak = fs::read_to_string(dir.join("memory.max_usage_in_bytes")).unwrap_or_default();
        let peak: u64 = peak.trim().parse().unwrap_or(0);
        !base.v2 && peak + limit / PEAK_SHARE >= limit
    }
}

/// What is swapped out is memory, too: where that can be said, none is.
fn hold_memory(dir: &Path, v2: bool, bytes: Option<u64>) -> Result<(), Trouble> {
    if v2 {
        say(&dir.join("memory.max"), &or_max(bytes))?;
        let swap = if bytes.is_some() { "0" } else { "max" };
        let _where_there_is_swap = say(&dir.join("memory.swap.max"), swap);
        return Ok(());
    }
    // Memory with swap may not be less than memory: up first, then down.
    let with_swap = dir.join("memory.memsw.limit_in_bytes");
    let _where_it_is_counted = say(&with_swap, "-1");
    let text = bytes.map_or("-1".into(), |bytes| bytes.to_string());
    say(&dir.join("memory.limit_in_bytes"), &text)?;
    let _where_it_is_counted = say(&with_swap, &text);
    Ok(())
}

fn or_max(number: Option<u64>) -> String {
    number.map_or("max".into(), |number| number.to_string())
}

fn say(path: &Path, text: &str) -> Result<(), Trouble> {
    fs::write(path, text).map_err(on(path))
}

/// What the kernel says now in a file that is open.
fn text(file: Option<&File>) -> String {
    let mut bytes = [0; EVENTS_BYTES];
    let read = file.and_then(|file| file.read_at(&mut bytes, 0).ok()).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

/// The number behind a word at the beginning of a line.
fn value(text: &str, key: &str) -> u64 {
    let number = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(number).unwrap_or(0)
}

fn on(path: &Path) -> impl FnOnce(io::Error) -> Trouble {
    let path = path.to_owned();
    move |source| Trouble { path, source }
}
