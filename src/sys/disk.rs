//! Room on the disk, and what kind of file system it is.

use std::path::Path;

use super::fs::{FsError, Result};

/// Bytes that this user may still write at `path`.
pub fn free_bytes(path: &Path) -> Result<u64> {
    fs2::available_space(path).map_err(|source| FsError {
        doing: "ask for free space at",
        path: path.to_owned(),
        source,
    })
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
