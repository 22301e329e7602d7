//! Every mistake in front matter, with its line and its way out.

use super::*;

/// Front matter, and what its only problem says; the first key stands on line 2.
const BAD: &[(&str, &str)] = &[
    (
        "priority: high",
        "line 2, column 11: priority: must be a whole number from 0 to 9, not `high`",
    ),
    ("priority: high", "`high` may be 2"),
    ("priority: URGENT", "`urgent` may be 0"),
    ("priority: 300", "from 0 to 9, not `300`"),
    ("priority: 010", "write 10"),
    ("priority: \"5\"", "without quotes: 5"),
    ("priority: -1", "not `-1`"),
    ("priority: 2.5", "not `2.5`"),
    ("priority: [1]", "not a list"),
    ("\n\npriority: low", "line 4, column 11"),
    ("title: a\ntitle: b", "line 3, column 1: title: is given twice, first on line 2"),
    ("title: \"a\\nb\"", "title: must be one line"),
    ("title: \"a\\eb\"", "control character \\u{1b}"),
    ("title: \"\"", "title: is blank"),
    ("title: fix: bug", "put it in quotes: title: \"fix: bug\""),
    ("title: @home", "put it in quotes: title: \"@home\""),
    ("title: [WIP] fix", "put it in quotes: title: \"[WIP] fix\""),
    ("title: *x", "YAML aliases are not used"),
    ("title: &x y", "YAML anchors"),
    ("title: !x y", "YAML tags"),
    ("model:\n\tx: y", "tabs"),
    ("<<: {a: 1}", "merge keys"),
    ("title: a\n...\ntitle: b", "second YAML document"),
    ("%YAML 1.2", "not valid YAML"),
    ("title: a\rb: c", "line 2, column 9: a carriage return without"),
    ("just words", "must be lines of `key: value`"),
    ("- a\n- b", "must be lines of `key: value`, not a list"),
    ("[a]: b", "a key must be a word"),
    ("titel: x", "line 2, column 1: titel: is not a known key (did you mean `title`?"),
    ("maxTurns: 5", "did you mean `max_turns`?"),
    ("depends_on: x", "tasks cannot wait"),
    ("blocked-by: x", "tasks cannot wait"),
    ("id: x", "the name of the file"),
    ("prompt: x", "the text below the front matter"),
    ("zzz: x", "known: title, agent"),
    ("agent: clod", "there is no agent `clod` (did you mean `claude`?"),
    ("agent: zzz", "one of `claude`, `demo`, `reviewer`"),
    ("agent: -x", "begins with a dash"),
    ("rig: shop", "there is no rig `shop` (there is only `website`)"),
    ("model: --evil", "begins with a dash"),
    ("base: \"a\\0\"", "NUL"),
    ("branch: a..b", "git forbids `..`"),
    ("branch: a b", "git forbids ` `"),
    ("timeout: 0", "timeout: must be longer than 0"),
    ("timeout: -5m", "negative"),
    ("timeout: soon", "does not begin with a number"),
    ("timeout: 1h 1h", "each once"),
    ("timeout: 999999999999999999999", "too large"),
    ("max_turns: 0", "from 1 to 1000000, not `0`"),
    ("max_turns: 4294967296", "from 1 to 1000000"),
    ("max_budget_usd: 0", "above 0"),
    ("max_budget_usd: .inf", "above 0"),
    ("max_budget_usd: $5", "such as 2.50"),
    ("allowed_tools: Bash(git log", "leaves a parenthesis open"),
    ("allowed_tools: Bash)", "never opened"),
    ("allowed_tools: [Read, --x]", "the tool `--x` begins with a dash"),
    ("allowed_tools: Read Edit", "separate tools by commas"),
    ("allowed_tools: [\"a\\eb\"]", "control character"),
    (
        "allowed_tools: [Read,\n  {a: b}]",
        "line 3, column 3: allowed_tools: must be text, not a table",
    ),
    ("allowed_tools: \"\"", "write [] for none"),
    ("permission_mode: acceptedits", "did you mean `acceptEdits`?"),
    ("permission_mode: default", "nobody is there to answer"),
    ("permission_mode: auto", "nobody is there to answer"),
    ("permission_mode: yolo", "it is one of"),
    ("env: x", "must be a table"),
    ("env:\n  1A: x", "line 3, column 3: env.1A: is not a name"),
    ("env:\n  SWARMDIR_TASK: x", "env.SWARMDIR_TASK: is set by swarmdir"),
    ("env:\n  LD_PRELOAD: x", "refused"),
    ("env:\n  A:", "env.A: has no value"),
    ("env:\n  A: [x]", "env.A: must be text, not a list"),
    ("limits: 5", "limits: must be a table of keys, not `5`"),
    (
        "limits:\n  cpu_tme: 1h",
        "line 3, column 3: limits.cpu_tme: is not a known key (did you mean `cpu_time`?",
    ),
    ("limits:\n  nofile: 5", "write `open_files`"),
    (
        "limits:\n  cpu_time: 3h",
        "line 3, column 13: limits.cpu_time: 3h is above the operator's cap of 2h",
    ),
    ("limits:\n  cpu_time: none", "none is above the operator's cap of 2h"),
    ("limits:\n  memory: 1GiB", "limits.memory: 1GiB is below 4GiB"),
    ("limits:\n  data: 640MiB", "limits.data: 640MiB is below 2GiB"),
    ("limits:\n  file_size: 64G", "64GiB or 64GB"),
    ("limits:\n  open_files: 0", "from 1 to"),
    ("limits:\n  core: lots", "does not begin with a number"),
    ("labels: [\"a\\eb\"]", "control character"),
    ("labels: {a: b}", "must be text, not a table"),
];

#[test]
fn each_mistake_has_its_line_and_its_way_out() {
    for (lines, said) in BAD {
        let problem = only(front(lines));
        assert!(problem.contains(said), "{lines:?}\n  says {problem}\n  not  {said}");
        assert!(problem.starts_with("line "), "{lines:?} has no line: {problem}");
        let windows = format!("---\r\n{}\r\n---\r\nDo it.\r\n", lines.replace('\n', "\r\n"));
        assert_eq!(only(read("t.md", &windows)), problem, "{lines:?} with CRLF");
    }
}
