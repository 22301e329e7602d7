//! Explores the protocol's model at full size: a table of configurations, states and seconds. Started by
//! `scripts/model`; the model itself is the tests'.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures its own time, and its table is for people"
)]

mod large;
#[path = "../../tests/model/machine/mod.rs"]
mod machine;

use std::time::Instant;

use large::LARGE;
use machine::configs::SMALL;
use machine::explore::explore;
use machine::old::{Old, Text};
use machine::rules::Config;
use machine::variants::{BROKEN, SPARED};

fn main() {
    println!("{:<52} {:>11} {:>8} {:>6}", "configuration", "states", "seconds", "stuck");
    let mut whole = true;
    let mut total = 0;
    let begin = Instant::now();
    for config in SMALL.iter().chain(SPARED).chain(LARGE) {
        let (states, holds) = one(config);
        total += states;
        whole &= holds;
    }
    println!("{:<52} {total:>11} {:>8.1}", "all", begin.elapsed().as_secs_f64());
    for variant in BROKEN {
        let report = explore(&variant.config);
        let (promise, trace) = report.verdict().unwrap_or(("nothing", &[]));
        whole &= promise == variant.breaks;
        println!("without a rule: {}: {promise}, after {} steps", variant.config.name, trace.len());
    }
    for text in [Text::Literal, Text::LooksIntoDone, Text::MovesFirst] {
        let report = explore(&Old { text });
        whole &= report.verdict().is_some();
        println!("{text:?}: {} steps", report.verdict().map_or(0, |(_, trace)| trace.len()));
    }
    assert!(whole, "a promise is broken, or a variant that must fail holds");
}

/// One configuration: its states, and whether every promise holds.
fn one(config: &Config) -> (usize, bool) {
    let begin = Instant::now();
    let report = explore(config);
    let seconds = begin.elapsed().as_secs_f64();
    println!("{:<52} {:>11} {seconds:>8.1} {:>6}", config.name, report.states, report.stuck);
    if let Some((promise, trace)) = report.verdict() {
        println!("  broken: {promise}");
        trace.iter().for_each(|label| println!("    {label}"));
    }
    (report.states, report.verdict().is_none())
}
