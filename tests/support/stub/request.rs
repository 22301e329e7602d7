//! A call as it came, and what can be read out of it. Knows nothing of scripts or sockets.
//!
//! Invariant: a reader that does not find what it looks for says so with `None`; it never
//! guesses.

use std::time::Duration;

use serde_json::Value;

/// What stands before the working directory in the agent's description of its environment.
const CWD_LABEL: &str = "Primary working directory: ";
/// What follows it where a session is resumed in another directory.
const CWD_BEFORE: &str = " (was /";
/// What the agent itself puts before the prompt begins with this.
const REMINDER: &str = "<system-reminder>";

/// One call of the Messages API.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its place among all calls of this stub, from 0.
    pub(crate) number: usize,
    /// When it came, counted from the start of the stub.
    pub(crate) at: Duration,
    /// The prefix of its path: which script answers it.
    pub(crate) scenario: String,
    /// The whole path with its query.
    pub(crate) path: String,
    /// `x-claude-code-session-id`, or nothing.
    pub(crate) session: String,
    /// All headers; the names are in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The JSON body.
    pub(crate) body: Value,
    /// Which step of the script answered it; `None` when there was none left.
    pub(crate) step: Option<usize>,
}

impl Request {
    /// The value of a header; the name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether a stream is asked for. The agent's last resort after broken streams is a
    /// request without one.
    pub(crate) fn streams(&self) -> bool {
        self.body["stream"] == Value::Bool(true)
    }

    /// The model that is asked.
    pub(crate) fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or("unknown")
    }

    /// The prompt of the session: the last text of the first user message.
    pub(crate) fn prompt(&self) -> Option<&str> {
        let first = self.messages("user").next()?;
        let own = texts(&first["content"]).filter(|text| !text.starts_with(REMINDER));
        own.last().map(str::trim_end)
    }

    /// The agent's working directory: the latest that it was told, since a session can be
    /// resumed elsewhere.
    pub(crate) fn cwd(&self) -> Option<&str> {
        let told = self
            .messages("system")
            .flat_map(|message| texts(&message["content"]));
        let said = texts(&self.body["system"]).chain(told);
        let found = said.filter_map(|text| text.split_once(CWD_LABEL)).last();
        let line = found.and_then(|(_, rest)| rest.lines().next())?;
        Some(line.split_once(CWD_BEFORE).map_or(line, |(now, _)| now))
    }

    fn messages<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Value> {
        let all = self.body["messages"].as_array().into_iter().flatten();
        all.filter(move |message| message["role"] == role)
    }
}

/// The value of a header in a list with names in lower case.
pub(super) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// The texts of a content, which is a string or a list of blocks.
fn texts(content: &Value) -> impl Iterator<Item = &str> {
    let blocks = content.as_array().into_iter().flatten();
    content
        .as_str()
        .into_iter()
        .chain(blocks.filter_map(|block| block["text"].as_str()))
}
