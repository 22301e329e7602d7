//! What the plan of an attempt follows from.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use super::earlier::Earlier;
use super::workplace::PlaceFacts;
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::config::Config;
use crate::domain::task::name::AttemptName;
use crate::domain::task::spec::TaskSpec;
use crate::site::AttemptPaths;
use crate::sys::cgroup::Cgroup;

/// An attempt that is about to run.
pub(super) struct Attempt<'a> {
    pub(super) name: &'a AttemptName,
    /// 1 for a task's first one.
    pub(super) number: u32,
    pub(super) spec: &'a TaskSpec,
    pub(super) agent: &'a str,
    pub(super) profile: &'a AgentProfile,
    pub(super) place: &'a PlaceFacts,
    pub(super) earlier: &'a Earlier,
}

/// What this worker has for any attempt.
pub(super) struct Means<'a> {
    pub(super) config: &'a Config,
    /// The template of the standing instructions.
    pub(super) template: &'a str,
    /// Which queue it is, wherever it lies.
    pub(super) queue_place: &'a str,
    /// Where the attempt writes.
    pub(super) paths: AttemptPaths,
    /// Where it is written how the task stands.
    pub(super) context_file: PathBuf,
    pub(super) group: Option<Arc<Cgroup>>,
    pub(super) demo_argv: &'a [OsString],
    /// For a session that is begun anew.
    pub(super) fresh_session: String,
}
