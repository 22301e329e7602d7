//! Words, colours, JSON, exit codes: between a person (or a script) and the duties.
//!
//! The only module that prints, the only one that reads settings and flags. It may not know system calls or
//! the queue's layout. Each command is a function from its arguments to an exit code.
//!
//! Names: `agent`, `commands`, `coordinator`, `doctor`, `domain`, `form`, `gc`, `git`, `housekeeping`, `queue`, `rehearsal`, `selftest`, `shape`, `site`, `sys`, `taskfile`, `trust`, `views`, `worker`, `worktree`.

mod accounts;
mod add_args;
mod args;
mod care;
pub mod config;
mod context;
mod control;
mod demo;
mod error;
pub mod exit;
#[cfg(debug_assertions)]
mod faults;
mod gc;
mod gc_args;
mod inspect;
mod needs;
#[cfg(debug_assertions)]
pub mod plant;
mod privacy;
mod progress;
mod restore;
mod run;
mod selftest;
mod selftest_args;
mod setup;
mod status_args;
mod stop;
mod tasks;
mod trust;
mod ui;
mod usage;
mod work;

use std::io::Read;
use std::process::ExitCode;

use args::{Account, Command, Common, Coordinator, HiddenWorker, Worker};
use config::Flags;
use context::Context;
use error::CommandResult;
use ui::Ui;

use crate::sys::process;

/// `coordinator`, from its arguments to its exit code.
pub fn coordinator() -> ExitCode {
    begin();
    let args = match usage::parse::<Coordinator>("coordinator") {
        Ok(args) => args,
        Err(code) => return ExitCode::from(code),
    };
    #[cfg(debug_assertions)]
    faults::install(match &args.command {
        Some(Command::Work(_)) => faults::Role::Pool,
        _ => faults::Role::Coordinator,
    });
    let common = args.common.clone();
    conclude("coordinator", &common, dispatch(args))
}

/// `worker`, from its arguments to its exit code.
pub fn worker() -> ExitCode {
    begin();
    let args = match usage::parse::<Worker>("worker") {
        Ok(args) => args,
        Err(code) => return ExitCode::from(code),
    };
    #[cfg(debug_assertions)]
    faults::install(faults::Role::Worker);
    let outcome = match args.hidden {
        Some(HiddenWorker::DemoAgent) => demo_agent(),
        None => work::work(&args.common, &args.work),
    };
    conclude("worker", &args.common, outcome)
}

fn begin() {
    process::end_on_panic();
    #[cfg(debug_assertions)]
    plant::sow();
}

fn conclude(program: &str, common: &Common, outcome: CommandResult) -> ExitCode {
    ExitCode::from(outcome.unwrap_or_else(|failure| {
        Ui::new(common.color).report(program, &failure);
        failure.code
    }))
}

/// The agent of `demo`, as a program of its own: its prompt on standard input, lines of JSON on standard output.
fn demo_agent() -> CommandResult {
    let mut prompt = Vec::new();
    std::io::stdin().lock().read_to_end(&mut prompt)?;
    Ok(crate::rehearsal::main(&prompt, &mut std::io::stdout()))
}

fn dispatch(args: Coordinator) -> CommandResult {
    let common = &args.common;
    let context = || Context::new(common, Flags::default());
    match args.command {
        None => run::run(common, &args.run),
        Some(Command::Run(run)) => run::run(common, &run),
        Some(Command::Work(work)) => work::work(common, &work),
        Some(Command::DemoAgent) => demo_agent(),
        Some(Command::SelftestAgent) => selftest::agent(),
        Some(Command::SelftestDisk { dir }) => selftest::disk(common, &dir),
        Some(Command::Selftest(order)) => selftest::selftest(&context()?, &order),
        Some(Command::Init { dir }) => setup::init(common, dir.as_deref()),
        Some(Command::Add(add)) => tasks::add(&context()?, &add),
        Some(Command::Status(wanted)) => inspect::status(&context()?, &wanted),
        Some(Command::Explain { task, json }) => inspect::explain(&context()?, &task, json),
        Some(Command::Logs { task, attempt, follow, raw }) => {
            inspect::logs(&context()?, task.as_deref(), attempt, follow, raw)
        }
        Some(Command::Show { task, json }) => inspect::show(&context()?, &task, json),
        Some(Command::Diff { task, stat }) => inspect::diff(&context()?, &task, stat),
        Some(Command::Merge { task }) => tasks::merge(&context()?, &task),
        Some(Command::Retry { tasks, failed: false }) => tasks::retry(&context()?, &tasks),
        Some(Command::Retry { failed: true, .. }) => tasks::retry_failed(&context()?),
        Some(Command::Account { what: None, json }) => accounts::list(&context()?, json),
        Some(Command::Account { what: Some(Account::Reopen { accounts }), .. }) => {
            accounts::reopen(&context()?, &accounts)
        }
        Some(Command::Cancel { tasks }) => tasks::cancel(&context()?, &tasks),
        Some(Command::Hold { tasks }) => tasks::hold(&context()?, &tasks),
        Some(Command::Release { tasks }) => tasks::release(&context()?, &tasks),
        Some(Command::Priority { task, band }) => tasks::priority(&context()?, &task, band),
        Some(Command::Pause { reason, now }) => control::pause(&context()?, reason.as_deref(), now),
        Some(Command::Resume) => control::resume(&context()?),
        Some(Command::Scale { agents }) => control::scale(&context()?, agents),
        Some(Command::Stop { now }) => stop::stop(&context()?, now),
        Some(Command::Doctor { json }) => care::doctor(&context()?, json),
        Some(Command::Check { fix, json }) => care::check(&context()?, fix, json),
        Some(Command::Gc(order)) => gc::gc(&context()?, &order),
        Some(Command::Restore { task, branch, json }) => {
            restore::restore(&context()?, &task, branch.as_deref(), json)
        }
        Some(Command::Config { json }) => inspect::config(&context()?, json),
        Some(Command::Trust(wanted)) => trust::trust(common, &wanted),
        Some(Command::Demo { dir }) => demo::demo(common, dir.as_deref()),
        Some(Command::Completions { shell }) => setup::completions(shell),
        Some(Command::Man { dir }) => setup::man(&dir),
    }
}
