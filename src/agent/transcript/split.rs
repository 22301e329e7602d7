//! Bytes into lines, in bounded memory. Knows nothing of what a line means.

/// A longer line is cut: tool inputs are not cut by the agent, but a file of this size is no input.
pub const MAX_LINE_BYTES: usize = 32 << 20;

/// A buffer that grew beyond this is given back after the line.
const KEEP_BYTES: usize = 1 << 20;

/// Collects bytes until a line is whole.
#[derive(Debug)]
pub struct Splitter {
    partial: Vec<u8>,
    max: usize,
    /// Bytes of the current line that were dropped.
    dropped: u64,
    /// Lines that were cut so far.
    pub cut_lines: u64,
}

impl Default for Splitter {
    fn default() -> Splitter {
        Splitter::new(MAX_LINE_BYTES)
    }
}

impl Splitter {
    /// Lines of at most `max` bytes.
    pub fn new(max: usize) -> Splitter {
        Splitter { partial: Vec::new(), max, dropped: 0, cut_lines: 0 }
    }

    /// Takes bytes and hands out the lines that they end, without the line feed.
    pub fn feed(&mut self, mut bytes: &[u8], line: &mut dyn FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
            if self.partial.is_empty() && self.dropped == 0 && head.len() <= self.max {
                line(head);
            } else {
                self.keep(head);
                self.flush(line);
            }
            bytes = tail;
        }
        self.keep(bytes);
    }

    /// Whether there are bytes of a line that has not ended.
    pub fn unfinished(&self) -> bool {
        !self.partial.is_empty() || self.dropped > 0
    }

    /// Hands out a last line that nothing ended.
    pub fn finish(&mut self, line: &mut dyn FnMut(&[u8])) {
        if !self.partial.is_empty() {
            self.flush(line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.max - self.partial.len().min(self.max);
        let kept = bytes.len().min(room);
        self.partial.extend_from_slice(&bytes[..kept]);
        self.dropped += (bytes.len() - kept) as u64;
    }

    fn flush(&mut self, line: &mut dyn FnMut(&[u8])) {
        self.cut_lines += u64::from(self.dropped > 0);
        self.dropped = 0;
        line(&self.partial);
        self.partial.clear();
        self.partial.shrink_to(KEEP_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(max: usize, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, u64) {
        let mut splitter = Splitter::new(max);
        let mut lines = Vec::new();
        for piece in pieces {
            splitter.feed(piece, &mut |line| lines.push(line.to_vec()));
        }
        splitter.finish(&mut |line| lines.push(line.to_vec()));
        (lines, splitter.cut_lines)
    }

    #[test]
    fn lines_are_put_together_across_reads() {
        let (lines, cut) = split(99, &[b"a\nb", b"c\n\nd", b"e"]);
        assert_eq!(lines, [&b"a"[..], b"bc", b"", b"de"]);
        assert_eq!(cut, 0);
    }

    #[test]
    fn a_long_line_is_cut_and_counted_and_the_next_one_is_whole() {
        let (lines, cut) = split(4, &[b"abcdef", b"ghi\nxy\n", b"123456789\n"]);
        assert_eq!(lines, [&b"abcd"[..], b"xy", b"1234"]);
        assert_eq!(cut, 2);
    }
}
