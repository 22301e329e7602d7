//! What may be shown on a terminal, and what may be a name: said once more, apart from the program that keeps to it.

/// Fails where a text holds anything but lines of plain characters.
#[track_caller]
pub(crate) fn assert_harmless(what: &str, text: &str) {
    let bad = text.chars().find(|ch| *ch != '\n' && obeyed(*ch));
    assert!(bad.is_none(), "{what} holds {:?}: {text:?}", bad.unwrap_or_default());
}

/// Fails where a text is not one harmless line.
#[track_caller]
pub(crate) fn assert_one_line(what: &str, text: &str) {
    assert_harmless(what, text);
    assert!(!text.contains('\n'), "{what} has several lines: {text:?}");
}

/// C0, DEL, C1, and what re-orders or hides its neighbours.
pub(crate) fn obeyed(ch: char) -> bool {
    let number = u32::from(ch);
    let control = number < 0x20 || (0x7f..0xa0).contains(&number);
    let bidi = matches!(number, 0x61c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069);
    let unseen = matches!(number, 0x200b..=0x200d | 0x2028 | 0x2029 | 0x2060..=0x2064 | 0xfeff)
        || (0xe0000..0xe0080).contains(&number);
    control || bidi || unseen
}

/// Whether git takes `refs/heads/NAME`: the rules of git-check-ref-format(1), and no option.
pub(crate) fn is_branch(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let bad = |ch: char| ch.is_ascii_control() || " ~^:?*[\\".contains(ch);
    !name.starts_with('-')
        && name != "@"
        && !name.ends_with('.')
        && !["..", "@{"].iter().any(|bad| name.contains(bad))
        && !name.contains(bad)
        && name.split('/').all(part)
}

/// Whether a text is one path component that nothing takes for an option or for a hidden file.
pub(crate) fn is_component(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !name.is_empty() && name.len() <= 255 && !name.starts_with('-') && name.bytes().all(plain)
}
