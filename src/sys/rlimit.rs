//! Limits that the kernel enforces on a child: which of ours can be set here, and how high.
//!
//! Computed before the fork, as the child may not allocate. Invariant: no limit is ever raised above what
//! this process may have itself.

use std::os::linux::fs::MetadataExt;
use std::sync::Mutex;

use nix::sys::resource::{Resource, getrlimit};

use crate::domain::settings::limits::Limits;

#[derive(Clone, Copy, Debug)]
pub struct Rlimit {
    pub(super) resource: Resource,
    pub(super) soft: u64,
    pub(super) hard: u64,
}

/// After SIGXCPU a process has so long to end by itself, CPU seconds.
const CPU_GRACE_SECS: u64 = 30;

/// A count of processes is believed for so long, milliseconds: it is a look at every process there is.
const COUNT_AGE_MS: u64 = 5_000;

/// What can be set of these limits, and what people should know about the rest.
pub fn plan(limits: &Limits) -> (Vec<Rlimit>, Vec<String>) {
    let mut set = Vec::new();
    let mut notes = Vec::new();
    let mut add = |resource, name: &str, wanted: Option<u64>| {
        let Some(wanted) = wanted else { return };
        let Ok((_, hard)) = getrlimit(resource) else {
            notes.push(format!("{name} is unknown to this kernel"));
            return;
        };
        if wanted > hard && resource != Resource::RLIMIT_NOFILE {
            notes.push(format!("{name} is {hard} here already, lower than the {wanted} asked for"));
        }
        let soft = wanted.min(hard);
        let grace = if resource == Resource::RLIMIT_CPU { CPU_GRACE_SECS } else { 0 };
        set.push(Rlimit { resource, soft, hard: soft.saturating_add(grace).min(hard) });
    };
    add(Resource::RLIMIT_CORE, "RLIMIT_CORE", limits.core_bytes);
    add(Resource::RLIMIT_NOFILE, "RLIMIT_NOFILE", limits.open_files);
    add(Resource::RLIMIT_FSIZE, "RLIMIT_FSIZE", limits.file_size_bytes);
    add(Resource::RLIMIT_CPU, "RLIMIT_CPU", limits.cpu_secs);
    add(Resource::RLIMIT_AS, "RLIMIT_AS", limits.memory_bytes);
    add(Resource::RLIMIT_DATA, "RLIMIT_DATA", limits.data_bytes);
    match limits.processes {
        // The kernel does not enforce it for root: said once at a worker's start and by `doctor`.
        Some(_) if super::env::is_root() => {}
        more => {
            let wanted = more.map(|more| more.saturating_add(tasks_of_user()));
            add(Resource::RLIMIT_NPROC, "RLIMIT_NPROC", wanted);
        }
    }
    (set, notes)
}

/// How many threads this user has on the machine: what RLIMIT_NPROC counts.
fn tasks_of_user() -> u64 {
    static LAST: Mutex<Option<(u64, u64)>> = Mutex::new(None);
    let now = super::clock::mono_ms();
    let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((at, count)) = *last
        && now.saturating_sub(at) < COUNT_AGE_MS
    {
        return count;
    }
    let count = count_tasks(nix::unistd::getuid().as_raw());
    *last = Some((now, count));
    count
}

fn count_tasks(uid: u32) -> u64 {
    let own = |pid: &i32| {
        std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|meta| meta.st_uid() == uid)
    };
    let pids = super::identity::all();
    pids.into_iter().filter(own).map(|pid| super::identity::threads(pid).unwrap_or(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_raised_above_the_hard_limit() {
        let limits =
            Limits { open_files: Some(u64::MAX - 1), core_bytes: Some(0), ..Limits::default() };
        let (set, _) = plan(&limits);
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let files = set.iter().find(|limit| limit.resource == Resource::RLIMIT_NOFILE).unwrap();
        assert!(files.soft <= hard && files.hard <= hard);
        let core = set.iter().find(|limit| limit.resource == Resource::RLIMIT_CORE).unwrap();
        assert_eq!((core.soft, core.hard), (0, 0));
    }

    #[test]
    fn this_very_process_is_counted() {
        assert!(count_tasks(nix::unistd::getuid().as_raw()) >= 1);
    }
}
