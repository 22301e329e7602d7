//! Lines for people: a readable transcript, and one-line summaries for `status`.
//!
//! Everything that leaves here is safe for a terminal.

use super::line::{Block, Final, Line, Message};
use crate::domain::text::{one_line, printable};

/// A tool's input and answer are shown to this length, characters.
const CALL_CHARS: usize = 160;
const ANSWER_LINES: usize = 6;
const ANSWER_CHARS: usize = 600;
/// A summary's length, characters.
const BRIEF_CHARS: usize = 100;

/// The line as part of a transcript; `None` for what would only be noise.
pub fn render(line: &Line) -> Option<String> {
    match line {
        Line::Init { model, .. } => {
            Some(format!("● {}", one_line(model.as_deref().unwrap_or("start"), 80)))
        }
        Line::Assistant(message) | Line::User(message) => said(message),
        Line::Result(end) => Some(ended(end)),
        Line::Retry { attempt, of, delay_ms, status } => {
            let why = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let secs = delay_ms.div_ceil(1000);
            Some(format!("↻ the service said {why}; retry {attempt} of {of} in {secs} s"))
        }
        Line::RateLimit(limit) if limit.status == "allowed" => None,
        Line::RateLimit(limit) => {
            let kind = limit.kind.as_deref().unwrap_or("account");
            Some(format!("! limit {}: {}", one_line(kind, 40), one_line(&limit.status, 40)))
        }
        Line::Denied { tool } => Some(format!("! denied: {}", one_line(tool, 80))),
        Line::Progress { tool, elapsed_secs } => {
            Some(format!("… {} for {elapsed_secs} s", one_line(tool, 80)))
        }
        Line::Other(_) => None,
        Line::Unknown(text) if text.trim().is_empty() => None,
        Line::Unknown(text) => Some(one_line(text, 400)),
    }
}

fn said(message: &Message) -> Option<String> {
    let indent = if message.nested { "  " } else { "" };
    let blocks: Vec<String> = message.blocks.iter().filter_map(block).collect();
    let text = blocks.join("\n");
    let shown = text.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n");
    (!shown.trim().is_empty()).then_some(shown)
}

fn block(block: &Block) -> Option<String> {
    match block {
        Block::Text(text) => Some(printable(text.trim(), true)),
        Block::Thinking(_) => None,
        Block::Call { name, input } => Some(format!("→ {}", call(name, input, CALL_CHARS))),
        Block::Answer { text, failed } => {
            let mark = if *failed { "✗" } else { "←" };
            let safe = printable(text.trim(), true);
            let mut shown: String = safe.chars().take(ANSWER_CHARS).collect();
            let lines: Vec<&str> = shown.lines().take(ANSWER_LINES).collect();
            shown = lines.join("\n    ");
            let more = if shown.len() + 4 < safe.len() { " …" } else { "" };
            Some(format!("  {mark} {shown}{more}"))
        }
    }
}

/// A call with the part of its input that says most.
fn call(name: &str, input: &str, max: usize) -> String {
    const TELLING: [&str; 6] = ["command", "file_path", "pattern", "url", "query", "description"];
    let parsed = serde_json::from_str::<serde_json::Value>(input).unwrap_or_default();
    let telling = TELLING.iter().find_map(|key| parsed.get(key)?.as_str());
    one_line(&format!("{name} {}", telling.unwrap_or(input)), max)
}

fn ended(end: &Final) -> String {
    let word = if end.is_error { "failed" } else { "ended" };
    let reason = end.terminal_reason.as_deref().unwrap_or(&end.subtype);
    let turns = end.turns;
    format!("■ {word}: {}, {turns} turns, {:.2} USD", one_line(reason, 60), end.total_cost_usd)
}

/// What the agent is doing now, in one short line; `None` where the line does not tell.
pub fn brief(line: &Line) -> Option<String> {
    match line {
        Line::Assistant(message) => message.blocks.iter().find_map(|block| match block {
            Block::Text(text) => Some(one_line(text, BRIEF_CHARS)),
            Block::Call { name, input } => Some(call(name, input, BRIEF_CHARS)),
            Block::Thinking(_) => Some("thinking".to_owned()),
            Block::Answer { .. } => None,
        }),
        Line::Retry { .. } | Line::RateLimit(_) | Line::Denied { .. } | Line::Progress { .. } => {
            render(line)
        }
        Line::Init { .. } | Line::User(_) | Line::Result(_) | Line::Other(_) | Line::Unknown(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::program::claude::parse::parse_line;

    fn shown(line: &str) -> String {
        render(&parse_line(line.as_bytes())).unwrap_or_default()
    }

    #[test]
    fn a_transcript_reads_like_one() {
        assert_eq!(
            shown(
                r#"{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"command":"make\ntest"}}]}}"#
            ),
            "→ Bash make test"
        );
        let long = "x\\n".repeat(50);
        let answer = shown(&format!(
            r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{long}","is_error":true}}]}}}}"#
        ));
        assert!(
            answer.starts_with("  ✗ x") && answer.ends_with('…') && answer.lines().count() == 6
        );
        assert_eq!(
            shown(
                r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":536,"error_status":529}"#
            ),
            "↻ the service said 529; retry 1 of 10 in 1 s"
        );
    }

    #[test]
    fn no_control_character_gets_through() {
        for line in [
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"a\u001b[2J\u009b\u202e"}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use","name":"\u001b]0;x","input":{}}]}}"#,
            r#"{"type":"system","subtype":"init","model":"\u001b[31m"}"#,
            r#"{"type":"result","terminal_reason":"\u0007"}"#,
            "plain \u{1b}[31m text",
        ] {
            let shown = shown(line);
            assert!(
                !shown.is_empty() && shown.chars().all(|c| c == '\n' || !c.is_control()),
                "{shown:?}"
            );
        }
    }
}
