//! Memory that is available: on the machine, and within the control groups that a process is in.
//!
//! A process in a group with a limit (a container, a service) is killed at that limit, however much the machine has
//! left; so the least of all counts, and what the page cache holds of a group counts as available. Both versions of
//! control groups are read where they are usually mounted; what cannot be read limits nothing.

use std::path::{Path, PathBuf};

use crate::domain::capacity::decision::AvailableMemory;

/// Above it a limit of version 1 is none: it is then the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 60;

/// What is available to this process.
pub fn available() -> Option<AvailableMemory> {
    of_process("self")
}

/// What is available to another one of this machine.
pub fn available_to(pid: i32) -> Option<AvailableMemory> {
    of_process(&pid.to_string())
}

fn of_process(pid: &str) -> Option<AvailableMemory> {
    let groups = read(Path::new("/proc").join(pid).join("cgroup")).unwrap_or_default();
    let machine = || {
        let available = field(&read("/proc/meminfo")?, "MemAvailable:")? << 10;
        Some(AvailableMemory { available, of: "this machine".into() })
    };
    let groups = groups.lines().filter_map(group).flat_map(limited);
    groups.chain(machine()).min_by_key(|memory| memory.available)
}

struct MemoryCgroup {
    mount: &'static str,
    path: PathBuf,
    first_version: bool,
}

/// A line of `/proc/PID/cgroup`: `NUMBER:CONTROLLERS:PATH`.
fn group(line: &str) -> Option<MemoryCgroup> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let first_version = controllers.split(',').any(|name| name == "memory");
    let mount = match controllers {
        _ if first_version => "/sys/fs/cgroup/memory",
        "" => "/sys/fs/cgroup",
        _ => return None,
    };
    // Seen from another namespace the path leads above the mount: then the mount is what we see of it.
    let path = PathBuf::from(mount).join(path.trim_start_matches('/'));
    let path = if path.is_dir() { path } else { PathBuf::from(mount) };
    Some(MemoryCgroup { mount, path, first_version })
}

/// What each limit from the group up to the root leaves.
fn limited(group: MemoryCgroup) -> Vec<AvailableMemory> {
    let (limit, used, cached) = if group.first_version {
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    } else {
        ("memory.max", "memory.current", "inactive_file")
    };
    let up = group.path.ancestors().take_while(|dir| dir.starts_with(group.mount));
    let left = up.filter_map(|dir| {
        // `max` of version 2 is no number, and no limit.
        let limit: u64 = read(dir.join(limit))?.trim().parse().ok()?;
        if limit >= NO_LIMIT {
            return None;
        }
        let used: u64 = read(dir.join(used))?.trim().parse().ok()?;
        let stat = read(dir.join("memory.stat")).unwrap_or_default();
        let used = used.saturating_sub(field(&stat, cached).unwrap_or(0));
        let of = format!("the control group {}", dir.display());
        Some(AvailableMemory { available: limit.saturating_sub(used), of })
    });
    left.collect()
}

/// The number after a word at the beginning of a line.
fn field(text: &str, word: &str) -> Option<u64> {
    let of = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some(word)).then(|| words.next()?.parse().ok()).flatten()
    };
    text.lines().find_map(of)
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_says_what_is_available() {
        let memory = available().expect("Linux says it");
        assert!(memory.available > 0 && memory.available < NO_LIMIT, "{memory:?}");
    }

    #[test]
    fn groups_that_count_memory_are_found_in_both_versions() {
        let mount = |line| group(line).map(|group| (group.mount, group.first_version));
        assert_eq!(mount("9:memory:/none/such"), Some(("/sys/fs/cgroup/memory", true)));
        assert_eq!(mount("0::/none/such"), Some(("/sys/fs/cgroup", false)));
        assert_eq!(mount("3:cpu,cpuacct:/x"), None);
        assert_eq!(mount("nonsense"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_word() {
        let stat = "total_inactive_file_x 1\ntotal_inactive_file 42\n";
        assert_eq!(field(stat, "total_inactive_file"), Some(42));
        assert_eq!(field("MemAvailable:   7 kB", "MemAvailable:"), Some(7));
        assert_eq!(field(stat, "none"), None);
    }
}
