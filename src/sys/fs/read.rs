//! Looking and reading. Nothing here changes anything, and what is gone is a value where that is usual.

use std::ffi::{OsStr, OsString};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

use super::error::{FsError, Result};
use crate::sys::seam::{Call, Op, through};

/// The path of a neighbour: the same name with this behind it.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The names in a directory, in no order. A missing directory is an error.
pub fn list(path: &Path) -> Result<Vec<OsString>> {
    let names = || std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect();
    through(Call::on(Op::List, path), |_| names()).map_err(FsError::of("list", path))
}

/// As [`list`], a missing directory being an empty one, as is a file in its place.
pub fn list_if_any(path: &Path) -> Result<Vec<OsString>> {
    match list(path) {
        Err(e) if e.not_found() || e.source.kind() == ErrorKind::NotADirectory => Ok(Vec::new()),
        other => other,
    }
}

/// The names in a directory with what each of them is, links not followed.
pub fn list_kinds(path: &Path) -> Result<Vec<(OsString, FileType)>> {
    let names = || {
        let kind = |entry: io::Result<std::fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?))
        };
        std::fs::read_dir(path)?.map(kind).collect()
    };
    through(Call::on(Op::List, path), |_| names()).map_err(FsError::of("list", path))
}

/// Whether the name exists (a dangling link does).
pub fn exists(path: &Path) -> bool {
    lstat(path).is_ok()
}

pub(super) fn lstat(path: &Path) -> io::Result<Metadata> {
    through(Call::on(Op::Look, path), |_| std::fs::symlink_metadata(path))
}

/// What the name itself is, links not followed; `None` where it is gone.
pub fn look(path: &Path) -> Result<Option<Metadata>> {
    match lstat(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FsError::of("look at", path)(e)),
    }
}

/// Whether the name is a symbolic link's.
pub fn is_link(path: &Path) -> bool {
    lstat(path).is_ok_and(|meta| meta.is_symlink())
}

/// Whether there is a directory (links followed).
pub fn is_dir(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// Whether there is a file that this user may execute (links followed).
pub fn is_executable(path: &Path) -> bool {
    let is_file = std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
    is_file && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// Whether this user may write here.
pub fn is_writable(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// The absolute path without links.
pub fn canonical(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).map_err(FsError::of("find", path))
}

/// A whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    through(Call::on(Op::Read, path), |_| std::fs::read(path)).map_err(FsError::of("read", path))
}

/// A whole text, invalid UTF-8 replaced.
pub fn read_text(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

/// A whole file; `None` where it is gone.
pub fn read_if_any(path: &Path) -> Result<Option<Vec<u8>>> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.not_found() => Ok(None),
        Err(e) => Err(e),
    }
}

/// Opens a regular file that anybody may have put there: no link followed, no waiting on a FIFO.
/// `None` where it is gone.
pub fn open_foreign(path: &Path) -> Result<Option<File>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let open = || OpenOptions::new().read(true).custom_flags(flags).open(path);
    match through(Call::on(Op::Open, path), |_| open()) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FsError::of("open", path)(e)),
    }
}

/// A regular file that anybody may have put there, at most so many bytes of it; `None` where it is gone, or is
/// something else under its name.
pub fn read_foreign(path: &Path, max: u64) -> Result<Option<Vec<u8>>> {
    let file = match open_foreign(path) {
        // A symbolic link; a socket.
        Err(e) if matches!(e.source.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => None,
        other => other?,
    };
    let Some(file) = file else { return Ok(None) };
    if !file.metadata().map_err(FsError::of("read", path))?.is_file() {
        return Ok(None);
    }
    let mut bytes = read_up_to(&file, path, max)?;
    bytes.truncate(usize::try_from(max).unwrap_or(usize::MAX));
    Ok(Some(bytes))
}

/// Whether the name is a regular file's, links not followed.
pub fn is_file(path: &Path) -> bool {
    lstat(path).is_ok_and(|meta| meta.is_file())
}

/// Reads an open file up to `max` bytes and one more, so that the caller can tell that there was more.
pub fn read_up_to(file: &File, path: &Path, max: u64) -> Result<Vec<u8>> {
    // Most files here are small: room for them at once saves reads.
    let mut bytes = Vec::with_capacity(4096);
    through(Call::on(Op::Read, path), |_| file.take(max + 1).read_to_end(&mut bytes))
        .map_err(FsError::of("read", path))?;
    Ok(bytes)
}

/// The last bytes of a file, at most `max`; none where it is gone.
pub fn read_tail(path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = match through(Call::on(Op::Open, path), |_| File::open(path)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(FsError::of("read", path))?,
    };
    let length = file.metadata().map_err(FsError::of("read", path))?.len();
    let mut bytes = vec![0; usize::try_from(length.min(max)).unwrap_or(0)];
    let count =
        file.read_at(&mut bytes, length.saturating_sub(max)).map_err(FsError::of("read", path))?;
    bytes.truncate(count);
    Ok(bytes)
}

/// Opens for reading.
pub fn open(path: &Path) -> Result<File> {
    through(Call::on(Op::Open, path), |_| File::open(path)).map_err(FsError::of("open", path))
}

/// Where a symbolic link points.
pub fn read_link(path: &Path) -> Result<PathBuf> {
    std::fs::read_link(path).map_err(FsError::of("read the link", path))
}

/// Modification time, nanoseconds since 1970.
pub fn mtime_ns(meta: &Metadata) -> i128 {
    i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec())
}

/// When the name's file was last changed in any way, nanoseconds since 1970: the kernel alone sets it.
pub fn ctime_ns(meta: &Metadata) -> i128 {
    i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec())
}
/// Whether only its owner may write to it.
pub fn is_private(meta: &Metadata) -> bool {
    meta.mode() & 0o022 == 0
}

/// Device and inode: which file it is, whatever it is called.
pub fn file_id(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// The number of the user whose it is.
pub fn owner(meta: &Metadata) -> u32 {
    meta.uid()
}

/// A name as text, where it is text.
pub fn utf8(name: &OsStr) -> Option<&str> {
    name.to_str()
}
