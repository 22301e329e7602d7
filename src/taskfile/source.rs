//! Bytes to text: what no task file may be, whatever its notation.

use crate::domain::settings::problem::Problem;
use crate::form::line_and_column;

/// The largest task file: the agent itself takes no longer prompt.
pub const BYTES_MAX: usize = 10 * 1024 * 1024;

/// The text of a file, without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Vec<Problem>> {
    if bytes.len() > BYTES_MAX {
        let message = format!("the file has {} bytes, more than 10 MB", bytes.len());
        let hint = "put the material into the repository and name its path in the prompt";
        return Err(vec![Problem::new(message).hint(hint)]);
    }
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut problems = Vec::new();
    if let Some(offset) = content.iter().position(|byte| *byte == 0) {
        let (line, column) = line_and_column(content, offset);
        let file_offset = offset + bytes.len() - content.len();
        let problem = Problem::new(format!("a NUL byte at offset {file_offset}: this is no text"));
        problems.push(problem.at(line, column).hint(encoding_hint(bytes)));
    }
    match std::str::from_utf8(content) {
        Err(error) => problems.push(not_utf8(bytes, content, error.valid_up_to())),
        Ok(text) if problems.is_empty() && text.trim().is_empty() => {
            problems.push(Problem::new("the file is empty").hint("its text is the prompt"));
        }
        Ok(text) if problems.is_empty() => return Ok(text),
        Ok(_) => {}
    }
    Err(problems)
}

fn not_utf8(bytes: &[u8], content: &[u8], offset: usize) -> Problem {
    let (line, column) = line_and_column(content, offset);
    let byte = content.get(offset).copied().unwrap_or_default();
    let file_offset = offset + bytes.len() - content.len();
    Problem::new(format!("the byte 0x{byte:02x} at offset {file_offset} is not valid UTF-8"))
        .at(line, column)
        .hint(encoding_hint(bytes))
}

fn encoding_hint(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        "it is UTF-16: save it as UTF-8"
    } else {
        "save the file as UTF-8 text"
    }
}
