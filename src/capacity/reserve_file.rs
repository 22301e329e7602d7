//! The reserve: a file that is there only to be let go when the disk is full, so that the queue's state can still be
//! written.
//!
//! Made where a disk becomes scarce and still has enough free; let go by whoever cannot write a state. Any number
//! of processes may do either at once. Invariant: it never takes what is to be kept free.

use std::path::PathBuf;

use crate::domain::capacity::reserve::{DiskSpace, Reserve};
use crate::sys::fs::{self, Result};

#[derive(Clone, Debug)]
pub struct ReserveFile(PathBuf);

impl ReserveFile {
    pub fn at(path: PathBuf) -> ReserveFile {
        ReserveFile(path)
    }

    /// Makes the reserve on its disk where it is worth having and there is enough free for it, besides `spare` bytes
    /// that others may be about to take.
    pub(super) fn keep(&self, disk: &DiskSpace, reserve: &Reserve, spare: u64) -> Result<()> {
        let Some(bytes) = wanted(disk, reserve, spare) else { return Ok(()) };
        if fs::look(&self.0)?.is_none_or(|meta| meta.len() < bytes) {
            fs::allocate(&self.0, bytes)?;
        }
        Ok(())
    }

    /// Lets the reserve go, so that what has to be written can be. False: there was none.
    pub fn release(&self) -> bool {
        // One that cannot be removed is no help.
        fs::unlink(&self.0).unwrap_or(false)
    }
}

/// How large it should be now, where it is to be made.
fn wanted(space: &DiskSpace, reserve: &Reserve, spare: u64) -> Option<u64> {
    let kept = reserve.bytes_of(space.total_bytes);
    let bytes = reserve.file_bytes(space.total_bytes);
    let enough = space.free_bytes >= kept.saturating_add(2 * bytes).saturating_add(spare);
    // On an ample disk nobody needs it.
    (bytes > 0 && enough && !space.is_ample(reserve)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capacity::reserve::Kept;

    #[test]
    fn it_is_made_only_between_scarce_and_too_little() {
        let reserve = Reserve { disk: Kept::Exactly(40 << 20), ..Reserve::DEFAULT };
        let of = |free_bytes, spare| {
            let space = DiskSpace {
                path: PathBuf::from("/d"),
                trees: false,
                free_bytes,
                total_bytes: 1 << 30,
                free_inodes: 0,
                total_inodes: 0,
            };
            wanted(&space, &reserve, spare)
        };
        assert_eq!(of(320 << 20, 0), None, "ample");
        assert_eq!(of(319 << 20, 0), Some(10 << 20));
        assert_eq!(of(60 << 20, 0), Some(10 << 20));
        assert_eq!(of(59 << 20, 0), None, "it would take what is kept");
        assert_eq!(of(69 << 20, 10 << 20), None, "it would take what others are about to");
        assert_eq!(of(70 << 20, 10 << 20), Some(10 << 20));
    }
}
