//! Small programs that are asked one question.

use std::process::{Command, Stdio};

/// The first line that a program prints; `None` where it is missing or fails.
pub fn first_line(program: &str, args: &[&str]) -> Option<String> {
    text(program, args)?.lines().next().map(str::to_owned)
}

/// All that a program prints; `None` where it is missing or fails.
pub fn text(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text).filter(|_| output.status.success())
}

/// Runs a program to its end; what it complained about, where it failed.
pub fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|e| e.to_string())?;
    let complaint = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(complaint()) }
}
