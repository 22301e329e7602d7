//! A small disk of this process's own, in memory, that nobody else sees.

use std::io;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::fs;

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
