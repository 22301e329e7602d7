//! What an attempt cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Money and tokens of one or several attempts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// US dollars as the agent reports them.
    pub cost_usd: f64,
    /// The process left no final account: the figures are ours, from what it said on the way.
    pub estimated: bool,
    /// Input tokens that were not read from the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_write_tokens: u64,
    /// Turns of the agent.
    pub turns: u32,
    /// The same by model.
    pub by_model: BTreeMap<String, ModelUsage>,
}

/// One model's share.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUsage {
    /// US dollars.
    pub cost_usd: f64,
    /// Input tokens that were not read from the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_write_tokens: u64,
}

impl Usage {
    /// Adds another attempt's bill; one estimate makes the sum an estimate.
    pub fn add(&mut self, other: &Usage) {
        self.cost_usd = dollars(self.cost_usd, other.cost_usd);
        self.estimated |= other.estimated;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self.cache_write_tokens.saturating_add(other.cache_write_tokens);
        self.turns = self.turns.saturating_add(other.turns);
        for (model, share) in &other.by_model {
            self.by_model.entry(model.clone()).or_default().add(share);
        }
    }
}

impl ModelUsage {
    /// Adds another share.
    pub fn add(&mut self, other: &ModelUsage) {
        self.cost_usd = dollars(self.cost_usd, other.cost_usd);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self.cache_write_tokens.saturating_add(other.cache_write_tokens);
    }
}

/// A sum that stays a number, whatever the parts are: `inf` could not be written down.
fn dollars(a: f64, b: f64) -> f64 {
    (a + b).min(DOLLARS_MAX)
}

/// More than anybody has, US dollars.
pub const DOLLARS_MAX: f64 = 1e15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_bills_add_up_to_something_that_can_be_written_down() {
        let absurd =
            ModelUsage { cost_usd: f64::MAX, input_tokens: u64::MAX, ..ModelUsage::default() };
        let mut usage = Usage { cost_usd: f64::MAX, turns: u32::MAX, ..Usage::default() };
        usage.by_model.insert("m".into(), absurd);
        usage.add(&usage.clone());
        assert_eq!((usage.cost_usd, usage.turns), (DOLLARS_MAX, u32::MAX));
        let json = serde_json::to_string(&usage).expect("plain data");
        assert_eq!(serde_json::from_str::<Usage>(&json).expect("its own shape"), usage);
    }
}
