//! The reserve: a file that is there only to be let go when the disk is full, so that the queue's state can still be
//! written.
//!
//! Made where room becomes scarce and there is still enough of it; let go by whoever cannot write a state. Any number
//! of processes may do either at once. Invariant: it never takes what is to be kept free.

use std::path::PathBuf;

use super::{Dir, Queue, Result};
use crate::domain::admission::{Reserve, Space};
use crate::sys::{disk, fs};

/// Its name in `tmp/`.
const NAME: &str = ".reserve";
/// It is made once less than so many times what is kept free is free: on an ample disk nobody needs it.
const SCARCE: u64 = 8;

impl Queue {
    /// Makes the reserve where it is worth having and there is room for it.
    pub fn keep_reserve(&self, reserve: &Reserve) -> Result<()> {
        let space = disk::space(self.layout().root(), false)?;
        let Some(bytes) = wanted(&space, reserve) else { return Ok(()) };
        let path = self.reserve_file();
        if fs::look(&path)?.is_none_or(|meta| meta.len() < bytes) {
            fs::allocate(&path, bytes)?;
        }
        Ok(())
    }

    /// Lets the reserve go, so that what has to be written can be. False: there was none.
    pub fn release_reserve(&self) -> Result<bool> {
        Ok(fs::unlink(&self.reserve_file())?)
    }

    /// Bytes that the reserve holds now.
    pub fn reserve_bytes(&self) -> u64 {
        fs::look(&self.reserve_file()).ok().flatten().map_or(0, |meta| meta.len())
    }

    fn reserve_file(&self) -> PathBuf {
        self.layout().file(Dir::Tmp, NAME)
    }
}

/// How large it should be now, where it is to be made.
fn wanted(space: &Space, reserve: &Reserve) -> Option<u64> {
    let kept = reserve.bytes_of(space.total_bytes);
    let bytes = reserve.file_bytes(space.total_bytes);
    let ample = space.free_bytes >= kept.saturating_mul(SCARCE);
    let room = space.free_bytes >= kept.saturating_add(2 * bytes);
    (bytes > 0 && room && !ample).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::admission::Kept;

    #[test]
    fn it_is_made_only_between_scarce_and_too_little() {
        let reserve = Reserve { disk: Kept::Exactly(40 << 20), ..Reserve::DEFAULT };
        let of = |free_bytes| {
            let space = Space {
                path: PathBuf::from("/d"),
                trees: false,
                free_bytes,
                total_bytes: 1 << 30,
                free_inodes: 0,
                total_inodes: 0,
            };
            wanted(&space, &reserve)
        };
        assert_eq!(of(320 << 20), None, "ample");
        assert_eq!(of(319 << 20), Some(10 << 20));
        assert_eq!(of(60 << 20), Some(10 << 20));
        assert_eq!(of(59 << 20), None, "it would take what is kept");
    }
}
