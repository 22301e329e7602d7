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
        self.cost_usd += other.cost_usd;
        self.estimated |= other.estimated;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.turns += other.turns;
        for (model, share) in &other.by_model {
            self.by_model.entry(model.clone()).or_default().add(share);
        }
    }
}

impl ModelUsage {
    /// Adds another share.
    pub fn add(&mut self, other: &ModelUsage) {
        self.cost_usd += other.cost_usd;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
    }
}
