//! Bills and last words from whole streams.

use super::*;
use crate::agent::program::RecordedOutput;
use crate::agent::program::claude::parse::parse_line;

fn summary(lines: &[&str]) -> Summary {
    let mut summary = RecordedOutput::of(None).summary();
    for line in lines {
        summary.feed(&parse_line(line.as_bytes()));
    }
    summary
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

const TURN: &str = r#"{"type":"assistant","message":{"id":"msg_1","model":"claude-opus-5-5","content":
    [{"type":"text","text":"hi there"}],"usage":{"input_tokens":2000,"output_tokens":1}}}"#;

#[test]
fn results_of_one_process_add_up() {
    let result = r#"{"type":"result","subtype":"success","num_turns":2,"total_cost_usd":0.018,
        "modelUsage":{"m":{"inputTokens":9,"costUSD":9}},
        "model_usage_since_last_result":{"m":{"inputTokens":2000,"outputTokens":50,"costUSD":0.009}}}"#;
    let usage = summary(&[TURN, result, TURN, result]).usage();
    assert!(near(usage.cost_usd, 0.018) && !usage.estimated);
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.turns), (4000, 100, 4));
    assert_eq!(usage.by_model["m"].input_tokens, 4000);
}

#[test]
fn a_running_total_is_counted_once() {
    let total = |usd: f64| {
        format!(
            r#"{{"type":"result","total_cost_usd":{usd},"modelUsage":{{"m":{{"costUSD":{usd}}}}}}}"#
        )
    };
    let usage = summary(&[&total(0.009), &total(0.018)]).usage();
    assert!(near(usage.cost_usd, 0.018));
    let sum_only = summary(&[r#"{"type":"result","total_cost_usd":0.5}"#]).usage();
    assert!(near(sum_only.cost_usd, 0.5));
}

#[test]
fn without_a_result_the_bill_is_an_estimate_of_each_message_once() {
    let usage = summary(&[TURN, TURN, TURN]).usage();
    assert!(usage.estimated);
    assert_eq!((usage.input_tokens, usage.turns), (2000, 1));
    assert_eq!(usage.output_tokens, 6);
    assert!(usage.cost_usd > 0.008 && usage.cost_usd < 0.009);
}

#[test]
fn denied_tools_are_named_once_and_errors_of_the_service_are_remembered() {
    let lines = [
        r#"{"type":"system","subtype":"permission_denied","tool_name":"Bash"}"#,
        r#"{"type":"result","permission_denials":[{"tool_name":"Bash"},{"tool_name":"Write"}]}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"API Error"}]},"error":"rate_limit","is_api_error_message":true,"api_error_status":429}"#,
    ];
    let summary = summary(&lines);
    assert_eq!(summary.denied, ["Bash", "Write"]);
    assert_eq!(summary.api_error.unwrap().kind, "rate_limit");
    assert!(!summary.worked);
}

#[test]
fn only_a_first_request_that_is_wrong_itself_is_refused_at_once() {
    macro_rules! recorded {
        ($name:literal) => {
            (
                $name,
                include_str!(concat!("../../../tests/formats/claude-2.1.328/", $name, ".jsonl")),
            )
        };
    }
    let refused = [recorded!("400-generic"), recorded!("400-too-long")];
    let others = [
        recorded!("401"),
        recorded!("403"),
        recorded!("404"),
        recorded!("429"),
        recorded!("500"),
        recorded!("529"),
        recorded!("drop"),
        recorded!("max-turns"),
        recorded!("ok-commit"),
        recorded!("resume-unknown"),
        recorded!("usage-limit"),
    ];
    let all = refused.map(|case| (case, true)).into_iter().chain(others.map(|case| (case, false)));
    for ((name, stream), expected) in all {
        let mut summary = RecordedOutput::of(None).summary();
        stream.lines().for_each(|line| summary.feed(&parse_line(line.as_bytes())));
        assert_eq!(summary.refused_at_once(), expected, "{name}");
    }
    // The model had said something before.
    let worked =
        r#"{"type":"assistant","message":{"id":"1","content":[{"type":"text","text":"hi"}]}}"#;
    let mut summary = RecordedOutput::of(None).summary();
    let (_, stream) = refused[0];
    let lines = [worked].into_iter().chain(stream.lines());
    lines.for_each(|line| summary.feed(&parse_line(line.as_bytes())));
    assert!(!summary.refused_at_once());
}
