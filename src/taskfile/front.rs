//! The text of a file; where the front matter of a Markdown file ends and its prompt begins.

use crate::domain::settings::problem::Problem;
use crate::form::line_and_column;

/// The largest front matter, bytes.
const FRONT_MAX: usize = 64 * 1024;

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Parts<'a> {
    /// The text between the marks; `None` where the file does not begin with one.
    pub(super) front: Option<&'a str>,
    /// The 1-based line of the file on which the front matter begins.
    pub(super) front_line: u32,
    pub(super) body: &'a str,
}

/// Front matter is what stands between a first line of exactly `---` and the next such line.
pub(super) fn split(text: &str) -> Result<Parts<'_>, Problem> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !is_mark(first) {
        return Ok(Parts { front: None, front_line: 1, body: text });
    }
    let start = first.len();
    let mut end = start;
    for line in lines {
        if is_mark(line) {
            if end - start > FRONT_MAX {
                let message = format!("the front matter is longer than {FRONT_MAX} bytes");
                return Err(Problem::new(message).at(1, 1).hint("the prompt belongs below it"));
            }
            let (front, body) = (&text[start..end], &text[end + line.len()..]);
            if let Some(offset) = lone_return(front) {
                let (line, column) = line_and_column(text.as_bytes(), start + offset);
                let problem = Problem::new("a carriage return without a line feed");
                return Err(problem.at(line, column).hint("end lines with LF or CRLF"));
            }
            return Ok(Parts { front: Some(front), front_line: 2, body });
        }
        end += line.len();
    }
    let hint = "close it with a second line of `---`; if the text only begins with a horizontal rule, \
                write `***` or put an empty line above it";
    Err(Problem::new("the front matter that begins here is never closed").at(1, 1).hint(hint))
}

/// YAML would begin a line there that no editor counts.
fn lone_return(front: &str) -> Option<usize> {
    let bytes = front.as_bytes();
    (0..bytes.len()).find(|at| bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

/// `---`, with blanks behind it.
fn is_mark(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.trim_end().is_empty())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_first_line_is_front_matter() {
        for (text, front, body) in [
            ("plain", None, "plain"),
            ("---\na: 1\n---\nbody", Some("a: 1\n"), "body"),
            ("---  \r\na: 1\r\n---\t\r\nbody\r\n", Some("a: 1\r\n"), "body\r\n"),
            ("---\n---\nx", Some(""), "x"),
            ("---\na: 1\n---", Some("a: 1\n"), ""),
            ("\n---\na\n---\n", None, "\n---\na\n---\n"),
            ("----\na\n----\n", None, "----\na\n----\n"),
            (" ---\na\n---\n", None, " ---\na\n---\n"),
            ("---\na: |\n  ---\n---\nb", Some("a: |\n  ---\n"), "b"),
        ] {
            let parts = split(text).expect(text);
            assert_eq!((parts.front, parts.body), (front, body), "{text:?}");
        }
        let open = split("---\nA rule above.\n").expect_err("never closed");
        assert!(open.hint.expect("hint").contains("`***`"));
        let long = format!("---\n{}---\nx", "# comment\n".repeat(10_000));
        assert!(split(&long).expect_err("too long").message.contains("longer than"));
    }
}
