//! Where groups can be made: below the one that this process is in, tried once.
//!
//! Version 2 needs a group of ours whose processes may be put aside into a leaf, for a group with members can give
//! its children no controllers; version 1 needs rights (mostly root's) in each controller's own hierarchy.

use std::ffi::CString;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::libc;

use super::kill::pids_in;
use super::kill::tidy_in;
use crate::sys::{identity, process};

/// Where our own processes go, beside the groups of attempts.
const LEAF: &str = "swarmdir-own";
/// So often processes are put aside again, because one came meanwhile.
const MOVES: u32 = 10;

/// What the groups of this process can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CgroupSupport {
    /// Of the cgroup interface: 1 or 2.
    pub version: u8,
    /// Memory of the whole tree can be limited.
    pub memory: bool,
    /// The number of processes of the whole tree can be limited.
    pub processes: bool,
}

impl CgroupSupport {
    /// Nothing is missing.
    pub fn is_whole(self) -> bool {
        self.memory && self.processes
    }
}

impl fmt::Display for CgroupSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limited = match (self.memory, self.processes) {
            (true, true) => "each attempt's memory and processes are limited as a whole, and",
            (true, false) => "each attempt's memory is limited as a whole, and it is",
            (false, true) => "each attempt's processes are limited as a whole, and it is",
            (false, false) => "no limits, but each attempt is",
        };
        write!(f, "v{}: {limited} killed as a whole", self.version)
    }
}

/// What can be had here, tried once; an error says why nothing can.
pub fn level() -> Result<CgroupSupport, &'static str> {
    bases().map(|found| found.level())
}

#[derive(Clone, Debug)]
pub(super) struct CgroupBase {
    pub(super) dir: PathBuf,
    pub(super) v2: bool,
    pub(super) memory: bool,
    pub(super) pids: bool,
}

/// All of them: one of version 2, or one for each controller of version 1.
#[derive(Debug)]
pub(super) struct CgroupBases {
    pub(super) bases: Vec<CgroupBase>,
}

impl CgroupBases {
    pub(super) fn level(&self) -> CgroupSupport {
        CgroupSupport {
            version: if self.bases.iter().any(|base| !base.v2) { 1 } else { 2 },
            memory: self.bases.iter().any(|base| base.memory),
            processes: self.bases.iter().any(|base| base.pids),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CgroupMount {
    root: String,
    pub(super) point: PathBuf,
    pub(super) v2: bool,
    controllers: Vec<String>,
}

/// What this process can have.
pub(super) fn bases() -> Result<&'static CgroupBases, &'static str> {
    static FOUND: OnceLock<Result<CgroupBases, &'static str>> = OnceLock::new();
    FOUND.get_or_init(look).as_ref().map_err(|why| *why)
}

fn look() -> Result<CgroupBases, &'static str> {
    let mounts = mounts();
    if mounts.is_empty() {
        return Err("no cgroup hierarchy is mounted");
    }
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let unified = mounts.iter().find(|mount| mount.v2).and_then(|mount| v2(mount, &own));
    if let Some(base) = unified.clone().filter(|base| base.memory && base.pids) {
        return Ok(CgroupBases { bases: vec![base] });
    }
    let old: Vec<CgroupBase> =
        ["memory", "pids"].iter().filter_map(|name| v1(&mounts, &own, name)).collect();
    if !old.is_empty() {
        return Ok(CgroupBases { bases: old });
    }
    let bases: Vec<CgroupBase> = unified.into_iter().collect();
    if bases.is_empty() {
        Err("this user may make no cgroup below its own")
    } else {
        Ok(CgroupBases { bases })
    }
}

pub(super) fn mounts() -> Vec<CgroupMount> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(mount).filter(matters).collect()
}

fn matters(mount: &CgroupMount) -> bool {
    mount.v2 || mount.controllers.iter().any(|name| name == "memory" || name == "pids")
}

fn mount(line: &str) -> Option<CgroupMount> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<&str> = left.split(' ').collect();
    let mut right = right.split(' ');
    let kind = right.next()?;
    let options = right.nth(1).unwrap_or_default();
    matches!(kind, "cgroup" | "cgroup2").then(|| CgroupMount {
        root: left.get(3).copied().unwrap_or("/").to_owned(),
        point: PathBuf::from(left.get(4).copied().unwrap_or("/")),
        v2: kind == "cgroup2",
        controllers: options.split(',').map(str::to_owned).collect(),
    })
}

/// This process's own group in a hierarchy, seen from here.
fn own_dir(mount: &CgroupMount, own: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, path) = (parts.next()?, parts.next()?);
        let ours = if mount.v2 {
            names.is_empty()
        } else {
            !names.is_empty()
                && names.split(',').all(|name| mount.controllers.iter().any(|c| c == name))
        };
        ours.then_some(path)
    })?;
    let below = path.strip_prefix(mount.root.trim_end_matches('/')).unwrap_or(path);
    let dir = mount.point.join(below.trim_start_matches('/'));
    // In a container the names may be another's: only where we see ourselves we are.
    pids_in(&dir.join("cgroup.procs")).contains(&process::own_pid()).then_some(dir)
}

fn v1(mounts: &[CgroupMount], own: &str, controller: &str) -> Option<CgroupBase> {
    let mount = mounts.iter().find(|m| !m.v2 && m.controllers.iter().any(|c| c == controller))?;
    let dir = own_dir(mount, own)?;
    let file = if controller == "memory" { "memory.limit_in_bytes" } else { "pids.max" };
    let (memory, pids) = (controller == "memory", controller == "pids");
    can_make(&dir, file).then_some(CgroupBase { dir, v2: false, memory, pids })
}

fn v2(mount: &CgroupMount, own: &str) -> Option<CgroupBase> {
    let mut dir = own_dir(mount, own)?;
    if dir.file_name().is_some_and(|name| name == LEAF) {
        dir.pop();
    }
    let has = |file: &str, name: &str| words(&dir.join(file)).iter().any(|word| word == name);
    let given = |name: &str| has("cgroup.subtree_control", name);
    let whole = || given("memory") && given("pids");
    if !whole()
        && has("cgroup.controllers", "memory")
        && has("cgroup.controllers", "pids")
        && may_rearrange(&dir)
    {
        give_controllers(&dir);
    }
    let (memory, pids) = (given("memory"), given("pids"));
    can_make(&dir, "cgroup.procs").then(|| CgroupBase { dir: dir.clone(), v2: true, memory, pids })
}

fn words(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// The proof is in the making.
fn can_make(dir: &Path, with: &str) -> bool {
    let ticks = identity::start_ticks(process::own_pid()).unwrap_or(0);
    // Those of processes that were killed just then lie here, also where groups are made elsewhere in the end.
    tidy_in(dir);
    let probe = dir.join(format!("swarmdir-probe.{}.{ticks}.0", process::own_pid()));
    let made = fs::create_dir(&probe).is_ok() && probe.join(with).exists();
    // It may never have been made.
    drop(fs::remove_dir(&probe));
    made
}

/// Whether the processes of a group may be put into a child of it: what systemd delegated; what a user who is not
/// root can write to; elsewhere a group in which nobody is but this program.
fn may_rearrange(dir: &Path) -> bool {
    // The root of the hierarchy gives controllers whoever is in it.
    if !dir.join("cgroup.type").exists() || delegated(dir) {
        return true;
    }
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let systemds = [".service", ".scope", ".slice"].iter().any(|end| name.ends_with(end));
    if systemds || !nix::unistd::geteuid().is_root() {
        return !nix::unistd::geteuid().is_root();
    }
    let program = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let ours = program("self");
    pids_in(&dir.join("cgroup.procs")).iter().all(|pid| program(&pid.to_string()) == ours)
}

/// systemd marks what it has handed over.
#[expect(unsafe_code, reason = "neither std nor nix reads extended attributes")]
fn delegated(dir: &Path) -> bool {
    let Ok(path) = CString::new(dir.as_os_str().as_bytes()) else { return false };
    [c"trusted.delegate", c"user.delegate"].iter().any(|name| {
        let mut value = [0u8; 8];
        // SAFETY: both names end with a NUL, and at most the length of `value` is written to it.
        let len = unsafe {
            libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len())
        };
        len == 1 && value[0] == b'1'
    })
}

fn give_controllers(dir: &Path) {
    let leaf = dir.join(LEAF);
    let control = dir.join("cgroup.subtree_control");
    for _ in 0..MOVES {
        // The root needs no leaf: the first try succeeds there.
        if fs::write(&control, "+memory +pids").is_ok() {
            return;
        }
        // It may be there already.
        drop(fs::create_dir(&leaf));
        for pid in pids_in(&dir.join("cgroup.procs")) {
            // It may have ended meanwhile.
            drop(fs::write(leaf.join("cgroup.procs"), pid.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions_are_read() {
        let v2 =
            mount("35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate")
                .unwrap();
        assert!(v2.v2 && v2.point == Path::new("/sys/fs/cgroup"));
        let v1 = mount(
            "41 33 0:37 /docker/a /sys/fs/cgroup/memory ro master:17 - cgroup cgroup rw,memory",
        )
        .unwrap();
        assert_eq!((v1.root.as_str(), v1.v2), ("/docker/a", false));
        assert!(matters(&v1) && v1.controllers.contains(&"memory".to_owned()));
        assert_eq!(mount("22 1 8:1 / / rw - ext4 /dev/sda1 rw"), None);
    }

    #[test]
    fn what_is_found_is_where_this_process_is() {
        if let Ok(found) = bases() {
            assert!(found.bases.iter().all(|base| base.dir.join("cgroup.procs").exists()));
        }
    }
}
