//! A log file that stays bounded, also where several processes write to it: at a size it is renamed, and the next
//! line of each of them begins, or goes on in, the new one.
//!
//! Invariant: no line is lost by turning. Whoever still holds the old file writes a whole line to it, by its new
//! name; only the oldest of [`KEPT`] parts goes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::fs::{self, Result};
use super::lock::Lock;

/// A part is turned away at this size, bytes.
pub const MAX: u64 = 10 << 20;
/// So many older parts are kept.
pub const KEPT: u32 = 3;

#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    max: u64,
    open: Mutex<(File, (u64, u64))>,
}

impl LogFile {
    pub fn open(path: &Path) -> Result<LogFile> {
        LogFile::with_max(path, MAX)
    }

    fn with_max(path: &Path, max: u64) -> Result<LogFile> {
        Ok(LogFile { path: path.to_owned(), max, open: Mutex::new(open(path)?) })
    }

    pub fn line(&self, line: &str) -> Result<()> {
        let mut open_now = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be turned grows, which is better than a line less.
        drop(turn(&self.path, self.max));
        if fs::look(&self.path)?.is_none_or(|meta| fs::file_id(&meta) != open_now.1) {
            *open_now = open(&self.path)?;
        }
        fs::write_all(&open_now.0, &self.path, format!("{line}\n").as_bytes())
    }
}

fn open(path: &Path) -> Result<(File, (u64, u64))> {
    let file = fs::open_append(path)?;
    let id = file.metadata().as_ref().map_or((0, 0), fs::file_id);
    Ok((file, id))
}

/// Renames a log that has become large: `x.log` → `x.log.1` → `x.log.2` …; false where there was nothing to do, or
/// somebody else is at it.
pub fn turn(path: &Path, max: u64) -> Result<bool> {
    let large = || Ok(fs::look(path)?.is_some_and(|meta| meta.len() >= max));
    if !large()? {
        return Ok(false);
    }
    let Some(_held) = Lock::try_take(&part(path, "turn.lock"))? else { return Ok(false) };
    if !large()? {
        return Ok(false);
    }
    fs::unlink(&part(path, &KEPT.to_string()))?;
    for number in (1..KEPT).rev() {
        let older = part(path, &(number + 1).to_string());
        // It need not be there.
        let _ = fs::rename(&part(path, &number.to_string()), &older)?;
    }
    Ok(fs::rename(path, &part(path, "1"))? == fs::Renamed::Done)
}

fn part(path: &Path, suffix: &str) -> PathBuf {
    fs::with_suffix(path, &format!(".{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_writers_lose_no_line_and_the_parts_stay_small() {
        const WRITERS: usize = 4;
        const LINES: usize = 150;
        const MAX: u64 = 4_096;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker.log");
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let path = &path;
                scope.spawn(move || {
                    let talk = LogFile::with_max(path, MAX).unwrap();
                    for line in 0..LINES {
                        talk.line(&format!("writer {writer} line {line:03}")).unwrap();
                    }
                });
            }
        });
        let parts = [part(&path, "3"), part(&path, "2"), part(&path, "1"), path.clone()];
        let texts: Vec<String> =
            parts.iter().map(|part| fs::read_text(part).unwrap_or_default()).collect();
        // 600 lines of 18 bytes are less than the four parts hold: none may be missing.
        let mut lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), WRITERS * LINES);
        assert!(!texts[2].is_empty(), "it was turned");
        // How far a part grows while its turner is kept waiting is the scheduler's affair; the next line ends that.
        LogFile::with_max(&path, MAX).unwrap().line("one more").unwrap();
        assert!(fs::look(&path).unwrap().unwrap().len() < MAX + "one more\n".len() as u64);
    }

    #[test]
    fn only_so_many_parts_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker.log");
        let talk = LogFile::with_max(&path, 100).unwrap();
        for line in 0..200 {
            talk.line(&format!("line {line:05}")).unwrap();
        }
        let mut names = fs::list(dir.path()).unwrap();
        names.sort();
        let kept =
            ["worker.log", "worker.log.1", "worker.log.2", "worker.log.3", "worker.log.turn.lock"];
        assert_eq!(names, kept);
        assert!(fs::read_text(&path).unwrap().ends_with("line 00199\n"));
    }
}
