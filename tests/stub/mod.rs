//! The stub of the Messages API by itself, with a client of a few lines in place of the agent.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::stub::{Block, Close, Step, Stub};

/// Longer than any test takes; only a broken stub lets it pass.
const PATIENCE: Duration = Duration::from_secs(20);

/// A session of the agent, as far as the stub can tell.
struct Client<'a> {
    url: &'a str,
    session: &'a str,
    stream: bool,
}

impl Client<'_> {
    fn body(&self) -> String {
        json!({
            "model": "claude-opus-5-5",
            "stream": self.stream,
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "<system-reminder>\nnot this\n</system-reminder>"},
                    {"type": "text", "text": "say {cwd}\n"},
                ]},
                {"role": "system", "content": "# Environment\n - Primary working directory: /a b\n"},
            ],
        })
        .to_string()
    }

    /// Sends a request and returns the open connection.
    fn ask(&self) -> io::Result<TcpStream> {
        let (host, scenario) =
            self.url.trim_start_matches("http://").split_once('/').expect("a URL has a path");
        let mut stream = TcpStream::connect(host)?;
        let (body, session) = (self.body(), self.session);
        write!(
            stream,
            "POST /{scenario}/v1/messages?beta=true HTTP/1.1\r\nhost: {host}\r\n\
             X-Claude-Code-Session-Id: {session}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        Ok(stream)
    }

    /// Sends a request and reads all that comes; the stub hangs up after its answer because
    /// nothing more can follow.
    fn call(&self) -> io::Result<String> {
        let mut stream = self.ask()?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

fn client<'a>(url: &'a str, session: &'a str) -> Client<'a> {
    Client { url, session, stream: true }
}

fn whole(url: &str, session: &str) -> String {
    client(url, session).call().expect("the stub answers")
}

/// The data of all events of one kind in an answer.
fn events(answer: &str, name: &str) -> Vec<Value> {
    let found = answer.split("\r\n").filter_map(|piece| {
        piece.strip_prefix("event: ")?.strip_prefix(name)?.trim().strip_prefix("data: ")
    });
    found.map(|data| serde_json::from_str(data).expect("an event carries JSON")).collect()
}

#[test]
fn sessions_walk_through_a_script_at_their_own_pace() {
    let stub = Stub::start();
    let url = stub.url("steps");
    stub.script("steps", [Step::overloaded().times(2), Step::text("one two").tokens(7, 3)]);
    for session in ["a", "b"] {
        assert!(whole(&url, session).starts_with("HTTP/1.1 529 "));
        assert!(whole(&url, session).contains("overloaded_error"));
    }
    let answer = whole(&url, "b");
    assert_eq!(events(&answer, "content_block_delta").len(), 2);
    assert_eq!(events(&answer, "message_delta")[0]["usage"]["output_tokens"], 3);
    assert_eq!(events(&answer, "message_start")[0]["message"]["usage"]["input_tokens"], 7);

    let served = stub.served("steps");
    assert_eq!((served.calls, served.messages), (5, 1));
    assert_eq!((served.input_tokens, served.output_tokens), (7, 3));
    assert!((served.cost_usd(4.0, 20.0) - 88e-6).abs() < 1e-9);
    let steps: Vec<_> = stub.requests().iter().map(|call| call.step).collect();
    assert_eq!(steps, [Some(0), Some(0), Some(0), Some(0), Some(1)]);
    assert!(stub.problems().is_empty());
}

#[test]
fn the_second_session_can_have_another_script() {
    let stub = Stub::start();
    stub.scripts("again", [vec![Step::server_error()], vec![Step::text("fine")]]);
    assert!(whole(&stub.url("again"), "first").contains("api_error"));
    assert!(whole(&stub.url("again"), "second").contains("fine"));
    assert!(whole(&stub.url("again"), "third").contains("fine"));
}

#[test]
fn placeholders_are_filled_in_from_the_request() {
    let stub = Stub::start();
    let blocks = [
        Block::write("{cwd}/f", "{prompt} {session}"),
        Block::edit("{cwd}/f", "a", "b"),
        Block::read("{cwd}/f"),
        Block::bash("true"),
    ];
    stub.script("fill", [Step::blocks(blocks), Step::write("f", ""), Step::bash("true")]);
    let answer = whole(&stub.url("fill"), "s1");
    let deltas = events(&answer, "content_block_delta");
    let input = deltas[0]["delta"]["partial_json"].as_str().expect("an input is text");
    assert_eq!(
        serde_json::from_str::<Value>(input).expect("the pieces are JSON"),
        json!({"file_path": "/a b/f", "content": "say {cwd} s1"})
    );
    assert_eq!(events(&answer, "content_block_start").len(), 4);
    assert_eq!(events(&answer, "message_delta")[0]["delta"]["stop_reason"], "tool_use");

    let call = &stub.requests()[0];
    assert_eq!(call.path, "/fill/v1/messages?beta=true");
    assert_eq!((call.cwd(), call.prompt()), (Some("/a b"), Some("say {cwd}")));
    let host = stub.url("");
    assert_eq!(call.header("host"), host.split('/').nth(2));
}

#[test]
fn a_cut_stream_has_no_end() {
    let stub = Stub::start();
    let url = stub.url("cut");
    let words = || Step::text("one two three");
    let steps = [words().cut_after(2, Close::Fin), words().cut_after(9, Close::Fin)];
    stub.script("cut", steps.into_iter().chain([words().cut_after(2, Close::Reset).forever()]));

    let early = whole(&url, "s");
    assert_eq!(events(&early, "content_block_delta").len(), 2);
    assert!(events(&early, "content_block_stop").is_empty());
    let late = whole(&url, "s");
    assert_eq!(events(&late, "content_block_stop").len(), 1);
    assert!(events(&late, "message_delta").is_empty());
    let reset = client(&url, "s").call().expect_err("a reset is an error");
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
    // The request without a stream, the agent's last resort, fails in the same way.
    let reset = Client { stream: false, ..client(&url, "s") }.call();
    assert_eq!(reset.expect_err("a reset is an error").kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(stub.served("cut").messages, 0);
}

#[test]
fn an_answer_without_a_stream_is_one_piece_of_json() {
    let stub = Stub::start();
    let steps = [
        Step::text("fine").stop_reason("max_tokens"),
        Step::stream_error("overloaded_error", "busy").times(2),
        Step::hang_up(Close::Fin),
    ];
    stub.script("json", steps);
    let url = stub.url("json");
    let plain = Client { stream: false, ..client(&url, "s") };
    let answer = plain.call().expect("the stub answers");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let message: Value = serde_json::from_str(body).expect("the body is JSON");
    assert_eq!(message["content"][0]["text"], "fine");
    assert_eq!(message["stop_reason"], "max_tokens");
    assert!(plain.call().expect("the stub answers").starts_with("HTTP/1.1 529 "));
    assert_eq!(events(&whole(&url, "s"), "error")[0]["error"]["type"], "overloaded_error");
    assert_eq!(plain.call().expect("an orderly end"), "");
}

#[test]
fn errors_carry_their_status_and_headers() {
    let stub = Stub::start();
    let steps = [
        (Step::unauthorized(), "401", "authentication_error"),
        (Step::forbidden(), "403", "permission_error"),
        (Step::rate_limited(3), "429", "retry-after: 3"),
        (Step::usage_limited(9), "429", "anthropic-ratelimit-unified-5h-reset: 9"),
        (Step::prompt_too_long(), "400", "prompt is too long: "),
    ];
    stub.script("errors", steps.iter().map(|(step, ..)| step.clone()));
    for (_, status, text) in steps {
        let answer = whole(&stub.url("errors"), "s");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(text), "{answer}");
    }
}

#[test]
fn a_held_answer_waits_for_its_release() {
    let stub = Stub::start();
    let url = stub.url("held");
    stub.script("held", [Step::text("at last").held()]);
    thread::scope(|scope| {
        let call = scope.spawn(|| whole(&url, "s"));
        let came = stub.wait_for_requests("held", 1, Instant::now() + PATIENCE);
        assert_eq!(came.expect("the call comes").len(), 1);
        assert_eq!(stub.served("held").messages, 0);
        stub.release("held");
        assert!(call.join().expect("the client lives").contains("last"));
    });
}

#[test]
fn the_end_of_the_stub_ends_every_wait() {
    let stub = Stub::start();
    let endless = [
        Step::text("late").delayed(PATIENCE * 1000),
        Step::text("never").held(),
        Step::silence(),
        Step::pings(Duration::from_millis(1)),
        Step::pings(PATIENCE * 1000),
    ];
    let count = endless.len();
    stub.script("endless", endless);
    let url = stub.url("endless");
    let ask = |_| client(&url, "s").ask().expect("the stub listens");
    let open: Vec<_> = (0..count).map(ask).collect();
    let came = stub.wait_for_requests("endless", count, Instant::now() + PATIENCE);
    came.expect("all calls come");
    drop(stub);
    for mut stream in open {
        let mut rest = Vec::new();
        // An end or a reset: either way it is over.
        let _ = stream.read_to_end(&mut rest);
    }
}

#[test]
fn what_no_script_foresees_is_a_problem() {
    let stub = Stub::start();
    stub.script("short", [Step::text("only this")]);
    whole(&stub.url("short"), "s");
    assert!(whole(&stub.url("short"), "s").starts_with("HTTP/1.1 403 "));
    assert!(whole(&stub.url("unknown"), "s").starts_with("HTTP/1.1 403 "));
    assert_eq!(stub.problems().len(), 2);
    let few = stub.wait_for_requests("short", 3, Instant::now()).expect_err("two came");
    assert_eq!((few.seen, few.wanted, few.scenario.as_str()), (2, 3, "short"));
}
