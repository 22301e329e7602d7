//! The scripts of one name, how far each session has come in them, and what they have cost.
//! Pure: no locks, no sockets.

use std::collections::HashMap;

use super::script::Step;

/// How often a scenario was called, and the tokens of the answers that it got whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Calls of any outcome, retries included.
    pub(crate) calls: usize,
    /// Messages sent to their end, counted as they set out.
    pub(crate) messages: usize,
    /// Input tokens of these messages.
    pub(crate) input_tokens: u64,
    /// Output tokens of these messages.
    pub(crate) output_tokens: u64,
}

impl Served {
    /// Counts a message that is sent to its end.
    pub(super) fn add(&mut self, step: &Step) {
        self.messages += 1;
        self.input_tokens += step.input_tokens;
        self.output_tokens += step.output_tokens;
    }

    /// The cost in dollars at these prices per million tokens.
    pub(crate) fn cost_usd(&self, input_price: f64, output_price: f64) -> f64 {
        (self.input_tokens as f64 * input_price + self.output_tokens as f64 * output_price) / 1e6
    }
}

/// How far a session has come in its script.
#[derive(Debug)]
struct Progress {
    script: usize,
    step: usize,
    used: u32,
}

impl Progress {
    /// The step for the next call and its index, or nothing when the script is at its end.
    fn next(&mut self, scripts: &[Vec<Step>]) -> Option<(usize, Step)> {
        let index = self.step;
        let step = scripts.get(self.script)?.get(index)?;
        self.used += 1;
        if step.times.is_some_and(|times| self.used >= times) {
            (self.step, self.used) = (index + 1, 0);
        }
        Some((index, step.clone()))
    }
}

/// Everything that belongs to a name.
#[derive(Debug, Default)]
pub(super) struct Scenario {
    scripts: Vec<Vec<Step>>,
    sessions: HashMap<String, Progress>,
    pub(super) served: Served,
    /// Whether held answers may go.
    pub(super) released: bool,
}

impl Scenario {
    pub(super) fn new(scripts: Vec<Vec<Step>>) -> Self {
        Self {
            scripts,
            ..Self::default()
        }
    }

    /// The step for the next call of a session. A session that is new takes the next script,
    /// or the last one again.
    pub(super) fn next(&mut self, session: &str) -> Option<(usize, Step)> {
        self.served.calls += 1;
        let script = self
            .sessions
            .len()
            .min(self.scripts.len().saturating_sub(1));
        let fresh = Progress {
            script,
            step: 0,
            used: 0,
        };
        let progress = self.sessions.entry(session.to_owned()).or_insert(fresh);
        progress.next(&self.scripts)
    }
}
