//! What is told of an agent: signs of life while it runs, and at its end what came of it.

use crate::agent::transcript::RateLimit;
use crate::domain::account::usage::Usage;
use crate::domain::failure::fault::Fault;
use crate::domain::liveness::report::Live;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::task::record::RuleMatch;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub ending: Outcome,
    /// What that rests on, where it is a failure.
    pub rule_match: Option<RuleMatch>,
    /// `exit 0`, `signal 9`; `None` where nothing was started.
    pub exit: Option<String>,
    /// Last words, bounded to [`MAX_SAID_BYTES`], raw: made safe by whoever shows them.
    pub said: Option<String>,
    /// The bill.
    pub usage: Usage,
    /// Tools that were denied, in order, without repeats.
    pub denied_tools: Vec<String>,
    /// The session, as the agent called it.
    pub session: Option<String>,
    /// The service refused the first request itself, before the model said anything.
    pub refused_at_once: bool,
    /// The last news of the account's limits.
    pub rate_limit: Option<RateLimit>,
    /// From start to the first event, milliseconds.
    pub first_event_ms: Option<u64>,
    /// From start to end, milliseconds.
    pub elapsed_ms: u64,
    /// Processes that it left and that had to be killed.
    pub swept: u32,
    /// What else people should know.
    pub notes: Vec<String>,
}

impl Report {
    /// Of an agent that was not started, for a reason that we saw ourselves.
    pub fn not_started(fault: Fault, detail: String) -> Report {
        Report {
            rule_match: Some(RuleMatch::ours(fault.word(), "worker", &detail)),
            ending: Outcome::Failure { fault, detail },
            exit: None,
            said: None,
            usage: Usage::default(),
            denied_tools: Vec::new(),
            session: None,
            refused_at_once: false,
            rate_limit: None,
            first_event_ms: None,
            elapsed_ms: 0,
            swept: 0,
            notes: Vec::new(),
        }
    }
}

/// The length of [`Report::said`].
pub const MAX_SAID_BYTES: usize = 4096;

/// A sign of life, for whoever shows it.
#[derive(Clone, PartialEq, Debug)]
pub enum Progress {
    /// It was started.
    Started {
        /// Its process number.
        pid: i32,
    },
    /// What it does now, one line, safe for a terminal.
    Doing(String),
    /// The line was none to show; it lives.
    Alive,
    /// The service answered: the model said or did something. Told besides what it did.
    Answered,
    /// News of the account's limits. Told besides what is shown of them.
    Limit(RateLimit),
    /// It is being stopped.
    Stopping,
    /// How it stands, for people: at most once a second, and only where there is something new.
    Live(Box<Live>),
}
