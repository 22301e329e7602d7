//! A file system of its own on a loop device, whose power can be cut.
//!
//! Invariant: whatever becomes of a test, its mount and its loop device are gone after it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;

use crate::support::deadline::wait_until;

/// `FS_IOC_SHUTDOWN`: the file system forgets what it has not written, at once.
const SHUTDOWN: u64 = 0x8004_587d;
/// Without writing out its journal first.
const NO_LOG_FLUSH: u32 = 2;

/// A file system that can lose power.
pub(crate) struct Mount {
    _dir: tempfile::TempDir,
    device: String,
    point: PathBuf,
    mounted: bool,
}

/// Runs a command of the system, which has to succeed; what it said, or why not.
fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).output();
    let output = output.map_err(|e| format!("{program}: {e}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(said)
    } else {
        Err(format!("{program} {args:?}: {complained}"))
    }
}

impl Mount {
    /// A fresh one of this kind; or what is missing for it.
    pub(crate) fn new(kind: &str) -> Result<Mount, String> {
        // xfs wants that much; nothing of it is written.
        Mount::made(kind, 320 << 20, &[])
    }

    /// One of so many bytes, made with these further arguments.
    pub(crate) fn made(kind: &str, bytes: u64, more: &[&str]) -> Result<Mount, String> {
        let dir = super::scratch();
        let image = dir.path().join("disk");
        File::create(&image).and_then(|file| file.set_len(bytes)).unwrap();
        let args = [&["-q"], more, &[image.to_str().unwrap()]].concat();
        run(&format!("mkfs.{kind}"), &args)?;
        let point = dir.path().join("mnt");
        std::fs::create_dir(&point).unwrap();
        let device = run("losetup", &["--find", "--show", image.to_str().unwrap()])?;
        let mut mount = Mount { _dir: dir, device, point, mounted: false };
        mount.mount()?;
        Ok(mount)
    }

    pub(crate) fn point(&self) -> &Path {
        &self.point
    }

    /// Everything so far is on the disk.
    pub(crate) fn settle(&self) {
        run("sync", &["--file-system", self.point.to_str().unwrap()]).unwrap();
    }

    /// The power goes, and comes back.
    pub(crate) fn cut(&mut self) {
        let root = File::open(&self.point).unwrap();
        // SAFETY: the call reads one u32 through the pointer, which outlives it.
        #[expect(unsafe_code, reason = "nobody else has this call")]
        let answer = unsafe { libc::ioctl(root.as_raw_fd(), SHUTDOWN as _, &NO_LOG_FLUSH) };
        assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
        drop(root);
        // Another test's process that was made while this was open has it until it executes its program.
        wait_until("nobody has the file system open", || {
            run("umount", &[self.point.to_str().unwrap()]).is_ok()
        });
        self.mounted = false;
        self.mount().unwrap();
    }

    fn mount(&mut self) -> Result<(), String> {
        run("mount", &[&self.device, self.point.to_str().unwrap()])?;
        self.mounted = true;
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let point = self.point.to_str().unwrap_or_default();
        if self.mounted {
            let _lazily_where_it_is_busy =
                run("umount", &[point]).or_else(|_| run("umount", &["--lazy", point]));
        }
        let _nothing_left_to_do = run("losetup", &["--detach", &self.device]);
    }
}
