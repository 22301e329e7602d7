//! The three implementations behind their trait, and the environment that all of them share.

use std::sync::{Arc, Mutex, PoisonError};

use crate::agent::environment::Inherited;
use crate::agent::launch::{Agent, Launch};
use crate::agent::{Job, Refusal};
use crate::domain::settings::agents::AgentKind;
use crate::sys;

mod claude;
mod command;
pub mod demo;

use claude::Claude;
use command::Command;
use demo::Demo;

/// The variable that marks everything an attempt starts, wherever it moves: the session's id.
pub(in crate::agent) const MARK: &str = "SWARMDIR_SESSION";

/// The implementation that a kind names.
pub(in crate::agent) fn agent(kind: &AgentKind) -> Box<dyn Agent + '_> {
    match kind {
        AgentKind::Claude { program, config_dir } => {
            Box::new(Claude { program: program.as_deref(), config_dir: config_dir.as_deref() })
        }
        AgentKind::Command { argv } => Box::new(Command { argv }),
        AgentKind::Demo => Box::new(Demo),
    }
}

/// Translates a job.
pub(in crate::agent) fn prepare(job: &Job) -> Result<Launch, Refusal> {
    let mut given = job.place.env.clone();
    given.push((MARK.into(), job.request.session.clone()));
    let env = inherited(&job.place.env_deny).build(&given, &job.place.cwd);
    agent(&job.kind).launch(job, env)
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
