//! Small programs that are asked one question.

use std::process::{Command, Stdio};

/// The first line that a program prints; `None` where it is missing or fails.
pub fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned);
    text.filter(|_| output.status.success())
}
