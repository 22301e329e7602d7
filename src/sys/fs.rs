//! Files: the calls that the queue's transitions are made of, and plain reading and writing.
//!
//! `link`, `rename` and `unlink` return what the race decided. Nothing here retries, and nothing follows
//! a symbolic link in the last component of a name that somebody else may have made, unless it says so.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

/// What was tried, on which path, and what the system said.
#[derive(Debug)]
pub struct FsError {
    /// The verb: `rename`, `read` …
    pub doing: &'static str,
    /// The (first) path.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl FsError {
    fn of(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FsError {
        let path = path.to_owned();
        move |source| FsError { doing, path, source }
    }

    /// No room: `ENOSPC` or a quota.
    pub fn disk_full(&self) -> bool {
        matches!(self.source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
    }

    /// The name does not exist.
    pub fn not_found(&self) -> bool {
        self.source.kind() == ErrorKind::NotFound
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {:?}: {}", self.doing, self.path, self.source)
    }
}

impl std::error::Error for FsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The usual result here.
pub type Result<T> = std::result::Result<T, FsError>;

/// What `link(2)` decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linked {
    /// The new name is ours.
    Made,
    /// The name exists already (or a reply of ours was lost: look whose it is).
    Exists,
    /// The file to link is gone.
    Gone,
}

/// What `rename(2)` decided.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Renamed {
    /// It bears the new name.
    Done,
    /// The old name is gone (or a reply of ours was lost: look for the new name by listing).
    Gone,
}

/// Makes a second name for a file.
pub fn link(existing: &Path, new: &Path) -> Result<Linked> {
    match std::fs::hard_link(existing, new) {
        Ok(()) => Ok(Linked::Made),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Linked::Exists),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Linked::Gone),
        Err(e) => Err(FsError::of("link", new)(e)),
    }
}

/// Moves a name. The caller guarantees that the new name never existed. A missing destination directory
/// is an error, not a lost race.
pub fn rename(old: &Path, new: &Path) -> Result<Renamed> {
    match std::fs::rename(old, new) {
        Ok(()) => Ok(Renamed::Done),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let parent = new.parent().unwrap_or(Path::new("."));
            std::fs::symlink_metadata(parent).map_err(FsError::of("find the directory", parent))?;
            Ok(Renamed::Gone)
        }
        Err(e) => Err(FsError::of("rename", old)(e)),
    }
}

/// Removes a name; false where it was gone already.
pub fn unlink(path: &Path) -> Result<bool> {
    gone_is_false(std::fs::remove_file(path)).map_err(FsError::of("remove", path))
}

/// Removes an empty directory; false where it was gone already.
pub fn rmdir(path: &Path) -> Result<bool> {
    gone_is_false(std::fs::remove_dir(path)).map_err(FsError::of("remove the directory", path))
}

/// Removes a directory with all it holds; false where it was gone already. Links are not followed.
pub fn remove_tree(path: &Path) -> Result<bool> {
    gone_is_false(std::fs::remove_dir_all(path)).map_err(FsError::of("remove", path))
}

fn gone_is_false(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Makes a directory; false where the name existed already.
pub fn mkdir(path: &Path) -> Result<bool> {
    match std::fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(FsError::of("make the directory", path)(e)),
    }
}

/// Makes a directory and its parents, as needed.
pub fn mkdirs(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(FsError::of("make the directory", path))
}

/// Makes a directory that only its owner may enter, and its parents.
pub fn mkdirs_private(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FsError::of("make the directory", path))
}

/// The names in a directory, in no order. A missing directory is an error.
pub fn list(path: &Path) -> Result<Vec<OsString>> {
    std::fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .map_err(FsError::of("list", path))
}

/// As [`list`], a missing directory being an empty one.
pub fn list_if_any(path: &Path) -> Result<Vec<OsString>> {
    match list(path) {
        Err(e) if e.not_found() => Ok(Vec::new()),
        other => other,
    }
}

/// Whether the name exists (a dangling link does).
pub fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// What the name itself is, links not followed; `None` where it is gone.
pub fn look(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FsError::of("look at", path)(e)),
    }
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
    std::fs::read(path).map_err(FsError::of("read", path))
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
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FsError::of("open", path)(e)),
    }
}

/// Reads an open file up to `max` bytes and one more, so that the caller can tell that there was more.
pub fn read_up_to(file: &File, path: &Path, max: u64) -> Result<Vec<u8>> {
    // Most files here are small: room for them at once saves reads.
    let mut bytes = Vec::with_capacity(4096);
    file.take(max + 1).read_to_end(&mut bytes).map_err(FsError::of("read", path))?;
    Ok(bytes)
}

/// The last bytes of a file, at most `max`; none where it is gone.
pub fn read_tail(path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = match File::open(path) {
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
    File::open(path).map_err(FsError::of("open", path))
}

/// Opens for appending, made if missing.
pub fn open_append(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path).map_err(FsError::of("open", path))
}

/// Opens for in-place writing, made if missing, never cut.
pub fn open_in_place(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(FsError::of("open", path))
}

/// Makes a new file for writing; the name must not exist.
pub fn create_new(path: &Path) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(FsError::of("make", path))
}

/// Writes a whole file, cutting what was there. Not atomic: for files that nobody reads yet.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(FsError::of("write", path))
}

/// Writes a whole file and, where asked, makes its content durable.
pub fn write_synced(path: &Path, bytes: &[u8], sync: bool) -> Result<()> {
    let file = File::create(path).map_err(FsError::of("make", path))?;
    write_all(&file, path, bytes)?;
    if sync { sync_file(&file, path) } else { Ok(()) }
}

/// Writes to an open file.
pub fn write_all(mut file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes).map_err(FsError::of("write", path))
}

/// Overwrites part of an open file in place.
pub fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> Result<()> {
    file.write_all_at(bytes, offset).map_err(FsError::of("write", path))
}

/// Makes an open file's content durable.
pub fn sync_file(file: &File, path: &Path) -> Result<()> {
    file.sync_all().map_err(FsError::of("sync", path))
}

/// Makes a directory's names durable (or a file's content, by name).
pub fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(FsError::of("sync", path))
}

/// Sets the modification time *of this name* to the file system's now; false where the name is gone.
pub fn touch(path: &Path) -> Result<bool> {
    use nix::sys::stat::{UtimensatFlags, utimensat};
    use nix::sys::time::TimeSpec;
    let now = TimeSpec::UTIME_NOW;
    match utimensat(nix::fcntl::AT_FDCWD, path, &now, &now, UtimensatFlags::NoFollowSymlink) {
        Ok(()) => Ok(true),
        Err(nix::errno::Errno::ENOENT) => Ok(false),
        Err(e) => Err(FsError::of("touch", path)(e.into())),
    }
}

/// Copies a file's content and permissions.
pub fn copy(from: &Path, to: &Path) -> Result<u64> {
    std::fs::copy(from, to).map_err(FsError::of("copy", from))
}

/// Makes a symbolic link.
pub fn symlink(target: &Path, path: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, path).map_err(FsError::of("make the link", path))
}

/// Where a symbolic link points.
pub fn read_link(path: &Path) -> Result<PathBuf> {
    std::fs::read_link(path).map_err(FsError::of("read the link", path))
}

/// Modification time, nanoseconds since 1970.
pub fn mtime_ns(meta: &Metadata) -> i128 {
    i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec())
}

/// Device and inode: which file it is, whatever it is called.
pub fn file_id(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// A name as text, where it is text.
pub fn utf8(name: &OsStr) -> Option<&str> {
    name.to_str()
}
