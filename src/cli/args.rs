//! The command lines of `coordinator` and `worker`; the doc comments are the help text.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::exit;
use super::ui::Color;

/// A directory is the whole queue: drop task files into queue/pending, get branches.
///
/// Without a subcommand it runs the pool. A worker alone (`worker --drain`, from cron) does the same work.
#[derive(Parser, Debug)]
#[command(name = "coordinator", version, after_help = exit::HELP, max_term_width = 100)]
pub(super) struct Coordinator {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) run: Run,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// One worker of a swarm: claims tasks, runs their agents, publishes.
///
/// Works alone or beside any number of others. Ctrl-C: end after the running task; again: stop now.
#[derive(Parser, Debug)]
#[command(name = "worker", version, after_help = exit::HELP, max_term_width = 100)]
pub(super) struct Worker {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) work: Work,
    #[command(subcommand)]
    pub(super) hidden: Option<HiddenWorker>,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Common {
    /// The directory with queue/, interrupt and swarm.toml [default: the nearest one upward that has a queue]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

/// How to run the pool.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Run {
    /// How many workers to keep [default: 3]
    #[arg(long, short = 'n', value_name = "N")]
    pub(super) agents: Option<u32>,
    /// The agent of tasks that name none
    #[arg(long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// End when nothing is ready or running
    #[arg(long)]
    pub(super) drain: bool,
    /// No progress and no summary
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// How to run one worker.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Work {
    /// End when nothing is ready or running
    #[arg(long, conflicts_with = "once")]
    pub(super) drain: bool,
    /// End after one task
    #[arg(long)]
    pub(super) once: bool,
    /// End after so many tasks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_tasks: Option<u32>,
    /// The agent of tasks that name none
    #[arg(long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// The place in a coordinator's pool
    #[arg(long, hide = true)]
    pub(super) slot: Option<u32>,
}

#[derive(Subcommand, Debug)]
pub(super) enum HiddenWorker {
    /// The scripted agent
    #[command(hide = true)]
    DemoAgent,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make a queue here, and keep git from seeing it
    Init {
        /// Where [default: the current directory]
        dir: Option<PathBuf>,
    },
    /// Add a task; prints its id
    Add(super::add_args::Add),
    /// Run the pool (the default)
    Run(Run),
    /// What is waiting, running and done
    Status(super::status_args::Status),
    /// Why a task is where it is, and what it waits for
    Explain {
        /// Its id, slug or tail
        task: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// The transcript of a task's latest attempt
    Logs {
        /// Its id, slug or tail [default: the task that was tried last]
        task: Option<String>,
        /// Another attempt: 1 is the first
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        attempt: Option<u32>,
        /// Go on while it runs
        #[arg(long, short)]
        follow: bool,
        /// The agent's own lines, byte for byte; on a terminal without what it would obey
        #[arg(long)]
        raw: bool,
    },
    /// Everything about one task
    Show {
        /// Its id, slug or tail
        task: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// What a task's branch changes: a patch
    Diff {
        /// Its id, slug or tail
        task: String,
        /// A line for each file
        #[arg(long)]
        stat: bool,
    },
    /// Merge a task's branch into the one that is checked out, where that is clean
    Merge {
        /// Its id, slug or tail
        task: String,
    },
    /// Run a failed, rejected or cancelled task again, or a blocked one now
    Retry {
        /// Its id, slug or tail
        #[arg(required_unless_present = "failed")]
        tasks: Vec<String>,
        /// Every task that failed
        #[arg(long, conflicts_with = "tasks")]
        failed: bool,
    },
    /// Cancel tasks; a running one is stopped, its work stays in its branch
    Cancel {
        /// Its id, slug or tail, or its name in queue/pending
        #[arg(required = true)]
        tasks: Vec<String>,
    },
    /// Keep waiting tasks from running until released
    Hold {
        /// Its id, slug or tail
        #[arg(required = true)]
        tasks: Vec<String>,
    },
    /// Let held tasks run
    Release {
        /// Its id, slug or tail
        #[arg(required = true)]
        tasks: Vec<String>,
    },
    /// Move a waiting task to another priority band, 0 (first) to 9
    Priority {
        /// Its id, slug or tail
        task: String,
        /// 0 to 9
        #[arg(value_parser = clap::value_parser!(u8).range(0..=9))]
        band: u8,
    },
    /// The accounts that claims wait for, and how to open one again
    Account {
        #[command(subcommand)]
        what: Option<Account>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Start no more tasks; the same as `touch interrupt`
    Pause {
        /// Why, for whoever looks
        reason: Option<String>,
        /// Also stop what runs: its work is committed, its task goes on after `resume`
        #[arg(long)]
        now: bool,
    },
    /// Go on after a pause
    Resume,
    /// Change the number of workers of the running coordinator
    Scale {
        /// How many
        #[arg(value_parser = clap::value_parser!(u32).range(0..=256))]
        agents: u32,
    },
    /// End coordinator and workers after the running tasks
    Stop {
        /// Now: work in hand is committed, its tasks are parked
        #[arg(long)]
        now: bool,
    },
    /// What works here, what does not, and how to mend it
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the queue against its invariants
    Check {
        /// Mend what can be mended
        #[arg(long)]
        fix: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is over and takes room; with --yes let it go
    Gc(super::gc_args::Gc),
    /// Bring back what was removed, uncommitted files too
    Restore {
        /// The task's id, slug or tail, or the tree's name
        task: String,
        /// The branch to make [default: the one that it was, if that is free]
        #[arg(long, value_name = "NAME")]
        branch: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Prove it here: the file system, then a storm of kills or a whole night
    #[command(args_override_self = true)]
    Selftest(super::selftest_args::Selftest),
    /// The effective settings, and where each comes from
    Config {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Let settings and tasks that came with a clone run, as they are now
    Trust(Trust),
    /// See it work: a temporary repository, six tasks, no API key
    Demo {
        /// Keep everything in this (new) directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Write man pages to a directory
    Man {
        /// Where
        dir: PathBuf,
    },
    /// A worker of the pool
    #[command(hide = true)]
    Work(Work),
    /// The scripted agent
    #[command(hide = true)]
    DemoAgent,
    /// The agent of a self-test
    #[command(hide = true)]
    SelftestAgent,
    /// The process of a self-test that fills a disk
    #[command(hide = true)]
    SelftestDisk { dir: PathBuf },
}

/// What to do about accounts.
#[derive(Subcommand, Debug)]
pub(super) enum Account {
    /// Claim their tasks again: its limit is over, or you have logged in again
    Reopen {
        /// As `coordinator account` lists them
        #[arg(required = true)]
        accounts: Vec<String>,
    },
}

/// What to do about trust.
#[derive(Args, Debug)]
pub(super) struct Trust {
    /// Only show what is trusted here
    #[arg(long, conflicts_with = "revoke")]
    pub(super) list: bool,
    /// Trust nothing here any more
    #[arg(long)]
    pub(super) revoke: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}
