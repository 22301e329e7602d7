//! A record that tells of a failure, without what does not: short enough to be kept beside a verdict.

use serde_json::{Map, Value};

use crate::domain::task::record::RECORD_MAX;

/// What is kept of a record, in this order.
const KEYS: [&str; 15] = [
    "type",
    "subtype",
    "is_error",
    "terminal_reason",
    "startup_failure_reason",
    "is_api_error_message",
    "error",
    "api_error",
    "api_error_type",
    "api_error_status",
    "rate_limit_info",
    "text",
    "result",
    "errors",
    "permission_denials",
];

/// The keys of a line that say what went wrong, as one line of JSON. A success's `result` is the model's own, as is a
/// message that is none of an error: both are left out.
pub(super) fn excerpt(line: &[u8]) -> String {
    let Ok(Value::Object(mut record)) = serde_json::from_slice(line) else { return String::new() };
    if record.get("is_error") != Some(&Value::Bool(true)) {
        record.remove("result");
    }
    // The message in place of the model's is the program's own, where it says so.
    if record.get("is_api_error_message") == Some(&Value::Bool(true)) {
        let words = record.get("message").map(|message| message["content"][0]["text"].clone());
        record.insert("text".to_owned(), words.unwrap_or_default());
    }
    let kept = KEYS.iter().filter_map(|key| Some(((*key).to_owned(), record.remove(*key)?)));
    let kept: Map<String, Value> = kept.filter(|(_, value)| !empty(value)).collect();
    let mut text = Value::Object(kept).to_string();
    let mut end = (2 * RECORD_MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_cut_to_what_it_says_of_a_failure() {
        let line = br#"{"session_id":"s","usage":{"a":1},"is_error":true,"subtype":"success","api_error_status":null,
            "permission_denials":[],"result":"You've hit your limit","type":"result"}"#;
        assert_eq!(
            excerpt(line),
            r#"{"type":"result","subtype":"success","is_error":true,"result":"You've hit your limit"}"#
        );
        let success = br#"{"type":"result","is_error":false,"result":"the model's words"}"#;
        assert_eq!(excerpt(success), r#"{"type":"result","is_error":false}"#);
        for (error, told) in [(true, true), (false, false)] {
            let line = format!(
                r#"{{"type":"assistant","is_api_error_message":{error},"message":{{"content":[{{"type":"text","text":"words"}}]}}}}"#
            );
            assert_eq!(excerpt(line.as_bytes()).contains("words"), told);
        }
        assert_eq!(excerpt(b"no JSON"), "");
        let long =
            format!(r#"{{"type":"result","is_error":true,"result":"{}"}}"#, "ü".repeat(9_000));
        assert!(excerpt(long.as_bytes()).len() <= 2 * RECORD_MAX);
    }
}
