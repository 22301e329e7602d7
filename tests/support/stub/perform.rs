//! How a step is performed on a connection: what is sent, how far, and how it ends.
//!
//! Invariant: only an answer that is sent to its end leaves the connection open and counts as
//! served.

use std::io;
use std::time::Duration;

use serde_json::Value;

use super::block::Block;
use super::http;
use super::request::Request;
use super::script::{Answer, Close, Pause, Step};
use super::server::{Connection, Next};
use super::wire::{self, Event};

/// How long a stream stays up before it is cut. The agent throws away what it has not read by
/// then, as anybody would; in a real outage the last words are old when the line breaks.
const BEFORE_CUT: Duration = Duration::from_millis(100);

impl Connection {
    /// Does what a step says.
    pub(super) fn perform(&self, step: &Step, request: &Request) -> io::Result<Next> {
        match &step.answer {
            Answer::Message {
                blocks,
                stop_reason,
                cut,
            } => {
                let stop = stop_reason.as_deref().unwrap_or(wire::natural_stop(blocks));
                self.send_message(step, request, (blocks, stop), *cut)
            }
            Answer::Error {
                status,
                kind,
                message,
            } => self.send_error(*status, kind, message, &step.headers),
            Answer::StreamError { kind, message } => {
                self.send_stream_error(step, request, kind, message)
            }
            Answer::HangUp(_) => Ok(Next::Close),
            Answer::Silence { ping } => {
                let pause = ping.map_or(Pause::None, Pause::For);
                self.keep_silent(step, request, pause)
            }
        }
    }

    fn send_message(
        &self,
        step: &Step,
        request: &Request,
        (blocks, stop): (&[Block], &str),
        cut: Option<(usize, Close)>,
    ) -> io::Result<Next> {
        let blocks = wire::render(blocks, request);
        if cut.is_none() {
            // Before its last byte, so that whoever has read it finds it counted.
            self.state.sent(&request.scenario, step);
        }
        if request.streams() {
            let events = wire::events(step, request, &blocks, stop);
            self.begin_stream(step, request)?;
            self.send_events(&events, cut.map(|(deltas, _)| deltas))
        } else if cut.is_some() {
            // There are no deltas to count in an answer in one piece: it does not come.
            Ok(Next::Close)
        } else {
            let message = wire::message(step, request, &blocks, stop.into());
            self.send_json(200, &headers(step, request), &message)
        }
    }

    /// Sends the events up to the cut, or all of them and the end of the answer.
    fn send_events(&self, events: &[Event], cut: Option<usize>) -> io::Result<Next> {
        let mut deltas = 0;
        for event in events {
            let too_far = event.is_delta() && cut == Some(deltas);
            if too_far || (event.is_end() && cut.is_some()) {
                self.state.pause("", Pause::For(BEFORE_CUT));
                return Ok(Next::Close);
            }
            http::chunk(&self.stream, &event.text())?;
            deltas += usize::from(event.is_delta());
        }
        http::chunk(&self.stream, "")?;
        Ok(Next::Keep)
    }

    fn send_stream_error(
        &self,
        step: &Step,
        request: &Request,
        kind: &str,
        message: &str,
    ) -> io::Result<Next> {
        if !request.streams() {
            return self.send_error(wire::status_of(kind), kind, message, &step.headers);
        }
        self.begin_stream(step, request)?;
        self.send_events(
            &[wire::start(step, request), Event::error(kind, message)],
            None,
        )
    }

    /// Begins an answer and says nothing more, or only pings, until the peer or the stub goes.
    fn keep_silent(&self, step: &Step, request: &Request, pause: Pause) -> io::Result<Next> {
        self.begin_stream(step, request)?;
        if request.streams() {
            http::chunk(&self.stream, &wire::start(step, request).text())?;
        }
        if request.streams() && matches!(pause, Pause::For(_)) {
            while self.state.pause(&request.scenario, pause) {
                http::chunk(&self.stream, &Event::ping().text())?;
            }
        } else {
            http::await_end(&self.stream)?;
        }
        Ok(Next::Close)
    }

    fn begin_stream(&self, step: &Step, request: &Request) -> io::Result<()> {
        let streams = request.streams();
        let kind = if streams {
            "text/event-stream"
        } else {
            "application/json"
        };
        http::begin(&self.stream, &headers(step, request), kind)
    }

    pub(super) fn send_error(
        &self,
        status: u16,
        kind: &str,
        message: &str,
        headers: &[(String, String)],
    ) -> io::Result<Next> {
        self.send_json(status, headers, &wire::error_body(kind, message))
    }

    fn send_json(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &Value,
    ) -> io::Result<Next> {
        let mut headers = headers.to_vec();
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        http::send(&self.stream, status, &headers, body.to_string().as_bytes())?;
        Ok(Next::Keep)
    }
}

/// The headers of a step and the id that the agent repeats in its output.
fn headers(step: &Step, request: &Request) -> Vec<(String, String)> {
    let id = format!("req_stub_{}", request.number);
    step.headers
        .iter()
        .cloned()
        .chain([("request-id".to_owned(), id)])
        .collect()
}
