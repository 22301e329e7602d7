//! The steps that are not an answer: HTTP errors as the API writes them, and streams that go
//! wrong. Pure data.

use std::time::Duration;

use super::script::{Answer, Close, Step};

impl Step {
    /// An HTTP error with a body as the API writes it.
    pub(crate) fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::new(Answer::Error { status, kind: kind.to_owned(), message: message.to_owned() })
    }

    /// 401: the key is not known.
    pub(crate) fn unauthorized() -> Self {
        Self::error(401, "authentication_error", "invalid x-api-key")
    }

    /// 403: the key is known and may not do this.
    pub(crate) fn forbidden() -> Self {
        Self::error(403, "permission_error", "your account may not use this model")
    }

    /// 429 with `retry-after`. The agent waits for at most 60 s and otherwise fails at once.
    pub(crate) fn rate_limited(retry_after_s: u32) -> Self {
        Self::error(429, "rate_limit_error", "this request would exceed your rate limit")
            .header("retry-after", &retry_after_s.to_string())
    }

    /// 429 of a five-hour window that is used up. The agent only believes it with a
    /// subscription (`CLAUDE_CODE_OAUTH_TOKEN`), not with an API key.
    pub(crate) fn usage_limited(resets_at_epoch_s: u64) -> Self {
        Self::error(429, "rate_limit_error", "this account's rate limit is used up").window(
            "rejected",
            1.0,
            resets_at_epoch_s,
        )
    }

    /// What the service says of the five-hour window with each answer to a subscription.
    pub(crate) fn window(self, status: &str, utilization: f64, resets_at_epoch_s: u64) -> Self {
        let reset = resets_at_epoch_s.to_string();
        let utilization = utilization.to_string();
        let unified = [
            ("status", status),
            ("reset", reset.as_str()),
            ("representative-claim", "five_hour"),
            ("5h-status", status),
            ("5h-reset", reset.as_str()),
            ("5h-utilization", utilization.as_str()),
            ("5h-surpassed-threshold", "0.9"),
            ("7d-status", "allowed"),
            ("7d-reset", reset.as_str()),
            ("7d-utilization", "0.4"),
        ];
        unified.into_iter().fold(self, |step, (name, value)| {
            step.header(&format!("anthropic-ratelimit-unified-{name}"), value)
        })
    }

    /// 500.
    pub(crate) fn server_error() -> Self {
        Self::error(500, "api_error", "internal server error")
    }

    /// 529.
    pub(crate) fn overloaded() -> Self {
        Self::error(529, "overloaded_error", "overloaded")
    }

    /// 400 for a conversation beyond the context window.
    pub(crate) fn prompt_too_long() -> Self {
        let message = "prompt is too long: 250000 tokens > 200000 maximum";
        Self::error(400, "invalid_request_error", message)
    }

    /// A stream with an error event in it.
    pub(crate) fn stream_error(kind: &str, message: &str) -> Self {
        Self::new(Answer::StreamError { kind: kind.to_owned(), message: message.to_owned() })
    }

    /// The request is taken and the connection closed without a byte.
    pub(crate) fn hang_up(how: Close) -> Self {
        Self::new(Answer::HangUp(how))
    }

    /// A stream that begins and then says nothing, until the agent or the stub goes away.
    pub(crate) fn silence() -> Self {
        Self::new(Answer::Silence { ping: None })
    }

    /// A stream that begins and then only pings.
    pub(crate) fn pings(every: Duration) -> Self {
        Self::new(Answer::Silence { ping: Some(every) })
    }
}
