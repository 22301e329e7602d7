//! The limits of a process, as a task and as the operator write them.
//!
//! One table names them all. `none` reads as [`Limits::UNLIMITED`]; what that means is the caller's.

use crate::domain::settings::limits::Limits;
use crate::domain::settings::problem::Problem;
use crate::domain::settings::quantity::{show_duration, show_size};

use super::fields::{Fields, placed};
use super::node::{Node, Value};
use super::value;

/// More files or processes than a kernel gives.
const COUNT_MAX: u64 = 1_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitKind {
    Size,
    /// Seconds, written as a duration.
    Time,
    Count,
}

/// A limit's key, kind, meaning, and its place in [`Limits`].
pub type LimitKey = (&'static str, LimitKind, &'static str, fn(&mut Limits) -> &mut Option<u64>);

pub const LIMIT_KEYS: [LimitKey; 10] = [
    ("core", LimitKind::Size, "core dump size", |l| &mut l.core_bytes),
    ("open_files", LimitKind::Count, "open files of each process", |l| &mut l.open_files),
    ("file_size", LimitKind::Size, "size of each file written", |l| &mut l.file_size_bytes),
    ("cpu_time", LimitKind::Time, "CPU time of each process", |l| &mut l.cpu_secs),
    (
        "processes",
        LimitKind::Count,
        "processes on top of what the user runs already; the kernel does not hold root to it",
        |l| &mut l.processes,
    ),
    ("memory", LimitKind::Size, "address space of each process, at least 4GiB", |l| {
        &mut l.memory_bytes
    }),
    ("data", LimitKind::Size, "data segment of each process, at least 2GiB", |l| &mut l.data_bytes),
    (
        "tree_memory",
        LimitKind::Size,
        "memory of all its processes together, at least 16MiB; needs cgroups",
        |l| &mut l.tree_memory_bytes,
    ),
    (
        "tree_processes",
        LimitKind::Count,
        "processes and threads of all it starts together; needs cgroups",
        |l| &mut l.tree_processes,
    ),
    (
        "output",
        LimitKind::Size,
        "what an attempt may write to standard output, and as much to standard error; beyond it the agent is stopped",
        |l| &mut l.output_bytes,
    ),
];

/// Reads one limit; `none` is [`Limits::UNLIMITED`].
pub fn limit(node: &Node, key: &str, kind: LimitKind) -> Result<u64, Problem> {
    if let Value::Bare(word) | Value::Text(word) = &node.value
        && word.trim() == "none"
    {
        return Ok(Limits::UNLIMITED);
    }
    let number = match kind {
        LimitKind::Size => value::size(node)?,
        // the kernel counts whole seconds; a limit that is rounded down is another limit
        LimitKind::Time => value::duration(node, 1)?.div_ceil(1000),
        LimitKind::Count => value::count(node, 1, COUNT_MAX)?,
    };
    below_floor(key, number).map_or(Ok(number), Err)
}

fn below_floor(key: &str, number: u64) -> Option<Problem> {
    let (floor, why) = match key {
        "memory" => (
            Limits::MEMORY_FLOOR_BYTES,
            "an agent aborts at start, for it reserves far more than it uses",
        ),
        "data" => (Limits::DATA_FLOOR_BYTES, "an agent crashes in the middle of its work"),
        "tree_memory" => (Limits::TREE_MEMORY_FLOOR_BYTES, "hardly a shell can do its work"),
        _ => return None,
    };
    (number < floor).then(|| {
        let (floor, number) = (show_size(floor), show_size(number));
        Problem::new(format!("{number} is below {floor}: with less, {why}"))
            .hint(format!("write at least {floor}, or leave the key out"))
    })
}

/// Reads a table of limits with every problem.
pub fn limits(node: &Node) -> Result<Limits, Vec<Problem>> {
    let mut fields = Fields::of(node, "");
    let keys: Vec<&str> = LIMIT_KEYS.iter().map(|row| row.0).collect();
    fields.refuse_unknown(&keys, &LIMIT_ALIASES);
    let mut limits = Limits::default();
    for (key, kind, _, slot) in LIMIT_KEYS {
        *slot(&mut limits) = fields.read(key, |node| limit(node, key, kind));
    }
    let problems = fields.into_problems();
    if problems.is_empty() { Ok(limits) } else { Err(problems) }
}

/// Words of `ulimit` and of other tools.
pub const LIMIT_ALIASES: [(&str, &str); 8] = [
    ("nofile", "write `open_files`"),
    ("fsize", "write `file_size`"),
    ("cpu", "write `cpu_time`, such as 2h"),
    ("nproc", "write `processes`"),
    ("as", "write `memory`"),
    ("rss", "write `tree_memory`: what all processes use together"),
    ("time", "write `cpu_time` here, or the task's `timeout` for wall-clock time"),
    ("timeout", "stands outside of `limits`"),
];

/// What of a task's limits is above the operator's caps; `table` is the node they were read from.
pub fn above_caps(limits: Limits, caps: Limits, table: &Node) -> Vec<Problem> {
    let (mut limits, mut caps) = (limits, caps);
    let mut problems = Vec::new();
    for (key, kind, _, slot) in LIMIT_KEYS {
        let (Some(wanted), Some(cap)) = (*slot(&mut limits), *slot(&mut caps)) else { continue };
        if wanted <= cap {
            continue;
        }
        let cap = show_limit(kind, cap);
        let wanted = show_limit(kind, wanted);
        let problem = Problem::new(format!("{wanted} is above the operator's cap of {cap}")).hint(
            format!("write at most {cap}; the cap is `{key}` under [limits.max] in swarm.toml"),
        );
        let place = match &table.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        };
        problems.push(placed(problem, place.map_or(table, |entry| &entry.node), key));
    }
    problems
}

/// A limit as it is written.
pub fn show_limit(kind: LimitKind, number: u64) -> String {
    match kind {
        _ if number == Limits::UNLIMITED => "none".to_owned(),
        LimitKind::Size => show_size(number),
        LimitKind::Time => show_duration(number.saturating_mul(1000)),
        LimitKind::Count => number.to_string(),
    }
}
