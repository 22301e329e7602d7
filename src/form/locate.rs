//! From a byte offset to the line and column that an editor shows.
//!
//! Only the line feed ends a line here; a carriage return before it belongs to the line's end.

/// The 1-based line and column (in characters; of broken UTF-8, in what it would be shown as) of an offset.
pub fn line_and_column(bytes: &[u8], offset: usize) -> (u32, u32) {
    let before = &bytes[..offset.min(bytes.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count();
    (small(line + 1), small(column + 1))
}

/// The same for many offsets of one text: linear in the text as long as the offsets ascend.
pub struct Locator<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Locator<'a> {
    pub fn new(text: &'a str) -> Locator<'a> {
        Locator { text, offset: 0, line: 1, column: 1 }
    }

    /// The 1-based line and column of an offset.
    pub fn at(&mut self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        if offset < self.offset {
            *self = Locator::new(self.text);
        }
        for byte in &self.text.as_bytes()[self.offset..offset] {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // continuation bytes add nothing to what is seen
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
        }
        self.offset = offset;
        (small(self.line), small(self.column))
    }
}

/// A file that people write has no four billion lines; one that has gets the last number.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agree_on_where_a_byte_is() {
        let text = "ab\r\nüx\n\nz";
        let mut locator = Locator::new(text);
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(locator.at(offset), line_and_column(text.as_bytes(), offset), "{offset}");
        }
        assert_eq!(locator.at(6), (2, 2));
        assert_eq!(line_and_column(b"a\xffb", 2), (1, 3));
    }
}
