//! Which process is which, and what `/proc` shows of one: identities, states and times read from the kernel.
//!
//! It sends no signal. Invariant: what cannot be seen is `None`, never a guess.

use std::fs::File;
use std::io::Read;
use std::os::linux::fs::MetadataExt;

use nix::unistd::{SysconfVar, sysconf};

use crate::domain::process::ProcessIdentity;

/// This process.
pub fn me() -> ProcessIdentity {
    let pid = own_pid();
    ProcessIdentity {
        host: host(),
        boot_id: boot_id(),
        pid,
        start_ticks: start_ticks(pid).unwrap_or(0),
        pid_namespace: namespace("pid"),
        time_namespace: namespace("time"),
    }
}

/// The host's name; `localhost` where it is not text.
pub fn host() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "localhost".into())
}

/// When a process started, in clock ticks since boot; `None` where it is gone or a zombie (dead, but not
/// yet waited for).
pub fn start_ticks(pid: i32) -> Option<u64> {
    match seen(pid) {
        PidState::Since(ticks) => Some(ticks),
        PidState::Ended | PidState::Nothing => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PidState {
    /// A process that started then.
    Since(u64),
    /// One that is dead, but not yet waited for.
    Ended,
    /// Nothing: it is gone, or hidden.
    Nothing,
}

pub(super) fn seen(pid: i32) -> PidState {
    let Some(stat) = stat_fields(pid) else { return PidState::Nothing };
    match (stat.first().map(String::as_str), stat.get(19).and_then(|ticks| ticks.parse().ok())) {
        (Some("Z" | "X"), _) => PidState::Ended,
        (_, Some(ticks)) => PidState::Since(ticks),
        (_, None) => PidState::Nothing,
    }
}

/// The parent of a process; `None` where it is gone.
pub fn parent(pid: i32) -> Option<i32> {
    stat_fields(pid)?.get(1)?.parse().ok()
}

/// This process, its parent, and so on up to the first that there is (or that can be seen).
pub fn ancestry() -> Vec<i32> {
    let mut line = Vec::new();
    let mut next = Some(own_pid());
    while let Some(pid) = next.filter(|pid| *pid > 0 && !line.contains(pid)) {
        line.push(pid);
        next = parent(pid);
    }
    line
}

/// Whether a process was started with one of these variables; false where that cannot be seen.
pub fn was_given(pid: i32, names: &[&str]) -> bool {
    let Ok(environ) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
    environ.split(|byte| *byte == 0).any(|entry| {
        let name = entry.split(|byte| *byte == b'=').next().unwrap_or_default();
        names.iter().any(|known| known.as_bytes() == name)
    })
}

pub(super) fn threads(pid: i32) -> Option<u64> {
    stat_fields(pid)?.get(17)?.parse().ok()
}

/// The fields of `/proc/PID/stat` from the state on: the name before may hold spaces and brackets.
pub(super) fn stat_fields(pid: i32) -> Option<Vec<String>> {
    // One read gets it all, where reading "to the end" would take several: the kernel makes it up anew for each.
    let mut stat = [0; 4096];
    let count = File::open(format!("/proc/{pid}/stat")).and_then(|mut f| f.read(&mut stat)).ok()?;
    let stat = String::from_utf8_lossy(&stat[..count]);
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".into(), |id| id.trim().to_owned())
}

fn namespace(kind: &str) -> u64 {
    std::fs::metadata(format!("/proc/self/ns/{kind}")).map_or(0, |meta| meta.st_ino())
}

/// This process's number.
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The number of this thread, as the kernel counts it.
pub fn own_thread() -> i32 {
    nix::unistd::gettid().as_raw()
}

pub(super) fn all() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// One process at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it started, clock ticks since boot.
    pub start_ticks: u64,
    /// What the kernel calls its state: `R`, `S`, `D`, `T`, `Z` …
    pub state: char,
    /// CPU time of its own, milliseconds.
    pub own_ms: u64,
    /// CPU time of its own and of children that it waited for, milliseconds.
    pub all_ms: u64,
}

/// A process, where it can be seen.
pub fn process(pid: i32) -> Option<Process> {
    let stat = stat_fields(pid)?;
    let number = |at: usize| stat.get(at).and_then(|field| field.parse::<u64>().ok());
    let tick = tick_ms();
    let own = number(11)?.saturating_add(number(12)?);
    let children = number(13)?.saturating_add(number(14)?);
    Some(Process {
        pid,
        start_ticks: number(19)?,
        state: stat.first()?.chars().next()?,
        own_ms: own.saturating_mul(tick),
        all_ms: own.saturating_add(children).saturating_mul(tick),
    })
}

fn tick_ms() -> u64 {
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    1000 / u64::try_from(per_second).unwrap_or(100).max(1)
}
