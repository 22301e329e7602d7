//! What a root remembers of its queue: which one it is, and where it lay. It is kept beside the queue, in
//! `.swarmdir/queue-id`, so that a queue that is gone (an unmounted disk, `git clean`) is told from one that never was,
//! and a copy from its original.
//!
//! A queue that was moved is the same; one that was copied is another, and gets an identity of its own before anybody
//! works on it: what bears the original's identity (trees, branches, processes) is not its. Invariant: a queue that was
//! there is never made anew without a word.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::open::{new_id, put_format};
use super::{Queue, QueueError, Result};
use crate::domain::settings::choice::Durability;
use crate::site::Site;
use crate::sys::fs;
use crate::sys::lock::Lock;

/// A queue that was opened by its root.
#[derive(Debug)]
pub struct OpenedQueue {
    pub queue: Queue,
    /// This root had no queue that it knew of.
    pub first: bool,
    /// It was a copy of this one until now.
    pub copy_of: Option<PathBuf>,
}

/// What stands in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct RememberedQueue {
    id: String,
    at: PathBuf,
}

impl Queue {
    /// The queue of a root, for reading.
    pub fn of_root(root: &Path, durability: Durability) -> Result<Queue> {
        let path = Site::at(root).queue();
        match Queue::open(&path, durability) {
            Err(QueueError::Absent { .. }) => {
                refuse_gone(root, &path)?;
                Err(QueueError::Absent { path })
            }
            other => other,
        }
    }

    /// The queue of a root, made where there never was one, and remembered.
    pub fn of_root_or_made(root: &Path, durability: Durability) -> Result<OpenedQueue> {
        let path = Site::at(root).queue();
        if !fs::exists(&Site::at(root).queue_paths().format()) {
            refuse_gone(root, &path)?;
        }
        let queue = Queue::open_or_make(&path, durability)?;
        let memory = Site::at(root).queue_id();
        let known = read(&memory)?;
        let at = fs::canonical(&path)?;
        let now = RememberedQueue { id: queue.id().to_owned(), at };
        let first = known.is_none();
        let Some(known) = known.filter(|known| *known != now) else {
            if first {
                remember(root, &now);
            }
            return Ok(OpenedQueue { queue, first, copy_of: None });
        };
        if !is_copy(&known, &queue) {
            // By another way the same directory is the same queue.
            if known.id != now.id || !same_dir(&known.at, &now.at) {
                remember(root, &now);
            }
            return Ok(OpenedQueue { queue, first, copy_of: None });
        }
        let _held = Lock::take(&memory)?;
        if read(&memory)?.as_ref() == Some(&known) {
            let id = new_id();
            put_format(queue.paths(), &id)?;
            remember(root, &RememberedQueue { id, at: now.at });
        }
        Ok(OpenedQueue { queue: Queue::open(&path, durability)?, first, copy_of: Some(known.at) })
    }
}

/// There was a queue, and is none.
fn refuse_gone(root: &Path, path: &Path) -> Result<()> {
    let memory = Site::at(root).queue_id();
    match fs::exists(&memory) {
        true => Err(QueueError::Gone { path: path.to_owned(), memory }),
        false => Ok(()),
    }
}

/// Where it was known to lie lies another directory with the same identity: that is the original.
fn is_copy(known: &RememberedQueue, queue: &Queue) -> bool {
    let original = Queue::open(&known.at, Durability::Relaxed);
    original.is_ok_and(|original| original.id() == queue.id() && original.place() != queue.place())
}

fn same_dir(one: &Path, other: &Path) -> bool {
    let id = |path| fs::look(path).ok().flatten().map(|meta| fs::file_id(&meta));
    id(one).is_some() && id(one) == id(other)
}

fn read(memory: &Path) -> Result<Option<RememberedQueue>> {
    Ok(fs::read_if_any(memory)?.and_then(|bytes| parse(&bytes)))
}

fn parse(bytes: &[u8]) -> Option<RememberedQueue> {
    let line = bytes.iter().position(|byte| *byte == b'\n')?;
    let id = std::str::from_utf8(bytes[..line].strip_prefix(b"id ")?).ok()?.to_owned();
    let at = bytes[line + 1..].strip_prefix(b"at ")?;
    let at = OsString::from_vec(at.strip_suffix(b"\n").unwrap_or(at).to_vec());
    Some(RememberedQueue { id, at: at.into() })
}

fn shown(known: &RememberedQueue) -> Vec<u8> {
    [b"id ", known.id.as_bytes(), b"\nat ", known.at.as_os_str().as_bytes(), b"\n"].concat()
}

/// Whoever cannot write here is told by `doctor`; the queue is none the worse.
fn remember(root: &Path, known: &RememberedQueue) {
    let memory = Site::at(root).queue_id();
    let staged = memory.with_extension(format!("{:016x}", crate::sys::random::number()));
    let placed = fs::mkdirs(&Site::at(root).state_dir())
        .and_then(|()| fs::write(&staged, &shown(known)))
        .and_then(|()| fs::rename(&staged, &memory).map(drop));
    if placed.is_err() {
        fs::unlink(&staged).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_reads_back_the_same() {
        for at in ["/a/queue", "/with a\nline/queue", "/\u{e4}"] {
            let known = RememberedQueue { id: "0a1b".into(), at: at.into() };
            assert_eq!(parse(&shown(&known)), Some(known));
        }
        let odd = OsString::from_vec(b"/\xff/queue".to_vec());
        let known = RememberedQueue { id: "0".into(), at: odd.into() };
        assert_eq!(parse(&shown(&known)), Some(known));
        for torn in ["", "id 0", "id 0\n", "at /a\nid 0\n"] {
            assert_eq!(parse(torn.as_bytes()), None, "{torn:?}");
        }
    }
}
