//! The command line of `coordinator status`; the doc comments are the help text.

use clap::Args;

use crate::domain::settings::quantity::parse_duration;
use crate::domain::task::state::State;
use crate::domain::time::UnixMs;
use crate::sys::clock;
use crate::views::rows::TaskRow;

/// What to show.
#[derive(Args, Debug)]
pub(super) struct Status {
    /// Only tasks with this in their name, id, branch or reason
    pub(super) text: Option<String>,
    /// Only tasks in this state; more than one: with commas, or again
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    pub(super) state: Vec<State>,
    /// Of those that have ended only those that did within this time, such as 12h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) since: Option<u64>,
    /// As JSON (schema in docs/json.md)
    #[arg(long)]
    pub(super) json: bool,
    /// Again and again
    #[arg(long, short, conflicts_with = "json")]
    pub(super) watch: bool,
    /// Every task that ever ended, too
    #[arg(long)]
    pub(super) all: bool,
}

impl Status {
    /// Whether some tasks are asked for.
    pub(super) fn filters(&self) -> bool {
        self.text.is_some() || !self.state.is_empty() || self.since.is_some()
    }

    /// Whether this one is.
    pub(super) fn admits(&self, row: &TaskRow) -> bool {
        let among = self.state.is_empty() || self.state.contains(&row.state);
        let ended = row.times.1.filter(|_| row.state.terminal());
        let from = self.since.map(|ms| UnixMs(clock::now().0.saturating_sub(ms)));
        let late = from.is_none_or(|from| ended.is_none_or(|ended| ended >= from));
        let texts =
            [Some(row.label()), Some(row.name.clone()), row.branch.clone(), row.reason.clone()];
        let wanted = self.text.as_ref().map(|text| text.to_lowercase());
        let named = wanted.is_none_or(|wanted| {
            texts.iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
        });
        among && late && named
    }
}

fn state(word: &str) -> Result<State, String> {
    let words = || State::ALL.iter().map(|state| state.word()).collect::<Vec<_>>().join(", ");
    let found = State::ALL.into_iter().find(|state| state.word() == word);
    found.ok_or_else(|| format!("it is one of {}", words()))
}

fn time(text: &str) -> Result<u64, String> {
    parse_duration(text).map_err(|e| e.to_string())
}
