//! What was heard of an agent: the sum of its lines, and the last words worth keeping.

use crate::agent::program::Adapter;
use crate::agent::report::MAX_SAID_BYTES;
use crate::agent::supervise::sign::Sign;
use crate::agent::transcript::{Line, Summary};
use crate::domain::outcome::disposition::Outcome;
use crate::domain::time_bounds::ANNOUNCED_MAX_MS;

/// Reads what an agent says.
pub(in crate::agent) struct OutputReader {
    program: &'static dyn Adapter,
    pub(in crate::agent) summary: Summary,
    pub(in crate::agent) records: Records,
    /// The last lines that were not of its program's own kind.
    plain: Vec<u8>,
}

/// The last record of each kind that can tell of a failure, shortened; empty where none came.
#[derive(Default)]
pub(in crate::agent) struct Records {
    pub(in crate::agent) result: String,
    pub(in crate::agent) api_error: String,
    pub(in crate::agent) rate_limit: String,
}

/// What a line means for the agent's life.
pub(in crate::agent) fn sign(line: &Line) -> Sign {
    match line {
        Line::Unknown(_) => Sign::Noise,
        Line::Init { .. } => Sign::Turn,
        Line::Retry { delay_ms, .. } => Sign::Retry { delay_ms: (*delay_ms).min(ANNOUNCED_MAX_MS) },
        Line::Result(_) => Sign::Result,
        Line::Assistant(_) | Line::User(_) | Line::Denied { .. } => Sign::Event,
        Line::Progress { .. } | Line::RateLimit(_) | Line::Other(_) => Sign::Beat,
    }
}

impl OutputReader {
    pub(in crate::agent) fn new(program: &'static dyn Adapter) -> OutputReader {
        let summary = Summary::new(program.price());
        OutputReader { program, summary, records: Records::default(), plain: Vec::new() }
    }

    /// Reads the next line.
    pub(in crate::agent) fn read(&mut self, bytes: &[u8]) -> Line {
        let line = self.program.parse_line(bytes);
        self.summary.feed(&line);
        let excerpt = |bytes| self.program.excerpt(bytes);
        match &line {
            Line::Result(_) => self.records.result = excerpt(bytes),
            Line::Assistant(message) if message.error.is_some() => {
                self.records.api_error = excerpt(bytes);
            }
            Line::RateLimit(limit) if limit.status == "rejected" => {
                self.records.rate_limit = excerpt(bytes);
            }
            _ => {}
        }
        if matches!(line, Line::Unknown(_)) {
            self.plain.extend_from_slice(&bytes[..bytes.len().min(MAX_SAID_BYTES)]);
            self.plain.push(b'\n');
            let over = self.plain.len().saturating_sub(MAX_SAID_BYTES);
            self.plain.drain(..over);
        }
        line
    }

    /// The result's text; else what it printed, or after a failure rather what it complained of.
    pub(in crate::agent) fn last_words(&self, ending: &Outcome, stderr: &str) -> Option<String> {
        let result = self.summary.last.as_ref().map(|last| last.text.clone());
        let plain = String::from_utf8_lossy(&self.plain).into_owned();
        let (first, second) = match ending {
            Outcome::Success => (plain, stderr.to_owned()),
            Outcome::Failure { .. } => (stderr.to_owned(), plain),
        };
        [result.unwrap_or_default(), first, second]
            .into_iter()
            .find(|words| !words.trim().is_empty())
            .map(|words| bounded(words.trim()))
    }
}

/// The end of a text is where its point is.
fn bounded(words: &str) -> String {
    let mut from = words.len().saturating_sub(MAX_SAID_BYTES);
    while !words.is_char_boundary(from) {
        from += 1;
    }
    words[from..].to_owned()
}
