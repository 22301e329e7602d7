//! The records beside a task in `runs/T/`: JSON, versioned, written once each.
//!
//! A reader ignores keys that it does not know; a writer never removes or re-defines one.

use serde::{Deserialize, Serialize};

use crate::domain::account::usage::Usage;
use crate::domain::process::ProcessIdentity;
use crate::domain::settings::problem::Problem;
use crate::domain::task::id::{TaskId, WorkerId};
use crate::domain::task::name::Band;
use crate::domain::time::UnixMs;

/// `runs/T/task.json`: what intake found and fixed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TaskRecord {
    /// 1.
    pub schema: u32,
    /// The task.
    pub id: TaskId,
    /// The dropped file's name, invalid UTF-8 replaced.
    pub name: String,
    /// When it was taken in.
    #[serde(rename = "taken_at_ms")]
    pub taken_at: UnixMs,
    /// Its title, for people.
    pub title: Option<String>,
    /// The agent it names.
    pub agent: Option<String>,
    /// Band at intake.
    pub priority: Band,
    /// Free words.
    pub labels: Vec<String>,
    /// Where it will be worked on; `None` for an agent without a worktree.
    pub origin: Option<Origin>,
}

/// A base commit in a repository, pinned at intake.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The repository: `.` for the one around the root, wherever that is by then, else the path that was configured.
    pub repository: String,
    /// The rig, whose path the settings say; `None`: the task names none, and no setting does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rig: Option<String>,
    /// The commit, 40 hex digits.
    pub base: String,
    /// What it was called then (`main`, or what the task wrote).
    pub base_name: String,
    /// The branch to make.
    pub branch: String,
    /// The task named it itself: another one will not do.
    #[serde(default)]
    pub branch_is_fixed: bool,
}

/// `runs/T/e.W/attempt.json`: written before the agent starts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttemptStart {
    /// 1.
    pub schema: u32,
    /// Who works.
    pub worker: WorkerId,
    /// On which host.
    pub host: String,
    /// Which process: whoever goes on has to know whether it can still run.
    pub process: Option<ProcessIdentity>,
    /// The agent's name in the configuration.
    pub agent: String,
    /// The agent's program: whose output its transcript is.
    #[serde(default)]
    pub program: Option<String>,
    /// When.
    #[serde(rename = "started_at_ms")]
    pub started_at: UnixMs,
    /// Directory that the agent works in.
    pub cwd: String,
    /// Branch there.
    pub branch: Option<String>,
    /// The base commit of this attempt's branch.
    pub base: Option<String>,
    /// The agent's session.
    pub session: Option<String>,
    /// An earlier attempt's tree goes on.
    pub continued: bool,
}

/// `runs/T/e.W/result.json`: written before the outcome is published or given back.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AttemptResult {
    /// 1.
    pub schema: u32,
    /// When it ended.
    #[serde(rename = "ended_at_ms")]
    pub ended_at: UnixMs,
    /// `done`, `no_changes`, `uncommitted`, `denied`, or what went wrong.
    pub outcome: String,
    /// One line for people; empty for a plain success.
    pub reason: String,
    /// Counts as a failure of the task.
    pub charged: bool,
    /// The agent's exit: `exit 0`, `signal 9`.
    pub exit: Option<String>,
    /// The agent's own last words, cut to a few thousand characters.
    pub said: Option<String>,
    /// What it cost.
    pub usage: Usage,
    /// The branch, where one was made.
    pub branch: Option<String>,
    /// The branch's commit at the end.
    pub head: Option<String>,
    /// Commits on top of the base, oldest first.
    pub commits: Vec<CommitRecord>,
    /// Tools that were denied.
    pub denied_tools: Vec<String>,
    /// What else people should know: uncommitted work that we committed, a changed checkout.
    pub notes: Vec<String>,
    /// A [`crate::domain::failure::policy::Class`]'s word for what went wrong; `None` where nothing did.
    #[serde(default)]
    pub class: Option<String>,
    /// The rule that told so; `swarmdir.` and an outcome where swarmdir itself saw it.
    #[serde(default)]
    pub rule: Option<String>,
    /// What it stood in.
    #[serde(default)]
    pub evidence: Option<Evidence>,
}

/// The record that showed what went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Which record: `result`, `api_error`, `rate_limit_event`, `stderr`, `exit`, `supervisor`, `worker`.
    pub source: String,
    /// It, shortened; raw, made safe by whoever shows it.
    pub record: String,
}

/// What a verdict rests on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuleMatch {
    /// The rule.
    pub rule: String,
    /// The record.
    pub evidence: Evidence,
}

/// The longest record that is kept as evidence, bytes.
pub const RECORD_MAX: usize = 2048;

impl RuleMatch {
    /// A rule and a record, cut to [`RECORD_MAX`].
    pub fn new(rule: impl Into<String>, source: &str, record: &str) -> RuleMatch {
        let mut end = RECORD_MAX.min(record.len());
        while !record.is_char_boundary(end) {
            end -= 1;
        }
        let cut = if end < record.len() { "…" } else { "" };
        let record = format!("{}{cut}", &record[..end]);
        RuleMatch { rule: rule.into(), evidence: Evidence { source: source.to_owned(), record } }
    }

    /// Of what we saw or did ourselves.
    pub fn ours(outcome: &str, source: &str, record: &str) -> RuleMatch {
        RuleMatch::new(format!("swarmdir.{outcome}"), source, record)
    }
}

/// One commit of an attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommitRecord {
    /// 40 hex digits.
    pub id: String,
    /// First line of the message.
    pub subject: String,
    /// Made by us from what the agent left uncommitted.
    pub leftover: bool,
}

/// `rejected/T.e.error.json`'s content is the text file beside it in this shape for `--json`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rejection {
    /// The dropped file's name.
    pub name: String,
    /// Everything that is wrong with it.
    pub problems: Vec<Problem>,
}

/// `runs/T/e.W/lost`: the worker died holding the task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lost {
    /// Who died.
    pub worker: WorkerId,
    /// When it was noticed.
    #[serde(rename = "noticed_at_ms")]
    pub noticed_at: UnixMs,
    /// How one knows: `process gone`, `lease expired`.
    pub evidence: String,
}
