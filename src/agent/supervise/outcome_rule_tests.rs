//! Every built-in rule is reached by something that an agent said, or may say; and rules see nothing of the model's.

use std::collections::BTreeSet;

use super::*;
use crate::agent::failures::built_in;
use crate::domain::failure::policy::Class;
use crate::form::rule_book;

const INIT: &str = r#"{"type":"system","subtype":"init"}"#;
const SUCCESS: &str = r#"{"type":"result","subtype":"success","is_error":false}"#;

/// What was recorded: exit code, class, rule.
fn recordings() -> Vec<(&'static str, Exit, &'static str, Class, &'static str)> {
    let of = |(name, exit, stream), class, rule| (name, exit, stream, class, rule);
    vec![
        of(recorded!("401", 1), Class::Auth, "claude.auth"),
        of(recorded!("403", 1), Class::Auth, "claude.auth"),
        of(recorded!("no-login", 1), Class::Auth, "claude.auth"),
        of(recorded!("credit", 1), Class::Spend, "claude.billing"),
        of(recorded!("429", 1), Class::Overload, "claude.overloaded"),
        of(recorded!("429-61", 1), Class::Overload, "claude.overloaded"),
        of(recorded!("usage-limit-key", 1), Class::Overload, "claude.overloaded"),
        of(recorded!("500", 1), Class::Overload, "claude.overloaded"),
        of(recorded!("529", 1), Class::Overload, "claude.overloaded"),
        of(recorded!("drop", 1), Class::Overload, "claude.connection-failed"),
        of(recorded!("stream-error", 1), Class::Overload, "claude.overloaded"),
        of(recorded!("usage-limit", 1), Class::Limit, "claude.usage-limit"),
        of(recorded!("usage-limit-late", 1), Class::Limit, "claude.usage-limit"),
        of(recorded!("root-bypass", 1), Class::Machine, "claude.startup-failure"),
        of(recorded!("400-generic", 1), Class::Task, "claude.status-refused"),
        of(recorded!("400-too-long", 1), Class::Task, "claude.refused-request"),
        of(recorded!("404", 1), Class::Task, "claude.refused-request"),
        of(recorded!("max-tokens", 1), Class::Task, "claude.output-too-long"),
        of(recorded!("refusal", 1), Class::Task, "claude.refused-request"),
        of(recorded!("resume-unknown", 1), Class::Task, "claude.error"),
        of(recorded!("max-turns", 1), Class::Task, "claude.max-turns"),
        of(recorded!("budget", 1), Class::Task, "claude.budget"),
        of(recorded!("int-bash", 0), Class::Task, "claude.interrupted"),
        of(recorded!("term-bash", 143), Class::Task, "claude.signal-code"),
        of(recorded!("hup-bash", 129), Class::Task, "claude.signal-code"),
        of(recorded!("int-start", 0), Class::Harness, "claude.not-a-word"),
        of(recorded!("bad-flag", 1), Class::Harness, "claude.not-a-word"),
    ]
}

/// A failed call as the stream tells it: the record of the call, and the result.
fn call(error: &str, result: &str) -> String {
    format!(
        "{{\"type\":\"assistant\",\"is_api_error_message\":true,{error}\"message\":{{}}}}\n\
         {{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,{result}\"result\":\"no\"}}"
    )
}

fn complains(words: &str) -> String {
    format!(r#"{{"type":"result","subtype":"error_x","is_error":true,"errors":["{words}"]}}"#)
}

/// What was not recorded: success, exit, stream, standard error, rule, where it was seen.
fn others() -> Vec<(SuccessBy, Exit, String, &'static str, &'static str, &'static str)> {
    use SuccessBy::{ExitCode, Result};
    let rejected = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795172864}}"#;
    let limited = format!("{rejected}\n{}", call("\"error\":\"rate_limit\",", ""));
    let (one, kill) = (Exit::Code(1), Exit::Signal(9));
    let (init, success) = (INIT.to_owned(), SUCCESS.to_owned());
    let status = |status: u32| call("", &format!("\"api_error_status\":{status},"));
    let early = call("\"api_error_status\":401,", "");
    let none = String::new;
    vec![
        (Result, one, limited, "", "claude.window-rejected", "rate_limit_event"),
        (Result, one, status(401), "", "claude.status-auth", "result"),
        (Result, one, early, "", "claude.status-auth", "api_error"),
        (Result, one, status(402), "", "claude.status-spend", "result"),
        (ExitCode, one, status(503), "", "claude.status-overload", "result"),
        (Result, one, status(418), "", "claude.status-refused", "result"),
        (Result, one, complains("Not logged in"), "", "claude.words-auth", "result"),
        (Result, one, init.clone(), "x\nInvalid API key\ny", "claude.words-auth", "stderr"),
        (Result, one, none(), "Credit balance is low", "claude.words-spend", "stderr"),
        (Result, one, complains("You've hit your limit"), "", "claude.words-limit", "result"),
        (Result, one, init.clone(), "ENOSPC: write", "claude.words-disk", "stderr"),
        (Result, one, none(), "id is already in use", "claude.words-machine", "stderr"),
        (Result, one, none(), "native binary not installed", "claude.words-missing", "stderr"),
        (Result, one, complains("Connection reset"), "", "claude.words-overload", "result"),
        (Result, one, init.clone(), "connection reset", "claude.no-result", "exit"),
        (Result, one, none(), "argument 'x' is invalid", "claude.bad-value", "stderr"),
        (Result, Exit::Code(127), none(), "", "claude.not-executable", "exit"),
        (Result, kill, none(), "", "claude.not-a-word", "exit"),
        (Result, kill, init.clone(), "", "claude.signal", "exit"),
        (Result, Exit::Code(0), init.clone(), "", "claude.no-result", "exit"),
        (Result, kill, success.clone(), "", "claude.crash-after-success", "exit"),
        (ExitCode, one, success, "", "claude.error-after-success", "exit"),
        (ExitCode, Exit::Code(75), none(), "", "command.try-later", "exit"),
        (ExitCode, kill, init, "", "command.signal", "exit"),
        (ExitCode, one, none(), "You've hit your limit. ENOSPC", "command.code", "exit"),
    ]
}

#[test]
fn every_recording_shows_its_class_and_the_record_that_says_so() {
    for (name, exit, stream, class, rule) in recordings() {
        let (ending, ground) = on_ground(SuccessBy::Result, exit, stream, "", &[]);
        let ground = ground.unwrap_or_default();
        assert_eq!(ground.rule, rule, "{name}");
        assert_eq!(fault(&ending).policy().class, class, "{name}");
        assert!(!ground.evidence.record.is_empty(), "{name}");
    }
    let (_, ground) =
        on_ground(SuccessBy::Result, Exit::Code(1), recorded!("usage-limit", 1).2, "", &[]);
    let evidence = ground.unwrap().evidence;
    assert_eq!(evidence.source, "result");
    for told in
        [r#""type":"result""#, r#""api_error":"usage_limit_reached""#, "You've hit your 5-hour"]
    {
        assert!(evidence.record.contains(told), "{told}: {}", evidence.record);
    }
}

#[test]
fn every_rule_is_reached() {
    let mut reached: BTreeSet<String> =
        recordings().iter().map(|(.., rule)| (*rule).to_owned()).collect();
    for (success, exit, stream, stderr, rule, source) in others() {
        let (_, ground) = on_ground(success, exit, &stream, stderr, &[]);
        let ground = ground.unwrap_or_default();
        let seen = (ground.rule.as_str(), ground.evidence.source.as_str());
        assert_eq!(seen, (rule, source), "{stream} {stderr}");
        reached.insert(ground.rule);
    }
    let all: BTreeSet<String> = built_in().map(|rule| rule.id.clone()).collect();
    assert_eq!(
        all.difference(&reached).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "never reached"
    );
    assert_eq!(reached.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_line_of_a_complaint_is_what_showed_it() {
    let (_, ground) =
        on_ground(SuccessBy::Result, Exit::Code(1), INIT, "warm\nENOSPC: no space\nbye", &[]);
    assert_eq!(ground.unwrap().evidence.record, "ENOSPC: no space");
}

#[test]
fn quoted_words_reach_no_rule_wherever_the_agent_puts_them() {
    let quotes = "You've hit your session limit. Credit balance is too low. Not logged in. ENOSPC. overloaded";
    let text = serde_json::json!([{ "type": "text", "text": quotes }]);
    let answer =
        serde_json::json!([{ "type": "tool_result", "content": quotes, "is_error": true }]);
    let error = r#""error":"rate_limit","api_error":"usage_limit_reached","api_error_status":429"#;
    let lines = [
        format!(r#"{{"type":"assistant","message":{{"content":{text}}},{error}}}"#),
        format!(r#"{{"type":"user","message":{{"content":{answer}}},{error}}}"#),
        format!(r#"{{"type":"user","message":{{"content":{text}}},"is_api_error_message":false,{error}}}"#),
        format!(r#"{{"type":"system","subtype":"hook_response","stderr":"{quotes}",{error}}}"#),
        quotes.to_owned(),
    ]
    .join("\n");
    // The same words in the model's own last word, and then a bad end for another reason.
    let well =
        format!(r#"{{"type":"result","subtype":"success","is_error":false,"result":"{quotes}"}}"#);
    let turns = r#"{"type":"result","subtype":"error_max_turns","is_error":true}"#;
    // A tool's words among the errors of a run that had begun to work.
    let errors = format!(
        r#"{{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["{quotes}"]}}"#
    );
    for (success, exit, end, stderr, rule) in [
        (SuccessBy::Result, Exit::Code(1), well.as_str(), quotes, "claude.error-after-success"),
        (SuccessBy::Result, Exit::Signal(9), &well, quotes, "claude.crash-after-success"),
        (SuccessBy::Result, Exit::Code(1), turns, quotes, "claude.max-turns"),
        (SuccessBy::Result, Exit::Code(1), &errors, quotes, "claude.error"),
        (SuccessBy::Result, Exit::Code(1), "", "", "claude.no-result"),
        (SuccessBy::ExitCode, Exit::Code(1), "", quotes, "command.code"),
    ] {
        let (ending, ground) = on_ground(success, exit, &format!("{lines}\n{end}"), stderr, &[]);
        let ground = ground.unwrap();
        assert_eq!(ground.rule, rule);
        assert_eq!(fault(&ending).policy().class, Class::Task);
        // Of a success the evidence does not repeat the model's words either.
        assert!(
            rule.starts_with("command")
                || end != well
                || !ground.evidence.record.contains("session limit")
        );
    }
}

#[test]
fn an_operators_rules_come_first_and_may_look_at_a_commands_standard_error() {
    let text = "schema = 1\n[[rule]]\nid = \"my.full\"\nfault = \"overload\"\nexit.code = 42\nsays = \"the server is full\"\n[[rule]]\nid = \"my.limit\"\nfault = \"limit\"\nstderr.words = [\"come back tomorrow\"]\n[[rule]]\nid = \"my.tools\"\nfault = \"denied\"\nresult.subtype = \"error_max_turns\"\n";
    let own = rule_book(text, &["claude", "command", "demo"], &[]).unwrap().rules;
    let of = |success, exit, stream: &str, stderr| {
        let (ending, ground) = on_ground(success, Exit::Code(exit), stream, stderr, &own);
        let Outcome::Failure { fault, detail } = ending else { panic!("{stream}") };
        (ground.unwrap().rule, fault.word(), detail)
    };
    let full = of(SuccessBy::ExitCode, 42, "", "busy");
    assert_eq!(full.0, "my.full");
    assert_eq!((full.1, full.2.as_str()), ("overload", "the server is full (exit 42: busy)"));
    let limit = of(SuccessBy::ExitCode, 1, "", "Come back TOMORROW");
    assert_eq!((limit.0.as_str(), limit.1), ("my.limit", "limit"));
    let tools = of(SuccessBy::Result, 1, recorded!("max-turns", 1).2, "");
    assert_eq!((tools.0.as_str(), tools.1), ("my.tools", "denied"));
    assert_eq!(of(SuccessBy::ExitCode, 41, "", "").0, "command.code");
}

proptest! {
    /// The evidence is bounded, whatever an agent says.
    #[test]
    fn no_stream_makes_more_than_a_bounded_record(words in "\\PC{0,40}", times in 1usize..400, code in 0..256i32) {
        let words = words.repeat(times);
        let result = serde_json::json!({ "type": "result", "subtype": "error_x", "errors": [words], "is_error": true });
        for stream in [result.to_string(), String::new()] {
            for success in [SuccessBy::Result, SuccessBy::ExitCode] {
                if let (_, Some(ground)) = on_ground(success, Exit::Code(code), &stream, &words, &[]) {
                    prop_assert!(ground.evidence.record.len() <= crate::domain::task::record::RECORD_MAX + '…'.len_utf8());
                }
            }
        }
    }
}
