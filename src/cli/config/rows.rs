//! The table of scalar keys: one row makes the key in the file, the variable, the default and the words.

use serde_json::{Value, json};

use crate::domain::settings::choice::Durability;
use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::domain::settings::quantity::{show_duration, show_size};
use crate::form::{self, LIMIT_KEYS, LimitKind, Node, show_limit};

use super::paths::Place;
use super::values::{
    bytes, cgroups, durability, env_deny, kept, number, one, or_none, recycle_after, setup, share,
    shown, shown_kept, shown_or_none, small, turns,
};

/// One scalar key of `swarm.toml`.
pub struct Row {
    /// The dotted key.
    pub key: &'static str,
    /// The variable that sets it too.
    pub env: &'static str,
    /// What it takes, for people.
    pub takes: &'static str,
    /// Its default as it is written; empty: not set.
    pub default: &'static str,
    /// What it does, without full stop.
    pub meaning: &'static str,
    /// Reads a value into the settings.
    pub(super) set: fn(&mut Config, &Node, &Place) -> Result<(), Vec<Problem>>,
    /// The value as the file would have it; `None`: not set.
    pub(super) show: fn(&Config) -> Option<Value>,
}

/// A reader that stops at its first problem, or one that reports all.
macro_rules! row {
    ($key:literal, $env:literal, $takes:literal, $default:expr, $meaning:literal,
     |$config:ident, $node:ident, $place:ident| $set:expr, |$shown:ident| $show:expr) => {
        Row {
            key: $key,
            env: $env,
            takes: $takes,
            default: $default,
            meaning: $meaning,
            set: |$config, $node, $place| {
                let _: &Place = $place;
                $set;
                Ok(())
            },
            show: |$shown| $show,
        }
    };
}

macro_rules! duration {
    ($key:literal, $env:literal, $default:literal, $field:ident, $least:literal, $meaning:literal) => {
        row!(
            $key,
            $env,
            "duration",
            $default,
            $meaning,
            |config, node, place| config.timeouts.$field = one(form::duration(node, $least))?,
            |config| Some(json!(show_duration(config.timeouts.$field)))
        )
    };
}

macro_rules! limit {
    ($n:literal, $table:ident, $key:literal, $env:literal, $default:literal, $meaning:literal) => {
        row!(
            $key,
            $env,
            "limit",
            $default,
            $meaning,
            |config, node, place| {
                let (key, kind, _, slot) = LIMIT_KEYS[$n];
                let number = one(form::limit(node, key, kind))?;
                *slot(&mut config.$table) = (number
                    != crate::domain::settings::limits::Limits::UNLIMITED)
                    .then_some(number);
            },
            |config| {
                let (_, kind, _, slot) = LIMIT_KEYS[$n];
                let mut limits = config.$table;
                Some(match (*slot(&mut limits), kind) {
                    (None, _) => json!("none"),
                    (Some(number), LimitKind::Count) => json!(number),
                    (Some(number), kind) => json!(show_limit(kind, number)),
                })
            }
        )
    };
}

/// Every scalar key, in the order in which they are printed.
#[rustfmt::skip]
pub static ROWS: [Row; 53] = [
    row!("agents", "SWARMDIR_AGENTS", "number", "3", "workers that the coordinator keeps, 1 to 256",
        |config, node, place| config.agents = small(node, 256)?,
        |config| Some(json!(config.agents))),
    row!("agent", "SWARMDIR_AGENT", "name", crate::agent::program::DEFAULT, "the agent of a task that names none",
        |config, node, place| config.agent = one(form::word(node))?,
        |config| Some(json!(config.agent))),
    row!("durability", "SWARMDIR_DURABILITY", "word", "strict",
        "`strict`: what was acknowledged survives a power cut; `relaxed`: it survives crashes of processes only, and is faster",
        |config, node, place| config.durability = one(durability(node))?,
        |config| Some(json!(match config.durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        }))),
    row!("share", "SWARMDIR_SHARE", "word", "",
        "who may read prompts, transcripts, logs and the queue: `private`: their owner; `group`: also the group; not set: `group` where `core.sharedRepository` or a setgid root says so, else `private`",
        |config, node, place| config.share = Some(one(share(node))?),
        |config| config.share.map(|share| json!(share.word()))),
    row!("rig", "SWARMDIR_RIG", "name", "",
        "the repository of a task that names none; not set: the one around the root",
        |config, node, place| config.rig = Some(one(form::word(node))?),
        |config| config.rig.as_ref().map(|rig| json!(rig))),
    row!("trees", "SWARMDIR_TREES", "path", "",
        "where worktrees live; not set: beside the repository, `<repository>.swarmdir/`",
        |config, node, place| config.trees = Some(one(place.path(node))?),
        |config| shown(config.trees.as_deref())),
    row!("drain_wait", "SWARMDIR_DRAIN_WAIT", "duration", "60s",
        "how long `--drain` waits for blocked tasks that come due; later ones are left for the next run",
        |config, node, place| config.drain_wait_ms = one(form::duration(node, 0))?,
        |config| Some(json!(show_duration(config.drain_wait_ms)))),
    row!("max_attempts", "SWARMDIR_MAX_ATTEMPTS", "number", "1",
        "how often a task that fails by its own fault is tried, 1 to 100",
        |config, node, place| config.max_attempts = small(node, 100)?,
        |config| Some(json!(config.max_attempts))),
    row!("max_worker_deaths", "SWARMDIR_MAX_WORKER_DEATHS", "number", "5",
        "how many workers may die holding one task before it fails, 1 to 100",
        |config, node, place| config.max_worker_deaths = small(node, 100)?,
        |config| Some(json!(config.max_worker_deaths))),
    row!("trust_repository", "SWARMDIR_TRUST_REPOSITORY", "true or false", "false",
        "what the repository brings for the agents' own programs takes effect: see [below](#what-a-repository-brings)",
        |config, node, place| config.trust_repository = one(form::boolean(node))?,
        |config| Some(json!(config.trust_repository))),
    row!("setup", "SWARMDIR_SETUP", "command", "",
        "prepares a fresh tree: a list of program and arguments, or one text for `sh -c`",
        |config, node, place| config.setup = one(setup(node))?,
        |config| (!config.setup.is_empty()).then(|| json!(config.setup))),
    row!("instructions", "SWARMDIR_INSTRUCTIONS", "path", "",
        "a template of the agent's standing instructions instead of the built-in one",
        |config, node, place| config.instructions = Some(one(place.path(node))?),
        |config| shown(config.instructions.as_deref())),
    row!("env_deny", "SWARMDIR_ENV_DENY", "list", "[]",
        "variables (`NAME` or `PREFIX*`) that agents do not inherit, besides the built-in list",
        |config, node, place| config.env_deny = env_deny(node)?,
        |config| Some(json!(config.env_deny))),
    row!("limit_stop_at", "SWARMDIR_LIMIT_STOP_AT", "number", "97",
        "percent of an account's usage window at which claims of its tasks stop until the window's reset, 1 to 100; 100: only when the service refuses",
        |config, node, place| config.limit_stop_at = small(node, 100)?,
        |config| Some(json!(config.limit_stop_at))),
    row!("recycle_after", "SWARMDIR_RECYCLE_AFTER", "number or none", "none",
        "after so many tasks a worker of the pool ends and a fresh one takes its place at once; `none`: never",
        |config, node, place| config.recycle_after = recycle_after(node)?,
        |config| Some(config.recycle_after.map_or(json!("none"), |tasks| json!(tasks)))),
    row!("cgroups", "SWARMDIR_CGROUPS", "word", "auto",
        "control groups around attempts: `auto`: where they can be had; `off`; `require`: no worker starts without limits of memory and processes for all of an attempt together",
        |config, node, place| config.cgroups = one(cgroups(node))?,
        |config| Some(json!(config.cgroups.word()))),
    row!("failures.rules", "SWARMDIR_FAILURES_RULES", "path", "",
        "a file of rules that say what failures of agents mean, asked before the built-in ones: [failures](failures.md)",
        |config, node, place| config.failure_rules = Some(one(place.path(node))?),
        |config| shown(config.failure_rules.as_deref())),
    limit!(0, limits, "limits.core", "SWARMDIR_LIMITS_CORE", "0B", "size of a core dump"),
    limit!(1, limits, "limits.open_files", "SWARMDIR_LIMITS_OPEN_FILES", "65536", "open files of each process"),
    limit!(2, limits, "limits.file_size", "SWARMDIR_LIMITS_FILE_SIZE", "64GiB", "size of each file written"),
    limit!(3, limits, "limits.cpu_time", "SWARMDIR_LIMITS_CPU_TIME", "6h", "CPU time of each process"),
    limit!(4, limits, "limits.processes", "SWARMDIR_LIMITS_PROCESSES", "2048",
        "processes on top of what the user runs already; the kernel does not hold root to it"),
    limit!(5, limits, "limits.memory", "SWARMDIR_LIMITS_MEMORY", "none", "address space of each process, at least 4GiB"),
    limit!(6, limits, "limits.data", "SWARMDIR_LIMITS_DATA", "none", "data segment of each process, at least 2GiB"),
    limit!(7, limits, "limits.tree_memory", "SWARMDIR_LIMITS_TREE_MEMORY", "none",
        "memory of all processes of an attempt together, at least 16MiB; needs cgroups"),
    limit!(8, limits, "limits.tree_processes", "SWARMDIR_LIMITS_TREE_PROCESSES", "4096",
        "processes and threads of an attempt together; holds for root, too; needs cgroups"),
    limit!(9, limits, "limits.output", "SWARMDIR_LIMITS_OUTPUT", "256MiB",
        "what an attempt may write to its standard output, and as much to its standard error; beyond it the agent is stopped as a runaway"),
    limit!(0, limit_caps, "limits.max.core", "SWARMDIR_LIMITS_MAX_CORE", "64GiB", "the most that a task may ask for"),
    limit!(1, limit_caps, "limits.max.open_files", "SWARMDIR_LIMITS_MAX_OPEN_FILES", "1048576", "the most that a task may ask for"),
    limit!(2, limit_caps, "limits.max.file_size", "SWARMDIR_LIMITS_MAX_FILE_SIZE", "1TiB", "the most that a task may ask for"),
    limit!(3, limit_caps, "limits.max.cpu_time", "SWARMDIR_LIMITS_MAX_CPU_TIME", "24h", "the most that a task may ask for"),
    limit!(4, limit_caps, "limits.max.processes", "SWARMDIR_LIMITS_MAX_PROCESSES", "16384", "the most that a task may ask for"),
    limit!(5, limit_caps, "limits.max.memory", "SWARMDIR_LIMITS_MAX_MEMORY", "none", "the most that a task may ask for"),
    limit!(6, limit_caps, "limits.max.data", "SWARMDIR_LIMITS_MAX_DATA", "none", "the most that a task may ask for"),
    limit!(7, limit_caps, "limits.max.tree_memory", "SWARMDIR_LIMITS_MAX_TREE_MEMORY", "none", "the most that a task may ask for"),
    limit!(8, limit_caps, "limits.max.tree_processes", "SWARMDIR_LIMITS_MAX_TREE_PROCESSES", "16384", "the most that a task may ask for"),
    limit!(9, limit_caps, "limits.max.output", "SWARMDIR_LIMITS_MAX_OUTPUT", "4GiB", "the most that a task may ask for"),
    row!("limits.max.timeout", "SWARMDIR_LIMITS_MAX_TIMEOUT", "duration or none", "24h", "the longest `timeout` that a task may ask for",
        |config, node, place| config.task_caps.timeout_ms = or_none(node, |node| form::duration(node, 1))?,
        |config| Some(shown_or_none(config.task_caps.timeout_ms.map(|ms| json!(show_duration(ms)))))),
    row!("limits.max.max_turns", "SWARMDIR_LIMITS_MAX_MAX_TURNS", "number or none", "2000", "the most `max_turns` that a task may ask for",
        |config, node, place| config.task_caps.max_turns = or_none(node, turns)?,
        |config| Some(shown_or_none(config.task_caps.max_turns.map(|turns| json!(turns))))),
    row!("limits.max.max_budget_usd", "SWARMDIR_LIMITS_MAX_MAX_BUDGET_USD", "dollars or none", "100", "the largest `max_budget_usd` that a task may ask for",
        |config, node, place| config.task_caps.max_budget_usd = or_none(node, form::dollars)?,
        |config| Some(shown_or_none(config.task_caps.max_budget_usd.map(|usd| json!(usd))))),
    row!("reserve.disk", "SWARMDIR_RESERVE_DISK", "reserve", "auto",
        "bytes of each disk that are kept free: below it no task is claimed, at a quarter of it running ones are parked; `auto`: 1GiB, or a twentieth of a small disk",
        |config, node, place| config.reserve.disk = one(kept(node, form::size))?,
        |config| Some(shown_kept(config.reserve.disk, show_size))),
    row!("reserve.inodes", "SWARMDIR_RESERVE_INODES", "reserve", "auto",
        "inodes of each disk that are kept free; `auto`: one in fifty, at most 100000; where a disk counts none, nothing",
        |config, node, place| config.reserve.inodes = one(kept(node, |node| form::count(node, 0, u64::MAX / 2)))?,
        |config| Some(shown_kept(config.reserve.inodes, |count| count.to_string()))),
    row!("reserve.memory", "SWARMDIR_RESERVE_MEMORY", "limit", "512MiB",
        "memory that must be available (on the machine, and within the worker's control group) before one more agent starts",
        |config, node, place| config.reserve.memory_bytes = one(bytes(node))?.unwrap_or(0),
        |config| Some(match config.reserve.memory_bytes {
            0 => json!("none"),
            bytes => json!(show_size(bytes)),
        })),
    duration!("timeouts.startup", "SWARMDIR_TIMEOUTS_STARTUP", "1m", startup_ms, 1,
        "from the agent's start to its first sign of life"),
    duration!("timeouts.silence", "SWARMDIR_TIMEOUTS_SILENCE", "15m", silence_ms, 1,
        "silent and seen neither to compute nor to change files; announced waits are added"),
    duration!("timeouts.wall", "SWARMDIR_TIMEOUTS_WALL", "2h", wall_ms, 1,
        "one whole attempt; a task's `timeout` overrides it"),
    duration!("timeouts.after_result", "SWARMDIR_TIMEOUTS_AFTER_RESULT", "30s", after_result_ms, 0,
        "from the agent's result to its end"),
    duration!("timeouts.interrupt_grace", "SWARMDIR_TIMEOUTS_INTERRUPT_GRACE", "10s", interrupt_grace_ms, 0,
        "from INT to TERM"),
    duration!("timeouts.terminate_grace", "SWARMDIR_TIMEOUTS_TERMINATE_GRACE", "5s", terminate_grace_ms, 0,
        "from TERM to KILL"),
    duration!("timeouts.setup", "SWARMDIR_TIMEOUTS_SETUP", "10m", setup_ms, 1, "the setup command"),
    row!("gc.keep_days", "SWARMDIR_GC_KEEP_DAYS", "number", "30",
        "`coordinator gc` leaves what is younger, 0 to 36500",
        |config, node, place| config.keep.days = number(node, 36_500)?,
        |config| Some(json!(config.keep.days))),
    row!("gc.keep_count", "SWARMDIR_GC_KEEP_COUNT", "number", "10000",
        "`coordinator gc` leaves so many ended tasks, the newest",
        |config, node, place| config.keep.count = number(node, u32::MAX)?,
        |config| Some(json!(config.keep.count))),
    row!("gc.keep_bytes", "SWARMDIR_GC_KEEP_BYTES", "limit", "50GiB",
        "what is above it goes although it is younger: build directories first, then the oldest",
        |config, node, place| config.keep.bytes = one(bytes(node))?,
        |config| Some(config.keep.bytes.map_or(json!("none"), |bytes| json!(show_size(bytes))))),
];
