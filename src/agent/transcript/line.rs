//! One line of the stream as a value: what is used of it, every text cut to a bounded length.

/// Longer texts are cut, characters. Only people read them.
pub const MAX_TEXT_CHARS: usize = 64 * 1024;

/// A line, as far as anybody here cares.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    /// A turn begins.
    Init {
        /// The session's id.
        session: Option<String>,
        /// The model.
        model: Option<String>,
    },
    /// A finished block of the model's message, or an error of the service in its place.
    Assistant(Message),
    /// Results of tools, or notes of the agent's program.
    User(Message),
    /// A turn ended.
    Result(Box<Final>),
    /// A call of the service failed and is tried again after a while.
    Retry {
        /// Which.
        attempt: u64,
        /// Out of so many.
        of: u64,
        /// Nothing will be said for so long, milliseconds.
        delay_ms: u64,
        /// The HTTP status, where there was an answer.
        status: Option<u64>,
    },
    /// News of the account's limits.
    RateLimit(RateLimit),
    /// A tool is still at work.
    Progress {
        /// Its name.
        tool: String,
        /// For how long, seconds.
        elapsed_secs: u64,
    },
    /// A tool was denied.
    Denied {
        /// Its name.
        tool: String,
    },
    /// Another object with a `type`, its subtype after a slash.
    Other(String),
    /// Not of this kind at all: cut, not JSON, not text.
    Unknown(String),
}

/// A message of the model or to it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Message {
    /// Several lines may be blocks of one message.
    pub id: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The agent's own program wrote it, not the model: an error of the service.
    pub error: Option<ApiError>,
    /// It belongs to a sub-agent.
    pub nested: bool,
    /// What it says.
    pub blocks: Vec<Block>,
    /// What it cost, as far as was known when it began.
    pub usage: Tokens,
}

/// A failure of the service, in the words of the agent's own program. Not final by itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ApiError {
    /// `rate_limit`, `authentication_failed` …
    pub kind: String,
    /// A finer word: `usage_limit_reached`, `connection_failed` …
    pub detail: Option<String>,
    /// The HTTP status, where there was an answer.
    pub status: Option<u64>,
    /// For people.
    pub text: String,
}

/// A part of a message.
#[derive(Clone, PartialEq, Debug)]
pub enum Block {
    /// Words.
    Text(String),
    /// The model thinks.
    Thinking(String),
    /// It calls a tool.
    Call {
        /// The tool.
        name: String,
        /// Its input, as one line.
        input: String,
    },
    /// What a tool answered.
    Answer {
        /// Words.
        text: String,
        /// It failed.
        failed: bool,
    },
}

/// Tokens of one message or turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    /// Input that was not read from the cache.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_write: u64,
}

/// What a turn's account says of one model.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ModelShare {
    /// The model.
    pub model: String,
    /// Its tokens.
    pub tokens: Tokens,
    /// US dollars.
    pub cost_usd: f64,
}

/// The end of a turn.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Final {
    /// `success`, `error_max_turns` …; an error of the service is a `success` that [`Final::is_error`].
    pub subtype: String,
    /// It did not go well.
    pub is_error: bool,
    /// `completed`, `api_error`, `max_turns` …
    pub terminal_reason: Option<String>,
    /// The HTTP status of the error that ended it.
    pub api_error_status: Option<u64>,
    /// A finer word for that error.
    pub api_error: Option<String>,
    /// It never came to work, for this reason.
    pub startup_failure: Option<String>,
    /// Last words, or the errors.
    pub text: String,
    /// Turns.
    pub turns: u32,
    /// US dollars of the session so far.
    pub total_cost_usd: f64,
    /// What this process used since its last result; `None` where it does not say.
    pub since_last: Option<Vec<ModelShare>>,
    /// What the session used so far.
    pub total: Vec<ModelShare>,
    /// Tools that were denied.
    pub denied: Vec<String>,
}

/// What the service said of the account's limits.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RateLimit {
    /// `allowed`, `allowed_warning` or `rejected`.
    pub status: String,
    /// When the window starts anew, seconds since 1970.
    pub resets_at_secs: Option<u64>,
    /// Which window: `five_hour`, `seven_day` …
    pub kind: Option<String>,
    /// How full it is, 0 to 1.
    pub utilization: Option<f64>,
    /// The window is used up and the account goes on beyond it, for money.
    pub overage: bool,
}

impl Block {
    /// The words of a text block.
    pub fn words(&self) -> Option<&str> {
        match self {
            Block::Text(words) => Some(words),
            Block::Thinking(_) | Block::Call { .. } | Block::Answer { .. } => None,
        }
    }

    /// How long it is, characters.
    pub fn length(&self) -> usize {
        match self {
            Block::Text(text) | Block::Thinking(text) | Block::Answer { text, .. } => text.len(),
            Block::Call { input, .. } => input.len(),
        }
    }
}
