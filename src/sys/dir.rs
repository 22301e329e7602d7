//! A directory held by a descriptor, and names below it that no symbolic link can lead away.
//!
//! Whoever may write in a directory may swap a part of a path while we work on it. Here each directory on the way is
//! opened without following links and held; the last name is used relative to it. Invariant: no call made through
//! [`At::path`] leaves the directory that was opened.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::sys::stat::{Mode, mkdirat};

/// Which directory it is, for as long as the file system exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirId {
    pub inode: u64,
    /// When it was made, nanoseconds since 1970; 0 where the file system does not know.
    pub born_ns: u64,
}

#[derive(Debug)]
pub struct Dir {
    file: File,
}

#[derive(Debug)]
pub enum DirOpening {
    Dir(Dir),
    Nothing,
    /// A symbolic link, or no directory.
    Other,
}

const FLAGS: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Dir {
    /// Opens the directory of this name; a link is not followed in its last component.
    pub fn open(path: &Path) -> io::Result<DirOpening> {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
        match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(file) => Ok(DirOpening::Dir(Dir { file })),
            Err(e) => match e.raw_os_error() {
                Some(libc::ENOENT) => Ok(DirOpening::Nothing),
                Some(libc::ENOTDIR | libc::ELOOP) => Ok(DirOpening::Other),
                _ => Err(e),
            },
        }
    }

    pub fn id(&self) -> io::Result<DirId> {
        let meta = self.file.metadata()?;
        let born = meta.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let born_ns = born.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
        Ok(DirId { inode: meta.ino(), born_ns })
    }

    /// The number of the file system that it is on, as of now.
    pub fn device(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.dev())
    }

    /// A path that leads to this directory and to no other, for as long as it is open.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// Where it is now; `None` where nobody can tell, or it was removed.
    pub fn place(&self) -> Option<PathBuf> {
        let place = std::fs::read_link(self.path()).ok()?;
        (!place.to_string_lossy().ends_with(" (deleted)")).then_some(place)
    }

    /// The name `path` below this directory; with `make` the directories on the way are made. `None` where something
    /// else than a directory is on the way, or nothing.
    pub fn at(&self, path: &Path, make: bool) -> io::Result<Option<At>> {
        let Some(name) = path.file_name() else { return Ok(None) };
        let mut dir = self.file.try_clone()?;
        for part in path.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(part) = part else { return Ok(None) };
            let open = || openat(&dir, part, FLAGS, Mode::empty());
            let mut opened = open();
            if make && matches!(opened, Err(Errno::ENOENT)) {
                match mkdirat(&dir, part, Mode::from_bits_truncate(0o777)) {
                    Ok(()) | Err(Errno::EEXIST) => opened = open(),
                    Err(errno) => return Err(errno.into()),
                }
            }
            match opened {
                Ok(next) => dir = next.into(),
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        }
        let path = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd())).join(name);
        Ok(Some(At { _dir: dir, path }))
    }
}

#[derive(Debug)]
pub struct At {
    _dir: File,
    path: PathBuf,
}

impl At {
    /// For calls that do not follow a link in the last component.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_leads_away() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();
        let DirOpening::Dir(open) = Dir::open(&root).unwrap() else { panic!() };
        for (path, make, there) in [
            ("a/x", false, true),
            ("new/deep/x", true, true),
            ("none/x", false, false),
            ("link/x", false, false),
            ("link/x", true, false),
            ("../x", true, false),
            ("a/../../x", true, false),
        ] {
            assert_eq!(open.at(Path::new(path), make).unwrap().is_some(), there, "{path}");
        }
        let at = open.at(Path::new("a/x"), false).unwrap().unwrap();
        std::fs::rename(root.join("a"), root.join("b")).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("a")).unwrap();
        std::fs::write(at.path(), "text").unwrap();
        assert!(root.join("b/x").exists() && !outside.join("x").exists());
        assert!(matches!(Dir::open(&root.join("link")).unwrap(), DirOpening::Other));
        assert!(matches!(Dir::open(&root.join("none")).unwrap(), DirOpening::Nothing));
    }

    #[test]
    fn a_directory_is_known_again_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::create_dir(&one).unwrap();
        let DirOpening::Dir(open) = Dir::open(&one).unwrap() else { panic!() };
        std::fs::rename(&one, &two).unwrap();
        std::fs::create_dir(&one).unwrap();
        let again = |path: &Path| match Dir::open(path).unwrap() {
            DirOpening::Dir(dir) => dir.id().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(again(&two), open.id().unwrap());
        assert_ne!(again(&one), open.id().unwrap());
        assert_eq!(open.place(), Some(two.canonicalize().unwrap()));
    }
}
