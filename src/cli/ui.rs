//! Output: stdout is data, stderr is talk. A closed pipe is no error; colour only where it is wanted.

use std::io::Write;

use clap::ValueEnum;
use serde_json::Value;

use super::error::Failure;
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
        Style { color: self.color.wanted(env::stdout_is_terminal()), width: 120 }
    }

    /// For talk.
    pub(super) fn talk_style(self) -> Style {
        Style { color: self.color.wanted(env::stderr_is_terminal()), width: 120 }
    }

    /// Data.
    pub(super) fn print(self, text: &str) {
        let mut out = std::io::stdout().lock();
        // Whoever closed the pipe has read enough.
        let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Data, as one JSON value on several lines.
    pub(super) fn print_json(self, value: &Value) {
        self.print(&format!("{value:#}\n"));
    }

    /// Talk.
    pub(super) fn say(self, line: &str) {
        let _closed = writeln!(std::io::stderr().lock(), "{line}");
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
