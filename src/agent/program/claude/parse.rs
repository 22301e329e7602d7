//! Reading a line. Total: whatever the bytes are, there is a [`Line`] for them.

use serde_json::Value;

use crate::agent::transcript::{
    ApiError, Block, Final, Line, MAX_TEXT_CHARS, Message, ModelShare, RateLimit, Tokens,
};
use crate::domain::account::usage::DOLLARS_MAX;

/// More than any agent counts.
const COUNT_MAX: u64 = 1 << 48;

/// Reads a line. Never fails: what it cannot read is [`Line::Unknown`].
pub(in crate::agent) fn parse_line(bytes: &[u8]) -> Line {
    let unknown = || Line::Unknown(cut(&String::from_utf8_lossy(&bytes[..bytes.len().min(4096)])));
    if bytes.first() != Some(&b'{') {
        return unknown();
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return unknown() };
    let Some(kind) = value["type"].as_str() else { return unknown() };
    match (kind, value["subtype"].as_str()) {
        ("assistant", _) => Line::Assistant(message(&value)),
        ("user", _) => Line::User(message(&value)),
        ("result", _) => Line::Result(Box::new(final_of(&value))),
        ("rate_limit_event", _) => Line::RateLimit(rate_limit(&value["rate_limit_info"])),
        ("tool_progress", _) => Line::Progress {
            tool: text(&value["tool_name"]),
            elapsed_secs: seconds(&value["elapsed_time_seconds"]),
        },
        ("system", Some("init")) => Line::Init {
            session: value["session_id"].as_str().map(cut),
            model: value["model"].as_str().map(cut),
        },
        ("system", Some("api_retry")) => Line::Retry {
            attempt: value["attempt"].as_u64().unwrap_or(0),
            of: value["max_retries"].as_u64().unwrap_or(0),
            delay_ms: milliseconds(&value["retry_delay_ms"]),
            status: value["error_status"].as_u64(),
        },
        ("system", Some("permission_denied")) => Line::Denied { tool: text(&value["tool_name"]) },
        (kind, Some(subtype)) => Line::Other(cut(&format!("{kind}/{subtype}"))),
        (kind, None) => Line::Other(cut(kind)),
    }
}

fn message(value: &Value) -> Message {
    let message = &value["message"];
    let blocks = match &message["content"] {
        Value::String(words) => vec![Block::Text(cut(words))],
        Value::Array(blocks) => blocks.iter().filter_map(block).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let error = (value["is_api_error_message"] == true).then(|| ApiError {
        kind: text(&value["error"]),
        detail: value["api_error"].as_str().map(cut),
        status: value["api_error_status"].as_u64(),
        text: blocks.iter().find_map(Block::words).unwrap_or_default().to_owned(),
    });
    Message {
        id: message["id"].as_str().map(cut),
        model: message["model"].as_str().map(cut),
        error,
        nested: value["parent_tool_use_id"].is_string(),
        usage: Tokens {
            input: number(&message["usage"]["input_tokens"]),
            output: number(&message["usage"]["output_tokens"]),
            cache_read: number(&message["usage"]["cache_read_input_tokens"]),
            cache_write: number(&message["usage"]["cache_creation_input_tokens"]),
        },
        blocks,
    }
}

fn block(value: &Value) -> Option<Block> {
    match value["type"].as_str()? {
        "text" => Some(Block::Text(text(&value["text"]))),
        "thinking" => Some(Block::Thinking(text(&value["thinking"]))),
        "tool_use" => Some(Block::Call {
            name: text(&value["name"]),
            input: cut(&value["input"].to_string()),
        }),
        "tool_result" => Some(Block::Answer {
            text: answer(&value["content"]),
            failed: value["is_error"] == true,
        }),
        _ => None,
    }
}

/// A tool's answer is a text or a list of blocks.
fn answer(content: &Value) -> String {
    let Value::Array(parts) = content else { return text(content) };
    let words: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    cut(&words.join("\n"))
}

fn final_of(value: &Value) -> Final {
    let errors: Vec<&str> =
        value["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let said = value["result"].as_str().map_or_else(|| errors.join("; "), str::to_owned);
    let denied = value["permission_denials"].as_array().into_iter().flatten();
    Final {
        subtype: text(&value["subtype"]),
        is_error: value["is_error"] == true,
        terminal_reason: value["terminal_reason"].as_str().map(cut),
        api_error_status: value["api_error_status"].as_u64(),
        api_error: value["api_error"].as_str().map(cut),
        startup_failure: value["startup_failure_reason"].as_str().map(cut),
        text: cut(&said),
        turns: u32::try_from(number(&value["num_turns"])).unwrap_or(u32::MAX),
        total_cost_usd: dollars(&value["total_cost_usd"]),
        since_last: value["model_usage_since_last_result"]
            .is_object()
            .then(|| shares(&value["model_usage_since_last_result"])),
        total: shares(&value["modelUsage"]),
        denied: denied.map(|denial| text(&denial["tool_name"])).collect(),
    }
}

fn shares(by_model: &Value) -> Vec<ModelShare> {
    let models = by_model.as_object().into_iter().flatten();
    let share = |(model, share): (&String, &Value)| ModelShare {
        model: cut(model),
        tokens: Tokens {
            input: number(&share["inputTokens"]),
            output: number(&share["outputTokens"]),
            cache_read: number(&share["cacheReadInputTokens"]),
            cache_write: number(&share["cacheCreationInputTokens"]),
        },
        cost_usd: dollars(&share["costUSD"]),
    };
    models.map(share).collect()
}

fn rate_limit(info: &Value) -> RateLimit {
    /// Later than this in seconds is the year 5138: it is milliseconds.
    const SECONDS_END: u64 = 100_000_000_000;
    let reset = info["resetsAt"].as_u64().or_else(|| whole(info["resetsAt"].as_f64()?));
    let kind = info["rateLimitType"].as_str().map(cut);
    // Told of the window itself where the service warns, else of each of its windows.
    let of_window = || info["unifiedWindows"][kind.as_deref()?]["utilization"].as_f64();
    RateLimit {
        status: text(&info["status"]),
        resets_at_secs: reset.map(|at| if at > SECONDS_END { at / 1000 } else { at }),
        utilization: info["utilization"].as_f64().or_else(of_window).map(part),
        overage: info["isUsingOverage"] == true,
        kind,
    }
}

/// A part of a window, cut to what one can be used: beyond it an account may go on for money.
fn part(used: f64) -> f64 {
    used.clamp(0.0, 9.99)
}

fn text(value: &Value) -> String {
    value.as_str().map(cut).unwrap_or_default()
}

/// A count, cut where sums of many would still be counts.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0).min(COUNT_MAX)
}

/// Money is never negative, and never not a number.
fn dollars(value: &Value) -> f64 {
    value.as_f64().filter(|usd| usd.is_finite() && *usd > 0.0).unwrap_or(0.0).min(DOLLARS_MAX)
}

fn milliseconds(value: &Value) -> u64 {
    value.as_u64().or_else(|| whole(value.as_f64()?)).unwrap_or(0)
}

fn seconds(value: &Value) -> u64 {
    milliseconds(value)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what an absurd number deserves"
)]
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0).then_some(number as u64)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_kept_as_unknown() {
        let bad: [&[u8]; 6] =
            [b"", b"Warning: x", b"{\"type\":", b"[1]", b"{\"a\":1}", b"{\"type\":\"\xff\"}"];
        for line in bad {
            assert!(matches!(parse_line(line), Line::Unknown(_)), "{line:?}");
        }
        let deep = [b"{\"type\":".to_vec(), vec![b'['; 100_000]].concat();
        assert!(matches!(parse_line(&deep), Line::Unknown(_)));
    }

    #[test]
    fn unknown_types_are_named_and_wrong_shapes_do_no_harm() {
        assert_eq!(
            parse_line(br#"{"type":"system","subtype":"new"}"#),
            Line::Other("system/new".into())
        );
        for kind in ["assistant", "user", "result", "rate_limit_event", "tool_progress"] {
            for body in ["", r#","message":7"#, r#","message":{"content":[3,{"type":"text"}]}"#] {
                let line = format!(r#"{{"type":"{kind}"{body}}}"#);
                assert!(!matches!(parse_line(line.as_bytes()), Line::Unknown(_)), "{line}");
            }
        }
    }

    #[test]
    fn a_reset_comes_in_seconds_or_milliseconds() {
        for at in ["1795172864", "1795172864000", "1795172864.0"] {
            let line = format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"rejected","resetsAt":{at}}}}}"#
            );
            let Line::RateLimit(limit) = parse_line(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(limit.resets_at_secs, Some(1_795_172_864));
        }
    }

    #[test]
    fn an_absurd_use_of_a_window_is_cut() {
        for (told, kept) in [("-3", 0.0), ("1e308", 9.99), ("0.5", 0.5)] {
            let line = format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"allowed","utilization":{told}}}}}"#
            );
            let Line::RateLimit(limit) = parse_line(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(limit.utilization, Some(kept), "{told}");
        }
    }

    #[test]
    fn how_full_a_window_is_stands_in_one_of_two_places() {
        for info in [
            r#""utilization":0.98"#,
            r#""unifiedWindows":{"five_hour":{"utilization":0.98},"seven_day":{"utilization":0.1}}"#,
        ] {
            let line = format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"allowed_warning","rateLimitType":"five_hour",{info}}}}}"#
            );
            let Line::RateLimit(limit) = parse_line(line.as_bytes()) else { panic!("{line}") };
            assert_eq!((limit.utilization, limit.overage), (Some(0.98), false));
        }
    }

    #[test]
    fn a_result_is_read_in_any_order_of_keys() {
        let line = br#"{"stop_reason":"end_turn","is_error":false,"result":"Hello","subtype":"success",
            "model_usage_since_last_result":{"m":{"inputTokens":3,"costUSD":0.009}},"type":"result"}"#;
        let Line::Result(end) = parse_line(line) else { panic!() };
        assert_eq!((end.subtype.as_str(), end.text.as_str()), ("success", "Hello"));
        assert_eq!(end.since_last.unwrap()[0].tokens.input, 3);
    }
}
