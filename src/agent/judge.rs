//! Whose fault it was: from how the agent ended and what its own program said, an [`Ending`].
//!
//! Pure. Invariant: what the model, a tool or a file said is never looked at, however much it reads like
//! an error of the service. Words decide only where the agent's own program left no structured field,
//! and all of them stand in one table.

use super::launch::Verdict;
use super::supervise::{StopReason, Why};
use super::transcript::{Final, Summary};
use crate::domain::admission::size;
use crate::domain::config::Timeouts;
use crate::domain::outcome::{Ending, Fault};
use crate::domain::text::one_line;
use crate::sys::spawn::Exit;

/// What is known at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    pub(super) verdict: Verdict,
    pub(super) why: Option<Why>,
    /// `None`: it could not be seen to end.
    pub(super) exit: Option<Exit>,
    pub(super) summary: &'a Summary,
    /// The end of what it wrote to standard error.
    pub(super) stderr: &'a str,
    pub(super) timeouts: &'a Timeouts,
    /// What it may write.
    pub(super) output_bytes: Option<u64>,
}

const DETAIL_CHARS: usize = 300;

pub(super) fn judge(seen: &Evidence<'_>) -> Ending {
    if succeeded(seen) {
        return Ending::Success;
    }
    let (fault, detail) = stopped(seen).unwrap_or_else(|| ended_by_itself(seen));
    Ending::Failure { fault, detail: one_line(&detail, DETAIL_CHARS) }
}

/// Exit 0 and, where one came or has to come, a last result that says success. A stop that found it
/// already done changes nothing about that.
fn succeeded(seen: &Evidence<'_>) -> bool {
    let said = match (&seen.summary.last, seen.verdict) {
        (Some(last), _) => last.subtype == "success" && !last.is_error,
        (None, Verdict::ExitCode) => seen.why.is_none(),
        (None, Verdict::Result) => false,
    };
    said && seen.exit == Some(Exit::Code(0))
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

fn ended_by_itself(seen: &Evidence<'_>) -> (Fault, String) {
    let Some(exit) = seen.exit else {
        return (Fault::Machine, "it could not be killed, or its end was not seen".to_owned());
    };
    match (&seen.summary.last, seen.verdict) {
        (Some(last), _) => by_result(seen.summary, last, exit),
        (None, Verdict::ExitCode) => by_exit_code(seen, exit),
        (None, Verdict::Result) => without_result(seen, exit),
    }
}

fn by_result(summary: &Summary, last: &Final, exit: Exit) -> (Fault, String) {
    let words = |default: &str| if last.text.is_empty() { default } else { &last.text }.to_owned();
    if last.startup_failure.is_some() {
        return (Fault::Machine, words("the agent could not start"));
    }
    match last.subtype.as_str() {
        "error_max_turns" => (Fault::MaxTurns, words("it used up its turns")),
        "error_max_budget_usd" => (Fault::Budget, words("it used up its budget")),
        "success" if last.is_error => {
            (service_fault(summary, last), words("an error of the service"))
        }
        "success" => (by_signal(exit), format!("{exit} after a result that says success")),
        _ if last
            .terminal_reason
            .as_deref()
            .is_some_and(|reason| reason.starts_with("aborted_")) =>
        {
            (Fault::Crashed, "it was interrupted, and not by us".to_owned())
        }
        _ => (by_words(&last.text).unwrap_or(Fault::Error), words("it reported an error")),
    }
}

/// A failed call of the service, by the finest word that there is.
fn service_fault(summary: &Summary, last: &Final) -> Fault {
    let error = summary.api_error.as_ref();
    let detail = last.api_error.as_deref().or(error.and_then(|error| error.detail.as_deref()));
    let kind = error.map(|error| error.kind.as_str());
    let status = last.api_error_status.or(error.and_then(|error| error.status));
    let limit = || Fault::Limit {
        resets_at_secs: summary.rejected.as_ref().and_then(|limit| limit.resets_at_secs),
    };
    let fault = detail.and_then(|detail| match detail {
        "usage_limit_reached" => Some(limit()),
        "connection_failed" => Some(Fault::Overload),
        "max_output_tokens" => Some(Fault::Error),
        _ => None,
    });
    let fault = fault.or_else(|| match kind? {
        "rate_limit" if summary.rejected.is_some() => Some(limit()),
        "rate_limit" | "overloaded" | "server_error" => Some(Fault::Overload),
        "authentication_failed"
        | "oauth_org_not_allowed"
        | "account_on_hold"
        | "verification_required"
        | "cloud_credential_error" => Some(Fault::Auth),
        "billing_error" => Some(Fault::Spend),
        "invalid_request" | "model_not_found" | "max_output_tokens" => Some(Fault::Error),
        _ => None,
    });
    let fault = fault.or_else(|| match status? {
        401 | 403 => Some(Fault::Auth),
        402 => Some(Fault::Spend),
        408 | 429 | 500..=599 => Some(Fault::Overload),
        _ => Some(Fault::Error),
    });
    fault.or_else(|| by_words(&last.text)).unwrap_or(Fault::Error)
}

/// Words of the agent's own program, lower case, and what they mean.
const WORDS: [(&str, Fault); 16] = [
    ("not logged in", Fault::Auth),
    ("please run /login", Fault::Auth),
    ("invalid api key", Fault::Auth),
    ("credit balance", Fault::Spend),
    ("spending limit", Fault::Spend),
    ("you've hit your", Fault::Limit { resets_at_secs: None }),
    ("usage limit reached", Fault::Limit { resets_at_secs: None }),
    ("no space left on device", Fault::Disk),
    ("enospc", Fault::Disk),
    ("disk quota exceeded", Fault::Disk),
    ("cannot be used with root/sudo", Fault::Machine),
    ("is already in use", Fault::Machine),
    ("ran out of file descriptors", Fault::Machine),
    ("native binary not installed", Fault::Missing),
    ("overloaded", Fault::Overload),
    ("connection", Fault::Overload),
];

fn by_words(text: &str) -> Option<Fault> {
    let text = text.to_lowercase();
    WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, fault)| *fault)
}

/// It should have left a result and did not.
fn without_result(seen: &Evidence<'_>, exit: Exit) -> (Fault, String) {
    let detail = with_words(&format!("{exit} without a result"), seen.stderr);
    // Its own standard error, on which no tool writes.
    if let Some(fault) = by_words(seen.stderr).filter(|fault| !matches!(fault, Fault::Overload)) {
        return (fault, detail);
    }
    let fault = match exit {
        Exit::Code(_) if !seen.summary.spoke && of_the_task(seen.stderr) => Fault::Error,
        Exit::Code(127) if !seen.summary.spoke => Fault::Missing,
        // A broken installation, a limit that is too low, a flag of ours that it does not know.
        Exit::Code(_) | Exit::Signal(_) if !seen.summary.spoke => Fault::Startup,
        Exit::Signal(_) | Exit::Code(129..=159) => Fault::Crashed,
        Exit::Code(_) => Fault::NoResult,
    };
    (fault, detail)
}

/// Complaints before the start that are about a value which the task chose.
fn of_the_task(stderr: &str) -> bool {
    const COMPLAINTS: [&str; 4] =
        ["is invalid", "piped stdin input exceeds", "input must be provided", "allowed choices"];
    let stderr = stderr.to_lowercase();
    COMPLAINTS.iter().any(|words| stderr.contains(words))
}

/// `EX_TEMPFAIL` of sysexits: the program asks to be tried later.
const TRY_LATER: i32 = 75;

fn by_exit_code(seen: &Evidence<'_>, exit: Exit) -> (Fault, String) {
    let detail = with_words(&exit.to_string(), seen.stderr);
    match exit {
        Exit::Code(TRY_LATER) => (Fault::Machine, format!("it asks to be tried later ({detail})")),
        Exit::Code(_) | Exit::Signal(_) => (by_signal(exit), detail),
    }
}

fn by_signal(exit: Exit) -> Fault {
    match exit {
        Exit::Code(_) => Fault::Error,
        Exit::Signal(_) => Fault::Crashed,
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
#[path = "judge_tests.rs"]
mod tests;
