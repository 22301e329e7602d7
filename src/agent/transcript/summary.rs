//! What a whole stream amounts to: the last word, the bill, what was denied, which errors were met.
//!
//! Invariant: its size does not grow with the stream beyond the number of models and tools, both capped.

use std::collections::{BTreeMap, VecDeque};

use super::line::{ApiError, Block, Final, Line, Message, ModelShare, RateLimit, Tokens};
use crate::domain::account::usage::{DOLLARS_MAX, ModelUsage, Usage};

/// Messages of one id follow each other closely; sub-agents mix a few.
const RECENT_IDS: usize = 256;
/// Denied tools and models that are kept apart.
const MAX_NAMES: usize = 64;
/// A token is about so many characters.
const CHARS_PER_TOKEN: usize = 4;

/// What tokens of a model cost, US dollars.
pub type Price = fn(model: &str, tokens: &Tokens) -> f64;

/// The sum of the lines so far.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The session, as the agent calls it.
    pub session: Option<String>,
    /// At least one line was of its own kind.
    pub spoke: bool,
    /// The last result.
    pub last: Option<Final>,
    /// The last error of the service since then or before it.
    pub api_error: Option<ApiError>,
    /// The last news of limits.
    pub rate_limit: Option<RateLimit>,
    /// The last news of limits that was a refusal.
    pub rejected: Option<RateLimit>,
    /// Denied tools, without repeats.
    pub denied: Vec<String>,
    /// The model said or did something.
    pub worked: bool,
    billed: Usage,
    billed_total: BTreeMap<String, ModelShare>,
    unbilled: BTreeMap<String, Tokens>,
    unbilled_turns: u32,
    recent: VecDeque<String>,
    price: Price,
}

impl Summary {
    /// Of no lines yet.
    pub fn new(price: Price) -> Summary {
        Summary {
            session: None,
            spoke: false,
            last: None,
            api_error: None,
            rate_limit: None,
            rejected: None,
            denied: Vec::new(),
            worked: false,
            billed: Usage::default(),
            billed_total: BTreeMap::new(),
            unbilled: BTreeMap::new(),
            unbilled_turns: 0,
            recent: VecDeque::new(),
            price,
        }
    }

    /// Takes the next line.
    pub fn feed(&mut self, line: &Line) {
        self.spoke |= !matches!(line, Line::Unknown(_));
        match line {
            Line::Init { session, .. } => self.session.clone_from(session),
            Line::Assistant(message) => self.assistant(message),
            Line::Result(end) => self.result(end),
            Line::RateLimit(limit) => {
                if limit.status == "rejected" {
                    self.rejected = Some(limit.clone());
                }
                self.rate_limit = Some(limit.clone());
            }
            Line::Denied { tool } => self.deny(tool),
            Line::User(_)
            | Line::Retry { .. }
            | Line::Progress { .. }
            | Line::Other(_)
            | Line::Unknown(_) => {}
        }
    }

    fn assistant(&mut self, message: &Message) {
        if message.error.is_some() {
            self.api_error.clone_from(&message.error);
            return;
        }
        self.worked = true;
        let new = message.id.as_ref().is_none_or(|id| !self.recent.contains(id));
        let model = message.model.clone().unwrap_or_default();
        let full = self.unbilled.len() >= MAX_NAMES && !self.unbilled.contains_key(&model);
        let tokens = self.unbilled.entry(if full { String::new() } else { model }).or_default();
        // The output so far is not told until the end: count what is seen of it.
        let seen: usize = message.blocks.iter().map(Block::length).sum();
        tokens.output += (seen / CHARS_PER_TOKEN) as u64;
        if !new {
            return;
        }
        tokens.input += message.usage.input;
        tokens.cache_read += message.usage.cache_read;
        tokens.cache_write += message.usage.cache_write;
        self.unbilled_turns += u32::from(!message.nested);
        self.recent.extend(message.id.clone());
        if self.recent.len() > RECENT_IDS {
            self.recent.pop_front();
        }
    }

    fn result(&mut self, end: &Final) {
        end.denied.iter().for_each(|tool| self.deny(tool));
        let shares = end.since_last.clone().unwrap_or_else(|| self.since_last_total(&end.total));
        for share in shares.iter().take(MAX_NAMES) {
            self.bill(share);
        }
        if end.total.is_empty() && end.since_last.is_none() {
            // A wrapper's result may carry a sum only.
            self.billed.cost_usd = self.billed.cost_usd.max(end.total_cost_usd);
        }
        self.billed.turns = self.billed.turns.saturating_add(end.turns);
        self.unbilled.clear();
        self.unbilled_turns = 0;
        self.last = Some(end.clone());
    }

    /// What is new in an account that runs on through the session.
    fn since_last_total(&mut self, total: &[ModelShare]) -> Vec<ModelShare> {
        let known = std::mem::take(&mut self.billed_total);
        let of = |share: &ModelShare| known.get(&share.model).cloned().unwrap_or_default();
        let new = |share: &ModelShare| {
            let before = of(share);
            ModelShare {
                model: share.model.clone(),
                tokens: share.tokens.minus(&before.tokens),
                cost_usd: (share.cost_usd - before.cost_usd).max(0.0),
            }
        };
        self.billed_total = total
            .iter()
            .take(MAX_NAMES)
            .map(|share| (share.model.clone(), share.clone()))
            .collect();
        total.iter().map(new).collect()
    }

    fn bill(&mut self, share: &ModelShare) {
        let Tokens { input, output, cache_read, cache_write } = share.tokens;
        let part = ModelUsage {
            cost_usd: share.cost_usd,
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write,
        };
        add(&mut self.billed, &share.model, &part);
    }

    /// The service would not take the very first request: something in it is wrong, and the model never saw it. What a
    /// log-in, credit or a model's name is to blame for is something else.
    pub fn refused_at_once(&self) -> bool {
        const STATUS: [u64; 3] = [400, 413, 422];
        let Some(last) = self.last.as_ref().filter(|last| last.is_error && !self.worked) else {
            return false;
        };
        let error = self.api_error.as_ref();
        let status = last.api_error_status.or(error.and_then(|error| error.status));
        let kind = error.is_some_and(|error| error.kind == "invalid_request");
        last.subtype == "success" && (kind || status.is_some_and(|code| STATUS.contains(&code)))
    }

    fn deny(&mut self, tool: &str) {
        if self.denied.len() < MAX_NAMES && !self.denied.iter().any(|known| known == tool) {
            self.denied.push(tool.to_owned());
        }
    }

    /// The bill: the agent's own accounts, and an estimate of what came after the last of them.
    pub fn usage(&self) -> Usage {
        let mut usage = self.billed.clone();
        for (model, tokens) in &self.unbilled {
            let part = ModelUsage {
                cost_usd: (self.price)(model, tokens),
                input_tokens: tokens.input,
                output_tokens: tokens.output,
                cache_read_tokens: tokens.cache_read,
                cache_write_tokens: tokens.cache_write,
            };
            add(&mut usage, model, &part);
            usage.estimated = true;
        }
        usage.turns = usage.turns.saturating_add(self.unbilled_turns);
        usage
    }
}

fn add(usage: &mut Usage, model: &str, part: &ModelUsage) {
    usage.cost_usd = (usage.cost_usd + part.cost_usd).min(DOLLARS_MAX);
    usage.input_tokens = usage.input_tokens.saturating_add(part.input_tokens);
    usage.output_tokens = usage.output_tokens.saturating_add(part.output_tokens);
    usage.cache_read_tokens = usage.cache_read_tokens.saturating_add(part.cache_read_tokens);
    usage.cache_write_tokens = usage.cache_write_tokens.saturating_add(part.cache_write_tokens);
    usage.by_model.entry(model.to_owned()).or_default().add(part);
}

impl Tokens {
    fn minus(&self, before: &Tokens) -> Tokens {
        Tokens {
            input: self.input.saturating_sub(before.input),
            output: self.output.saturating_sub(before.output),
            cache_read: self.cache_read.saturating_sub(before.cache_read),
            cache_write: self.cache_write.saturating_sub(before.cache_write),
        }
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
