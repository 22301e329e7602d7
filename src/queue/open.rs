//! Opening and making a queue: its `FORMAT`, its directories, and whether this place can hold it.
//!
//! Device numbers say nothing about bind mounts, so link and rename are tried.

use std::path::{Path, PathBuf};

use super::{Queue, QueueError, Result};
use crate::domain::settings::choice::Durability;
use crate::site::{Dir, QueuePaths};
use crate::sys::fs::{self, FsError, Linked};
use crate::sys::random;

const MAGIC: &str = "swarmdir queue 2";
/// How the files begin with which a place is tried.
pub(super) const PROBE: &str = ".probe-";
/// How the file's name begins that is to become `FORMAT`.
pub(super) const STAGED_FORMAT: &str = "format-";
/// Where they may be left by a process that died.
pub(super) const PROBED: [Dir; 7] =
    [Dir::Workers, Dir::Claims, Dir::Tmp, Dir::Pending, Dir::Blocked, Dir::Ready, Dir::Done];

impl Queue {
    /// Opens an existing queue for reading; nothing is made.
    pub fn open(path: &Path, durability: Durability) -> Result<Queue> {
        let paths = QueuePaths::new(path.to_owned());
        match fs::read_if_any(&paths.format())? {
            Some(bytes) => {
                let id = parse_format(&paths, &bytes)?;
                let place = place_of(&paths)?;
                Ok(Queue { id, place, paths, durability })
            }
            None => Err(QueueError::Absent { path: path.to_owned() }),
        }
    }

    /// Opens a queue, makes what is missing of it, and tries what it needs of the file system.
    pub fn open_or_make(path: &Path, durability: Durability) -> Result<Queue> {
        let paths = QueuePaths::new(path.to_owned());
        // A queue of another version is left as it is.
        if let Some(bytes) = fs::read_if_any(&paths.format())? {
            parse_format(&paths, &bytes)?;
        }
        let above = paths.root().ancestors().filter(|dir| !dir.as_os_str().is_empty());
        let missing: Vec<&Path> = above.take_while(|dir| !fs::is_dir(dir)).collect();
        // The project itself is not ours to shut.
        fs::mkdirs_with_umask(parent_of(paths.root()))?;
        fs::mkdirs(paths.root())?;
        let mut made = !missing.is_empty();
        let mut old = Vec::new();
        for dir in Dir::ALL {
            let path = paths.dir(dir);
            if fs::mkdir(&path)? {
                made = true;
            } else {
                old.push(path);
            }
        }
        if missing.is_empty() {
            old.push(paths.root().to_owned());
        }
        close_to_strangers(&paths, &old);
        probe(&paths).map_err(|source| match source.disk_full() {
            true => QueueError::Fs(source),
            false => QueueError::Unfit { path: path.to_owned(), source },
        })?;
        if !fs::exists(&paths.format()) {
            make_format(&paths)?;
            made = true;
        }
        if made {
            // Whatever is promised in here needs every name that leads to it.
            fs::sync(paths.root())?;
            for dir in missing {
                fs::sync(parent_of(dir))?;
            }
        }
        Queue::open(path, durability)
    }
}

/// Directories that were made when nobody took care of modes, or by other means: who has no business in them is shut
/// out. A group that works in them is not, though nothing says that it may: `doctor` tells of it.
fn close_to_strangers(paths: &QueuePaths, dirs: &[PathBuf]) {
    let amiss: Vec<&PathBuf> =
        dirs.iter().filter(|dir| fs::dir_amiss(dir) != fs::ModeFlaw::default()).collect();
    if amiss.is_empty() {
        return;
    }
    let used = [Dir::Workers, Dir::Pending, Dir::Runs, Dir::Log];
    let group_may = used.into_iter().any(|dir| fs::has_others_in(&paths.dir(dir)));
    amiss.into_iter().for_each(|dir| fs::mend_dir(dir, group_may));
}

/// The queue directory itself, as nobody else is called.
fn place_of(paths: &QueuePaths) -> Result<String> {
    let dir = fs::open(paths.root())?;
    let (device, inode) =
        fs::file_id(&dir.metadata().map_err(QueueError::machine("look at the queue's directory"))?);
    Ok(format!("{device}.{inode}"))
}

/// The first of several makers wins: all read the same identity.
fn make_format(paths: &QueuePaths) -> Result<()> {
    let staged = stage_format(paths, &new_id())?;
    fs::link(&staged, &paths.format())?;
    fs::unlink(&staged)?;
    Ok(())
}

/// Gives the queue another identity.
pub(super) fn put_format(paths: &QueuePaths, id: &str) -> Result<()> {
    let staged = stage_format(paths, id)?;
    // Ours alone until then.
    fs::rename(&staged, &paths.format()).map(drop)?;
    Ok(fs::sync(paths.root())?)
}

fn stage_format(paths: &QueuePaths, id: &str) -> Result<PathBuf> {
    let staged = paths.file(Dir::Tmp, format!("{STAGED_FORMAT}{id}"));
    fs::write_synced(&staged, format!("{MAGIC}\nid {id}\n").as_bytes(), true)?;
    Ok(staged)
}

pub(super) fn new_id() -> String {
    random::bits().iter().map(|b| format!("{b:02x}")).collect()
}

fn parent_of(dir: &Path) -> &Path {
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn parse_format(paths: &QueuePaths, bytes: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let magic = lines.next().unwrap_or_default();
    let id = lines.next().and_then(|line| line.strip_prefix("id "));
    match id {
        Some(id) if magic == MAGIC && !id.is_empty() => Ok(id.to_owned()),
        _ => Err(QueueError::Format {
            path: paths.format(),
            found: crate::domain::text::one_line(&text, 60),
        }),
    }
}

/// Links and renames across the directories that transitions cross. The name is random: where a call finds it
/// made already, that was our own success, whose reply was lost.
fn probe(paths: &QueuePaths) -> fs::Result<()> {
    let name = format!("{PROBE}{:016x}", random::number());
    let at = |dir| paths.file(dir, &name);
    fs::write(&at(Dir::Workers), b"")?;
    let linked = fs::link(&at(Dir::Workers), &at(Dir::Claims));
    fs::unlink(&at(Dir::Claims))?;
    if linked? == Linked::Gone {
        return Err(unexpected("link", at(Dir::Claims)));
    }
    let mut now = at(Dir::Workers);
    for dir in [Dir::Tmp, Dir::Pending, Dir::Blocked, Dir::Ready, Dir::Done] {
        let next = at(dir);
        let renamed = fs::rename(&now, &next);
        if renamed.is_err() {
            fs::unlink(&now)?;
        }
        if renamed? == fs::Renamed::Gone && !fs::list(&paths.dir(dir))?.iter().any(|n| *n == *name)
        {
            return Err(unexpected("rename", next));
        }
        now = next;
    }
    fs::unlink(&now)?;
    Ok(())
}

fn unexpected(doing: &'static str, path: PathBuf) -> FsError {
    FsError {
        doing,
        path,
        source: std::io::Error::other("the call reported an impossible outcome"),
    }
}
