//! What tokens cost, for estimates where the agent left no account of its own.
//!
//! The agent's own list price as it was seen in its accounts, US dollars per million tokens; a model that
//! is not here counts as the dearest, as it does there.

use crate::agent::transcript::Tokens;

struct Price {
    name: &'static str,
    input: f64,
    output: f64,
    cache_write: f64,
    cache_read: f64,
}

const PRICES: [Price; 5] = [
    price("sonnet-4", 3.0, 15.0, 3.75, 0.3),
    price("sonnet", 2.0, 10.0, 2.5, 0.1),
    price("haiku", 0.1, 0.5, 0.125, 0.01),
    price("fable", 8.0, 40.0, 10.0, 0.2),
    price("opus", 4.0, 20.0, 5.0, 0.2),
];

const fn price(
    name: &'static str,
    input: f64,
    output: f64,
    cache_write: f64,
    cache_read: f64,
) -> Price {
    Price { name, input, output, cache_write, cache_read }
}

/// US dollars for these tokens of this model.
#[expect(clippy::cast_precision_loss, reason = "an estimate of an amount far below 2^53 tokens")]
pub(super) fn estimate(model: &str, tokens: &Tokens) -> f64 {
    let [.., dearest] = &PRICES;
    let price = PRICES.iter().find(|price| model.contains(price.name)).unwrap_or(dearest);
    let million = |tokens: u64, usd: f64| tokens as f64 * usd / 1e6;
    million(tokens.input, price.input)
        + million(tokens.output, price.output)
        + million(tokens.cache_write, price.cache_write)
        + million(tokens.cache_read, price.cache_read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_agrees_with_an_account_of_the_agent() {
        // 2,000 in and 50 out of opus were billed 0.009, of sonnet half of it.
        let tokens = Tokens { input: 2000, output: 50, ..Tokens::default() };
        assert!((estimate("claude-opus-5-5", &tokens) - 0.009).abs() < 1e-9);
        assert!((estimate("claude-sonnet-5-5", &tokens) - 0.0045).abs() < 1e-9);
        assert!((estimate("something-new", &tokens) - 0.009).abs() < 1e-9);
    }
}
