//! What the stub answers: a script is a list of steps, one for each call. Pure data; how a
//! step looks on the wire is not known here.

use std::time::Duration;

use super::block::Block;

/// How a connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// In order: the peer reads the end of the stream.
    Fin,
    /// Hard: the peer reads "connection reset".
    Reset,
}

/// What holds an answer back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pause {
    None,
    For(Duration),
    UntilReleased,
}

/// What a call gets.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A message, given up after a number of content deltas where `cut` says so.
    Message {
        blocks: Vec<Block>,
        stop_reason: Option<String>,
        cut: Option<(usize, Close)>,
    },
    /// An HTTP error.
    Error {
        status: u16,
        kind: String,
        message: String,
    },
    /// A stream that begins well and then says `event: error`.
    StreamError { kind: String, message: String },
    /// Nothing at all: the connection ends.
    HangUp(Close),
    /// A stream that begins and never goes on, with pings at an interval or without any.
    Silence { ping: Option<Duration> },
}

/// The answer to one call, or to several calls in a row.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(super) answer: Answer,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) headers: Vec<(String, String)>,
    pub(super) pause: Pause,
    /// How many calls it answers; `None`: all that come.
    pub(super) times: Option<u32>,
}

impl Step {
    pub(super) fn new(answer: Answer) -> Self {
        let (headers, pause, times) = (Vec::new(), Pause::None, Some(1));
        Self {
            answer,
            input_tokens: 2000,
            output_tokens: 50,
            headers,
            pause,
            times,
        }
    }

    /// A message of these blocks. With a tool among them the agent runs it and calls again.
    pub(crate) fn blocks(blocks: impl IntoIterator<Item = Block>) -> Self {
        let blocks = blocks.into_iter().collect();
        Self::new(Answer::Message {
            blocks,
            stop_reason: None,
            cut: None,
        })
    }

    /// A last word: the turn ends.
    pub(crate) fn text(text: &str) -> Self {
        Self::blocks([Block::text(text)])
    }

    /// A message with one Bash call; see [`Block::bash`].
    pub(crate) fn bash(command: &str) -> Self {
        Self::blocks([Block::bash(command)])
    }

    /// A message with one Write call; see [`Block::write`].
    pub(crate) fn write(path: &str, content: &str) -> Self {
        Self::blocks([Block::write(path, content)])
    }

    /// Gives a message up when one more content delta would come after this many. A text has
    /// one delta for each word, a tool call one for its input. With no more to come, all blocks
    /// are complete and only the end of the message is missing.
    pub(crate) fn cut_after(mut self, deltas: usize, how: Close) -> Self {
        match &mut self.answer {
            Answer::Message { cut, .. } => *cut = Some((deltas, how)),
            other => panic!("only a message can be cut, not {other:?}"),
        }
        self
    }

    /// Ends a message for another reason than `end_turn` or `tool_use`, such as `max_tokens`.
    pub(crate) fn stop_reason(mut self, reason: &str) -> Self {
        match &mut self.answer {
            Answer::Message { stop_reason, .. } => *stop_reason = Some(reason.to_owned()),
            other => panic!("only a message has a stop reason, not {other:?}"),
        }
        self
    }

    /// The usage to report; 2000 and 50 tokens where nothing is said.
    pub(crate) fn tokens(mut self, input: u64, output: u64) -> Self {
        (self.input_tokens, self.output_tokens) = (input, output);
        self
    }

    /// One more header of the answer, be it an error or not.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Holds the answer back for a while.
    pub(crate) fn delayed(mut self, by: Duration) -> Self {
        self.pause = Pause::For(by);
        self
    }

    /// Holds the answer back until the test calls `Stub::release`.
    pub(crate) fn held(mut self) -> Self {
        self.pause = Pause::UntilReleased;
        self
    }

    /// Answers this many calls in the same way. A retry is a call.
    pub(crate) fn times(mut self, times: u32) -> Self {
        assert!(
            times > 0,
            "a step that answers no call would never be passed"
        );
        self.times = Some(times);
        self
    }

    /// Answers every call from here on in the same way.
    pub(crate) fn forever(mut self) -> Self {
        self.times = None;
        self
    }

    /// Whether the connection has to be kept ready for a hard close.
    pub(super) fn resets(&self) -> bool {
        matches!(
            self.answer,
            Answer::HangUp(Close::Reset)
                | Answer::Message {
                    cut: Some((_, Close::Reset)),
                    ..
                }
        )
    }
}
