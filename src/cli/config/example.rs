//! The commented `swarm.toml` that `init` writes.
//!
//! Invariant: it loads as it is, with every setting uncommented, and with any path of a program.

use serde_json::Value;

use super::render::literal;
use crate::agent::program;

/// How the line begins that names an agent program's file.
const PROGRAM: &str = "#program = ";

/// The example; where the default program's file is known, with its path: cron's PATH is short.
pub fn example(path: Option<&str>) -> String {
    let mut text = SETTINGS.replacen("DEFAULT", program::DEFAULT, 1);
    let named = program::all().iter().filter(|program| program.has_profile);
    let named: Vec<String> = named.map(|program| format!("`{}`", program.name)).collect();
    text.push_str(&format!("# Agents. {} exist without being named.\n", named.join(" and ")));
    for (at, agent) in program::examples().enumerate() {
        match path.filter(|_| at == 0) {
            Some(path) => text.push_str(&with_path(agent, path)),
            None => text.push_str(agent),
        }
        text.push('\n');
    }
    text + REST
}

fn with_path(agent: &str, path: &str) -> String {
    let line = |line: &str| match line.starts_with(PROGRAM) {
        true => format!("program = {}\n", literal(&Value::from(path))),
        false => line.to_owned(),
    };
    agent.split_inclusive('\n').map(line).collect()
}

/// Every key with its default or an example. Prose begins with `# `, a setting that is commented out with
/// `#` alone: without those marks the whole is a valid file too.
const SETTINGS: &str = r##"# swarm.toml: every key is optional; what is commented out shows the default or an example.
# `coordinator config` prints the effective values and where each came from.
# The environment (SWARMDIR_AGENTS, SWARMDIR_TIMEOUTS_WALL, ...) wins over this file, flags win over both.

# Workers that the coordinator keeps, 1 to 256.
#agents = 3

# The agent of a task that names none. `agent = "…"` says the same; TOML's own tools want the long name
# beside tables [agent.NAME].
#default_agent = "DEFAULT"

# "strict": what was acknowledged survives a power cut. "relaxed": it survives crashes of processes.
#durability = "strict"

# Who may read prompts, transcripts, logs and the queue: "private" (their owner) or "group"; without it: the group
# where the repository (core.sharedRepository) or a setgid root says so.
#share = "private"

# The repository of a task that names none; without it: the one around this file.
#default_rig = "website"

# Where worktrees live; without it: beside the repository, <repository>.swarmdir/.
#trees = "~/trees"

# How long --drain waits for blocked tasks that come due.
#drain_wait = "60s"

# How often a task that fails by its own fault is tried; how many workers may die holding it.
#max_attempts = 1
#max_worker_deaths = 5

# What the repository brings for the agents' own programs takes effect: hooks, MCP servers, environment, model, skills.
#trust_repository = false

# Prepares a fresh tree: a list of program and arguments, or one text for `sh -c`.
#setup = "npm ci"

# A template of the agent's standing instructions instead of the built-in one.
#instructions = "instructions.md"

# Variables (NAME or PREFIX*) that agents do not inherit, besides the built-in list.
#env_deny = ["AWS_*", "DATABASE_URL"]

# Percent of an account's usage window at which claims of its tasks stop until the window's reset; 100: only when
# the service refuses.
#limit_stop_at = 97

# After so many tasks a worker of the pool makes room for a fresh one.
#recycle_after = "none"

# Control groups around attempts: "auto", "off" or "require".
#cgroups = "auto"

# Rules of your own that say what a failure of an agent means, asked before the built-in ones.
[failures]
#rules = "failures.toml"

# Deadlines of an attempt.
[timeouts]
#startup = "1m"
#silence = "15m"
#wall = "2h"
#after_result = "30s"
#interrupt_grace = "10s"
#terminate_grace = "5s"
#setup = "10m"

# What `coordinator gc` leaves: nothing younger goes by its age, so many ended tasks, so much of all.
[gc]
#keep_days = 30
#keep_count = 10000
#keep_bytes = "50GiB"

# What the kernel holds each of an agent's processes to; "none" is no limit.
[limits]
#core = 0
#open_files = 65536
#file_size = "64GiB"
#cpu_time = "6h"
#processes = 2048
#memory = "none"
#data = "none"
# Of all its processes together; need control groups.
#tree_memory = "none"
#tree_processes = 4096
# What an attempt may write to standard output, and as much to standard error: beyond it the agent is stopped.
#output = "256MiB"

# What a task may ask for at most; a task that asks for more is rejected.
[limits.max]
#core = "64GiB"
#open_files = 1048576
#file_size = "1TiB"
#cpu_time = "24h"
#processes = 16384
#memory = "none"
#data = "none"
#tree_memory = "none"
#tree_processes = 16384
#output = "4GiB"
#timeout = "24h"
#max_turns = 2000
#max_budget_usd = 100.0

# What is kept free: below it no task is claimed, and all goes on by itself when there is room. "none" is off.
# disk: "auto" is 1GiB, or a twentieth of a small disk; inodes: "auto" is one in fifty.
# memory: available before one more agent starts.
[reserve]
#disk = "auto"
#inodes = "auto"
#memory = "512MiB"

"##;

/// What stands below the agents.
const REST: &str = r##"# Other repositories, for tasks that say `rig: website`.
#[rig.website]
#path = "../website"
#setup = "npm ci"
"##;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claudes_path_stands_in_its_table_and_nowhere_else() {
        let text = example(Some("/opt/\"a b\"\\\u{7f}/claude"));
        assert!(text.contains("\nprogram = \"/opt/\\\"a b\\\"\\\\\\u007F/claude\"\n"), "{text}");
        assert_eq!(
            text.matches("[agent.claude]\n").count(),
            example(None).matches("[agent.claude]\n").count()
        );
    }
}
