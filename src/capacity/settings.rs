//! What the workers of a machine agree on: what is kept free of which disks, and where their lock files are.

use std::path::{Path, PathBuf};

use crate::domain::capacity::decision::{
    AvailableMemory, CapacityDecision, CapacitySnapshot, critical, decide,
};
use crate::domain::capacity::reserve::{DiskSpace, Reserve};
use crate::domain::capacity::shortage::Shortage;
use crate::domain::settings::config::Config;
use crate::site::{self, Site};
use crate::sys::fs::{self, Result};
use crate::sys::lock::Lock;
use crate::sys::{clock, disk, memory};

#[derive(Clone, Debug)]
pub struct CapacitySettings {
    pub reserve: Reserve,
    pub(super) repositories: Vec<PathBuf>,
    /// Where work writes, and whether trees are made there; the queue first.
    places: Vec<(PathBuf, bool)>,
    locks: PathBuf,
}

impl CapacitySettings {
    /// Makes the directory of the lock files, while the disk has space for it.
    pub fn of(config: &Config) -> CapacitySettings {
        let locks = Site::at(&config.root).locks();
        // Without the directory no lock can be taken, and nobody waits for one.
        fs::mkdirs(&locks).ok();
        CapacitySettings::to_look(config, locks)
    }

    /// For who only looks: nothing is made.
    pub fn read_only(config: &Config) -> CapacitySettings {
        CapacitySettings::to_look(config, PathBuf::new())
    }

    fn to_look(config: &Config, locks: PathBuf) -> CapacitySettings {
        CapacitySettings {
            reserve: config.reserve,
            repositories: config.repositories(),
            places: site::disk_places(config),
            locks,
        }
    }

    /// The file systems that work under these settings writes to.
    pub fn disks(&self) -> Vec<DiskSpace> {
        disk::spaces(&self.places)
    }

    /// The file system of the queue, among these.
    pub(super) fn queue_disk<'a>(&self, disks: &'a [DiskSpace]) -> Option<&'a DiskSpace> {
        let queue = self.places.first().map(|(path, _)| path.as_path());
        disks.iter().find(|disk| Some(disk.path.as_path()) == queue)
    }

    /// The memory that is available to this process.
    pub fn memory() -> Option<AvailableMemory> {
        memory::available()
    }

    /// The disk that has less than is kept free, if there is one.
    pub fn short_of_disk(&self) -> Option<Shortage> {
        let seen = CapacitySnapshot { spaces: self.disks(), ..CapacitySnapshot::default() };
        match decide(&seen, &self.reserve) {
            CapacityDecision::Wait(short) => Some(short),
            CapacityDecision::Admit { .. } | CapacityDecision::Reuse(_) => None,
        }
    }

    /// The disk that is so nearly full that running agents have to be parked.
    pub(super) fn nearly_full_disk(&self) -> Option<Shortage> {
        critical(&self.disks(), &self.reserve)
    }

    /// A lock file of this machine's workers.
    pub(super) fn lock_file(&self, name: &str) -> PathBuf {
        self.locks.join(name)
    }
}

/// How long ago a file was touched; `None` where it is missing, or was touched in what the clock calls the future.
pub(super) fn touched_ms_ago(path: &Path) -> Option<u64> {
    let meta = fs::look(path).ok()??;
    let touched_ms = u64::try_from(fs::mtime_ns(&meta) / 1_000_000).ok()?;
    clock::now().0.checked_sub(touched_ms)
}

/// Between two agents that are parked, milliseconds: the first may have been the one that fills the disk.
const RELIEF_MS: u64 = 5_000;
/// The lock of those who park.
const RELIEF: &str = "relief";

impl CapacitySettings {
    /// Whether this worker's agent is the one to be parked now, and for want of what. It looks at the disks at each
    /// heartbeat, and tries the lock only where one is nearly full.
    pub fn take_relief_turn(&self) -> Option<Shortage> {
        let short = self.nearly_full_disk()?;
        let file = self.lock_file(RELIEF);
        let _turn = Lock::try_take(&file).ok()??;
        if touched_ms_ago(&file).is_some_and(|age_ms| age_ms < RELIEF_MS) {
            return None;
        }
        // If it cannot be touched, the next one is parked sooner.
        fs::touch(&file).ok();
        Some(short)
    }

    /// Makes the lock file while there is space for it, long before it is needed.
    pub fn prepare_relief(&self) {
        drop(Lock::try_take(&self.lock_file(RELIEF)));
    }
}

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
