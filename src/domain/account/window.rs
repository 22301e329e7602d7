//! The usage window of an account, as the service told it to one agent: how full it is, and when it starts anew.

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMs;

/// So full a window is nearly used up, whether the service warns or not.
const WARNS_AT: f64 = 0.9;

/// News without a reset time hold so long, milliseconds.
const NEWS_MS: u64 = 15 * 60_000;

/// What the service said of a usage window.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    /// Which: `five_hour`, `seven_day` …
    pub kind: Option<String>,
    /// How full it is, 0 to 1.
    pub utilization: Option<f64>,
    /// When it starts anew.
    #[serde(rename = "resets_at_ms")]
    pub resets_at: Option<UnixMs>,
    /// `allowed`, `allowed_warning` or `rejected`.
    pub status: String,
    /// When that was said.
    #[serde(rename = "seen_at_ms")]
    pub seen_at: UnixMs,
    /// The task whose agent was told.
    pub source: String,
}

impl Window {
    /// One phrase for people.
    pub fn text(&self) -> String {
        let kind = self.kind.as_deref().unwrap_or("usage").replace('_', "-");
        match self.percent() {
            Some(percent) => format!("{kind} window {percent:.0} %"),
            None if self.status == "rejected" => format!("{kind} window used up"),
            None => format!("{kind} window"),
        }
    }

    fn percent(&self) -> Option<f64> {
        self.utilization.map(|part| (part * 100.0).round())
    }

    /// Nothing that matters differs.
    pub(super) fn says(&self, other: &Window) -> bool {
        (&self.status, &self.kind, self.resets_at, self.percent())
            == (&other.status, &other.kind, other.resets_at, other.percent())
    }

    fn over(&self, now: UnixMs) -> bool {
        now >= self.resets_at.unwrap_or(self.seen_at.plus_ms(NEWS_MS))
    }

    pub(super) fn warns(&self, now: UnixMs) -> bool {
        let full = self.utilization.is_some_and(|part| part >= WARNS_AT);
        (self.status == "allowed_warning" || full) && !self.over(now)
    }

    pub(super) fn stops(&self, percent: u32, now: UnixMs) -> bool {
        let full = self.percent().is_some_and(|part| part >= f64::from(percent));
        self.status == "rejected" || (full && percent < 100 && !self.over(now))
    }
}
