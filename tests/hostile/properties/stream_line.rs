//! Any bytes as what an agent says: no panic, sums that stay sums, and what people see is harmless.

use swarmdir::agent::program::RecordedOutput;
use swarmdir::agent::transcript::{Line, Splitter, brief, render};
use swarmdir::domain::account::breaker::Breaker;
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::{Outcome, Step, Traces, judge};
use swarmdir::domain::task::name::QueueName;
use swarmdir::domain::time::UnixMs;

use super::safe::{assert_harmless, assert_one_line};

/// A stream: read in pieces, as from a pipe, and summed up.
pub(crate) fn check(bytes: &[u8]) {
    let whole = lines(&[bytes], usize::MAX);
    let half = bytes.split_at(bytes.len() / 2);
    assert_eq!(lines(&[half.0, half.1], usize::MAX), whole, "pieces make no difference");
    let cut = lines(&[bytes], 64);
    assert!(cut.len() == whole.len() && cut.iter().all(|line| line.len() <= 64));
    let output = RecordedOutput::of(None);
    let mut summary = output.summary();
    for bytes in whole.iter().chain(&cut) {
        let line = output.line(bytes);
        if let Some(text) = render(&line) {
            assert_harmless("the transcript", &text);
        }
        if let Some(text) = brief(&line) {
            assert_one_line("the summary of a line", &text);
            assert!(text.chars().count() <= 400, "{text:?}");
        }
        summary.feed(&line);
        if let Line::RateLimit(limit) = &line {
            assert_waits(Fault::Limit { resets_at_secs: limit.resets_at_secs });
        }
    }
    let usage = summary.usage();
    assert!(usage.cost_usd.is_finite() && usage.cost_usd >= 0.0, "{usage:?}");
    assert!(summary.denied.len() <= 64);
    let record = serde_json::to_vec(&usage).expect("plain data");
    let back: swarmdir::domain::account::usage::Usage =
        serde_json::from_slice(&record).expect("its own shape");
    assert_eq!(back.by_model.len(), usage.by_model.len());
}

fn lines(pieces: &[&[u8]], max: usize) -> Vec<Vec<u8>> {
    let mut splitter = Splitter::new(max);
    let mut lines = Vec::new();
    for piece in pieces {
        splitter.feed(piece, &mut |line| lines.push(line.to_vec()));
    }
    splitter.finish(&mut |line| lines.push(line.to_vec()));
    lines
}

/// Whenever a service says that it goes on: a name in `blocked/` can say it, and a breaker has an end.
fn assert_waits(fault: Fault) {
    let now = UnixMs(1_795_172_864_000);
    let ending = Outcome::Failure { fault, detail: String::new() };
    let verdict = judge(&ending, &Traces::default(), now);
    let Step::Blocked(reason) = verdict.step else { panic!("{fault:?} is not the task's own") };
    let name = QueueName::parse("5-a.1").expect("valid").blocked_next(reason);
    assert_eq!(QueueName::parse(&name.to_string()), Some(name));
    assert!(
        Breaker::after_fault(None, fault, "", now)
            .is_some_and(|breaker| breaker.consecutive_failures == 1)
    );
}
