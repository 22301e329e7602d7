//! Passes on what a running agent tells of its account: that the service answers, and how full its windows are.
//!
//! Invariant: what cannot be written fails nothing; it shows at the attempt's end, or is told again.

use crate::agent::{Progress, RateLimit};
use crate::domain::account::breaker::{Breaker, HealthCheck};
use crate::domain::account::window::Window;
use crate::domain::event::Event;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds;
use crate::queue::journal::Journal;
use crate::sys::clock;
use crate::worker::shared::Shared;

/// Answers of the running agent are passed on so often, milliseconds.
const ANSWERS_MS: u64 = 60_000;

/// Notes a breaker that we wrote.
pub(super) fn note_breaker(journal: &Journal, account: &str, breaker: Option<&Breaker>) {
    let Some(breaker) = breaker else { return };
    journal.record(Event::AccountChanged {
        account: account.to_owned(),
        state: breaker.state(clock::now()),
        fault: breaker.fault.clone(),
        until_ms: breaker.until,
    });
}

/// Passes on what a running agent tells of its account.
pub(super) struct AccountNews {
    pub(super) shared: Shared,
    pub(super) account: String,
    pub(super) health_check: HealthCheck,
    pub(super) stop_at: u32,
    /// The task, for people.
    pub(super) source: String,
    pub(super) began: UnixMs,
    pub(super) answered_ms: Option<u64>,
}

impl AccountNews {
    pub(super) fn pass(&mut self, progress: &Progress) {
        match progress {
            Progress::Answered => self.answered(),
            Progress::Limit(limit) => {
                let news = window(limit, &self.source);
                let queue = &self.shared.queue;
                // What cannot be written now shows at the attempt's end, or is told again.
                let told = queue.note_usage_window(&self.account, news, self.stop_at, clock::now());
                note_breaker(&self.shared.journal, &self.account, told.ok().flatten().as_ref());
            }
            Progress::Started { .. }
            | Progress::Doing(_)
            | Progress::Alive
            | Progress::Stopping
            | Progress::Live(_) => {}
        }
    }

    fn answered(&mut self) {
        let now_ms = clock::mono_ms();
        if self.answered_ms.is_some_and(|last| now_ms - last < ANSWERS_MS) {
            return;
        }
        let first = self.answered_ms.replace(now_ms).is_none();
        let Shared { queue, registration, journal, .. } = &self.shared;
        if self.health_check == HealthCheck::ProbeFirst || queue.breaker(&self.account).is_some() {
            let heard = queue.note_answer(&self.account, self.began, clock::now());
            note_breaker(journal, &self.account, heard.ok().flatten().as_ref());
        }
        if first {
            // What stays ends with the attempt.
            queue.end_probe(registration, &self.account).ok();
        }
    }
}

fn window(limit: &RateLimit, source: &str) -> Window {
    let now = clock::now();
    // Beyond its window an account goes on for money: that is no refusal.
    let status = if limit.overage { "allowed" } else { &limit.status };
    Window {
        kind: limit.kind.clone(),
        utilization: limit.utilization.filter(|_| !limit.overage),
        resets_at: time_bounds::reset(limit.kind.as_deref(), limit.resets_at_secs, now)
            .map(UnixMs::from_secs),
        status: status.to_owned(),
        seen_at: now,
        source: source.to_owned(),
    }
}
