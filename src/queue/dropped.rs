//! Reading a dropped file under its task's name: whose trouble it is when that does not work.
//!
//! What stands there may be anything that anybody could drop. Invariant: nothing is followed, nothing is waited for.

use std::fs::File;
use std::path::Path;

use super::Result;
use crate::domain::settings::problem::Problem;
use crate::sys::fs;
use crate::sys::settled::{Writers, writers};

/// What a dropped file may hold, bytes; one more is read to see that there is more.
pub const MAX_TASK_BYTES: u64 = 10 * 1024 * 1024;

pub(super) enum DroppedContent {
    Gone,
    /// It is still being written.
    Unsettled,
    /// It is no file, or may not be read.
    Wrong(Problem),
    /// Its content, cut one byte beyond [`MAX_TASK_BYTES`], and the open file.
    Bytes(File, Vec<u8>),
}

/// Reads it.
pub(super) fn read_dropped(path: &Path) -> Result<DroppedContent> {
    let Some(meta) = fs::look(path)? else { return Ok(DroppedContent::Gone) };
    if !meta.is_file() {
        return Ok(DroppedContent::Wrong(not_a_file(&meta)));
    }
    let file = match fs::open_foreign(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(DroppedContent::Gone),
        // A process or a disk in trouble is not the file's fault: it is read again later.
        Err(e) if e.unopenable() => return Ok(DroppedContent::Wrong(unreadable(&e))),
        Err(e) => return Err(e.into()),
    };
    if writers(&file) == Writers::Some {
        return Ok(DroppedContent::Unsettled);
    }
    let bytes = fs::read_up_to(&file, path, MAX_TASK_BYTES)?;
    Ok(DroppedContent::Bytes(file, bytes))
}

fn not_a_file(meta: &std::fs::Metadata) -> Problem {
    use std::os::unix::fs::FileTypeExt;
    let kind = meta.file_type();
    let (what, hint) = match () {
        () if kind.is_symlink() => ("a symbolic link", "drop the file itself: cp or ln, not ln -s"),
        () if kind.is_dir() => ("a directory", "drop its files one by one"),
        () if kind.is_fifo() => ("a FIFO", "write the text to a file"),
        () if kind.is_socket() => ("a socket", "write the text to a file"),
        () => ("a device", "write the text to a file"),
    };
    Problem::new(format!("this is {what}, not a task file")).hint(hint)
}

fn unreadable(e: &fs::FsError) -> Problem {
    Problem::new(format!("it cannot be opened: {}", e.source))
        .hint("make it readable for the user that runs the swarm, then: coordinator retry TASK")
}
