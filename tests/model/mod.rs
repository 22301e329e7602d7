//! The protocol's model: explored in full, broken on purpose, and compared with the program step by step.
//!
//! It knows the queue's table, not its users. `scripts/model` explores larger configurations than these.

mod figures;
mod machine;
mod replay;

use figures::Figures;
use machine::configs::SMALL;
use machine::explore::{Model, Report, explore};
use machine::old::{Old, Text};
use machine::promises::ONE_OUTCOME;
use machine::rules::{Act, Config, Rules};
use machine::variants::{BROKEN, SPARED};

use crate::support::alone::{alone, this_test};

/// Walks for each configuration.
const WALKS: u64 = 30;

/// A trace, a line a step.
fn told<M: Model>(report: &Report<M::Label>) -> String {
    report.verdict().map_or_else(String::new, |(promise, trace)| {
        let steps: Vec<String> = trace.iter().map(|label| format!("  {label}")).collect();
        format!("{promise}:\n{}", steps.join("\n"))
    })
}

#[test]
fn every_promise_holds_and_nothing_is_stuck() {
    let mut states = 0;
    for config in SMALL {
        let report = explore(config);
        assert!(report.verdict().is_none(), "{}: {}", config.name, told::<Config>(&report));
        states += report.states;
    }
    Figures::new("model")
        .row("configurations of the protocol", SMALL.len())
        .row("states explored, each on a way to the end", states)
        .row("tasks lost or done twice in them", 0)
        .tell();
}

#[test]
fn without_a_rule_a_promise_is_broken() {
    for variant in BROKEN {
        let report = explore(&variant.config);
        let (promise, trace) = report.verdict().unwrap_or(("nothing", &[]));
        let name = variant.config.name;
        assert_eq!(promise, variant.breaks, "{name}: {}", told::<Config>(&report));
        println!("{name}: {promise}, after {} steps", trace.len());
    }
    let texts = [Text::Literal, Text::LooksIntoDone, Text::MovesFirst];
    for text in texts {
        let report = explore(&Old { text });
        let (promise, trace) = report.verdict().unwrap_or(("nothing", &[]));
        assert_eq!(promise, ONE_OUTCOME, "{text:?}");
        println!("publishing by renaming the claim, {text:?}: after {} steps", trace.len());
    }
    let all = BROKEN.len() + texts.len();
    Figures::new("model-variants").row("broken variants caught", format!("{all} of {all}")).tell();
}

#[test]
fn rules_that_only_save_work_are_not_needed() {
    for config in SPARED {
        let report = explore(config);
        assert!(report.verdict().is_none(), "{}: {}", config.name, told::<Config>(&report));
    }
    Figures::new("model-spared").row("rules shown to save only work", SPARED.len()).tell();
}

/// In a process of its own: a file that is written is seen to be open while another test forks.
#[test]
fn the_program_takes_every_step_of_the_model() {
    let test = this_test!();
    alone(test, || {
        let mut played = replay::Played::default();
        for config in SMALL.iter().filter(|config| can_be_staged(config)) {
            for seed in 0..WALKS {
                replay::walk(config, seed, &[], &mut played);
            }
        }
        // The ways on which the protocol would fail without one of its rules.
        for variant in BROKEN.iter().filter(|variant| can_be_staged(&variant.config)) {
            let report = explore(&variant.config);
            let (_, trace) = report.verdict().expect("it is broken");
            let config = Config { rules: Rules::ALL, ..variant.config };
            for seed in 0..3 {
                replay::walk(&config, seed, trace, &mut played);
            }
        }
        Figures::new("model-replay")
            .row("traces performed by the program", played.traces)
            .row("steps after which the directory was what the model says", played.steps)
            .write();
    });
    Figures::read("model-replay").tell_only();
}

/// Who still writes to a file, and what a person means by a name in `pending/`, is not on stage.
fn can_be_staged(config: &Config) -> bool {
    !config.slow && !config.acts.contains(&Act::CancelNamed)
}
