//! The reserve: a file that is there only to be let go when the disk is full, so that the queue's state can still be
//! written.
//!
//! Made where room becomes scarce and there is still enough of it; let go by whoever cannot write a state. Any number
//! of processes may do either at once. Invariant: it never takes what is to be kept free.

use super::{Queue, Result};
use crate::domain::capacity::admission::{Reserve, Space};
use crate::sys::{disk, fs};

impl Queue {
    /// Makes the reserve where it is worth having and there is room for it, besides `spare` bytes that others may be
    /// about to take.
    pub fn keep_reserve(&self, reserve: &Reserve, spare: u64) -> Result<()> {
        let space = disk::space(self.paths().root(), false)?;
        let Some(bytes) = wanted(&space, reserve, spare) else { return Ok(()) };
        let path = self.paths.reserve();
        if fs::look(&path)?.is_none_or(|meta| meta.len() < bytes) {
            fs::allocate(&path, bytes)?;
        }
        Ok(())
    }

    /// Lets the reserve go, so that what has to be written can be. False: there was none.
    pub fn release_reserve(&self) -> Result<bool> {
        Ok(fs::unlink(&self.paths.reserve())?)
    }

    /// Bytes that the reserve holds now.
    pub fn reserve_bytes(&self) -> u64 {
        fs::look(&self.paths.reserve()).ok().flatten().map_or(0, |meta| meta.len())
    }
}

/// How large it should be now, where it is to be made.
fn wanted(space: &Space, reserve: &Reserve, spare: u64) -> Option<u64> {
    let kept = reserve.bytes_of(space.total_bytes);
    let bytes = reserve.file_bytes(space.total_bytes);
    let room = space.free_bytes >= kept.saturating_add(2 * bytes).saturating_add(spare);
    // On an ample disk nobody needs it.
    (bytes > 0 && room && !space.is_ample(reserve)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capacity::admission::Kept;

    #[test]
    fn it_is_made_only_between_scarce_and_too_little() {
        let reserve = Reserve { disk: Kept::Exactly(40 << 20), ..Reserve::DEFAULT };
        let of = |free_bytes, spare| {
            let space = Space {
                path: "/d".into(),
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
