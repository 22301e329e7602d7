//! Disks, inodes and memory: what is free, what is kept free, and whether anything is claimed with that.

use super::finding::Finding;
use crate::capacity::CapacitySettings;
use crate::domain::capacity::decision::{CapacityDecision, CapacitySnapshot, decide};
use crate::domain::capacity::reserve::{DiskSpace, Reserve};
use crate::domain::capacity::shortage::size;
use crate::domain::settings::config::Config;

/// Less than so many times what is kept free is worth a warning.
const LITTLE: u64 = 5;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let spaces = CapacitySettings::read_only(config).disks();
    if spaces.is_empty() {
        return vec![Finding::warning(
            "disk",
            "its free space cannot be asked for",
            "look at the mount",
        )];
    }
    let mut findings: Vec<Finding> =
        spaces.iter().map(|space| of_disk(space, &config.reserve)).collect();
    findings.extend(of_memory(&config.reserve));
    findings
}

fn of_disk(space: &DiskSpace, reserve: &Reserve) -> Finding {
    let (bytes, inodes) =
        (reserve.bytes_of(space.total_bytes), reserve.inodes_of(space.total_inodes));
    let mut found = format!(
        "{} free on {}, {} are kept free",
        size(space.free_bytes),
        space.path.display(),
        size(bytes)
    );
    if space.total_inodes > 0 {
        found.push_str(&format!("; {} inodes free, {inodes} are kept", space.free_inodes));
    }
    let few = space.total_inodes > 0 && space.free_inodes < inodes.saturating_mul(LITTLE);
    let little = space.free_bytes < bytes.saturating_mul(LITTLE) || few;
    let alone = CapacitySnapshot { spaces: vec![space.clone()], ..CapacitySnapshot::default() };
    match decide(&alone, reserve) {
        CapacityDecision::Wait(_) => Finding::warning(
            "disk",
            format!("nothing is claimed: {found}"),
            "make room (coordinator gc shows what may go), or lower reserve.disk and reserve.inodes",
        ),
        _ if little => {
            Finding::warning("disk", found, "make room: each agent's tree is a checkout")
        }
        _ => Finding::good("disk", found),
    }
}

fn of_memory(reserve: &Reserve) -> Option<Finding> {
    let memory = CapacitySettings::memory()?;
    let kept = reserve.memory_bytes;
    let found = format!("{} available on {}", size(memory.available), memory.of);
    let needed = format!("{} must be before an agent starts", size(kept));
    Some(if memory.available < kept {
        let mend = "end other programs, raise the control group's limit, or lower reserve.memory";
        Finding::warning("memory", format!("nothing is claimed: {found}, {needed}"), mend)
    } else {
        Finding::good("memory", format!("{found}; {needed}"))
    })
}
