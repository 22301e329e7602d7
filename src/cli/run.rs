//! `run`: the coordinator on this terminal (or in a log), with progress and the morning summary.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use super::args::{Common, Run};
use super::config::{self, Flags, Purpose};
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use super::progress::Progress;
use crate::commands::{Incumbent, coordinating, lock_path};
use crate::coordinator::{self, CoordinatorEnd, CoordinatorOptions, PoolObserver};
use crate::domain::settings::problem::Problem;
use crate::domain::time::UnixMs;
use crate::queue::Queue;
use crate::site::Site;
use crate::sys::lock::Lock;
use crate::sys::signal::{self, ORDERS_AND_CHILDREN};
use crate::sys::{clock, fs, identity};
use crate::views::rows::Scope;
use crate::views::summary::{Commands, summary};
use crate::views::view::{View, view};

/// Runs the pool until drained or told to end, and sums up.
pub(super) fn run(common: &Common, run: &Run) -> CommandResult {
    let flags = Flags { agents: run.agents, agent: run.agent.clone(), ..Flags::default() };
    let context = Context::to_run(common, flags, Purpose::Run)?;
    let queue = context.queue_or_make()?;
    super::needs::check(&context)?;
    let lock = only_one(&context)?;
    let since = clock::now();
    let mut progress = Progress::new(&context, &queue, run.quiet, since);
    let ended = pool(&context, run, &queue, &lock, &mut progress);
    progress.end(&queue);
    config::keep_seen(&context.config().root);
    finish(&context, &queue, run, ended?, since)
}

/// The coordinator itself, under its lock, with its signals.
pub(super) fn pool(
    context: &Context,
    run: &Run,
    queue: &Queue,
    _held: &Lock,
    observer: &mut dyn PoolObserver,
) -> Result<CoordinatorEnd, Failure> {
    // An earlier `scale` held for the coordinator that it was said to.
    fs::unlink(&Site::at(&context.config().root).scale())?;
    let (sender, signals) = channel();
    let ended = sender.clone();
    signal::listen(&ORDERS_AND_CHILDREN, move |signal| {
        // The receiver may have ended.
        sender.send(signal).ok();
    })?;
    let options = CoordinatorOptions {
        drain: run.drain,
        worker_argv: worker_argv(context, run),
        log_dir: Site::at(&context.config().root).logs(),
        reload: reload(context, Purpose::Run),
        ended,
    };
    Ok(coordinator::run(context.config().clone(), queue.clone(), &signals, options, observer)?)
}

/// How this program runs a worker of its pool: itself, so that one file is the whole installation.
fn worker_argv(context: &Context, run: &Run) -> Vec<OsString> {
    let mut argv = vec!["work".into(), "--root".into(), context.config().root.clone().into()];
    if run.drain {
        argv.push("--drain".into());
    }
    if let Some(agent) = &run.agent {
        argv.extend(["--agent".into(), agent.into()]);
    }
    argv
}

/// Re-reads the settings with the same flags; those that may not take effect now are refused.
pub(super) fn reload(
    context: &Context,
    purpose: Purpose,
) -> Box<dyn Fn() -> Result<crate::domain::settings::config::Config, Problem> + Send> {
    let flags = Flags { root: Some(context.config().root.clone()), ..context.flags.clone() };
    Box::new(move || {
        let loaded = config::load_here(&flags, purpose).map_err(|e| Problem::new(e.to_string()))?;
        match loaded.standing.hint() {
            Some(hint) => Err(Problem::new(loaded.standing.to_string()).hint(hint)),
            None => Ok(loaded.config),
        }
    })
}

/// The coordinator's lock, or who holds it.
pub(super) fn only_one(context: &Context) -> Result<Lock, Failure> {
    let path = lock_path(&context.config().root);
    fs::mkdirs(path.parent().unwrap_or(&context.config().root))?;
    let Some(lock) = Lock::try_take(&path)? else {
        let who = coordinating(&context.config().root)?.said();
        return Err(Failure::new(
            exit::LATER,
            format!("a coordinator runs on this queue already{who}"),
        )
        .hint("coordinator status; coordinator scale N; coordinator stop"));
    };
    let note = Incumbent { process: identity::me(), since: clock::now() };
    lock.note(&path, &serde_json::to_string(&note).expect("plain data"))?;
    Ok(lock)
}

fn finish(
    context: &Context,
    queue: &Queue,
    run: &Run,
    ended: CoordinatorEnd,
    since: UnixMs,
) -> CommandResult {
    let root = &context.config().root;
    let scope = Scope { last: usize::MAX, waiting: 50, wrong: None };
    let seen = view(queue, root, scope)?;
    if !run.quiet {
        let repository = repository(context);
        let program = context.program("coordinator");
        let commands = Commands { program: &program, repository: &repository };
        let text = summary(&seen, (since, clock::now()), &commands, context.ui.style());
        context.ui.print(&text)?;
        if let Some(why) = &seen.paused {
            context.ui.say(&format!("nothing is claimed: the queue is paused ({why})"));
            context.ui.say("hint: coordinator resume");
        }
    }
    let failed = failed_since(&seen, since);
    match ended {
        CoordinatorEnd::Signalled(signal) => Ok(exit::signalled(signal)),
        CoordinatorEnd::Drained { later: true } => Ok(exit::LATER),
        CoordinatorEnd::Drained { later: false } if failed => Ok(exit::FOUND),
        CoordinatorEnd::Drained { later: false } if context.tasks_wait_for_trust(queue) => {
            Ok(exit::LATER)
        }
        CoordinatorEnd::Drained { later: false } => Ok(exit::OK),
        CoordinatorEnd::NoWorkers => {
            Err(Failure::new(exit::MISSING, "workers die before their first task")
                .hint(format!("see {:?}, then: coordinator doctor", Site::at(root).logs())))
        }
    }
}

fn repository(context: &Context) -> String {
    let config = context.config();
    let rig = config.rig.as_ref().and_then(|name| config.rigs.get(name));
    let path: PathBuf = rig.map_or_else(|| config.root.clone(), |rig| rig.path.clone());
    path.display().to_string()
}

/// A task failed or was rejected in this run.
fn failed_since(seen: &View, since: UnixMs) -> bool {
    use crate::domain::task::state::State;
    let stamp = clock::stamp(since);
    seen.tasks.iter().any(|row| match row.state {
        State::Failed => row.times.1.is_none_or(|ended| ended >= since),
        State::Rejected => row.id.as_ref().is_some_and(|id| id.as_str() >= stamp.as_str()),
        _ => false,
    })
}
