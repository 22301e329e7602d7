//! The command line of `coordinator selftest`; the doc comments are the help text.

use std::path::PathBuf;

use clap::Args;

/// What a self-test does; all of it is said again at its end, with its seed.
#[derive(Args, Debug)]
pub(super) struct Selftest {
    /// Instead of the storm a night without anybody: limits, overloads, hung agents, kills, a full disk, a reboot
    #[arg(long, conflicts_with_all = ["work", "every", "kills_only"])]
    pub(super) night: bool,
    /// Only say what would happen in that night, and when
    #[arg(long, requires = "night")]
    pub(super) plan: bool,
    /// How long the storm lasts [default: 1; a night: 60]
    #[arg(long, value_name = "M")]
    pub(super) minutes: Option<f64>,
    /// On the file system of this directory [default: the queue's here, else the current directory]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Do it again as it was with this seed
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Tasks in the storm [default: 600 a minute; in a night 5 a minute]
    #[arg(long, value_name = "N")]
    pub(super) tasks: Option<usize>,
    /// Workers in the storm [default: 6; in a night 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(super) workers: Option<u32>,
    /// Coordinators in the storm; without one the workers are on their own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(super) coordinators: u8,
    /// How long a task takes, about
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(super) work: u64,
    /// A fault so often
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(super) every: u64,
    /// Only kill -9: nothing is stopped, cancelled, held or moved
    #[arg(long)]
    pub(super) kills_only: bool,
    /// Leave everything there
    #[arg(long)]
    pub(super) keep: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Milliseconds.
fn duration(text: &str) -> Result<u64, String> {
    crate::domain::settings::quantity::parse_duration(text).map_err(|e| e.to_string())
}
