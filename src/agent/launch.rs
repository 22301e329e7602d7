//! A job translated by its adapter: what to start, how to stop it, how to judge it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys::process::Signal;

use super::environment::Inherited;
use super::supervise::Plan;
use super::{Job, Refusal, claude, command, demo};
use crate::domain::config::AgentKind;
use crate::sys;

/// The variable that marks everything an attempt starts, wherever it moves: the session's id.
pub(super) const MARK: &str = "SWARMDIR_SESSION";

/// Everything that is decided before the start.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) argv0: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) plan: Plan,
    /// What the kernel sends it when we die: TERM where it then ends its own children.
    pub(super) death_signal: Signal,
    /// Signals go to its whole group, not to it alone.
    pub(super) group: bool,
    pub(super) verdict: Verdict,
}

/// By which rules it is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// A result has to come.
    Result,
    /// A result counts where one comes, else the exit code.
    ExitCode,
}

/// Translates a job. Writes the files that the agent will read.
pub(super) fn prepare(job: &Job) -> Result<Launch, Refusal> {
    let mut given = job.env.clone();
    given.push((MARK.into(), job.session.clone()));
    let mut env = inherited(&job.env_deny).build(&given, &job.cwd);
    match &job.kind {
        AgentKind::Claude { config_dir, .. } => {
            if let Some(dir) = config_dir {
                sys::fs::mkdirs_private(dir)?;
                env.retain(|(name, _)| name != "CLAUDE_CONFIG_DIR");
                env.push(("CLAUDE_CONFIG_DIR".into(), dir.into()));
            }
            claude::prepare(job, env)
        }
        AgentKind::Command { argv } => command::prepare(job, argv, env),
        AgentKind::Demo => demo::prepare(job, env),
    }
}

/// What the agents of this process inherit; it never changes its own environment.
fn inherited(denies: &[String]) -> Arc<Inherited> {
    static LAST: Mutex<Option<Arc<Inherited>>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some(known) if known.obeys(denies) => known.clone(),
        _ => last.insert(Arc::new(Inherited::new(sys::env::all(), denies))).clone(),
    }
}

impl Plan {
    /// For an agent that speaks stream-json and ends its own children when it is interrupted.
    pub(super) fn speaking(job: &Job) -> Plan {
        // Asking for the cores reads several files: not for one that starts alone.
        let alone = job.starting_at_once <= 1;
        let cores = if alone { 1 } else { u64::try_from(sys::env::cores()).unwrap_or(1).max(1) };
        let crowd = u64::from(job.starting_at_once).div_ceil(cores).max(1);
        let timeouts = &job.timeouts;
        Plan {
            speaks: true,
            startup_ms: timeouts.startup_ms.saturating_mul(crowd),
            silence_ms: timeouts.silence_ms,
            wall_ms: timeouts.wall_ms,
            after_result_ms: timeouts.after_result_ms,
            interrupt_grace_ms: Some(timeouts.interrupt_grace_ms),
            terminate_grace_ms: timeouts.terminate_grace_ms,
        }
    }

    /// For any program.
    pub(super) fn mute(job: &Job) -> Plan {
        Plan { speaks: false, interrupt_grace_ms: None, ..Plan::speaking(job) }
    }
}
