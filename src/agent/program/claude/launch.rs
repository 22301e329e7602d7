//! `claude -p`: where its file is, its arguments, and what it must be refused.
//!
//! It knows the agent's command line and nothing of processes. Invariant: no value from a task can become
//! a flag: each stands behind the `=` of its own flag, and the prompt comes on standard input, where it is only text.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::repository_notes;
use super::settings::{CONFIG_DIR, NAME, PROGRAM};
use crate::agent::environment::get;
use crate::agent::job::{Job, Missing, Refusal};
use crate::agent::program::adapter::{Deadlines, Environment, Launch, SuccessBy};
use crate::domain::failure::fault::Fault;
use crate::domain::settings::programs::AgentKind;
use crate::domain::task::spec::PermissionMode;
use crate::sys;
use crate::sys::process::Signal;

/// What to do where it is missing.
const HINT: &str = "install it (npm install -g @anthropic-ai/claude-code), or name its path \
    as `program` of this agent in swarm.toml";

/// Tools that make no sense unattended: they talk to other sessions, wait for later, or make worktrees of
/// their own.
const BANNED: [&str; 8] = [
    "SendMessage",
    "ListAgents",
    "Workflow",
    "ScheduleWakeup",
    "CronCreate",
    "EnterWorktree",
    "ExitWorktree",
    "AskUserQuestion",
];

/// With it an `@path` in a prompt is only text.
const NO_MENTIONS: &str = "CLAUDE_CODE_DISABLE_FILE_MENTIONS";

/// It refuses a longer prompt.
const MAX_PROMPT_BYTES: usize = 10 * 1024 * 1024;

pub(super) fn find(kind: &AgentKind) -> Result<PathBuf, Missing> {
    let name = kind.path(PROGRAM).map_or_else(|| NAME.into(), Path::to_string_lossy);
    Missing::unless_found(&name, HINT)
}

pub(super) fn launch(job: &Job, mut env: Environment) -> Result<Launch, Refusal> {
    if let Some(dir) = job.kind.path(CONFIG_DIR) {
        sys::fs::mkdirs_private(dir)?;
        env.retain(|(name, _)| name != "CLAUDE_CONFIG_DIR");
        env.push(("CLAUDE_CONFIG_DIR".into(), dir.into()));
    }
    check(job, &env)?;
    // Without asking for the tool `Read`, and whatever it may read, a prompt's `@path` would attach that file.
    env.retain(|(name, _)| name != NO_MENTIONS);
    env.push((NO_MENTIONS.into(), "1".into()));
    Ok(Launch {
        program: find(&job.kind)?,
        argv0: NAME.into(),
        args: args(job, write_instructions(job)?)?,
        input: input(&job.request.prompt),
        env,
        deadlines: Deadlines::speaking(job),
        // Killed, it would leave its tools behind; terminated, it ends them.
        death_signal: Signal::SIGTERM,
        group: false,
        success: SuccessBy::Result,
    })
}

/// What it would refuse itself, with a clearer word.
fn check(job: &Job, env: &[(OsString, OsString)]) -> Result<(), Refusal> {
    let bypass = job.request.permission_mode == PermissionMode::BypassPermissions;
    let sandboxed = get(env, "IS_SANDBOX").is_some_and(|value| value == "1");
    if bypass && sys::env::is_root() && !sandboxed {
        return Err(Refusal::new(
            Fault::Machine,
            "claude refuses permission_mode bypassPermissions as root: run the workers as another \
             user, choose another mode, or, inside a sandbox, set IS_SANDBOX=1 yourself",
        ));
    }
    if job.request.prompt.len() > MAX_PROMPT_BYTES {
        return Err(Refusal::new(Fault::Error, "the prompt is longer than the 10 MB claude takes"));
    }
    if job.request.prompt.trim().is_empty() {
        return Err(Refusal::new(Fault::Error, "the prompt is empty"));
    }
    Ok(())
}

/// A prompt that begins with `/` would be a command of claude's own: it would be obeyed, or refused, and the model
/// never asked. Behind an empty line it is text.
fn input(prompt: &str) -> Option<String> {
    prompt.starts_with('/').then(|| format!("\n{prompt}"))
}

fn write_instructions(job: &Job) -> Result<PathBuf, Refusal> {
    sys::fs::mkdirs_private(&job.place.files.private)?;
    let path = job.place.files.private.join("instructions.md");
    let text = match job.request.trust_repository {
        true => Cow::Borrowed(&job.request.instructions),
        // It does not read the repository's notes then, which are only words: these come from us.
        false => {
            Cow::Owned(repository_notes::with_notes(&job.request.instructions, &job.place.cwd))
        }
    };
    sys::fs::write(&path, text.as_bytes())?;
    Ok(path)
}

fn args(job: &Job, instructions: PathBuf) -> Result<Vec<OsString>, Refusal> {
    let mut args: Vec<OsString> =
        ["-p", "--output-format=stream-json", "--verbose"].map(OsString::from).to_vec();
    let mut add = |flag: &str, value: &str| args.push(format!("--{flag}={value}").into());
    add(if job.request.resume { "resume" } else { "session-id" }, &job.request.session);
    if let Some(model) = &job.request.model {
        add("model", model);
    }
    if let Some(effort) = &job.request.effort {
        add("effort", effort);
    }
    add("max-turns", &job.request.max_turns.to_string());
    add("max-budget-usd", &budget(job.request.max_budget_usd)?);
    add("permission-mode", job.request.permission_mode.as_str());
    let banned = BANNED.map(str::to_owned);
    add("disallowedTools", &tools(job.request.disallowed_tools.iter().chain(&banned))?);
    if !job.request.allowed_tools.is_empty() {
        add("allowedTools", &tools(job.request.allowed_tools.iter())?);
    }
    let mut file = OsString::from("--append-system-prompt-file=");
    file.push(instructions);
    args.push(file);
    if !job.request.trust_repository {
        // The user's own hooks, permissions and servers hold all the same.
        args.push("--setting-sources=user".into());
    }
    Ok(args)
}

fn budget(usd: f64) -> Result<String, Refusal> {
    if usd.is_finite() && usd > 0.0 {
        return Ok(usd.to_string());
    }
    Err(Refusal::new(Fault::Error, format!("max_budget_usd is {usd}, which is no amount")))
}

/// `A,B(c *)`; the `=` keeps a leading `-` from being a flag, but it is a mistake all the same.
fn tools<'a>(names: impl Iterator<Item = &'a String>) -> Result<String, Refusal> {
    let mut list: Vec<&str> = Vec::new();
    for name in names {
        let name = name.trim();
        if name.is_empty() || name.starts_with('-') || name.contains(char::is_control) {
            return Err(Refusal::new(Fault::Error, format!("{name:?} is not the name of a tool")));
        }
        if !list.contains(&name) {
            list.push(name);
        }
    }
    Ok(list.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::supervise::run::tests::job;

    fn shown(job: &Job) -> Vec<String> {
        let args = args(job, "/p/instructions.md".into()).unwrap();
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn every_value_stands_behind_its_own_flag() {
        let mut job = job("x");
        job.request.model = Some("--dangerously-skip-permissions".into());
        job.request.allowed_tools = vec!["Bash(git *)".into(), "Edit".into(), "Edit".into()];
        job.request.max_budget_usd = 0.25;
        let args = shown(&job);
        assert!(args.contains(&"--model=--dangerously-skip-permissions".to_owned()));
        assert!(args.contains(&"--allowedTools=Bash(git *),Edit".to_owned()));
        assert!(args.contains(&"--max-budget-usd=0.25".to_owned()));
        assert!(args.contains(&"--append-system-prompt-file=/p/instructions.md".to_owned()));
        assert!(args.iter().any(|arg| arg.starts_with("--disallowedTools=SendMessage,")));
        assert!(args.iter().all(|arg| arg.starts_with('-')), "a bare word would be a prompt");
    }

    #[test]
    fn a_session_is_begun_or_gone_on_with() {
        let mut job = job("x");
        let session = job.request.session.clone();
        assert!(shown(&job).contains(&format!("--session-id={session}")));
        job.request.resume = true;
        let args = shown(&job);
        assert!(args.contains(&format!("--resume={session}")));
        assert!(!args.iter().any(|arg| arg.starts_with("--session-id")));
    }

    #[test]
    fn what_the_repository_brings_takes_effect_only_when_trusted() {
        let mut job = job("x");
        assert!(shown(&job).contains(&"--setting-sources=user".to_owned()));
        job.request.trust_repository = true;
        assert!(!shown(&job).iter().any(|arg| arg.contains("setting") || arg.contains("mcp")));
    }

    #[test]
    fn a_tool_that_is_none_and_an_absurd_budget_are_refused() {
        for bad in ["--settings=x", "", "a\nb"] {
            assert_eq!(tools([bad.to_owned()].iter()).unwrap_err().fault, Fault::Error);
        }
        for usd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(budget(usd).is_err());
        }
    }
}
