//! The command line of `coordinator add`; the doc comments are the help text.

use std::path::PathBuf;

use clap::Args;

/// A task from the command line.
#[derive(Args, Debug)]
pub(super) struct Add {
    /// Task files; `-`: standard input
    #[arg(required_unless_present = "message", conflicts_with = "message")]
    pub(super) files: Vec<PathBuf>,
    /// The task itself
    #[arg(long, short, value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// What to call it [default: the file's name, or the first words]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) keys: Keys,
}

/// Keys of a task's front matter.
#[derive(Args, Debug)]
pub(super) struct Keys {
    /// 0 (first) to 9 (last)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(super) priority: Option<u8>,
    /// Which agent of the settings works on it
    #[arg(long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// The model, as the agent understands it
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// The branch or commit to start from
    #[arg(long, value_name = "NAME")]
    pub(super) base: Option<String>,
    /// One line for people
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// The wall-clock limit of one attempt, such as 30m
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<String>,
    /// A word for people and filters; more than one: again
    #[arg(long = "label", value_name = "WORD")]
    pub(super) labels: Vec<String>,
}
