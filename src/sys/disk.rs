//! Free space of file systems, and their kinds; and a small disk of this process's own, in memory, that nobody else sees.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{getegid, geteuid};

use super::fs;
use crate::domain::capacity::reserve::DiskSpace;

/// The file systems of these places (a directory that is to be made later: of the nearest above it), each once;
/// what cannot be asked or written to is left out. `true`: trees are made there.
pub fn spaces(places: &[(PathBuf, bool)]) -> Vec<DiskSpace> {
    let mut found: Vec<(u64, Option<DiskSpace>)> = Vec::new();
    for (path, trees) in places {
        let directory = |path: &Path| std::fs::metadata(path).ok().filter(|meta| meta.is_dir());
        let nearest = path.ancestors().find_map(|dir| Some((dir, directory(dir)?.dev())));
        let Some((path, device)) = nearest else { continue };
        match found.iter_mut().find(|(known, _)| *known == device) {
            Some((_, space)) => space.iter_mut().for_each(|space| space.trees |= trees),
            None => found.push((device, writable_space(path, *trees))),
        }
    }
    found.into_iter().filter_map(|(_, space)| space).collect()
}

fn writable_space(path: &Path, trees: bool) -> Option<DiskSpace> {
    let seen = statvfs(path).ok()?;
    (!seen.flags().contains(FsFlags::ST_RDONLY)).then(|| DiskSpace {
        path: path.to_owned(),
        trees,
        free_bytes: seen.fragment_size() * seen.blocks_available(),
        total_bytes: seen.fragment_size() * seen.blocks(),
        free_inodes: seen.files_available(),
        total_inodes: seen.files(),
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

/// From now on this process (which must have one thread) sees an empty disk of so many bytes at `dir`. It ends with
/// the process. An error: this machine does not let this user.
pub fn own_disk(dir: &Path, bytes: u64) -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() {
        unshare(CloneFlags::CLONE_NEWNS)?;
    } else {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        say("/proc/self/setgroups", "deny")?;
        say("/proc/self/uid_map", &format!("0 {uid} 1"))?;
        say("/proc/self/gid_map", &format!("0 {gid} 1"))?;
    }
    let none: Option<&str> = None;
    // Else the mount would be passed on to everybody.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let size = format!("size={bytes}");
    mount(Some("tmpfs"), dir, Some("tmpfs"), MsFlags::empty(), Some(size.as_str()))?;
    Ok(())
}

/// Lets the disk of [`own_disk`] go before its process ends.
pub fn drop_disk(dir: &Path) -> io::Result<()> {
    Ok(umount2(dir, MntFlags::MNT_DETACH)?)
}

fn say(path: &str, text: &str) -> io::Result<()> {
    fs::write(Path::new(path), text.as_bytes()).map_err(|e| e.source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_found_once_also_by_what_is_to_be_made_on_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let places = [(dir.path().to_owned(), false), (dir.path().join("to/be/made"), true)];
        let found = spaces(&places);
        assert_eq!(found.len(), 1);
        assert!(found[0].trees && found[0].total_bytes >= found[0].free_bytes);
        // No disk at all: it counts nothing, and keeps nobody waiting.
        let proc = spaces(&[(PathBuf::from("/proc"), true)]);
        assert!(proc.iter().all(|space| space.total_bytes == 0 && space.total_inodes == 0));
    }
}
