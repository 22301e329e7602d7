//! Reading below a directory that others write to: whatever its links say, nothing outside of it is opened.
//!
//! The kernel decides where a path leads (`openat2`), so nothing can be swapped between a look and the reading. Where it
//! does not know that call, the path is resolved first, which is as good as long as nobody changes the directory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::error::{FsError, Result};
use super::read::{canonical, open_foreign, read_up_to};
use crate::sys::seam::{Call, Op, through};

/// A directory, held open: whatever its path means later, it is this one.
#[derive(Debug)]
pub struct ConfinedDir {
    path: PathBuf,
    dir: File,
}

/// The beginning of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileStart {
    /// At most as many bytes as were asked for.
    pub bytes: Vec<u8>,
    /// There are more.
    pub more: bool,
}

impl ConfinedDir {
    /// Opens a directory.
    pub fn open(path: &Path) -> Result<ConfinedDir> {
        let dir = through(Call::on(Op::Open, path), |_| File::open(path));
        Ok(ConfinedDir { path: path.to_owned(), dir: dir.map_err(FsError::of("open", path))? })
    }

    /// The beginning of the regular file that a relative path names below it, links that stay within followed; `None`
    /// where there is none, or it lies elsewhere.
    pub fn read(&self, path: &Path, max: u64) -> Result<Option<FileStart>> {
        let whole = self.path.join(path);
        let file = match through(Call::on(Op::Open, &whole), |_| self.file(path)) {
            Ok(file) => file,
            Err(e) if is_elsewhere(&e) => return Ok(None),
            Err(e) if matches!(e.raw_os_error(), Some(nix::libc::ENOSYS | nix::libc::EPERM)) => {
                match resolved(&self.path, &whole)? {
                    Some(file) => file,
                    None => return Ok(None),
                }
            }
            Err(e) => return Err(FsError::of("open", &whole)(e)),
        };
        if !file.metadata().map_err(FsError::of("read", &whole))?.is_file() {
            return Ok(None);
        }
        let mut bytes = read_up_to(&file, &whole, max)?;
        let most = usize::try_from(max).unwrap_or(usize::MAX);
        let more = bytes.len() > most;
        bytes.truncate(most);
        Ok(Some(FileStart { bytes, more }))
    }

    fn file(&self, path: &Path) -> io::Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let within = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let how = OpenHow::new().flags(flags).resolve(within);
        Ok(File::from(openat2(&self.dir, path, how)?))
    }
}

/// It is not there, leads out of the directory, or is nothing that can be read.
fn is_elsewhere(error: &io::Error) -> bool {
    let gone = [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind());
    let outside = [Errno::EXDEV, Errno::ELOOP, Errno::ENXIO, Errno::EACCES, Errno::ENAMETOOLONG];
    gone || outside.iter().any(|errno| error.raw_os_error() == Some(*errno as i32))
}

fn resolved(dir: &Path, whole: &Path) -> Result<Option<File>> {
    let Ok(real) = canonical(whole) else { return Ok(None) };
    if real.starts_with(canonical(dir)?) { open_foreign(&real) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::super::change::{mkdirs, symlink, write};
    use super::*;

    #[test]
    fn what_lies_below_is_read_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let tree = dir.path().join("tree");
        mkdirs(&tree.join("sub")).expect("made");
        write(&dir.path().join("outside"), b"OUT").expect("written");
        write(&tree.join("file"), b"12345").expect("written");
        let link = |target: &str, name: &str| {
            symlink(Path::new(target), &tree.join(name)).expect("linked");
        };
        link("../file", "sub/inside");
        link("../outside", "up");
        link(dir.path().join("outside").to_str().expect("text"), "absolute");
        link("..", "above");
        link("loop", "loop");
        link("/proc/self/root", "root");
        nix::unistd::mkfifo(&tree.join("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("made");
        let below = ConfinedDir::open(&tree).expect("open");
        let read = |path: &str| below.read(Path::new(path), 4).expect("no error");
        let whole = |bytes: &[u8], more| Some(FileStart { bytes: bytes.to_vec(), more });
        assert_eq!(read("file"), whole(b"1234", true));
        assert_eq!(read("sub/inside"), whole(b"1234", true));
        assert_eq!(read("sub/../file"), whole(b"1234", true));
        for outside in [
            "up",
            "absolute",
            "above/outside",
            "loop",
            "root/etc/passwd",
            "../outside",
            "fifo",
            "sub",
            "none",
            "file/x",
        ] {
            assert_eq!(read(outside), None, "{outside}");
        }
        let by_name = |path: &str| resolved(&tree, &tree.join(path)).expect("no error").is_some();
        assert!(
            by_name("sub/inside") && !by_name("up") && !by_name("absolute") && !by_name("none")
        );
    }
}
