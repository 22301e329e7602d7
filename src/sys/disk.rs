//! Room on the disks, and what kind of file system it is.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::fs::{self, FsError, Result};
use crate::domain::admission::Space;

/// The file systems of these places (a directory that is to be made later: of the nearest above it), each once;
/// what cannot be asked is left out. `true`: trees are made there.
pub fn spaces(places: &[(PathBuf, bool)]) -> Vec<Space> {
    let mut found: Vec<(u64, Space)> = Vec::new();
    for (path, trees) in places {
        let Some(path) = path.ancestors().find(|dir| fs::is_dir(dir)) else { continue };
        let Ok(device) = std::fs::metadata(path).map(|meta| meta.dev()) else { continue };
        match found.iter_mut().find(|(known, _)| *known == device) {
            Some((_, space)) => space.trees |= trees,
            None => found.extend(space(path, *trees).ok().map(|space| (device, space))),
        }
    }
    found.into_iter().map(|(_, space)| space).collect()
}

/// One file system, by a path on it.
pub fn space(path: &Path, trees: bool) -> Result<Space> {
    let bytes = fs2::statvfs(path).map_err(failed(path))?;
    let inodes = nix::sys::statvfs::statvfs(path).map_err(|e| failed(path)(e.into()))?;
    Ok(Space {
        path: path.to_owned(),
        trees,
        free_bytes: bytes.available_space(),
        total_bytes: bytes.total_space(),
        free_inodes: inodes.files_available(),
        total_inodes: inodes.files(),
    })
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> FsError {
    let path = path.to_owned();
    |source| FsError { doing: "ask for free space at", path, source }
}

/// The file system's name, where it is one that matters to the queue: `nfs`, `fuse`, `fat`, `ext4` …
pub fn kind(path: &Path) -> Option<&'static str> {
    let magic = nix::sys::statfs::statfs(path).ok()?.filesystem_type().0;
    KINDS.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

/// Magic numbers, from statfs(2).
const KINDS: [(i64, &str); 11] = [
    (0x6969, "nfs"),
    (0x6573_5546, "fuse"),
    (0x4d44, "fat"),
    (0xef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0x0102_1994, "tmpfs"),
    (0x794c_7630, "overlay"),
    (0x0102_1997, "9p"),
    (0xff53_4d42, "cifs"),
    (0x2fc1_2fc1, "zfs"),
];
