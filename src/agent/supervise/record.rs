//! What is kept of an agent's output, and how much it may write.
//!
//! Standard output goes through us; standard error is a file that the agent writes itself, so its size is looked at
//! now and then. Invariant: no more than the limit is left of either.

use std::fs::File;

use crate::agent::job::AttemptFiles;
use crate::agent::supervise::state::Event;
use crate::domain::capacity::shortage::size;
use crate::sys;
use crate::sys::clock::mono_ms;

/// How often the size of its standard error is looked at, milliseconds.
pub(in crate::agent) const LOOK_MS: u64 = 2_000;

/// Keeps the output of one attempt.
pub(in crate::agent) struct Recorder<'a> {
    files: &'a AttemptFiles,
    /// What it may write to each of the two, bytes.
    most: u64,
    /// Made with the first byte: many a plain command never says one.
    events: Option<File>,
    recorded: u64,
    /// What comes is no longer kept.
    over: bool,
    look_again_ms: u64,
}

impl Recorder<'_> {
    pub(in crate::agent) fn new(files: &AttemptFiles, most: Option<u64>) -> Recorder<'_> {
        let most = most.unwrap_or(u64::MAX);
        Recorder { files, most, events: None, recorded: 0, over: false, look_again_ms: 0 }
    }

    /// Keeps raw bytes of its standard output. An event: something has to come of it.
    pub(in crate::agent) fn record(
        &mut self,
        bytes: &[u8],
        notes: &mut Vec<String>,
    ) -> Option<Event> {
        if self.over {
            return None;
        }
        let left = usize::try_from(self.most - self.recorded).unwrap_or(usize::MAX);
        let kept = bytes.len().min(left);
        self.recorded += kept as u64;
        self.over = kept < bytes.len();
        if let Err(error) = self.keep(&bytes[..kept]) {
            // What follows would stand at the wrong place.
            self.over = true;
            notes.push(error.to_string());
            return error.disk_full().then_some(Event::DiskFull);
        }
        if self.over {
            notes.push(format!("only the first {} of its output were kept", size(self.most)));
        }
        self.over.then_some(Event::Runaway)
    }

    fn keep(&mut self, bytes: &[u8]) -> sys::fs::Result<()> {
        let path = &self.files.events;
        let file = match self.events.take() {
            Some(file) => file,
            None => sys::fs::open_append(path)?,
        };
        let written = sys::fs::write_all(&file, path, bytes);
        self.events = Some(file);
        written
    }

    /// Whether its standard error has become too long; asked of the file every [`LOOK_MS`] only.
    pub(in crate::agent) fn stderr_too_long(&mut self) -> bool {
        let now = mono_ms();
        if self.most == u64::MAX || now < self.look_again_ms {
            return false;
        }
        self.look_again_ms = now + LOOK_MS;
        self.stderr_bytes() > self.most
    }

    /// At its end: cuts what is beyond the limit, which it may have written between two looks.
    pub(in crate::agent) fn cut_stderr(&self, notes: &mut Vec<String>) {
        if self.stderr_bytes() > self.most {
            let most = size(self.most);
            notes.push(format!("only the first {most} of its standard error were kept"));
            // A longer file is evidence only.
            drop(sys::fs::shorten(&self.files.stderr, self.most));
        }
    }

    fn stderr_bytes(&self) -> u64 {
        sys::fs::look(&self.files.stderr).ok().flatten().map_or(0, |meta| meta.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_ends_at_the_limit_and_is_told_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        let files = AttemptFiles { events: path("e"), stderr: path("s"), private: path("p") };
        let mut recorder = Recorder::new(&files, Some(10));
        let mut notes = Vec::new();
        assert_eq!(recorder.record(b"12345678", &mut notes), None);
        assert_eq!(recorder.record(b"9012", &mut notes), Some(Event::Runaway));
        assert_eq!(recorder.record(b"x", &mut notes), None);
        assert_eq!(sys::fs::read(&files.events).expect("kept"), b"1234567890");
        sys::fs::write(&files.stderr, b"12345678901").expect("written");
        assert!(recorder.stderr_too_long());
        recorder.cut_stderr(&mut notes);
        assert_eq!(sys::fs::read(&files.stderr).expect("kept"), b"1234567890");
        assert_eq!(notes.len(), 2);
    }

    #[test]
    fn without_a_limit_everything_is_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        let files = AttemptFiles { events: path("e"), stderr: path("s"), private: path("p") };
        let mut recorder = Recorder::new(&files, None);
        assert_eq!(recorder.record(&[b'x'; 5000], &mut Vec::new()), None);
        assert_eq!(recorder.record(&[b'x'; 5000], &mut Vec::new()), None);
        assert_eq!(sys::fs::read(&files.events).expect("kept").len(), 10_000);
        assert!(!recorder.stderr_too_long());
    }
}
