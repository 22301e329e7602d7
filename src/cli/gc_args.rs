//! What `gc` is told on its command line.

use clap::Args;

use crate::domain::settings::quantity::parse_size;

/// What to let go.
#[derive(Args, Debug)]
pub(super) struct Gc {
    /// Only show what would go (the default)
    #[arg(long, conflicts_with = "yes")]
    pub(super) dry_run: bool,
    /// Do it
    #[arg(long)]
    pub(super) yes: bool,
    /// Leave what is younger [default: gc.keep_days, 30]
    #[arg(long, value_name = "N")]
    pub(super) keep_days: Option<u32>,
    /// Leave so many ended tasks, the newest [default: gc.keep_count, 10000]
    #[arg(long, value_name = "N")]
    pub(super) keep_count: Option<u32>,
    /// Leave so much altogether, or `none` for any size [default: gc.keep_bytes, 50GiB]
    #[arg(long, value_name = "SIZE", value_parser = room)]
    pub(super) keep_bytes: Option<Room>,
    /// Also trees, branches and runs that belong to nobody; their work is saved
    #[arg(long)]
    pub(super) orphans: bool,
    /// Also what was saved, when it is old: then it is gone for good
    #[arg(long)]
    pub(super) salvages: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Bytes; `None`: any number of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(pub(super) Option<u64>);

fn room(text: &str) -> Result<Room, String> {
    match text {
        "none" => Ok(Room(None)),
        size => parse_size(size).map(|bytes| Room(Some(bytes))).map_err(|e| e.to_string()),
    }
}
