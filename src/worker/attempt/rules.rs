//! The operator's own rules as they are now: a night is mended without a restart.
//!
//! Invariant: a file that is broken or gone changes nothing, and is told of; the rules that were read last hold on.

use crate::agent::failures;
use crate::domain::failure::rules::Rule;
use crate::sys::fs;
use crate::worker::Worker;

impl Worker {
    /// What is asked first about a failure of this agent; and what is wrong with the file, if something is.
    pub(super) fn own_rules(&mut self, agent: &str) -> (Vec<Rule>, Option<String>) {
        let trouble = self.read_rules().err();
        (self.config.rules_for(agent), trouble)
    }

    fn read_rules(&mut self) -> Result<(), String> {
        let Some(path) = self.config.failure_rules.clone() else { return Ok(()) };
        let kept = |why: String| format!("{}: {why}: the earlier rules hold", path.display());
        let bytes = fs::read_if_any(&path).map_err(|e| kept(e.to_string()))?;
        let bytes = bytes.ok_or_else(|| kept("there is no such file".into()))?;
        (self.options.vet)(&path, &bytes).map_err(kept)?;
        let names = self.config.profiles.keys().map(String::as_str);
        let book = failures::read(&bytes, names).map_err(|problems| {
            kept(problems.first().map_or(String::new(), ToString::to_string))
        })?;
        self.config.own_rules = book;
        Ok(())
    }
}
