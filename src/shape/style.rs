//! Colour and columns, decided once by the caller.

use crate::domain::settings::quantity::say_duration;
use crate::domain::task::state::State;
use crate::domain::text::printable;

/// Every code that is ever written: an agent that writes one of them itself can colour words, and no more.
const OWN: [&str; 7] =
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[36m"];

/// How text is shaped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Escape codes are wanted.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Style {
    /// Text for a file or a pipe.
    pub const PLAIN: Style = Style { color: false, width: usize::MAX };

    /// The text in an ANSI colour.
    pub fn paint(self, code: &str, text: &str) -> String {
        let colored = self.color && !code.is_empty();
        if colored { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text without anything that a terminal would obey, but for the colours that are made here.
    pub fn harmless(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\u{1b}') {
            let (before, from) = rest.split_at(at);
            out.push_str(&printable(before, true));
            let own = OWN.iter().find(|code| self.color && from.starts_with(**code));
            rest = match own {
                Some(code) => {
                    out.push_str(code);
                    &from[code.len()..]
                }
                None => {
                    out.push_str(&printable(&from[..1], true));
                    &from[1..]
                }
            };
        }
        out.push_str(&printable(rest, true));
        out
    }

    /// Dimmed.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Bold.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// A state's word in its colour.
    pub fn state(self, state: State) -> String {
        self.paint(Style::color_of(state), state.word())
    }

    /// A state's colour.
    pub fn color_of(state: State) -> &'static str {
        match state {
            State::Done => "32",
            State::Failed | State::Rejected => "31",
            State::Running => "36",
            State::Blocked => "33",
            State::Pending | State::Ready => "",
            State::Cancelled => "2",
        }
    }
}

/// Bytes for people: `512 B`, `1.5 KiB`, `12 MiB`, `1.2 GiB`.
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && size < 10.0);
    format!("{size:.digits$} {}", units[unit])
}

/// Milliseconds for people: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(ms: u64) -> String {
    say_duration(ms)
}

/// Dollars for people; an estimate is marked.
pub fn dollars(usd: f64, estimated: bool) -> String {
    let mark = if estimated { "~" } else { "" };
    format!("{mark}${usd:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(850), "850 ms");
        assert_eq!(duration(200_000), "3 min 20 s");
        assert_eq!(duration(7_500_000), "2 h 5 min");
    }

    #[test]
    fn only_our_own_colours_get_through() {
        let color = Style { color: true, ..Style::PLAIN };
        let state = color.state(State::Failed);
        assert_eq!(color.harmless(&state), state);
        assert_eq!(Style::PLAIN.harmless(&state), "\\u{1b}[31mfailed\\u{1b}[0m");
        let hostile = "a\u{1b}[2Jb\u{9b}1mc\u{1b}]0;x\u{7}\r\n\u{1b}[31";
        assert_eq!(color.harmless(hostile), Style::PLAIN.harmless(hostile));
        assert!(!color.harmless(hostile).contains('\u{1b}'));
    }

    #[test]
    fn plain_text_has_no_escapes() {
        assert_eq!(Style::PLAIN.state(State::Failed), "failed");
    }
}
