//! How an answer looks on the wire: the JSON message, the events of a stream, the error body.
//! Pure: from a step and a request to values; what carries them is not known here.

use serde_json::{Value, json};

use super::block::Block;
use super::request::Request;
use super::script::Step;

/// One server-sent event.
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) data: Value,
}

impl Event {
    fn new(name: &'static str, mut data: Value) -> Self {
        data["type"] = name.into();
        Self { name, data }
    }

    pub(super) fn ping() -> Self {
        Self::new("ping", json!({}))
    }

    pub(super) fn error(kind: &str, message: &str) -> Self {
        Self::new(
            "error",
            json!({"error": {"type": kind, "message": message}}),
        )
    }

    /// Whether it carries a piece of content.
    pub(super) fn is_delta(&self) -> bool {
        self.name == "content_block_delta"
    }

    /// Whether all content is sent.
    pub(super) fn is_end(&self) -> bool {
        self.name == "message_delta"
    }

    /// The agent insists on the `event:` line.
    pub(super) fn text(&self) -> String {
        format!("event: {}\ndata: {}\n\n", self.name, self.data)
    }
}

/// The body of an HTTP error.
pub(super) fn error_body(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// The HTTP status which the API gives to a kind of error.
pub(super) fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// The first event of every stream: an empty message.
pub(super) fn start(step: &Step, request: &Request) -> Event {
    let mut message = message(step, request, &[], Value::Null);
    message["usage"]["output_tokens"] = 1.into();
    Event::new("message_start", json!({"message": message}))
}

/// All events of a message.
pub(super) fn events(step: &Step, request: &Request, blocks: &[Value], stop: &str) -> Vec<Event> {
    let mut events = vec![start(step, request), Event::ping()];
    for (index, block) in blocks.iter().enumerate() {
        block_events(index, block, &mut events);
    }
    let usage = json!({"output_tokens": step.output_tokens});
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    events.push(Event::new(
        "message_delta",
        json!({"delta": delta, "usage": usage}),
    ));
    events.push(Event::new("message_stop", json!({})));
    events
}

/// A message in one piece.
pub(super) fn message(step: &Step, request: &Request, blocks: &[Value], stop: Value) -> Value {
    json!({
        "id": format!("msg_stub_{}", request.number),
        "type": "message",
        "role": "assistant",
        "model": request.model(),
        "content": blocks,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            "input_tokens": step.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": step.output_tokens,
        },
    })
}

/// The blocks as JSON, with ids that are unique in this stub and the placeholders filled in.
pub(super) fn render(blocks: &[Block], request: &Request) -> Vec<Value> {
    let render = |(index, block): (usize, &Block)| match block {
        Block::Text(text) => json!({"type": "text", "text": fill(text, request)}),
        Block::Tool { name, input } => json!({
            "type": "tool_use",
            "id": format!("toolu_stub_{}_{index}", request.number),
            "name": name,
            "input": fill_all(input, request),
        }),
    };
    blocks.iter().enumerate().map(render).collect()
}

/// Why a message ends when the script does not say it.
pub(super) fn natural_stop(blocks: &[Block]) -> &'static str {
    let calls = blocks
        .iter()
        .any(|block| matches!(block, Block::Tool { .. }));
    if calls { "tool_use" } else { "end_turn" }
}

fn block_events(index: usize, block: &Value, events: &mut Vec<Event>) {
    let (empty, deltas) = match block["text"].as_str() {
        Some(text) => (json!({"type": "text", "text": ""}), text_deltas(text)),
        None => {
            let mut empty = block.clone();
            empty["input"] = json!({});
            (empty, vec![input_delta(&block["input"])])
        }
    };
    let start = json!({"index": index, "content_block": empty});
    events.push(Event::new("content_block_start", start));
    for delta in deltas {
        events.push(Event::new(
            "content_block_delta",
            json!({"index": index, "delta": delta}),
        ));
    }
    events.push(Event::new("content_block_stop", json!({"index": index})));
}

fn text_deltas(text: &str) -> Vec<Value> {
    let words = text.split_inclusive(' ');
    words
        .map(|word| json!({"type": "text_delta", "text": word}))
        .collect()
}

fn input_delta(input: &Value) -> Value {
    json!({"type": "input_json_delta", "partial_json": input.to_string()})
}

fn fill_all(input: &Value, request: &Request) -> Value {
    match input {
        Value::String(text) => fill(text, request).into(),
        Value::Array(items) => items.iter().map(|item| fill_all(item, request)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, item)| (key.clone(), fill_all(item, request)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => input.clone(),
    }
}

/// What is not known stays as it is written, where the tool's own error shows it. The prompt
/// comes last: a placeholder inside it is its own affair.
fn fill(text: &str, request: &Request) -> String {
    let text = text.replace("{session}", &request.session);
    let text = text.replace("{cwd}", request.cwd().unwrap_or("{cwd}"));
    text.replace("{prompt}", request.prompt().unwrap_or("{prompt}"))
}
