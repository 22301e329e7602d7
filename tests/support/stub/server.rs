//! Accepts connections and reads requests from them, one thread for each connection.
//!
//! Invariant: a peer that goes away is an outcome; everything else that goes wrong ends up in
//! the list of problems, never in a thread that dies unseen.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

use super::http::{self, Head};
use super::request::{Request, find};
use super::state::State;

/// What becomes of a connection after an exchange.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    /// It waits for the next request.
    Keep,
    /// It ends.
    Close,
}

/// Serves until the stub closes, or until no connection can be accepted any more.
pub(super) fn accept(listener: &TcpListener, state: &Arc<State>) {
    for (id, stream) in (0..).zip(listener.incoming()) {
        if state.closing() {
            return;
        }
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => return state.problem(format!("cannot accept a connection: {error}")),
        };
        match Connection::spawn(id, stream, state) {
            Ok(thread) => state.spawned(thread),
            Err(error) => state.problem(format!("cannot serve a connection: {error}")),
        }
    }
}

/// One connection; the state knows it as long as it lives.
pub(super) struct Connection {
    id: u64,
    pub(super) stream: Arc<TcpStream>,
    pub(super) state: Arc<State>,
}

impl Connection {
    fn spawn(id: u64, stream: TcpStream, state: &Arc<State>) -> io::Result<thread::JoinHandle<()>> {
        stream.set_nodelay(true)?;
        let (stream, state) = (Arc::new(stream), Arc::clone(state));
        state.connected(id, Arc::clone(&stream));
        let connection = Self { id, stream, state };
        thread::Builder::new()
            .name(format!("stub-{id}"))
            .spawn(move || connection.serve())
    }

    fn serve(self) {
        if let Err(error) = self.converse()
            && !is_gone(&error)
        {
            self.state.problem(format!("a connection failed: {error}"));
        }
    }

    fn converse(&self) -> io::Result<()> {
        while let Some(head) = http::read_head(&self.stream)? {
            if self.exchange(head)? == Next::Close {
                break;
            }
        }
        Ok(())
    }

    /// Answers one request, whatever it is for.
    fn exchange(&self, head: Head) -> io::Result<Next> {
        let scenario = scenario_of(&head.path).map(str::to_owned);
        let Some(scenario) = scenario.filter(|_| head.method == "POST") else {
            return self.decline(&head);
        };
        let body = http::read_body(&self.stream, &head)?;
        let body = serde_json::from_slice(&body).map_err(io::Error::other)?;
        let (request, step) = self.state.arrive(received(head, scenario, body));
        let Some(step) = step else {
            http::finish_body(&self.stream)?;
            return self.send_error(403, "permission_error", "stub: no step is left", &[]);
        };
        if !step.resets() {
            http::finish_body(&self.stream)?;
        }
        if !self.state.pause(&request.scenario, step.pause) {
            return Ok(Next::Close);
        }
        self.perform(&step, &request)
    }

    /// What is no call of the Messages API: the agent's look whether anybody is there.
    fn decline(&self, head: &Head) -> io::Result<Next> {
        if head.method == "HEAD" {
            http::send(&self.stream, 200, &[], b"")?;
            return Ok(Next::Keep);
        }
        self.state
            .problem(format!("unexpected request: {} {}", head.method, head.path));
        http::send(&self.stream, 404, &[], b"")?;
        Ok(Next::Close)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.disconnected(self.id);
    }
}

/// The scenario in `/scenario/v1/messages?beta=true`.
fn scenario_of(path: &str) -> Option<&str> {
    let path = path.split('?').next().unwrap_or(path);
    path.strip_prefix('/')?.strip_suffix("/v1/messages")
}

fn received(head: Head, scenario: String, body: Value) -> Request {
    let Head { path, headers, .. } = head;
    let session = find(&headers, "x-claude-code-session-id")
        .unwrap_or_default()
        .to_owned();
    let (number, at, step) = Default::default();
    Request {
        number,
        at,
        scenario,
        path,
        session,
        headers,
        body,
        step,
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    let gone = [
        Kind::BrokenPipe,
        Kind::ConnectionAborted,
        Kind::ConnectionReset,
    ];
    gone.contains(&error.kind()) || error.kind() == Kind::UnexpectedEof
}
