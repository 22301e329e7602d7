//! What people do in a night, and in the morning: log in, pause, hold, move, release, cancel, try again.

use super::Night;
use super::acts::{ACCOUNT, kind};
use super::plan::LaterEnd;
use super::tasks::Kind;
use crate::domain::task::name::{Band, QueueName};
use crate::domain::task::reason::Wait;
use crate::queue::Result;
use crate::queue::shift::EndedTask;
use crate::site::{Dir, Site};
use crate::sys::{clock, fs};

impl Night<'_> {
    /// What a person does after a refused log-in: logs in, resets the breaker, and lets go on what waits for it.
    pub(super) fn log_in(&mut self) -> Result<()> {
        self.service.state.unauthorised = false;
        self.service.publish()?;
        let queue = &self.bed.queue;
        let breaker = queue.paths().file(Dir::Accounts, ACCOUNT);
        // Whoever sees that it is gone claims at once.
        self.facts.opened_by_hand.push(clock::now());
        // It may be gone already.
        let _ = fs::unlink(&breaker)?;
        for name in queue.blocked()? {
            if name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Auth) {
                // Somebody else may have been faster.
                let _ = queue.unblock(&name)?;
            }
        }
        Ok(())
    }

    pub(super) fn pause(&mut self, text: &str, for_ms: u64) -> Result<Option<&'static str>> {
        fs::write(&Site::at(self.bed.repository()).interrupt(), text.as_bytes())?;
        self.later(for_ms, LaterEnd::Pause);
        Ok(Some(if text.starts_with("now") { "pauses with agents stopped" } else { "pauses" }))
    }

    /// Does to tasks what people do: cancels the unwanted, holds one, moves one, releases those held before.
    pub(super) fn meddle(&mut self, dice: u64) -> Result<Option<&'static str>> {
        self.release_all()?;
        let queue = &self.bed.queue;
        let seen = queue.scan()?;
        let claimed = |name: &QueueName| seen.claims.contains_key(&name.at);
        let unwanted = |name: &&QueueName| kind(&name.at.id) == Some(Kind::Unwanted);
        if let Some(name) = seen.ready.iter().filter(unwanted).find(|name| claimed(name)) {
            self.facts.cut(&name.at.id, 0);
            let request = queue.request_cancel(&name.at.id)?;
            // The request stays until it is met.
            let _ = queue.carry_out(&request)?;
        }
        let waiting: Vec<&QueueName> = seen.ready.iter().filter(|name| !claimed(name)).collect();
        if let Some(name) = waiting.get((dice % waiting.len().max(1) as u64) as usize) {
            self.facts.moved.insert(name.at.id.to_string());
            let band = Band::new((dice >> 32) as u8 % 10).unwrap_or_default();
            // Somebody else may have been faster.
            let _ = match dice >> 63 {
                0 => queue.reprioritise(name, band)?,
                _ => queue.hold(name)?,
            };
        }
        Ok(Some("times that people meddled"))
    }

    pub(super) fn release_all(&self) -> Result<()> {
        let queue = &self.bed.queue;
        for name in queue.blocked()? {
            if name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Hold) {
                // Somebody else may have been faster.
                let _ = queue.unblock(&name)?;
            }
        }
        Ok(())
    }

    /// A task that failed because its agent was killed is given another life, once.
    pub(super) fn retry_the_killed(&mut self) -> Result<()> {
        let queue = &self.bed.queue;
        for ended in queue.all_ended()? {
            let task = ended.at().id.to_string();
            let killed = self.facts.agents_killed.contains(&task);
            if killed && matches!(ended, EndedTask::Failed(_)) && self.facts.retried.insert(task) {
                // Somebody else may have been faster.
                let _ = queue.retry(&ended)?;
            }
        }
        Ok(())
    }
}
