//! Files that this process writes and the queue takes up at once.
//!
//! A process that another test is just starting has inherited every descriptor, and holds it until it executes its
//! program: until then the kernel rightly says that the file is still being written.

use std::path::Path;

use swarmdir::sys::settled::{Writers, writers};

use super::deadline::wait_until;

/// Writes a file; when this returns, nobody has it open for writing.
pub(crate) fn write_settled(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::open(path).unwrap();
    wait_until("nobody writes to it", || writers(&file) != Writers::Some);
}
