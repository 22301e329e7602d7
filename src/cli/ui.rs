//! Output: stdout is data, stderr is talk. A closed pipe is no error; colour only where it is wanted.
//!
//! Invariant: text leaves here without anything that a terminal would obey, except for our own colours. Whoever
//! makes text sees to that too (a name must stay on its line); this is the last door.

use std::io::{BufWriter, ErrorKind, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::error::Failure;
use super::exit;
use crate::domain::text::misleads;
use crate::shape::style::Style;
use crate::sys::env;

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    fn wanted(self, terminal: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal
                    && env::var("NO_COLOR").is_none()
                    && env::var("TERM").as_deref() != Some("dumb")
            }
        }
    }
}

/// Where and how this command speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ui {
    color: Color,
}

impl Ui {
    /// With this colour choice.
    pub(super) fn new(color: Color) -> Ui {
        Ui { color }
    }

    /// For text that goes to stdout.
    pub(super) fn style(self) -> Style {
        let width = env::stdout_columns().unwrap_or(usize::MAX);
        Style { color: self.color.wanted(env::stdout_is_terminal()), width }
    }

    /// For talk.
    pub(super) fn talk_style(self) -> Style {
        Style { color: self.color.wanted(env::stderr_is_terminal()), width: usize::MAX }
    }

    /// Data.
    pub(super) fn print(self, text: &str) -> Result<(), Failure> {
        write(self.style().harmless(text).as_bytes())
    }

    /// Data as it is, for a program that asked for it; a terminal gets it made harmless, colours included.
    pub(super) fn print_raw(self, bytes: &[u8]) -> Result<(), Failure> {
        if env::stdout_is_terminal() {
            write(Style::PLAIN.harmless(&String::from_utf8_lossy(bytes)).as_bytes())
        } else {
            write(bytes)
        }
    }

    /// A picture in the place of the last one, on a terminal; elsewhere one after the other.
    pub(super) fn repaint(self, picture: &str) -> Result<(), Failure> {
        if !env::stdout_is_terminal() {
            return self.print(picture);
        }
        // Home, the picture, and what is left of the old one is cleared: no flicker.
        let cleared = self.style().harmless(picture).replace('\n', "\u{1b}[K\n");
        write(format!("\u{1b}[H{cleared}\u{1b}[J").as_bytes())
    }

    /// Data, as one JSON value on several lines.
    pub(super) fn print_json(self, value: &impl Serialize) -> Result<(), Failure> {
        let mut out = BufWriter::with_capacity(BUFFER, Escaping(std::io::stdout().lock()));
        let written = serde_json::to_writer_pretty(&mut out, value).map_err(Into::into);
        printed(written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
    }

    /// Talk.
    pub(super) fn say(self, line: &str) {
        let line = self.talk_style().harmless(line);
        // Whoever read it may be gone.
        drop(writeln!(std::io::stderr().lock(), "{line}"));
    }

    /// A failure, as every command reports it.
    pub(super) fn report(self, program: &str, failure: &Failure) {
        let style = self.talk_style();
        self.say(&format!("{program}: {} {failure}", style.paint("31", "error:")));
        if let Some(hint) = failure.next() {
            self.say(&format!("{} {hint}", style.paint("36", "hint:")));
        }
    }
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    printed(out.write_all(bytes).and_then(|()| out.flush()))
}

fn printed(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        // Whoever closed the pipe has read enough.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::new(exit::UNPRINTED, format!("standard output: {e}"))
            .hint("what was asked for is done, but not all of it could be printed; make room, then: coordinator status")),
        Ok(()) => Ok(()),
    }
}

/// JSON goes out in pieces of about so many bytes.
const BUFFER: usize = 1 << 16;

/// Writes JSON of the same value that is harmless on a terminal: in strings, where alone such characters can stand.
#[derive(Debug)]
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, json: &[u8]) -> std::io::Result<usize> {
        // Nearly all of it, and then nothing is copied.
        if json.iter().all(|byte| *byte == b'\n' || matches!(byte, b' '..=b'~')) {
            return self.0.write(json);
        }
        // Pieces of JSON end between characters.
        let text = std::str::from_utf8(json).map_err(std::io::Error::other)?;
        self.0.write_all(escaped(text).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for ch in json.chars() {
        if ch != '\n' && misleads(ch) {
            let mut units = [0; 2];
            out.extend(ch.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(ch);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_stays_the_same_value() {
        let value = Value::from("a\u{1b}\u{7f}\u{9b}31m\u{202e}\u{e0001}\t\nü");
        let mut out = BufWriter::with_capacity(7, Escaping(Vec::new()));
        serde_json::to_writer_pretty(&mut out, &value).expect("it is written");
        let out = out.into_inner().expect("all of it").0;
        let text = String::from_utf8(out).expect("text");
        assert!(text.trim_end().chars().all(|ch| !misleads(ch)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("valid"), value);
    }
}
