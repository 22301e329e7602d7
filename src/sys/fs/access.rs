//! Who may read what is made here: its owner, or also the owner's group; whatever the umask.
//!
//! Prompts, transcripts and logs are nobody else's business, so the calls of [`super`] make files and directories
//! of the owner's. What belongs to a checkout, to git or to whoever asked for it is made by the calls that end in
//! `_with_umask`. The umask itself is never changed: it is the agents', too. It knows nothing of queues.
//!
//! Invariant: a private process makes no system call more than one that follows its umask.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;

/// Bits of a mode: all that others may do, and all that the group may.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;
/// What is made in such a directory belongs to the directory's group.
const SETGID: u32 = 0o2000;

static WITH_GROUP: AtomicBool = AtomicBool::new(false);

/// From now on the group may read and write what this process makes (or may not any more).
pub fn share_with_group(shared: bool) {
    WITH_GROUP.store(shared, Ordering::Relaxed);
}

/// Whether the group may.
pub fn is_shared_with_group() -> bool {
    WITH_GROUP.load(Ordering::Relaxed)
}

/// For whom something is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileAccess {
    /// The owner and, where that was asked for, the group.
    Ours,
    /// Whoever the umask leaves.
    Umask,
}

impl FileAccess {
    fn file_mode(self) -> u32 {
        match self {
            FileAccess::Ours if is_shared_with_group() => 0o660,
            FileAccess::Ours => 0o600,
            FileAccess::Umask => 0o666,
        }
    }

    fn dir_mode(self) -> u32 {
        match self {
            FileAccess::Ours if is_shared_with_group() => SETGID | 0o770,
            FileAccess::Ours => 0o700,
            FileAccess::Umask => 0o777,
        }
    }

    /// A umask may have taken the group's bits.
    fn must_be_given(self) -> bool {
        self == FileAccess::Ours && is_shared_with_group()
    }

    /// Opens a file with these options, which may make it.
    pub(super) fn open(self, options: &mut OpenOptions, path: &Path) -> io::Result<File> {
        if self == FileAccess::Ours {
            // Whoever may write beside it could have put a link to a file of the user's there.
            options.custom_flags(libc::O_NOFOLLOW);
        }
        let file = options.mode(self.file_mode()).open(path)?;
        if self.must_be_given() {
            give(&file, self.file_mode());
        }
        Ok(file)
    }

    pub(super) fn mkdir(self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(self.dir_mode() & 0o777).create(path)?;
        if self.must_be_given()
            && let Ok(dir) = open_dir(path)
        {
            give(&dir, self.dir_mode());
        }
        Ok(())
    }
}

/// Adds what is missing of a mode, where this is the owner: somebody else gave what he made himself.
fn give(file: &File, mode: u32) {
    let Ok(meta) = file.metadata() else { return };
    let (now, kinds) = (meta.mode() & 0o7777, meta.is_file() || meta.is_dir());
    if kinds && now & mode != mode && meta.uid() == nix::unistd::geteuid().as_raw() {
        // Where it is refused, `doctor` says so.
        file.set_permissions(Permissions::from_mode(now | mode)).ok();
    }
}

fn open_dir(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(path)
}

/// What of a directory's mode is not as it is wanted here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ModeFlaw {
    /// Others (or the group, with which nothing is shared) may look in there.
    pub open: bool,
    /// The group, with which it is shared, may not work in there.
    pub shut: bool,
}

impl ModeFlaw {
    /// Of a mode; `group_may`: the group's bits are nobody's fault.
    fn of(mode: u32, shared: bool, group_may: bool) -> ModeFlaw {
        let excess = if shared || group_may { OTHERS } else { OTHERS | GROUP };
        ModeFlaw { open: mode & excess != 0, shut: shared && mode & GROUP != GROUP }
    }
}

/// The mode that a directory is to have.
fn mended(mode: u32, shared: bool, group_may: bool) -> u32 {
    match (shared, group_may) {
        (true, _) => (mode & !OTHERS) | GROUP | SETGID,
        (false, true) => mode & !OTHERS,
        (false, false) => mode & !(OTHERS | GROUP),
    }
}

/// What is not as it should be with a directory; nothing where there is none.
pub fn dir_amiss(path: &Path) -> ModeFlaw {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => ModeFlaw::of(meta.mode(), is_shared_with_group(), false),
        Ok(_) | Err(_) => ModeFlaw::default(),
    }
}

/// Whether what is made in this directory belongs to the directory's group.
pub fn is_setgid(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_dir() && meta.mode() & SETGID != 0)
}

/// Whether somebody else owns something in this directory.
pub fn has_others_in(path: &Path) -> bool {
    let me = nix::unistd::geteuid().as_raw();
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).any(|meta| meta.uid() != me)
}

/// Takes from a directory of this user what others may do in it, and gives to the group what it is to have.
/// `group_may`: the group keeps what it has, though nothing is shared with it. What is not ours stays as it is.
pub fn mend_dir(path: &Path, group_may: bool) {
    // Nobody else's directory is reached by a link here: the open one is asked again.
    let Ok(dir) = open_dir(path).or_else(|_| File::open(path)) else { return };
    let Ok(meta) = dir.metadata() else { return };
    let wanted = mended(meta.mode() & 0o7777, is_shared_with_group(), group_may);
    let ours = meta.uid() == nix::unistd::geteuid().as_raw();
    if meta.is_dir() && ours && wanted != meta.mode() & 0o7777 {
        // Where it is refused, `doctor` says so.
        dir.set_permissions(Permissions::from_mode(wanted)).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_mended_and_only_by_what_is_wrong() {
        for (mode, shared, group_may, wanted) in [
            (0o755, false, false, 0o700),
            (0o777, false, false, 0o700),
            (0o775, false, true, 0o770),
            (0o2775, false, true, 0o2770),
            (0o2775, true, false, 0o2770),
            (0o700, true, false, 0o2770),
            (0o2770, true, true, 0o2770),
            (0o1733, false, false, 0o1700),
            (0o500, false, false, 0o500),
        ] {
            assert_eq!(mended(mode, shared, group_may), wanted, "{mode:o}");
            assert_eq!(ModeFlaw::of(wanted, shared, group_may), ModeFlaw::default(), "{mode:o}");
        }
        assert_eq!(ModeFlaw::of(0o750, true, false), ModeFlaw { open: false, shut: true });
        assert_eq!(ModeFlaw::of(0o750, false, false), ModeFlaw { open: true, shut: false });
    }
}
