//! Accounts that claims wait for: opened again by a person who knows better.

use super::authorize::{Action, Permitted};
use super::error::CommandError;
use crate::domain::account::breaker::AccountState;
use crate::domain::event::Event;
use crate::domain::time::UnixMs;
use crate::queue::Queue;

/// Forgets what an account's breaker knows: its next task is claimed as if nothing had happened.
pub fn reopen(permitted: &Permitted, queue: &Queue, account: &str) -> Result<(), CommandError> {
    permitted.require(Action::Reopen)?;
    let known = queue.accounts()?.accounts;
    if !known.iter().any(|(name, _)| name == account) {
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        let hint = match names.is_empty() {
            true => "no account waits: coordinator account".to_owned(),
            false => format!("coordinator account; it is one of {}", names.join(", ")),
        };
        return Err(
            CommandError::usage(format!("there is no account {account:?} that waits")).hint(hint)
        );
    }
    queue.forget_breaker(account)?;
    queue.commands_journal()?.record(Event::AccountChanged {
        account: account.to_owned(),
        state: AccountState::Open,
        fault: String::new(),
        until_ms: UnixMs(0),
    });
    Ok(())
}
