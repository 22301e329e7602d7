//! A group as it lies in its hierarchies: its limits, its counts, and whether anybody is in there.
//!
//! It knows the files of both versions, and nobody else does.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::find::CgroupBase;
use super::spawner::Spawner;

/// More than this share of the limit that is in use before an attempt begins is not the attempt's fault.
const LEFTOVER_SHARE: u64 = 16;
/// No file of events is longer.
const EVENTS_BYTES: usize = 1_024;
/// So near to its limit a group has met it.
const PEAK_SHARE: u64 = 64;

/// What a group is held to; `None`: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CgroupLimits {
    /// All of its memory, bytes.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
}

/// The way into a group for what is to be started.
#[derive(Clone, Debug, Default)]
pub struct CgroupEntry {
    /// Whoever writes `0` to each of these is in it.
    pub(crate) admission: Arc<Vec<File>>,
    /// Whatever this starts is in it.
    pub(crate) spawner: Option<Arc<Spawner>>,
}

#[derive(Debug)]
pub(super) struct CgroupDirs {
    pub(super) dirs: Vec<(PathBuf, CgroupBase)>,
    pub(super) entrance: CgroupEntry,
    /// Says how many are in there, those below it included.
    pub(super) pids_current: Option<File>,
    /// Where the kernel counts lack of memory, and refused forks; open, for they are read after each attempt.
    pub(super) memory_events: Option<File>,
    pub(super) pids_events: Option<File>,
    pub(super) held: CgroupLimits,
    pub(super) before: CgroupCounts,
}

/// What the kernel counts from the making of a group on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CgroupCounts {
    pub(super) oom_kills: u64,
    pub(super) limit_met: u64,
    pub(super) forks_refused: u64,
}

impl CgroupDirs {
    pub(super) fn paths(&self) -> Vec<&Path> {
        self.dirs.iter().map(|(dir, _)| dir.as_path()).collect()
    }

    fn of(&self, which: fn(&CgroupBase) -> bool) -> Option<&(PathBuf, CgroupBase)> {
        self.dirs.iter().find(|(_, base)| which(base))
    }

    /// Files in memory that an earlier attempt left are on its account.
    pub(super) fn is_stained(&self, limit: Option<u64>) -> bool {
        let (Some(limit), Some((dir, base))) = (limit, self.of(|base| base.memory)) else {
            return false;
        };
        let key = if base.v2 { "shmem" } else { "total_shmem" };
        let text = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
        value(&text, key) > limit / LEFTOVER_SHARE
    }

    pub(super) fn hold(&mut self, held: CgroupLimits) -> Result<(), CgroupError> {
        if held.memory != self.held.memory
            && let Some((dir, base)) = self.of(|base| base.memory)
        {
            hold_memory(dir, base.v2, held.memory)?;
        }
        if held.processes != self.held.processes
            && let Some((dir, _)) = self.of(|base| base.pids)
        {
            let most = held.processes.map(|most| most.saturating_add(self.own()));
            say(&dir.join("pids.max"), &or_max(most))?;
        }
        self.held = held;
        if let (Some(_), Some((dir, _))) = (held.memory, self.of(|base| base.memory && !base.v2)) {
            say(&dir.join("memory.max_usage_in_bytes"), "0")?;
        }
        Ok(())
    }

    /// Whether nobody is in there, nor in a group that was made in there. Where it cannot be said at a glance: no.
    pub(super) fn is_empty(&self) -> bool {
        text(self.pids_current.as_ref()).trim().parse() == Ok(self.own())
    }

    /// How many of ours are in there for good.
    fn own(&self) -> u64 {
        u64::from(self.entrance.spawner.is_some())
    }

    pub(super) fn count(&self) -> CgroupCounts {
        let memory = text(self.memory_events.as_ref());
        let pids = text(self.pids_events.as_ref());
        CgroupCounts {
            oom_kills: value(&memory, "oom_kill"),
            // Version 1 has a count of its own, which newer kernels leave at zero: the peak has to tell.
            limit_met: value(&memory, "max"),
            forks_refused: value(&pids, "max"),
        }
    }

    /// Version 1: the peak since [`CgroupDirs::hold`] is at the limit, but for what the kernel sets aside for each processor.
    pub(super) fn was_full(&self) -> bool {
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
fn hold_memory(dir: &Path, v2: bool, bytes: Option<u64>) -> Result<(), CgroupError> {
    if v2 {
        say(&dir.join("memory.max"), &or_max(bytes))?;
        let swap = if bytes.is_some() { "0" } else { "max" };
        // There may be no swap.
        drop(say(&dir.join("memory.swap.max"), swap));
        return Ok(());
    }
    // Memory with swap may not be less than memory: up first, then down.
    let with_swap = dir.join("memory.memsw.limit_in_bytes");
    // Swap may not be counted.
    drop(say(&with_swap, "-1"));
    let text = bytes.map_or("-1".into(), |bytes| bytes.to_string());
    say(&dir.join("memory.limit_in_bytes"), &text)?;
    // Swap may not be counted.
    drop(say(&with_swap, &text));
    Ok(())
}

fn or_max(number: Option<u64>) -> String {
    number.map_or("max".into(), |number| number.to_string())
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

/// What the system would not do.
#[derive(Debug)]
pub struct CgroupError {
    /// On what.
    pub path: PathBuf,
    /// Its answer.
    pub source: io::Error,
}

impl std::fmt::Display for CgroupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.path, self.source)
    }
}

pub(super) fn on(path: &Path) -> impl FnOnce(io::Error) -> CgroupError {
    let path = path.to_owned();
    move |source| CgroupError { path, source }
}

pub(super) fn say(path: &Path, text: &str) -> Result<(), CgroupError> {
    std::fs::write(path, text).map_err(on(path))
}
