//! The keys of a task file, with an example each, and what people write instead.

/// A key's name, an example as it stands in front matter, and its meaning.
pub struct KeyDoc {
    /// The key.
    pub key: &'static str,
    /// A line (or lines) of front matter.
    pub example: &'static str,
    /// What it does, without full stop.
    pub meaning: &'static str,
}

const fn key(key: &'static str, example: &'static str, meaning: &'static str) -> KeyDoc {
    KeyDoc { key, example, meaning }
}

/// Every key of front matter; JSON has `prompt` besides.
pub const TASK_KEYS: [KeyDoc; 19] = [
    key("title", "title: Fix the login form", "one line for people; at most 200 characters"),
    key("agent", "agent: claude", "which `[agent.NAME]` works on it"),
    key("rig", "rig: website", "which `[rig.NAME]`, that is, which repository"),
    key("model", "model: opus", "model, as the agent understands it"),
    key("effort", "effort: high", "reasoning effort, as the agent understands it"),
    key("priority", "priority: 2", "0 (first) to 9 (last); 5 where nothing is said"),
    key("base", "base: main", "branch or commit to start from"),
    key(
        "branch",
        "branch: fix/login",
        "branch to make; `swarm/<slug>-<tail>` where nothing is said",
    ),
    key("timeout", "timeout: 1h 30m", "wall-clock limit of one attempt; a plain number is seconds"),
    key("max_turns", "max_turns: 80", "turns of one attempt, at least 1"),
    key("max_budget_usd", "max_budget_usd: 2.50", "US dollars of one attempt, above 0"),
    key(
        "allowed_tools",
        "allowed_tools: Read, Edit, Bash(cargo test *)",
        "tools that need no asking",
    ),
    key("disallowed_tools", "disallowed_tools: [WebFetch, WebSearch]", "tools taken away"),
    key("permission_mode", "permission_mode: acceptEdits", "what happens to what is not allowed"),
    key("env", "env:\n  RUST_LOG: debug", "variables added to the agent's environment"),
    key("limits", "limits:\n  cpu_time: 2h", "limits of the agent's processes, within the caps"),
    key("changes", "changes: none", "`none`: it is to change nothing, and that is a plain success"),
    key("labels", "labels: [ui, urgent]", "words for people and filters; at most 32"),
    key("x-…", "x-ticket: ABC-123", "any key that begins with `x-` passes and is ignored"),
];

/// Words of other tools, with what to write here.
pub(super) const ALIASES: [(&str, &str); 40] = [
    ("depends_on", DEPENDS),
    ("depends", DEPENDS),
    ("dependencies", DEPENDS),
    ("blocked_by", DEPENDS),
    ("needs", DEPENDS),
    ("after", DEPENDS),
    ("id", NAMED),
    ("task_id", NAMED),
    ("slug", NAMED),
    ("name", "write `title`; the task's id comes from the name of the file"),
    ("summary", "write `title`"),
    ("subject", "write `title`"),
    ("project", RIG),
    ("repo", RIG),
    ("repository", RIG),
    ("cwd", RIG),
    ("workdir", RIG),
    ("directory", RIG),
    ("prompt", BODY),
    ("description", BODY),
    ("body", BODY),
    ("instructions", BODY),
    ("system_prompt", "the standing instructions are the operator's: `instructions` in swarm.toml"),
    ("tags", "write `labels`"),
    ("tools", "write `allowed_tools`"),
    ("permissions", "write `permission_mode` or `allowed_tools`"),
    ("budget", "write `max_budget_usd`"),
    ("max_cost", "write `max_budget_usd`"),
    ("turns", "write `max_turns`"),
    ("reasoning", "write `effort`"),
    ("environment", "write `env`"),
    ("from", "write `base`"),
    ("target", "write `branch` for the branch to make, `base` for where it starts"),
    ("retries", ATTEMPTS),
    ("max_attempts", ATTEMPTS),
    ("command", "name an agent of kind `command` with `agent`; swarm.toml says what it runs"),
    ("schedule", TIMES),
    ("not_before", TIMES),
    ("due", TIMES),
    ("status", "a task's state is where its file lies; leave it out"),
];

const DEPENDS: &str = "tasks cannot wait for each other: drop this one when the other is done";
const NAMED: &str = "the task's id is made from the name of the file; leave it out";
const RIG: &str = "write `rig`, the NAME of a `[rig.NAME]` in swarm.toml";
const BODY: &str = "the prompt is the text below the front matter";
const ATTEMPTS: &str = "how often a task is tried is the operator's: `max_attempts` in swarm.toml";
const TIMES: &str = "tasks start when they are dropped: let cron drop it when it is time";
