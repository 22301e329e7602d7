//! Any bytes as a task file: no panic, an accepted one is within every limit, and what is said of a rejected one is
//! harmless and lies within the file.

use swarmdir::domain::settings::limits::{Limits, TaskCaps};
use swarmdir::domain::settings::problem::Problem;
use swarmdir::domain::settings::programs::ReservedEnv;
use swarmdir::domain::task::spec::TaskSpec;
use swarmdir::taskfile::{BYTES_MAX, ParseContext, explain, parse};

use super::safe::{assert_harmless, assert_one_line, is_branch, obeyed};

const CAPS: Limits = Limits {
    core_bytes: Some(1 << 20),
    open_files: Some(4096),
    file_size_bytes: Some(1 << 40),
    cpu_secs: Some(86_400),
    processes: Some(500),
    memory_bytes: None,
    data_bytes: None,
    tree_memory_bytes: Some(1 << 30),
    tree_processes: Some(900),
    output_bytes: Some(1 << 30),
};
const RESERVED: ReservedEnv = ReservedEnv { operators: Vec::new(), refused: Vec::new() };
const KNOWN: ParseContext<'_> = ParseContext {
    agents: &["claude", "demo", "sh"],
    rigs: &["website"],
    reserved: &RESERVED,
    caps: CAPS,
    task_caps: TaskCaps::DEFAULT,
};
/// The longest duration that may be written: a hundred years, milliseconds.
const LONGEST_MS: u64 = 36_500 * 86_400_000;

/// The same bytes as Markdown and as JSON, under a hostile name.
pub(crate) fn check(bytes: &[u8]) {
    for name in ["t.md", "a\u{1b}[31m\n\u{202e}.json"] {
        match parse(name, bytes, &KNOWN) {
            Ok(spec) => assert_within_limits(&spec),
            Err(problems) => assert_explained(name, bytes, &problems),
        }
    }
}

fn assert_within_limits(spec: &TaskSpec) {
    assert!(!spec.prompt.trim().is_empty() && spec.prompt.len() <= BYTES_MAX);
    assert!(!spec.prompt.contains('\0'));
    for (key, line) in [("title", &spec.title), ("base", &spec.base)] {
        if let Some(line) = line {
            assert!(!line.trim().is_empty() && line.chars().count() <= 200, "{key}: {line:?}");
            assert!(!line.chars().any(char::is_control), "{key}: {line:?}");
        }
    }
    for (key, word) in [("base", &spec.base), ("model", &spec.model), ("effort", &spec.effort)] {
        if let Some(word) = word {
            assert!(!word.starts_with('-') && !word.chars().any(obeyed), "{key}: {word:?}");
        }
    }
    assert!(spec.agent.as_deref().is_none_or(|agent| KNOWN.agents.contains(&agent)));
    assert!(spec.rig.as_deref().is_none_or(|rig| KNOWN.rigs.contains(&rig)));
    assert!(spec.priority.is_none_or(|band| band.get() <= 9));
    if let Some(branch) = &spec.branch {
        assert!(
            is_branch(branch) && !branch.starts_with("refs/") && branch != "HEAD",
            "{branch:?}"
        );
        assert!(!branch.chars().any(obeyed), "{branch:?}");
    }
    assert!(spec.timeout_ms.is_none_or(|ms| (1..=LONGEST_MS).contains(&ms)));
    assert!(spec.max_turns.is_none_or(|turns| turns >= 1));
    assert!(spec.max_budget_usd.is_none_or(|usd| usd.is_finite() && usd > 0.0));
    for tool in [&spec.allowed_tools, &spec.disallowed_tools].into_iter().flatten().flatten() {
        assert!(!tool.is_empty() && !tool.starts_with('-'), "{tool:?}");
        assert!(!tool.chars().any(char::is_control), "{tool:?}");
    }
    assert!(spec.labels.len() <= 32 && spec.env.len() <= 256);
    assert!(spec.labels.iter().all(|label| !label.chars().any(char::is_control)));
    for (name, value) in &spec.env {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        assert!(plain && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()));
        let loads = ["LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "BUN_OPTIONS"].contains(&name.as_str());
        assert!(!name.starts_with("SWARMDIR_") && !loads, "{name:?}");
        assert!(!name.starts_with("ANTHROPIC_") && !name.starts_with("CLAUDE_"), "{name:?}");
        assert!(!value.contains('\0') && value.len() <= 64 * 1024);
    }
    let limits = CAPS.overridden_by(spec.limits);
    assert_eq!(limits.capped_by(CAPS), limits, "a limit is above its cap");
    // What runs reads the file once more: a record of it must say the same.
    let json = serde_json::to_string(spec).expect("plain data");
    let back: TaskSpec = serde_json::from_str(&json).expect("its own shape");
    assert_eq!(&back, spec);
}

fn assert_explained(name: &str, bytes: &[u8], problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused for no reason");
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for problem in problems {
        assert!(!problem.message.is_empty());
        let line = problem.line.unwrap_or(1) as usize;
        assert!((1..=lines).contains(&line), "{problem} is not within {lines} lines");
    }
    let text = explain(name, bytes, "20261120T113012123-a-k3f9", problems);
    assert_harmless("the explanation", &text);
    assert!(text.ends_with('\n') && text.contains("hint: "), "{text}");
    assert_one_line("the first line", text.lines().next().unwrap_or_default());
}
