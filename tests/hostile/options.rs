//! Values that look like options, paths, references or shell: refused with a word, or passed on as what they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::properties::safe::assert_harmless;
use crate::support::proof::proof;
use crate::support::swarm::Swarm;

/// A line of front matter, and the words that its refusal must hold.
const REFUSED: [(&str, &str); 39] = [
    ("agent: --version", "agent: `--version` begins with a dash"),
    ("agent: ../../sh", "agent: there is no agent"),
    ("rig: -x", "rig: `-x` begins with a dash"),
    ("model: --dangerously-skip-permissions", "model: `--dangerously-skip-permissions` begins"),
    ("model: \"a\\nb\"", "model: must be one line"),
    ("model: \"a\\0b\"", "model: holds a NUL"),
    ("effort: -x", "effort: `-x` begins with a dash"),
    ("base: --upload-pack=touch pwned", "base: `--upload-pack=touch pwned` begins with a dash"),
    ("base: \"\\e[2J\"", "base: holds the control character \\u{1b}"),
    ("base: \"a\\u202eb\"", "base: holds \\u{202e}"),
    ("branch: -D main", "branch: `-D main` begins with a dash"),
    ("branch: x main", "branch: `x main` is no name for a branch"),
    ("branch: ../../x", "branch: `../../x` is no name for a branch"),
    ("branch: refs/heads/main", "branch: `refs/heads/main` is no name for a branch"),
    ("branch: HEAD", "branch: `HEAD` is no name for a branch"),
    ("branch: \"@{-1}\"", "branch: `@{-1}` is no name for a branch"),
    ("branch: a.lock", "branch: `a.lock` is no name for a branch"),
    ("branch: main", "branch: "),
    ("branch: \"a\\u200bb\"", "branch: holds \\u{200b}"),
    ("allowed_tools: [\"--permission-mode=bypassPermissions\"]", "the tool `--permission-mode"),
    ("allowed_tools: Read, -x", "the tool `-x` begins with a dash"),
    ("disallowed_tools: Read --x", "the tool `Read --x` has a blank in its name"),
    ("allowed_tools: [\"a\\nb\"]", "control character"),
    ("permission_mode: --bypassPermissions", "permission_mode: `--bypassPermissions` begins"),
    ("title: \"a\\e]0;x\\ab\"", "title: holds the control character"),
    ("labels: [\"\\e[31m\"]", "holds a control character"),
    ("max_turns: --9", "max_turns: must be a whole number"),
    ("timeout: -5m", "timeout: `-5m` is negative"),
    ("env:\n  LD_PRELOAD: ./x.so", "env.LD_PRELOAD: would load code"),
    ("env:\n  BASH_ENV: ./x", "env.BASH_ENV: would load code"),
    ("env:\n  BUN_OPTIONS: --preload=./x.js", "env.BUN_OPTIONS: would load code"),
    ("env:\n  BUN_INSPECT_PRELOAD: ./x.js", "env.BUN_INSPECT_PRELOAD: would load code"),
    ("env:\n  BUN_BE_BUN: 1", "env.BUN_BE_BUN: would load code"),
    ("env:\n  SWARMDIR_TASK: x", "env.SWARMDIR_TASK: is set by swarmdir itself"),
    ("env:\n  ANTHROPIC_BASE_URL: http://x", "env.ANTHROPIC_BASE_URL: is the operator's to set"),
    ("env:\n  CLAUDE_CONFIG_DIR: ./x", "env.CLAUDE_CONFIG_DIR: is the operator's to set"),
    ("env:\n  LD_LIBRARY_PATH: .", "env.LD_LIBRARY_PATH: is the operator's to set"),
    ("env:\n  \"A=B C\": x", "env.A=B C: is not a name"),
    ("env:\n  A: \"b\\0c\"", "env.A: holds a NUL"),
];

#[test]
fn a_value_that_could_become_an_option_is_refused_with_a_word() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "-m", "true"]).exits(0);
    let before = swarm.names("runs").len();
    for (line, words) in REFUSED {
        let file = swarm.beside("task.md");
        fs::write(&file, format!("---\nx-first: line\n{line}\n---\nDo it.\n")).unwrap();
        let err = swarm.coordinator(&["add", file.to_str().unwrap()]).exits(2).err;
        assert!(err.contains(words), "{line}: {err}");
        assert!(err.contains("1 problem\n") || err.contains("was rejected"), "{line}: {err}");
        let at = if line.starts_with("env") { "line 4" } else { "line 3" };
        assert!(err.contains(at) || words == "branch: ", "{line}: {err}");
        assert!(err.contains("hint: "), "{line}: {err}");
        assert_harmless(line, &err);
    }
    // What only the repository can know is refused at intake, and leaves its record.
    assert_eq!(swarm.names("runs").len(), before + 1);
    assert_eq!(swarm.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    proof("hostile", "front matter refused with one error each", REFUSED.len());
}

/// Prompts that a command line, a shell or an agent could take for something else.
const PROMPTS: [&str; 8] = [
    "--help",
    "-p --dangerously-skip-permissions",
    "/exit",
    "; touch pwned",
    "$(touch pwned)`touch pwned`",
    "'\"; touch pwned #",
    "a\nb\t\u{1b}[2J",
    "{prompt} %s !! ~ *",
];

#[test]
fn a_prompt_is_one_argument_and_never_shell() {
    let swarm = Swarm::with(
        r#"
setup = ["touch", "a b;$(touch pwned)", "--", "-x"]
[agent.args]
kind = "command"
argv = ["sh", "-c", "printf '%s\\0' \"$@\" > args; printf '%s\\0' \"$VALUE\" > value; ls > files; rm -- -x 'a b;$(touch pwned)'", "name", "{prompt}", "--task={prompt}", "-"]
"#,
    );
    for (number, prompt) in PROMPTS.iter().enumerate() {
        let value = "a\\nb; touch pwned";
        let text = format!("---\nagent: args\nenv:\n  VALUE: \"{value}\"\n---\n{prompt}\n");
        swarm.drop(format!("prompt-{number}"), text);
    }
    swarm.drain();
    for (number, prompt) in PROMPTS.iter().enumerate() {
        let task = swarm.show(&format!("prompt-{number}"));
        assert_eq!(task["state"], "done", "{task}");
        let branch = task["branch"].as_str().unwrap();
        let shown = |file: &str| {
            let output = swarm.command("git").args(["show", &format!("{branch}:{file}")]).output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        };
        assert_eq!(shown("args"), format!("{prompt}\n\0--task={prompt}\n\0-\0"), "{prompt:?}");
        assert_eq!(shown("value"), "a\nb; touch pwned\0");
        // The setup command's arguments are file names, whatever they look like.
        assert_eq!(shown("files"), "-x\nREADME\na b;$(touch pwned)\nargs\nfiles\nvalue\n");
    }
    proof("hostile", "prompts passed as one argument", PROMPTS.len());
}

/// A program in claude's place that writes down its arguments.
const RECORDER: &str = r#"#!/bin/sh
printf '%s\0' "$@" > args
cat > prompt
printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"result":"ok","num_turns":1}'
"#;

#[test]
fn every_argument_of_claude_is_a_flag_of_ours_with_its_value_behind_it() {
    let swarm = Swarm::new();
    let program = swarm.beside("recorder");
    fs::write(&program, RECORDER).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    swarm.settings(&format!("[agent.claude]\nprogram = {program:?}\n"));
    for (number, prompt) in PROMPTS.iter().enumerate() {
        let front = "agent: claude\ntitle: \"--version\"\nmodel: opus --resume=x\neffort: high;$(touch pwned)\n\
            allowed_tools: [\"Bash(x) --settings={}\", \"Bash(-x, --y)\"]\ndisallowed_tools: \"Read(--z)\"\n\
            max_turns: 7\nmax_budget_usd: 1e0\nlabels: [--x]";
        swarm.drop(format!("prompt-{number}"), format!("---\n{front}\n---\n{prompt}\n"));
    }
    swarm.drain();
    for (number, prompt) in PROMPTS.iter().enumerate() {
        let task = swarm.show(&format!("prompt-{number}"));
        assert_eq!(task["state"], "done", "{task}");
        let branch = task["branch"].as_str().unwrap();
        let given = swarm.git(&["show", &format!("{branch}:prompt")]);
        assert!(given.trim() == *prompt && !given.starts_with('/'), "{given:?}");
        let args = swarm.git(&["show", &format!("{branch}:args")]);
        let mut args: Vec<&str> = args.trim_end_matches('\0').split('\0').collect();
        let mut take = |arg: &str| {
            let at = args.iter().position(|known| *known == arg);
            args.remove(at.unwrap_or_else(|| panic!("no {arg} in {args:?}")));
        };
        for arg in [
            "-p",
            "--output-format=stream-json",
            "--verbose",
            "--model=opus --resume=x",
            "--effort=high;$(touch pwned)",
            "--max-turns=7",
            "--max-budget-usd=1",
            "--permission-mode=dontAsk",
            "--allowedTools=Bash(x) --settings={},Bash(-x, --y)",
            "--setting-sources=user",
        ] {
            take(arg);
        }
        let rest: Vec<&str> = args.iter().map(|arg| arg.split('=').next().unwrap()).collect();
        let ours = ["--session-id", "--disallowedTools", "--append-system-prompt-file"];
        assert_eq!(rest, ours, "{args:?}");
    }
    proof("hostile", "command lines of claude looked through", PROMPTS.len());
}
