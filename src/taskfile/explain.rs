//! The neighbour of a rejected file: every problem, with the line it stands on.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::domain::settings::problem::Problem;
use crate::domain::text::{one_line, printable};

/// How much of a source line is shown around the column, characters.
const WINDOW: usize = 100;
/// No line is looked at further than this, bytes.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// The text beside a rejected file: `name` is what it was dropped as, `task` what to give to `retry`.
///
/// Whatever the file holds, the text is safe for a terminal.
pub fn explain(name: &str, bytes: &[u8], task: &str, problems: &[Problem]) -> String {
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let many = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    let mut out = format!("'{}' was rejected: {many}\n", one_line(name, 255));
    for problem in problems {
        out.push('\n');
        one(&mut out, content, problem);
    }
    let task = one_line(task, 100);
    let _ = write!(out, "\nhint: mend the file and drop it again, or: coordinator retry {task}\n");
    out
}

/// Writing into a text cannot fail.
fn one(out: &mut String, content: &[u8], problem: &Problem) {
    let bare = Problem { hint: None, ..problem.clone() };
    let _ = writeln!(out, "{}", one_line(&bare.to_string(), 600));
    if let Some(line) = problem.line {
        snippet(out, content, line, problem.column);
    }
    if let Some(hint) = &problem.hint {
        for (n, text) in hint.lines().enumerate() {
            let lead = if n == 0 { "  hint: " } else { "        " };
            let _ = writeln!(out, "{lead}{}", printable(text, false));
        }
    }
}

/// The line itself and a caret under the column.
fn snippet(out: &mut String, content: &[u8], line: u32, column: Option<u32>) {
    let index = line.saturating_sub(1) as usize;
    let Some(source) = content.split(|byte| *byte == b'\n').nth(index) else { return };
    let source = source.strip_suffix(b"\r").unwrap_or(source);
    let source = &source[..source.len().min(LINE_BYTES_MAX)];
    let text: Vec<char> = String::from_utf8_lossy(source).chars().collect();
    let at = column.map_or(0, |column| column.saturating_sub(1) as usize);
    if at > text.len() {
        return;
    }
    let start = at.saturating_sub(WINDOW * 3 / 4);
    let end = text.len().min(start + WINDOW);
    let safe = |part: &[char]| printable(&part.iter().collect::<String>(), false);
    let lead = if start > 0 { "…" } else { "" };
    let tail = if end < text.len() { "…" } else { "" };
    let before = format!("{lead}{}", safe(&text[start..at]));
    let _ = writeln!(out, "{line:>6} | {before}{}{tail}", safe(&text[at..end]));
    if column.is_some() {
        let _ = writeln!(out, "       | {}^", " ".repeat(before.width()));
    }
}
