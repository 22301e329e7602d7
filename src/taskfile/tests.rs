//! What task files may be and what they may not, all but single keys.

mod fuzz;
mod mistakes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::*;
use crate::domain::settings::limits::{Limits, TaskCaps};
use crate::domain::settings::programs::ReservedEnv;
use crate::domain::task::spec::PermissionMode;

/// As two agent programs might have it.
static RESERVED: LazyLock<ReservedEnv> = LazyLock::new(|| ReservedEnv {
    operators: vec!["ANTHROPIC_*", "CLAUDE_*", "IS_SANDBOX"],
    refused: vec!["BUN_OPTIONS", "BUN_INSPECT_PRELOAD", "BUN_BE_BUN"],
});

fn known() -> ParseContext<'static> {
    let caps = Limits { cpu_secs: Some(7200), ..Limits::default() };
    ParseContext {
        agents: &["claude", "demo", "reviewer"],
        rigs: &["website"],
        reserved: &RESERVED,
        caps,
        task_caps: TaskCaps::DEFAULT,
    }
}

fn read(name: &str, text: &str) -> Result<TaskSpec, Vec<Problem>> {
    parse(name, text.as_bytes(), &known())
}

/// Front matter of these lines, above a prompt.
fn front(lines: &str) -> Result<TaskSpec, Vec<Problem>> {
    read("t.md", &format!("---\n{lines}\n---\nDo it.\n"))
}

fn good(lines: &str) -> TaskSpec {
    front(lines).unwrap_or_else(|problems| panic!("{lines}: {problems:#?}"))
}

/// The only problem, as text with its place.
fn only(result: Result<TaskSpec, Vec<Problem>>) -> String {
    let problems = result.expect_err("a problem");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].to_string()
}

#[test]
fn a_text_without_front_matter_is_the_prompt() {
    for text in
        ["Fix it.", "# Fix\n\n---\nx\n---\n", "\u{feff}Fix it.", "a\r\nb\r\n", "{\"not\": json"]
    {
        let spec = read("t.md", text).expect(text);
        assert_eq!(spec.prompt, text.trim_start_matches('\u{feff}'));
        assert_eq!(spec, TaskSpec { prompt: spec.prompt.clone(), ..TaskSpec::default() });
    }
}

#[test]
fn every_key_is_read() {
    let text = "---\ntitle: Fix the login: form\n".replace("login: form", "login form")
        + "agent: reviewer\nrig: website\nmodel: opus\neffort: high\npriority: 2\nbase: main\n\
           branch: fix/login\ntimeout: 1h 30m\nmax_turns: 80\nmax_budget_usd: 2.50\n\
           allowed_tools: Read, Bash(git log, x)\ndisallowed_tools: [WebFetch]\n\
           permission_mode: plan\nenv:\n  A: b\n  N: 1.0\n  T: true\nlimits:\n  cpu_time: 2h\n  \
           memory: none\n  file_size: 500MB\nlabels: ui, urgent, ui\nx-ticket: {a: 1}\n---\n\nDo it.\n";
    let spec = read("t.md", &text).expect("good");
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    assert_eq!(spec.prompt, "\nDo it.\n");
    assert_eq!(spec.title.as_deref(), Some("Fix the login form"));
    assert_eq!((spec.agent.as_deref(), spec.rig.as_deref()), (Some("reviewer"), Some("website")));
    assert_eq!((spec.model.as_deref(), spec.effort.as_deref()), (Some("opus"), Some("high")));
    assert_eq!(spec.priority.map(|band| band.get()), Some(2));
    assert_eq!((spec.base.as_deref(), spec.branch.as_deref()), (Some("main"), Some("fix/login")));
    assert_eq!((spec.timeout_ms, spec.max_turns), (Some(5_400_000), Some(80)));
    assert_eq!(spec.max_budget_usd, Some(2.5));
    assert_eq!(spec.allowed_tools, Some(texts(&["Read", "Bash(git log, x)"])));
    assert_eq!(spec.disallowed_tools, Some(texts(&["WebFetch"])));
    assert_eq!(spec.permission_mode, Some(PermissionMode::Plan));
    let env = [("A", "b"), ("N", "1.0"), ("T", "true")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(spec.env, BTreeMap::from(env));
    assert_eq!(spec.limits.cpu_secs, Some(7200));
    assert_eq!(spec.limits.memory_bytes, Some(Limits::UNLIMITED));
    assert_eq!(spec.limits.file_size_bytes, Some(500_000_000));
    assert_eq!(spec.labels, texts(&["ui", "urgent"]));
}

#[test]
fn the_examples_of_the_reference_are_good() {
    for row in TASK_KEYS {
        good(row.example);
    }
    good(&TASK_KEYS.iter().map(|row| row.example).collect::<Vec<_>>().join("\n"));
}

#[test]
fn json_says_the_same() {
    let text = r#"{"prompt": "Do \"it\" \ud83d\ude00", "priority": 2, "timeout": 90, "max_budget_usd": 1e1,
        "env": {"A": 1, "B": true}, "allowed_tools": ["Read", "Bash(a, b)"], "model": null, "x-y": [[]]}"#;
    for name in ["t.json", "T.JSON"] {
        let spec = read(name, text).expect("good");
        assert_eq!(spec.prompt, "Do \"it\" 😀");
        assert_eq!(
            (spec.priority.map(|band| band.get()), spec.timeout_ms),
            (Some(2), Some(90_000))
        );
        assert_eq!((spec.model, spec.max_budget_usd), (None, Some(10.0)));
        assert_eq!(spec.env["A"], "1");
        assert_eq!(spec.env["B"], "true");
        assert_eq!(spec.allowed_tools.expect("tools").len(), 2);
    }
}

#[test]
fn bytes_that_are_no_task() {
    let big = vec![b'x'; BYTES_MAX + 1];
    for (bytes, said) in [
        (&b""[..], "the file is empty"),
        (b" \n\t\r\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"ab\n c\0d", "line 2, column 3: a NUL byte at offset 5"),
        (b"ab\n\xc3\xbc\xffx", "line 2, column 2: the byte 0xff at offset 5 is not valid UTF-8"),
        (b"\xef\xbb\xbfa\xe2\x82", "line 1, column 2: the byte 0xe2 at offset 4"),
        (&big, "more than 10 MB"),
    ] {
        let problem = only(parse("t.md", bytes, &known()));
        assert!(problem.contains(said), "{problem}");
    }
    let utf16 = parse("t.md", b"\xff\xfea\0", &known()).expect_err("UTF-16");
    assert!(utf16.iter().all(|problem| problem.to_string().contains("UTF-16")), "{utf16:?}");
    assert!(parse("t.md", &big[1..], &known()).is_ok());
}

#[test]
fn a_front_matter_needs_a_prompt_and_an_end() {
    assert!(only(read("t.md", "---\ntitle: x\n---\n \n")).contains("there is no prompt"));
    assert!(
        only(read("t.md", "---\nA rule, then text\n"))
            .contains("line 1, column 1: the front matter")
    );
    assert_eq!(good("# only a comment").title, None);
    assert_eq!(good("").prompt, "Do it.\n");
    assert_eq!(good("model:\nenv: ~").model, None);
}

#[test]
fn bad_json_says_where() {
    for (text, said) in [
        (
            "{\"prompt\": \"x\",}",
            "line 1, column 16: not valid JSON: a comma before the closing brace",
        ),
        ("{\n \"prompt\": x}", "line 2, column 12: not valid JSON"),
        ("[]", "must be one object, not a list"),
        ("\"x\"", "must be one object"),
        ("{}", "prompt: is missing"),
        ("{\"prompt\": null}", "prompt: is missing"),
        ("{\"prompt\": \" \"}", "line 1, column 12: prompt: is blank"),
        ("{\"prompt\": 5}", "prompt: must be text, not `5`"),
        ("{\"prompt\": \"a\\u0000\"}", "NUL"),
        ("{\"prompt\": \"\\ud800\"}", "not valid JSON"),
        ("{\"prompt\": \"x\",\n \"prompt\": \"y\"}", "line 2, column 2: prompt: is given twice"),
        (
            "{\"prompt\": \"x\",\n \"promt\": \"y\"}",
            "line 2, column 2: promt: is not a known key (did you mean `prompt`?",
        ),
        ("{\"prompt\": \"x\", \"limits\": {\"cpu_time\": \"3h\"}}", "limits.cpu_time: 3h is above"),
        ("{\"prompt\": \"x\", \"priority\": \"5\"}", "without quotes: 5"),
        ("{\"prompt\": \"x\", \"title\": 5}", "put it in quotes"),
    ] {
        let problem = only(read("t.json", text));
        assert!(problem.contains(said), "{text}: {problem}");
    }
    let deep =
        format!("{{\"prompt\": \"x\", \"x-a\": {}{}}}", "[".repeat(60_000), "]".repeat(60_000));
    assert!(only(read("t.json", &deep)).contains("nests too deep"));
    let wide = format!("{{\"prompt\": \"x\", \"x-a\": [{}0]}}", "0,".repeat(20_000));
    assert!(only(read("t.json", &wide)).contains("too many values"));
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_file() {
    let text = "---\npriority: high\ntitel: x\nlimits:\n  cpu_time: 9h\n  memory: 1MiB\nenv:\n  1: x\n  \
                B: []\nmodel: [\n---\n \n";
    let problems = read("t.md", text).expect_err("many");
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert!(lines.is_sorted(), "{problems:#?}");
    for said in
        ["priority", "titel", "limits.memory", "env.1", "env.B", "not valid YAML", "no prompt"]
    {
        assert!(
            problems.iter().any(|problem| problem.to_string().contains(said)),
            "{said}: {problems:#?}"
        );
    }
    let many: String = (0..500).map(|n| format!("zz{n}: 1\n")).collect();
    assert_eq!(front(&many).expect_err("many").len(), crate::form::PROBLEMS_MAX);
}

#[test]
fn a_syntax_error_hides_no_other_key() {
    for (lines, places) in [
        ("title: Fix: it\npriority: high\ntitel: x", vec![2, 3, 4]),
        ("title: 'open\npriority: high", vec![2, 3]),
        ("labels: [a, b\npriority: high\nenv:\n  A: [\n  B: x", vec![2, 3, 5]),
        ("title x\npriority: high", vec![2, 3]),
        ("model: opus\nbase: %x\nmodel: haiku", vec![3, 4]),
    ] {
        let problems = front(lines).expect_err(lines);
        let found: Vec<u32> = problems.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(found, places, "{lines}: {problems:#?}");
    }
}

#[test]
fn a_yaml_bomb_does_not_grow() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let previous = format!("*a{},", n - 1).repeat(9);
        bomb += &format!("a{n}: &a{n} [{previous}]\n");
    }
    assert!(front(&bomb).is_err());
    let deep = format!("x-a: {}", "[".repeat(10_000));
    assert!(front(&deep).is_err());
    assert!(
        front(
            &(0..2000).map(|n| format!("{}a:\n", " ".repeat(n % 30 * n / 30))).collect::<String>()
        )
        .is_err()
    );
}

#[test]
fn the_explanation_shows_the_line() {
    let text = "---\ntitle: ok\npriority: hi\u{1b}[2Jgh\n---\nDo it.\n".replace('\u{1b}', "");
    let problems = read("x.md", &text).expect_err("priority");
    let said =
        explain("fix\n\u{1b}[31m login.md", text.as_bytes(), "20261120T1-fix-k3f9", &problems);
    let expected = "\
'fix \\u{1b}[31m login.md' was rejected: 1 problem

line 3, column 11: priority: must be a whole number from 0 to 9, not `hi[2Jgh`
     3 | priority: hi[2Jgh
       |           ^
  hint: 0 comes first, 9 last

hint: mend the file and drop it again, or: coordinator retry 20261120T1-fix-k3f9
";
    assert_eq!(said, expected);
    let hostile = b"\x1b]0;x\x07\xff\n---";
    let problems = parse("t.md", hostile, &known()).expect_err("no UTF-8");
    let said = explain("t.md", hostile, "t", &problems);
    assert!(said.chars().all(|ch| ch == '\n' || !ch.is_control()), "{said:?}");
}
