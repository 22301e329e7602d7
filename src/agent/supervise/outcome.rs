//! Whose fault it was: from how the agent ended and what its own program said, an [`Outcome`] and its [`RuleMatch`].
//!
//! Pure. What we did ourselves is judged here; everything else by the rules of `failures.toml` and of the operator,
//! which see only what is noted in [`facts`]. Invariant: what the model, a tool or a file said is not among it,
//! however much it reads like an error of the service.

use crate::agent::failures::ApplicableRules;
use crate::agent::program::adapter::SuccessBy;
use crate::agent::supervise::output::OutputReader;
use crate::agent::supervise::sign::{StopReason, Why};
use crate::agent::transcript::{Final, RateLimit};
use crate::domain::capacity::shortage::size;
use crate::domain::failure::fault::Fault;
use crate::domain::failure::rules::{Fact, Facts, Hit, Key, Source};
use crate::domain::outcome::disposition::Outcome;
use crate::domain::settings::timeouts::Timeouts;
use crate::domain::task::record::RuleMatch;
use crate::domain::text::one_line;
use crate::domain::time::UnixMs;
use crate::domain::time_bounds;
use crate::sys::spawn::Exit;

/// What is known at the end.
#[derive(Clone, Copy)]
pub(in crate::agent) struct Evidence<'a> {
    pub(in crate::agent) success: SuccessBy,
    pub(in crate::agent) why: Option<Why>,
    /// `None`: it could not be seen to end.
    pub(in crate::agent) exit: Option<Exit>,
    pub(in crate::agent) output: &'a OutputReader,
    /// The end of what it wrote to standard error.
    pub(in crate::agent) stderr: &'a str,
    pub(in crate::agent) timeouts: &'a Timeouts,
    pub(in crate::agent) rules: ApplicableRules<'a>,
    /// What it may write.
    pub(in crate::agent) output_bytes: Option<u64>,
    /// By which dates are believed or not.
    pub(in crate::agent) now: UnixMs,
}

const DETAIL_CHARS: usize = 300;

/// The rule is that of a failure, or of denied tools, which may turn out to be one.
pub(in crate::agent) fn judge(seen: &Evidence<'_>) -> (Outcome, Option<RuleMatch>) {
    if succeeded(seen) {
        let denied = !seen.output.summary.denied.is_empty();
        let record = &seen.output.records.result;
        let rule_match = || RuleMatch::ours(Fault::Denied.word(), Source::Result.word(), record);
        return (Outcome::Success, denied.then(rule_match));
    }
    let (fault, detail, rule_match) = match stopped(seen).or_else(|| unseen(seen)) {
        Some((fault, detail)) => {
            let rule_match = RuleMatch::ours(fault.word(), "supervisor", &detail);
            (fault, detail, rule_match)
        }
        None => by_rules(seen),
    };
    (Outcome::Failure { fault, detail: one_line(&detail, DETAIL_CHARS) }, Some(rule_match))
}

/// Exit 0 and, where one came or has to come, a last result that says success. A stop that found it
/// already done changes nothing about that.
fn succeeded(seen: &Evidence<'_>) -> bool {
    let said = match (seen.result(), seen.success) {
        (Some(last), _) => well(last),
        (None, SuccessBy::ExitCode) => seen.why.is_none(),
        (None, SuccessBy::Result) => false,
    };
    said && seen.exit == Some(Exit::Code(0))
}

fn well(last: &Final) -> bool {
    last.subtype == "success" && !last.is_error
}

/// We ended it.
fn stopped(seen: &Evidence<'_>) -> Option<(Fault, String)> {
    let secs = |ms: u64| ms.div_ceil(1000);
    let timeouts = seen.timeouts;
    Some(match seen.why? {
        Why::Asked(StopReason::NoRoom) => {
            (Fault::Disk, "parked with its work saved: the disk was nearly full".to_owned())
        }
        Why::Asked(_) => (Fault::Stopped, "stopped on request".to_owned()),
        Why::Killed => (Fault::Stopped, "killed on request".to_owned()),
        Why::DiskFull => (Fault::Disk, "no space left to record what it says".to_owned()),
        Why::Runaway => {
            let most = size(seen.output_bytes.unwrap_or_default());
            (Fault::Output, format!("it wrote more than the {most} of output that an attempt may"))
        }
        Why::Timeout => {
            (Fault::Timeout, format!("it took longer than {} s", secs(timeouts.wall_ms)))
        }
        Why::Unanswered => (
            Fault::Overload,
            "the service did not answer, and its last retry never ended".to_owned(),
        ),
        Why::Silent => {
            (Fault::Silent, format!("no sign of life for {} s", secs(timeouts.silence_ms)))
        }
        Why::Startup => (Fault::Startup, with_words("it never said a word", seen.stderr)),
        Why::Lingering => {
            let grace = secs(timeouts.after_result_ms);
            (Fault::NoResult, format!("it did not end within {grace} s of its result"))
        }
    })
}

fn unseen(seen: &Evidence<'_>) -> Option<(Fault, String)> {
    let unseen = || (Fault::Machine, "it could not be killed, or its end was not seen".to_owned());
    seen.exit.is_none().then(unseen)
}

fn by_rules(seen: &Evidence<'_>) -> (Fault, String, RuleMatch) {
    let Some(hit) = seen.rules.find(&facts(seen)) else {
        let detail = seen.end();
        let rule_match = RuleMatch::ours(Fault::Error.word(), "exit", &detail);
        return (Fault::Error, detail, rule_match);
    };
    let fault = match hit.rule.fault {
        Fault::Limit { .. } => {
            let rejected = seen.output.summary.rejected.as_ref();
            let reset = |limit: &RateLimit| {
                time_bounds::reset(limit.kind.as_deref(), limit.resets_at_secs, seen.now)
            };
            Fault::Limit { resets_at_secs: rejected.and_then(reset) }
        }
        fault => fault,
    };
    let rule_match = RuleMatch::new(&hit.rule.id, hit.source.word(), &seen.record(hit));
    (fault, seen.detail(hit), rule_match)
}

/// All that rules may see.
fn facts(seen: &Evidence<'_>) -> Facts {
    let word = |word: Option<&String>| word.map(|word| Fact::Word(word.clone()));
    let text = |text: &str| (!text.trim().is_empty()).then(|| Fact::Text(text.to_owned()));
    let mut facts = Facts::default();
    let summary = &seen.output.summary;
    let last = seen.result();
    if let Some(last) = last {
        facts.note(Key::Subtype, word(Some(&last.subtype)), Source::Result);
        facts.note(Key::IsError, Some(Fact::Truth(!well(last))), Source::Result);
        facts.note(Key::TerminalReason, word(last.terminal_reason.as_ref()), Source::Result);
        facts.note(Key::StartupFailure, word(last.startup_failure.as_ref()), Source::Result);
    }
    // An error that was told before is an explanation only of an end that is said to be one of the service.
    if let Some(last) = last.filter(|last| last.is_error && last.subtype == "success") {
        let error = summary.api_error.as_ref();
        let kind = error.map(|error| &error.kind).filter(|kind| !kind.is_empty());
        facts.note(Key::ServiceError, word(kind), Source::ApiError);
        let detail = error.and_then(|error| error.detail.as_ref());
        facts.note(Key::ServiceDetail, word(last.api_error.as_ref()), Source::Result);
        facts.note(Key::ServiceDetail, word(detail), Source::ApiError);
        let status = error.and_then(|error| error.status);
        facts.note(Key::ServiceStatus, last.api_error_status.map(Fact::Number), Source::Result);
        facts.note(Key::ServiceStatus, status.map(Fact::Number), Source::ApiError);
    }
    if let Some(rejected) = &summary.rejected {
        facts.note(Key::LimitStatus, word(Some(&rejected.status)), Source::RateLimit);
        facts.note(Key::LimitType, word(rejected.kind.as_ref()), Source::RateLimit);
    }
    match (last, seen.success) {
        // A success's text is the model's, and the errors of a run that did some work may quote a tool.
        (Some(last), _) if well(last) || (summary.worked && last.subtype != "success") => {}
        (Some(last), _) => facts.note(Key::Complaint, text(&last.text), Source::Result),
        // Its own standard error, on which no tool writes.
        (None, SuccessBy::Result) => facts.note(Key::Complaint, text(seen.stderr), Source::Stderr),
        (None, SuccessBy::ExitCode) => {}
    }
    facts.note(Key::Stderr, text(seen.stderr), Source::Stderr);
    let (code, signal) = match seen.exit {
        Some(Exit::Code(code)) => (u64::try_from(code).ok(), None),
        Some(Exit::Signal(signal)) => (None, u64::try_from(signal).ok()),
        None => (None, None),
    };
    facts.note(Key::ExitCode, code.map(Fact::Number), Source::Exit);
    facts.note(Key::ExitSignal, signal.map(Fact::Number), Source::Exit);
    facts.note(Key::ExitAfter, Some(Fact::Word(seen.after().into())), Source::Exit);
    facts
}

impl<'a> Evidence<'a> {
    fn result(&self) -> Option<&'a Final> {
        self.output.summary.last.as_ref()
    }

    /// What came before the end.
    fn after(&self) -> &'static str {
        match self.result() {
            Some(last) if well(last) => "success",
            Some(_) => "error",
            None if self.output.summary.spoke => "talk",
            None => "nothing",
        }
    }

    /// How it ended, for people.
    fn end(&self) -> String {
        let exit = self.exit.map(|exit| exit.to_string()).unwrap_or_default();
        match (self.result(), self.success) {
            (Some(last), _) if well(last) => format!("{exit} after a result that says success"),
            (None, SuccessBy::Result) => {
                with_words(&format!("{exit} without a result"), self.stderr)
            }
            (Some(_), _) | (None, SuccessBy::ExitCode) => with_words(&exit, self.stderr),
        }
    }

    /// The reason, for people: the program's words where the result holds some, else the rule's and how it ended.
    fn detail(&self, hit: Hit) -> String {
        let complains = |last: &&Final| !well(last);
        let says = hit.rule.says.as_deref();
        match (self.result().filter(complains), says) {
            (Some(last), _) if !last.text.trim().is_empty() && !hit.rule.unquoted => {
                last.text.clone()
            }
            (Some(_), Some(says)) => says.to_owned(),
            (_, Some(says)) => format!("{says} ({})", self.end()),
            (_, None) => self.end(),
        }
    }

    /// The record that showed it.
    fn record(&self, hit: Hit) -> String {
        let records = &self.output.records;
        match hit.source {
            Source::Result => records.result.clone(),
            Source::ApiError => records.api_error.clone(),
            Source::RateLimit => records.rate_limit.clone(),
            Source::Stderr => hit.rule.line(self.stderr).unwrap_or(self.stderr).trim().to_owned(),
            Source::Exit => self.end(),
        }
    }
}

/// A fact and the last line of standard error.
fn with_words(fact: &str, stderr: &str) -> String {
    match stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => format!("{fact}: {line}"),
        None => fact.to_owned(),
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
