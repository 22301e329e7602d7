//! Mounts, loop devices and commands. Invariant: what was mounted is unmounted, whatever happens.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disk::{BLOCK, Image};

/// A file system to try.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
    mkfs: &'static [&'static str],
    options: &'static str,
    /// Before it is mounted again.
    fsck: &'static [&'static str],
    /// Whether several copies of one can be mounted at a time.
    pub(crate) copies: bool,
}

pub(crate) const KINDS: [Kind; 4] = [
    Kind {
        name: "ext4",
        bytes: 64 << 20,
        mkfs: &["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0"],
        options: "loop",
        fsck: &[],
        copies: true,
    },
    Kind {
        name: "xfs",
        bytes: 320 << 20,
        mkfs: &["mkfs.xfs", "-q", "-f", "-K"],
        options: "loop,nouuid",
        fsck: &[],
        copies: true,
    },
    Kind {
        name: "btrfs",
        bytes: 160 << 20,
        mkfs: &["mkfs.btrfs", "-q", "-f", "-K"],
        options: "loop",
        fsck: &[],
        copies: false,
    },
    Kind {
        name: "ext4-nojournal",
        bytes: 64 << 20,
        mkfs: &["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "nodiscard,lazy_itable_init=0"],
        options: "loop",
        fsck: &["e2fsck", "-fy"],
        copies: true,
    },
];

impl Kind {
    pub(crate) fn make(&self, device: &Path) {
        run(Command::new(self.mkfs[0]).args(&self.mkfs[1..]).arg(device)).unwrap();
    }

    /// Writes an image to a file and mounts it.
    pub(crate) fn revive(&self, image: &Image, dir: &Path) -> Result<Mounted, String> {
        let path = dir.join("image");
        let file = File::create(&path).unwrap();
        file.set_len(self.bytes).unwrap();
        for (block, bytes) in image {
            file.write_all_at(bytes, block * BLOCK as u64).unwrap();
        }
        if let Some(program) = self.fsck.first() {
            // Its exit code says that it mended something.
            Command::new(program).args(&self.fsck[1..]).arg(&path).output().unwrap();
        }
        if !self.copies {
            // The kernel remembers the device that this file system was on before.
            run(Command::new("btrfs").args(["device", "scan", "--forget"]))?;
        }
        Mounted::new(self.options, &path, &dir.join("mnt"))
    }
}

/// Something mounted.
pub(crate) struct Mounted {
    pub(crate) point: PathBuf,
}

impl Mounted {
    pub(crate) fn new(options: &str, what: &Path, point: &Path) -> Result<Mounted, String> {
        std::fs::create_dir_all(point).unwrap();
        let mut mount = Command::new("mount");
        run(mount.args(["-o", options]).args([what, point]))?;
        Ok(Mounted { point: point.to_owned() })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let umount = |lazy: &[&str]| run(Command::new("umount").args(lazy).arg(&self.point));
        for _ in 0..50 {
            if umount(&[]).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _nothing_left_to_try = umount(&["--lazy"]);
    }
}

/// Runs a command, which has to succeed; what it printed, or why not.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {said}{complained}", output.status))
}
