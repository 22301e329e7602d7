//! The calls that change files: those that the queue's transitions are made of, and plain writing.
//!
//! `link`, `rename` and `unlink` return what the race decided. Nothing here retries.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::libc;

use super::access::FileAccess;
use super::error::{FsError, Result};
use super::read::{is_dir, lstat, open};
use crate::sys::seam::{Call, Op, through};

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
    let call = Call::between(Op::Link, existing, new);
    match through(call, |call| std::fs::hard_link(call.path, call.to.unwrap_or(new))) {
        Ok(()) => Ok(Linked::Made),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Linked::Exists),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Linked::Gone),
        Err(e) => Err(FsError::of("link", new)(e)),
    }
}

/// Moves a name. The caller guarantees that the new name never existed. A missing destination directory
/// is an error, not a lost race.
pub fn rename(old: &Path, new: &Path) -> Result<Renamed> {
    let call = Call::between(Op::Rename, old, new);
    match through(call, |call| std::fs::rename(call.path, call.to.unwrap_or(new))) {
        Ok(()) => Ok(Renamed::Done),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let parent = new.parent().unwrap_or(Path::new("."));
            lstat(parent).map_err(FsError::of("find the directory", parent))?;
            Ok(Renamed::Gone)
        }
        Err(e) => Err(FsError::of("rename", old)(e)),
    }
}

/// Removes a name; false where it was gone already.
pub fn unlink(path: &Path) -> Result<bool> {
    gone_is_false(through(Call::on(Op::Unlink, path), |_| std::fs::remove_file(path)))
        .map_err(FsError::of("remove", path))
}

/// Removes an empty directory; false where it was gone already.
pub fn rmdir(path: &Path) -> Result<bool> {
    gone_is_false(through(Call::on(Op::Rmdir, path), |_| std::fs::remove_dir(path)))
        .map_err(FsError::of("remove the directory", path))
}

/// Removes a directory with all it holds; false where it was gone already. Links are not followed.
pub fn remove_tree(path: &Path) -> Result<bool> {
    gone_is_false(through(Call::on(Op::RemoveTree, path), |_| std::fs::remove_dir_all(path)))
        .map_err(FsError::of("remove", path))
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
    mkdir_for(path, FileAccess::Ours)
}

fn mkdir_for(path: &Path, access: FileAccess) -> Result<bool> {
    match through(Call::on(Op::Mkdir, path), |_| access.mkdir(path)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(FsError::of("make the directory", path)(e)),
    }
}

/// Makes a directory unless it is there; a link or a file in its place is an error.
pub fn mkdir_if_none(path: &Path) -> Result<()> {
    if mkdir(path)? || lstat(path).map_err(FsError::of("look at", path))?.is_dir() {
        return Ok(());
    }
    Err(FsError::of("make the directory", path)(io::Error::from_raw_os_error(libc::ENOTDIR)))
}

/// Makes a directory and its parents, as needed.
pub fn mkdirs(path: &Path) -> Result<()> {
    mkdirs_for(path, FileAccess::Ours)
}

fn mkdirs_for(path: &Path, access: FileAccess) -> Result<()> {
    if is_dir(path) {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        mkdirs_for(parent, access)?;
    }
    if mkdir_for(path, access)? || is_dir(path) {
        return Ok(());
    }
    Err(FsError::of("make the directory", path)(ErrorKind::NotADirectory.into()))
}

/// Makes a directory that only its owner may enter, also where the rest is the group's, and its parents.
pub fn mkdirs_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let make = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    through(Call::on(Op::Mkdir, path), |_| make()).map_err(FsError::of("make the directory", path))
}

/// Opens for appending, made if missing.
pub fn open_append(path: &Path) -> Result<File> {
    let open = || FileAccess::Ours.open(OpenOptions::new().create(true).append(true), path);
    through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("open", path))
}

/// Opens for in-place writing, made if missing, never cut.
pub fn open_in_place(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).write(true).truncate(false);
    let mut open = || FileAccess::Ours.open(&mut options, path);
    through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("open", path))
}

/// Makes a new file for writing; the name must not exist.
pub fn create_new(path: &Path) -> Result<File> {
    let open = || FileAccess::Ours.open(OpenOptions::new().write(true).create_new(true), path);
    through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("make", path))
}

/// Makes a new file with this content that only its owner may read; the name must not exist.
pub fn create_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file =
        through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("make", path))?;
    write_all(&file, path, bytes)
}

/// Writes a whole file, cutting what was there. Not atomic: for files that nobody reads yet.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_synced(path, bytes, false)
}

/// Writes a whole file and, where asked, makes its content durable.
pub fn write_synced(path: &Path, bytes: &[u8], sync: bool) -> Result<()> {
    let open =
        || FileAccess::Ours.open(OpenOptions::new().write(true).create(true).truncate(true), path);
    let file =
        through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("make", path))?;
    write_all(&file, path, bytes)?;
    if sync { sync_file(&file, path) } else { Ok(()) }
}

/// Writes a whole file over what is there, which is never empty in between: for one that several may write, all of
/// them the same.
pub fn write_over(path: &Path, bytes: &[u8], sync: bool) -> Result<()> {
    let file = open_in_place(path)?;
    write_at(&file, path, bytes, 0)?;
    let length = file.metadata().map_err(FsError::of("look at", path))?.len();
    if length > bytes.len() as u64 {
        let cut = || file.set_len(bytes.len() as u64);
        through(Call::on(Op::Truncate, path), |_| cut()).map_err(FsError::of("write", path))?;
    }
    if sync { sync_file(&file, path) } else { Ok(()) }
}

/// Writes to an open file.
pub fn write_all(mut file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    through(Call::write(path, bytes, None), |_| file.write_all(bytes))
        .map_err(FsError::of("write", path))
}

/// Overwrites part of an open file in place.
pub fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> Result<()> {
    through(Call::write(path, bytes, Some(offset)), |_| file.write_all_at(bytes, offset))
        .map_err(FsError::of("write", path))
}

/// Empties an open file.
pub fn cut(file: &File, path: &Path) -> Result<()> {
    through(Call::on(Op::Truncate, path), |_| file.set_len(0)).map_err(FsError::of("write", path))
}

/// Cuts a file to so many bytes; one that is shorter stays as it is.
pub fn shorten(path: &Path, bytes: u64) -> Result<()> {
    let open = FileAccess::Ours.open(OpenOptions::new().write(true), path);
    let file = open.map_err(FsError::of("open", path))?;
    if file.metadata().map_err(FsError::of("look at", path))?.len() <= bytes {
        return Ok(());
    }
    through(Call::on(Op::Truncate, path), |_| file.set_len(bytes))
        .map_err(FsError::of("write", path))
}

/// Makes a file that really takes so many bytes of the disk; one that is longer stays as it is.
pub fn allocate(path: &Path, bytes: u64) -> Result<()> {
    let file = open_in_place(path)?;
    through(Call::on(Op::Truncate, path), |_| fs2::FileExt::allocate(&file, bytes))
        .map_err(FsError::of("allocate", path))
}

/// Makes an open file's content durable.
pub fn sync_file(file: &File, path: &Path) -> Result<()> {
    through(Call::on(Op::Sync, path), |_| file.sync_all()).map_err(FsError::of("sync", path))
}

/// Makes a directory's names durable (or a file's content, by name).
pub fn sync(path: &Path) -> Result<()> {
    sync_file(&open(path)?, path)
}

/// Sets the modification time *of this name* to the file system's now; false where the name is gone.
pub fn touch(path: &Path) -> Result<bool> {
    use nix::sys::stat::{UtimensatFlags, utimensat};
    use nix::sys::time::TimeSpec;
    let now = TimeSpec::UTIME_NOW;
    let flags = UtimensatFlags::NoFollowSymlink;
    let touch = || Ok(utimensat(nix::fcntl::AT_FDCWD, path, &now, &now, flags)?);
    gone_is_false(through(Call::on(Op::Touch, path), |_| touch()))
        .map_err(FsError::of("touch", path))
}

/// Copies a file's content and permissions.
pub fn copy(from: &Path, to: &Path) -> Result<u64> {
    through(Call::between(Op::Copy, from, to), |_| std::fs::copy(from, to))
        .map_err(FsError::of("copy", from))
}

/// Copies a file's content, permissions and time of change: that of an index tells git which files may have changed
/// since it was written without a sign of it.
pub fn copy_with_time(from: &Path, to: &Path) -> Result<u64> {
    let copy = || {
        let time = std::fs::metadata(from)?.modified()?;
        let bytes = std::fs::copy(from, to)?;
        std::fs::File::options().write(true).open(to)?.set_modified(time)?;
        Ok(bytes)
    };
    through(Call::between(Op::Copy, from, to), |_| copy()).map_err(FsError::of("copy", from))
}

/// Makes a symbolic link.
pub fn symlink(target: &Path, path: &Path) -> Result<()> {
    let call = Call::between(Op::Symlink, path, target);
    through(call, |_| std::os::unix::fs::symlink(target, path))
        .map_err(FsError::of("make the link", path))
}

/// Makes a directory and its parents, as needed, with the modes that the umask leaves.
pub fn mkdirs_with_umask(path: &Path) -> Result<()> {
    mkdirs_for(path, FileAccess::Umask)
}

/// Opens for appending, made if missing, with the mode that the umask leaves.
pub fn open_append_with_umask(path: &Path) -> Result<File> {
    let open = || FileAccess::Umask.open(OpenOptions::new().create(true).append(true), path);
    through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("open", path))
}

/// Writes a whole file, cutting what was there; a new one has the mode that the umask leaves.
pub fn write_with_umask(path: &Path, bytes: &[u8]) -> Result<()> {
    let open =
        || FileAccess::Umask.open(OpenOptions::new().write(true).create(true).truncate(true), path);
    let file =
        through(Call::on(Op::Create, path), |_| open()).map_err(FsError::of("make", path))?;
    write_all(&file, path, bytes)
}
