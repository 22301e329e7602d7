//! Text that comes from elsewhere, made safe for names and for terminals.

/// The longest slug, bytes.
const SLUG_MAX: usize = 48;

/// The readable part of a task's name: lower-case words joined by `-`, from any text. Never empty.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for ch in text.chars() {
        if ch.is_ascii_alphanumeric() {
            slug.push(ch.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= SLUG_MAX {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "task".to_owned() } else { slug.to_owned() }
}

/// The slug of a dropped file's name: the extension that says what it is goes.
pub fn slug_of_file(name: &str) -> String {
    let stem = ["md", "markdown", "txt", "json"]
        .iter()
        .find_map(|ext| name.strip_suffix(ext)?.strip_suffix('.'))
        .unwrap_or(name);
    slug(stem)
}

/// Text for a terminal: every control character (also C1, and those that re-order text) becomes visible;
/// only line feeds stay where `multiline`, and a tab is blanks there.
pub fn printable(text: &str, multiline: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '\n' if multiline => out.push(ch),
            '\t' if multiline => out.push_str("    "),
            '\n' | '\r' | '\t' => out.push(' '),
            ch if misleads(ch) => out.extend(ch.escape_unicode()),
            ch => out.push(ch),
        }
    }
    out
}

/// One line of at most `max` characters, with `…` where it was cut.
pub fn one_line(text: &str, max: usize) -> String {
    let flat = printable(text.trim(), false);
    if flat.chars().count() <= max {
        return flat;
    }
    let mut cut: String = flat.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Characters that a terminal obeys instead of showing them, or that change the order or visibility of what
/// stands around them: two names that differ by one of them look alike.
pub fn misleads(ch: char) -> bool {
    let unseen = matches!(ch,
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    ch.is_control() || unseen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_safe_from_any_name() {
        assert_eq!(slug_of_file("Fix the Login.md"), "fix-the-login");
        assert_eq!(slug_of_file("-rf ..\n/x"), "rf-x");
        assert_eq!(slug_of_file("…"), "task");
        assert_eq!(slug_of_file(".md"), "task");
        assert!(slug_of_file(&"é9".repeat(400)).len() <= SLUG_MAX);
    }

    #[test]
    fn nothing_an_agent_writes_reaches_the_terminal_raw() {
        let hostile = "a\u{1b}[2Jb\u{9b}31m\u{202e}c\rd\n";
        let safe = printable(hostile, true);
        assert!(safe.chars().all(|c| c == '\n' || !c.is_control()));
        assert!(safe.contains("\\u{1b}[2J") && safe.contains("\\u{202e}"));
        assert_eq!(one_line("abc\ndef", 5), "abc …");
        assert_eq!(printable("\ta\u{2028}b", true), "    a\\u{2028}b");
    }
}
