//! Small programs that are asked one question.
//!
//! A bare name is looked for along PATH as every program of ours is, so never in the current directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
