//! What an agent is held to, most of it by the kernel.
//!
//! `None` means: not limited by us. A task may override each within the operator's caps.

use serde::{Deserialize, Serialize};

/// Limits of one agent process and what it starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Core dump size, bytes.
    pub core_bytes: Option<u64>,
    /// Open files of each process.
    pub open_files: Option<u64>,
    /// Size of each file written, bytes.
    pub file_size_bytes: Option<u64>,
    /// CPU time of each process, seconds.
    pub cpu_secs: Option<u64>,
    /// Processes *on top of* what the user runs at the start; not enforced by the kernel for root.
    pub processes: Option<u64>,
    /// Address space of each process, bytes.
    pub memory_bytes: Option<u64>,
    /// Data segment of each process, bytes.
    pub data_bytes: Option<u64>,
    /// Memory of all its processes together, bytes; needs control groups.
    pub tree_memory_bytes: Option<u64>,
    /// All its processes and threads together; needs control groups.
    pub tree_processes: Option<u64>,
    /// What an attempt may write to its standard output and its standard error, each, bytes; ours to hold it to.
    pub output_bytes: Option<u64>,
}

impl Limits {
    /// A task that says `none`: explicitly without limit, where no cap forbids it. The kernel's own
    /// "infinity" is the same number.
    pub const UNLIMITED: u64 = u64::MAX;

    /// The defaults: generous for real builds, finite for a runaway.
    pub const DEFAULT: Limits = Limits {
        core_bytes: Some(0),
        open_files: Some(65_536),
        file_size_bytes: Some(64 << 30),
        cpu_secs: Some(6 * 3600),
        processes: Some(2_048),
        memory_bytes: None,
        data_bytes: None,
        tree_memory_bytes: None,
        tree_processes: Some(4_096),
        output_bytes: Some(256 << 20),
    };

    /// What a task may ask for where the operator says nothing: more than the defaults, and finite. Limits that
    /// are not set without being asked for can only be made narrower by a task.
    pub const CAPS: Limits = Limits {
        core_bytes: Some(64 << 30),
        open_files: Some(1 << 20),
        file_size_bytes: Some(1 << 40),
        cpu_secs: Some(24 * 3600),
        processes: Some(16_384),
        memory_bytes: None,
        data_bytes: None,
        tree_memory_bytes: None,
        tree_processes: Some(16_384),
        output_bytes: Some(4 << 30),
    };

    /// Below this an address-space limit makes an agent abort at start (measured: 1400–1550 MiB abort,
    /// and it reserves up to 9.9 GB).
    pub const MEMORY_FLOOR_BYTES: u64 = 4 << 30;

    /// Below this a data limit makes an agent crash mid-run (measured: 640 MiB).
    pub const DATA_FLOOR_BYTES: u64 = 2 << 30;

    /// With less memory for all together hardly a shell does its work.
    pub const TREE_MEMORY_FLOOR_BYTES: u64 = 16 << 20;

    /// Ours, raised to what is granted to everybody (nothing: no limit).
    #[must_use]
    pub fn raised_to(self, granted: Limits) -> Limits {
        self.zip(granted, |ours, granted| Some(ours?.max(granted?)))
    }

    /// `over`'s values where it has them, else ours.
    #[must_use]
    pub fn overridden_by(self, over: Limits) -> Limits {
        self.zip(over, |ours, theirs| theirs.or(ours))
    }

    /// Ours, but never above the caps; a cap also limits what was unlimited.
    #[must_use]
    pub fn capped_by(self, caps: Limits) -> Limits {
        self.zip(caps, |ours, cap| match (ours, cap) {
            (Some(ours), Some(cap)) => Some(ours.min(cap)),
            (ours, cap) => ours.or(cap),
        })
    }

    fn zip(self, other: Limits, pick: fn(Option<u64>, Option<u64>) -> Option<u64>) -> Limits {
        Limits {
            core_bytes: pick(self.core_bytes, other.core_bytes),
            open_files: pick(self.open_files, other.open_files),
            file_size_bytes: pick(self.file_size_bytes, other.file_size_bytes),
            cpu_secs: pick(self.cpu_secs, other.cpu_secs),
            processes: pick(self.processes, other.processes),
            memory_bytes: pick(self.memory_bytes, other.memory_bytes),
            data_bytes: pick(self.data_bytes, other.data_bytes),
            tree_memory_bytes: pick(self.tree_memory_bytes, other.tree_memory_bytes),
            tree_processes: pick(self.tree_processes, other.tree_processes),
            output_bytes: pick(self.output_bytes, other.output_bytes),
        }
    }
}

/// What a task may ask for beside limits of its processes; `None`: anything.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct TaskCaps {
    /// Wall-clock time of one attempt, milliseconds.
    pub timeout_ms: Option<u64>,
    /// Turns of one attempt.
    pub max_turns: Option<u32>,
    /// US dollars of one attempt.
    pub max_budget_usd: Option<f64>,
}

impl TaskCaps {
    /// A day, two thousand turns, a hundred dollars.
    pub const DEFAULT: TaskCaps = TaskCaps {
        timeout_ms: Some(24 * 3_600_000),
        max_turns: Some(2_000),
        max_budget_usd: Some(100.0),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_overrides_but_not_beyond_the_cap() {
        let task = Limits { cpu_secs: Some(90_000), memory_bytes: None, ..Limits::default() };
        let caps =
            Limits { cpu_secs: Some(40_000), memory_bytes: Some(8 << 30), ..Limits::default() };
        let limits = Limits::DEFAULT.overridden_by(task).capped_by(caps);
        assert_eq!(limits.cpu_secs, Some(40_000));
        assert_eq!(limits.memory_bytes, Some(8 << 30));
        assert_eq!(limits.core_bytes, Some(0));
    }
}
