//! What is kept free of disks and memory, and how much of a file system is left.

use std::path::PathBuf;

/// What is kept free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserve {
    /// Bytes of each file system.
    pub disk: Kept,
    /// Inodes of each file system.
    pub inodes: Kept,
    /// Bytes of memory that must be available before one more agent starts; 0: any.
    pub memory_bytes: u64,
}

/// How much of a file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// A share of it, with a limit: see [`Reserve::bytes_of`] and [`Reserve::inodes_of`].
    Auto,
    /// So much; 0: nothing is kept.
    Exactly(u64),
}

impl Reserve {
    /// A gibibyte, or a twentieth of a small disk; one inode in fifty; what the real agent needs, with room to spare.
    pub const DEFAULT: Reserve =
        Reserve { disk: Kept::Auto, inodes: Kept::Auto, memory_bytes: 512 << 20 };

    /// Bytes kept free of a file system of this size.
    pub fn bytes_of(&self, total: u64) -> u64 {
        self.disk.of(total / 20, 1 << 30)
    }

    /// Inodes kept free of a file system that has so many.
    pub fn inodes_of(&self, total: u64) -> u64 {
        self.inodes.of(total / 50, 100_000)
    }

    /// How large the file is that keeps the queue writable on a file system of this size.
    pub fn file_bytes(&self, total: u64) -> u64 {
        (self.bytes_of(total) / 4).min(16 << 20)
    }
}

impl Kept {
    fn of(self, share: u64, most: u64) -> u64 {
        match self {
            Kept::Auto => share.min(most),
            Kept::Exactly(amount) => amount,
        }
    }
}

/// One file system that is written to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskSpace {
    /// A path on it, for people.
    pub path: PathBuf,
    /// New trees are made on it.
    pub trees: bool,
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Its size, bytes.
    pub total_bytes: u64,
    /// Inodes that this user may still make.
    pub free_inodes: u64,
    /// All its inodes; 0 where it counts none (btrfs).
    pub total_inodes: u64,
}

/// Up to so many times what is kept free a disk is scarce.
const SCARCE: u64 = 8;

impl DiskSpace {
    /// Whether so much is free that nobody has to care.
    pub fn is_ample(&self, reserve: &Reserve) -> bool {
        let bytes = reserve.bytes_of(self.total_bytes).saturating_mul(SCARCE);
        let inodes = reserve.inodes_of(self.total_inodes).saturating_mul(SCARCE);
        self.free_bytes >= bytes && (self.total_inodes == 0 || self.free_inodes >= inodes)
    }
}
