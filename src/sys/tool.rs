//! Small programs that are asked one question.
//!
//! A bare name is looked for along PATH as every program of ours is, so never in the current directory.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::env::find_program;

/// The first line that a program prints; `None` where it is missing or fails.
pub fn first_line(program: &str, args: &[&str]) -> Option<String> {
    text(program, args)?.lines().next().map(str::to_owned)
}

/// All that a program prints; `None` where it is missing or fails.
pub fn text(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(located(program)).args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text).filter(|_| output.status.success())
}

/// Runs a program to its end; what it complained about, where it failed.
pub fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(located(program)).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|e| e.to_string())?;
    let complaint = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(complaint()) }
}

/// A name that is found nowhere cannot be started either: an absolute path keeps the system from looking further.
fn located(program: &str) -> PathBuf {
    find_program(program).unwrap_or_else(|| Path::new("/nowhere").join(program))
}

/// A question to a program that must not take long, and whose surroundings matter.
#[derive(Debug)]
pub struct Question<'a> {
    /// The program's file.
    pub program: &'a Path,
    /// Its arguments.
    pub args: &'a [OsString],
    /// Where it stands.
    pub cwd: &'a Path,
    /// All of its environment.
    pub env: Vec<(OsString, OsString)>,
    /// So long it may take, milliseconds.
    pub patience_ms: u64,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub out: Vec<u8>,
}

/// Asks; an error says why there is no answer. Standard input is closed, standard error is nobody's.
pub fn ask(question: &Question<'_>) -> Result<Answer, String> {
    let mut child = Command::new(question.program)
        .args(question.args)
        .current_dir(question.cwd)
        .env_clear()
        .envs(question.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{}: {e}", question.program.display()))?;
    let mut pipe = child.stdout.take().ok_or("no pipe")?;
    let (sender, answer) = channel();
    std::thread::spawn(move || {
        let mut out = Vec::new();
        let read = pipe.read_to_end(&mut out).map(|_| out);
        // Nobody listens any more where it took too long.
        sender.send(read).ok();
    });
    let Ok(read) = answer.recv_timeout(Duration::from_millis(question.patience_ms)) else {
        // It may have ended this instant.
        child.kill().ok();
        child.wait().ok();
        return Err(format!("{} took too long", question.program.display()));
    };
    let status = child.wait().map_err(|e| e.to_string())?;
    Ok(Answer { code: status.code(), out: read.map_err(|e| e.to_string())? })
}
