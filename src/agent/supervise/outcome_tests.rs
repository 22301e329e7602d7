//! Verdicts on what the real agent printed (recorded in `tests/formats`) and on what it might.

use proptest::prelude::*;

use super::*;
use crate::agent::program::claude::Claude;
use crate::agent::supervise::sign::StopReason;
use crate::domain::failure::rules::Rule;
use crate::domain::time::UnixMs;

/// A moment at which the recordings were made, to within an hour.
const RECORDED: UnixMs = UnixMs(1_795_181_000_000);

/// A recorded run: its name, exit code and standard output.
macro_rules! recorded {
    ($name:literal, $exit:expr) => {
        (
            $name,
            Exit::Code($exit),
            include_str!(concat!("../../../tests/formats/claude-2.1.328/", $name, ".jsonl")),
        )
    };
}

fn heard(stream: &str) -> OutputReader {
    let mut output = OutputReader::new(&Claude);
    stream.lines().for_each(|line| drop(output.read(line.as_bytes())));
    output
}

/// Claude, or for [`SuccessBy::ExitCode`] a command, with these rules of the operator's.
fn on_ground(
    success: SuccessBy,
    exit: Exit,
    stream: &str,
    stderr: &str,
    own: &[Rule],
) -> (Outcome, Option<RuleMatch>) {
    let kind = if success == SuccessBy::Result { "claude" } else { "command" };
    let (timeouts, rules) = (&Timeouts::DEFAULT, ApplicableRules::new(kind, own));
    let output = &heard(stream);
    judge(&Evidence {
        success,
        why: None,
        exit: Some(exit),
        output,
        stderr,
        timeouts,
        rules,
        output_bytes: None,
        now: RECORDED,
    })
}

fn judged(success: SuccessBy, exit: Exit, stream: &str, why: Option<Why>, stderr: &str) -> Outcome {
    let kind = if success == SuccessBy::Result { "claude" } else { "command" };
    let (timeouts, rules) = (&Timeouts::DEFAULT, ApplicableRules::new(kind, &[]));
    let output = &heard(stream);
    let exit = Some(exit);
    judge(&Evidence {
        success,
        why,
        exit,
        output,
        stderr,
        timeouts,
        rules,
        output_bytes: None,
        now: RECORDED,
    })
    .0
}

fn fault(ending: &Outcome) -> Fault {
    match ending {
        Outcome::Failure { fault, detail } => {
            assert!(!detail.is_empty() && !detail.contains('\n'));
            *fault
        }
        Outcome::Success => panic!("success"),
    }
}

#[test]
fn recorded_successes_are_successes_whatever_happened_on_the_way() {
    for (name, exit, stream) in [
        recorded!("ok-commit", 0),
        recorded!("ok-partial", 0),
        recorded!("429-then-ok", 0),
        recorded!("denied", 0),
        recorded!("drop-after-tool", 0),
        recorded!("usage-warning", 0),
        recorded!("bash-timeout", 0),
        recorded!("bash-long", 0),
    ] {
        assert_eq!(judged(SuccessBy::Result, exit, stream, None, ""), Outcome::Success, "{name}");
    }
}

#[test]
fn recorded_failures_are_charged_to_whoever_is_to_blame() {
    let limit = Fault::Limit { resets_at_secs: None };
    let cases = [
        (recorded!("401", 1), Fault::Auth),
        (recorded!("403", 1), Fault::Auth),
        (recorded!("no-login", 1), Fault::Auth),
        (recorded!("credit", 1), Fault::Spend),
        (recorded!("429", 1), Fault::Overload),
        (recorded!("429-61", 1), Fault::Overload),
        (recorded!("usage-limit-key", 1), Fault::Overload),
        (recorded!("500", 1), Fault::Overload),
        (recorded!("529", 1), Fault::Overload),
        (recorded!("drop", 1), Fault::Overload),
        (recorded!("stream-error", 1), Fault::Overload),
        (recorded!("usage-limit", 1), limit),
        (recorded!("usage-limit-late", 1), limit),
        (recorded!("root-bypass", 1), Fault::Machine),
        (recorded!("400-generic", 1), Fault::Error),
        (recorded!("400-too-long", 1), Fault::Error),
        (recorded!("404", 1), Fault::Error),
        (recorded!("max-tokens", 1), Fault::Error),
        (recorded!("refusal", 1), Fault::Error),
        (recorded!("resume-unknown", 1), Fault::Error),
        (recorded!("max-turns", 1), Fault::MaxTurns),
        (recorded!("budget", 1), Fault::Budget),
        (recorded!("int-bash", 0), Fault::Crashed),
        (recorded!("term-bash", 143), Fault::Crashed),
        (recorded!("hup-bash", 129), Fault::Crashed),
        (recorded!("int-start", 0), Fault::Startup),
        (recorded!("bad-flag", 1), Fault::Startup),
    ];
    for ((name, exit, stream), expected) in cases {
        let ending = judged(SuccessBy::Result, exit, stream, None, "");
        match fault(&ending) {
            Fault::Limit { resets_at_secs } => {
                assert!(matches!(expected, Fault::Limit { .. }), "{name}");
                assert!(resets_at_secs.is_some_and(|at| at > 1_700_000_000), "{name}");
            }
            other => assert_eq!(other, expected, "{name}: {ending:?}"),
        }
    }
}

#[test]
fn what_we_stopped_is_judged_by_our_reason() {
    let (_, exit, stream) = recorded!("int-bash", 0);
    for (why, expected) in [
        (Why::Asked(StopReason::Operator), Fault::Stopped),
        (Why::Killed, Fault::Stopped),
        (Why::Timeout, Fault::Timeout),
        (Why::Silent, Fault::Silent),
        (Why::Unanswered, Fault::Overload),
        (Why::Startup, Fault::Startup),
        (Why::Lingering, Fault::NoResult),
        (Why::Runaway, Fault::Output),
        (Why::Asked(StopReason::NoRoom), Fault::Disk),
        (Why::DiskFull, Fault::Disk),
    ] {
        assert_eq!(fault(&judged(SuccessBy::Result, exit, stream, Some(why), "")), expected);
    }
    // A stop that finds the work done does not undo it; one that has to kill does.
    let (_, exit, done) = recorded!("ok-commit", 0);
    let lingering = Some(Why::Lingering);
    assert_eq!(judged(SuccessBy::Result, exit, done, lingering, ""), Outcome::Success);
    let killed = judged(SuccessBy::Result, Exit::Signal(9), done, lingering, "");
    assert_eq!(fault(&killed), Fault::NoResult);
}

#[test]
fn words_that_the_agent_read_or_wrote_are_never_mistaken_for_the_services() {
    let quotes = "You've hit your session limit. Credit balance is too low. Not logged in. ENOSPC";
    let lines = [
        format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{quotes}"}}]}}}}"#),
        format!(r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{quotes}","is_error":true}}]}}}}"#),
    ]
    .join("\n");
    let success =
        format!(r#"{{"type":"result","subtype":"success","is_error":false,"result":"{quotes}"}}"#);
    let good = format!("{lines}\n{success}");
    assert_eq!(judged(SuccessBy::Result, Exit::Code(0), &good, None, ""), Outcome::Success);
    // The same, and then the process fails for another reason.
    assert_eq!(fault(&judged(SuccessBy::Result, Exit::Code(1), &good, None, "")), Fault::Error);
    assert_eq!(fault(&judged(SuccessBy::Result, Exit::Code(1), &lines, None, "")), Fault::NoResult);
    let turns =
        format!("{lines}\n{}", r#"{"type":"result","subtype":"error_max_turns","is_error":true}"#);
    assert_eq!(fault(&judged(SuccessBy::Result, Exit::Code(1), &turns, None, "")), Fault::MaxTurns);
}

#[test]
fn a_stale_error_of_the_service_does_not_explain_a_later_end() {
    let (_, _, recovered) = recorded!("drop-after-tool", 0);
    let stream = format!(
        "{recovered}{}",
        r#"{"type":"result","subtype":"error_max_turns","is_error":true}"#
    );
    assert_eq!(
        fault(&judged(SuccessBy::Result, Exit::Code(1), &stream, None, "")),
        Fault::MaxTurns
    );
}

#[test]
fn without_a_result_its_own_complaint_and_its_end_decide() {
    let spoke = r#"{"type":"system","subtype":"init"}"#;
    for (exit, stream, stderr, expected) in [
        (Exit::Signal(9), spoke, "", Fault::Crashed),
        (Exit::Code(134), spoke, "panic: Bun has crashed", Fault::Crashed),
        (Exit::Code(134), "", "panic: Bun has crashed", Fault::Startup),
        (Exit::Code(127), "", "error while loading shared libraries", Fault::Missing),
        (Exit::Code(1), "", "Error: native binary not installed", Fault::Missing),
        (
            Exit::Code(1),
            "",
            "error: option '--permission-mode <m>' argument 'x' is invalid.",
            Fault::Error,
        ),
        (Exit::Code(1), spoke, "ENOSPC: no space left on device, write", Fault::Disk),
        (Exit::Code(0), spoke, "", Fault::NoResult),
    ] {
        let ending = judged(SuccessBy::Result, exit, stream, None, stderr);
        assert_eq!(fault(&ending), expected, "{exit} {stderr:?}");
    }
}

#[test]
fn a_command_is_judged_by_its_exit_code_unless_it_speaks() {
    let by =
        |exit, stream: &str, stderr: &str| judged(SuccessBy::ExitCode, exit, stream, None, stderr);
    assert_eq!(by(Exit::Code(0), "plain words", ""), Outcome::Success);
    assert_eq!(
        by(Exit::Code(3), "", "a\nlast words\n"),
        Outcome::Failure { fault: Fault::Error, detail: "exit 3: last words".into() }
    );
    assert_eq!(fault(&by(Exit::Code(75), "", "busy")), Fault::Machine);
    assert_eq!(fault(&by(Exit::Signal(11), "", "")), Fault::Crashed);
    // Whatever a command says on its standard error, it is the command that says it.
    assert_eq!(fault(&by(Exit::Code(1), "", "You've hit your limit")), Fault::Error);
    let (_, _, limited) = recorded!("usage-limit", 1);
    assert!(matches!(fault(&by(Exit::Code(1), limited, "")), Fault::Limit { .. }));
    let (_, _, done) = recorded!("ok-commit", 0);
    assert_eq!(fault(&by(Exit::Code(2), done, "")), Fault::Error);
    let stopped = judged(SuccessBy::ExitCode, Exit::Code(0), "", Some(Why::Timeout), "");
    assert_eq!(fault(&stopped), Fault::Timeout);
}

#[test]
fn an_end_that_was_not_seen_is_the_machines_fault() {
    let seen = Evidence {
        success: SuccessBy::Result,
        why: None,
        exit: None,
        output: &OutputReader::new(&Claude),
        stderr: "",
        timeouts: &Timeouts::DEFAULT,
        rules: ApplicableRules::new("claude", &[]),
        output_bytes: None,
        now: RECORDED,
    };
    let (ending, rule_match) = judge(&seen);
    assert_eq!(fault(&ending), Fault::Machine);
    assert_eq!(rule_match.unwrap().rule, "swarmdir.machine");
}

proptest! {
    /// Whatever an agent says and complains of: there is a success, and its reason is one harmless line.
    #[test]
    fn no_stream_makes_more_than_one_harmless_line_of_reason(
        words in "\\PC{0,40}[\\x00-\\x1f\\u{80}-\\u{9f}\\u{202a}-\\u{202e}]{0,4}\\PC{0,400}",
        subtype in proptest::sample::select(&["success", "error_max_turns", "error_x", ""][..]),
        code in 0..256i32,
        speaks in any::<bool>(),
    ) {
        let result = serde_json::json!({
            "type": "result", "subtype": subtype, "is_error": speaks, "result": words, "errors": [words],
        });
        for (success, exit) in [(SuccessBy::Result, Exit::Code(code)), (SuccessBy::ExitCode, Exit::Signal(9))] {
            for stream in [result.to_string(), String::new(), words.clone()] {
                if let Outcome::Failure { detail, .. } = judged(success, exit, &stream, None, &words) {
                    prop_assert!(!detail.chars().any(crate::domain::text::misleads), "{detail:?}");
                    prop_assert!(detail.chars().count() <= DETAIL_CHARS);
                }
            }
        }
    }
}

#[path = "outcome_rule_tests.rs"]
mod rules;
