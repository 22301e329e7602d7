//! Whether there is room for one more agent: disk, inodes and memory against what is kept free.
//!
//! Pure: a [`Snapshot`] of the machine goes in, a [`Verdict`] comes out, with the words for people. Stateless, so
//! that whoever looks (a worker, `status`, `doctor`) comes to the same. Invariant: what is off, or what a file
//! system does not count, never keeps anybody waiting.

use serde::{Deserialize, Serialize};

use std::fmt;
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

/// What something takes of a file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Need {
    /// Bytes, whole blocks.
    pub bytes: u64,
    /// Files and directories.
    pub inodes: u64,
}

/// One file system that is written to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Space {
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

/// There is ample room where so many times as many workers would find some: more do not come while one tree is made.
const AMPLE: u64 = 4;
/// Up to so many times what is kept free a disk is scarce.
const SCARCE: u64 = 8;

impl Space {
    /// Whether so much is free that nobody has to care.
    pub fn is_ample(&self, reserve: &Reserve) -> bool {
        let bytes = reserve.bytes_of(self.total_bytes).saturating_mul(SCARCE);
        let inodes = reserve.inodes_of(self.total_inodes).saturating_mul(SCARCE);
        self.free_bytes >= bytes && (self.total_inodes == 0 || self.free_inodes >= inodes)
    }
}

/// Memory as a worker finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes.
    pub available: u64,
    /// Whose limit is the nearest: `this machine`, or a control group.
    pub of: String,
}

/// Everything that the decision is made from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// Each file system once.
    pub spaces: Vec<Space>,
    /// `None`: this system does not say.
    pub memory: Option<Memory>,
    /// What a new tree takes.
    pub tree: Need,
    /// So many workers may decide at this very moment, at least this one.
    pub workers: u64,
    /// So many agents run, or are about to.
    pub claims: u64,
}

/// What is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Bytes of a file system.
    Disk,
    /// Inodes of a file system.
    Inodes,
    /// Memory.
    Memory,
}

impl What {
    /// The word in journals and JSON.
    pub fn word(self) -> &'static str {
        match self {
            What::Disk => "disk",
            What::Inodes => "inodes",
            What::Memory => "memory",
        }
    }
}

/// A shortage, with its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Short {
    /// Of what.
    pub what: What,
    /// Where: a path, or whose memory.
    pub place: String,
    /// What there is.
    pub have: u64,
    /// What there must be: what is kept, and on top of it what a new tree takes.
    pub need: u64,
    /// The part of it that a new tree takes.
    pub tree: u64,
}

/// The decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A task may be claimed. `alone`: not with another worker at the same time, since for the trees of all of them at
    /// once this would not suffice.
    Admit {
        /// What would not suffice.
        alone: Option<What>,
        /// No disk is near its end: the look may be believed for a moment, and nobody has to care for others' trees.
        ample: bool,
    },
    /// Only one that needs no new tree.
    Reuse(Short),
    /// None.
    Wait(Short),
}

/// How agents come of which nobody can say yet what they will take of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Spacing {
    /// There is enough for one of every worker.
    #[default]
    Any,
    /// There is not, but for one more than there are, had none of these taken anything yet: one looks and claims after
    /// another, so that each sees the claims before his.
    OneByOne,
    /// And each after the last one has run for a while, so that what it took is seen.
    Settled,
}

/// Decides how agents come, as far as memory is concerned.
pub fn spacing(seen: &Snapshot, reserve: &Reserve) -> Spacing {
    let enough = |agents: u64| short_of_memory(seen, reserve, agents).is_none();
    if enough(seen.workers.max(1)) {
        Spacing::Any
    } else if enough(seen.claims.saturating_add(1)) {
        Spacing::OneByOne
    } else {
        Spacing::Settled
    }
}

/// Decides whether one more agent may start.
pub fn decide(seen: &Snapshot, reserve: &Reserve) -> Verdict {
    let none = Need::default();
    if let Some(short) = shortage(seen, reserve, 1, none) {
        return Verdict::Wait(short);
    }
    if let Some(short) = shortage(seen, reserve, 1, seen.tree) {
        return Verdict::Reuse(short);
    }
    let trees = |times: u64| {
        let many = seen.workers.max(1).saturating_mul(times);
        let bytes = seen.tree.bytes.saturating_mul(many);
        Need { bytes, inodes: seen.tree.inodes.saturating_mul(many) }
    };
    let alone = shortage(seen, reserve, 0, trees(1)).map(|short| short.what);
    let disks = seen.spaces.iter().all(|space| space.is_ample(reserve));
    Verdict::Admit { alone, ample: disks && shortage(seen, reserve, 0, trees(AMPLE)).is_none() }
}

/// What is short for so many agents whose trees take so much. The gravest first.
fn shortage(seen: &Snapshot, reserve: &Reserve, agents: u64, trees: Need) -> Option<Short> {
    let disk = seen.spaces.iter().find_map(|space| {
        let trees = if space.trees { trees } else { Need::default() };
        let place = space.path.display().to_string();
        let short = |what, have, kept: u64, tree: u64| {
            let need = kept.saturating_add(tree);
            // What is off stays off, also for trees.
            let is = kept > 0 && have < need;
            is.then(|| Short { what, place: place.clone(), have, need, tree })
        };
        let bytes = reserve.bytes_of(space.total_bytes);
        let inodes = reserve.inodes_of(space.total_inodes);
        let counted = space.total_inodes > 0;
        short(What::Disk, space.free_bytes, bytes, trees.bytes).or_else(|| {
            counted.then(|| short(What::Inodes, space.free_inodes, inodes, trees.inodes)).flatten()
        })
    });
    disk.or_else(|| short_of_memory(seen, reserve, agents))
}

fn short_of_memory(seen: &Snapshot, reserve: &Reserve, agents: u64) -> Option<Short> {
    let memory = seen.memory.as_ref()?;
    let need = reserve.memory_bytes.saturating_mul(agents);
    let place = memory.of.clone();
    let have = memory.available;
    (have < need).then_some(Short { what: What::Memory, place, have, need, tree: 0 })
}

/// What has become so short of disk that running agents are parked while there is room to save their work: a quarter
/// of what is kept free.
pub fn critical(spaces: &[Space], reserve: &Reserve) -> Option<Short> {
    spaces.iter().find_map(|space| {
        let place = space.path.display().to_string();
        let short = |what, have, kept: u64| {
            let need = kept / 4;
            (have < need).then(|| Short { what, place: place.clone(), have, need, tree: 0 })
        };
        let counted = space.total_inodes > 0;
        short(What::Disk, space.free_bytes, reserve.bytes_of(space.total_bytes)).or_else(|| {
            let kept = reserve.inodes_of(space.total_inodes);
            counted.then(|| short(What::Inodes, space.free_inodes, kept)).flatten()
        })
    })
}

impl Short {
    /// `38 MiB free on /x, 200 MiB are kept free`.
    pub fn evidence(&self) -> String {
        let Short { place, have, need, tree, .. } = self;
        match self.what {
            What::Disk if *tree > 0 => format!(
                "{} free on {place}, {} are kept free and a new tree takes {}",
                size(*have),
                size(need - tree),
                size(*tree)
            ),
            What::Disk => format!("{} free on {place}, {} are kept free", size(*have), size(*need)),
            What::Inodes if *tree > 0 => format!(
                "{have} inodes free on {place}, {} are kept free and a new tree takes {tree}",
                need - tree
            ),
            What::Inodes => format!("{have} inodes free on {place}, {need} are kept free"),
            What::Memory => format!(
                "{} of memory available on {place}, {} are kept for the next agent",
                size(*have),
                size(*need)
            ),
        }
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; goes on by itself", self.evidence())
    }
}

/// Bytes for people, rounded down: `38 MiB`, `1.4 GiB`.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..=0x3ff => format!("{bytes} B"),
        0x400..=0xf_ffff => format!("{} KiB", bytes >> 10),
        0x10_0000..=0x3fff_ffff => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", tenths(1 << 30)),
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
