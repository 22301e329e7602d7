//! Rows *register*, *heartbeat*, *retire*: a worker's file is its identity, its pulse, and (linked) its claims.
//!
//! The file keeps its inode for life: the counter is overwritten in place, because a rename would orphan
//! every claim.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::{Queue, QueueError, Result};
use crate::domain::liveness::lease::Pulse;
use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::domain::task::id::WorkerId;
use crate::domain::time::UnixMs;
use crate::site::Dir;
use crate::sys::{fs, process};

/// Digits of the counter at the start of the file.
const COUNTER_WIDTH: usize = 20;
/// After the counter and a space: 1 once the worker has claimed a task, before that 0.
const CLAIMED_AT: u64 = COUNTER_WIDTH as u64 + 1;
/// No card is longer, bytes.
const CARD_MAX: u64 = 16 * 1024;

/// Who a worker is, as its file says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Card {
    /// Its identity for ever.
    pub id: WorkerId,
    /// Its process.
    pub process: ProcessIdentity,
    /// The program's version.
    pub version: String,
    /// Its place in a coordinator's pool; `None` for one that was started alone.
    pub slot: Option<u32>,
    /// When it started.
    #[serde(rename = "started_at_ms")]
    pub started_at: UnixMs,
    /// The device and inode of the file that this was written to; `None`: by a version that did not say.
    #[serde(default)]
    pub file: Option<(u64, u64)>,
    /// It has claimed a task: the mark in its first line.
    #[serde(skip)]
    pub has_claimed: bool,
    /// It was read from another file than that: the queue was copied, and the worker works on the original.
    #[serde(skip)]
    pub copied: bool,
    /// The file is on another device than its worker saw it on: seen from another machine, or a copy all the same.
    #[serde(skip)]
    pub other_device: bool,
}

impl Card {
    /// How the reader stands to the worker's process. One that is known from a copy is none that may be judged,
    /// asked or killed: only its heartbeat counts, and nobody beats there.
    pub fn host_match(&self, me: &ProcessIdentity) -> HostMatch {
        match me.host_match(&self.process) {
            HostMatch::Here if self.other_device => HostMatch::Elsewhere,
            _ if self.copied => HostMatch::Elsewhere,
            host_match => host_match,
        }
    }

    /// Whether the worker's process can be seen from here, and lives.
    pub fn lives_here(&self, me: &ProcessIdentity) -> bool {
        self.host_match(me) == HostMatch::Here && process::alive(&self.process)
    }
}

/// A registered worker's own hold on its file.
#[derive(Debug)]
pub struct Registration {
    card: Card,
    path: PathBuf,
    file: File,
    inode: (u64, u64),
    claimed: AtomicBool,
}

/// What a heartbeat found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beat {
    /// All is well.
    Alive,
    /// The file is gone: somebody declared us dead.
    Buried,
}

impl Queue {
    /// Makes the worker visible; only then may it claim.
    pub fn register(&self, card: Card) -> Result<Registration> {
        let staged = self.staging();
        // Kept open from its making on: a second look at the name could meet another file, or make one, if this
        // process stood still and was declared dead in between.
        let file = fs::create_new(&staged)?;
        let inode = fs::file_id(&file.metadata().map_err(QueueError::machine("look at a card"))?);
        let card = Card { file: Some(inode), ..card };
        let json = serde_json::to_string(&card).expect("a card is plain data");
        // Synced in any case: a power cut must not leave a claim that nobody can read.
        let text = format!("{:0COUNTER_WIDTH$} 0\n{json}\n", 0);
        fs::write_all(&file, &staged, text.as_bytes())?;
        fs::sync_file(&file, &staged)?;
        let path = self.file(Dir::Workers, &card.id);
        // Refused where a reply of ours was lost; if it is not there, the first claim says so.
        let _ = fs::rename(&staged, &path)?;
        Ok(Registration { card, path, file, inode, claimed: AtomicBool::new(false) })
    }

    /// Every worker that is registered, by name only.
    pub fn worker_ids(&self) -> Result<Vec<WorkerId>> {
        let names = fs::list(&self.dir(Dir::Workers))?;
        Ok(names.iter().filter_map(|name| WorkerId::parse(name.to_str()?)).collect())
    }

    /// Every worker that is registered, with its pulse now; unreadable files are left out.
    pub fn workers(&self) -> Result<Vec<(Card, Pulse)>> {
        let ids = self.worker_ids()?;
        Ok(ids.iter().filter_map(|id| self.worker(id)).collect())
    }

    /// One worker's card and pulse, while it is registered.
    pub fn worker(&self, id: &WorkerId) -> Option<(Card, Pulse)> {
        read_card(&self.file(Dir::Workers, id))
    }

    /// Whether somebody asked this worker to end.
    pub fn asked_to_retire(&self, id: &WorkerId) -> bool {
        fs::exists(&self.file(Dir::Retire, id))
    }

    /// Asks a worker to end after its task.
    pub fn ask_to_retire(&self, id: &WorkerId) -> Result<()> {
        Ok(fs::write(&self.file(Dir::Retire, id), b"")?)
    }

    /// Leaves: only without claims, which the caller has finished.
    pub fn deregister(&self, registration: Registration) -> Result<()> {
        fs::unlink(&registration.path)?;
        fs::unlink(&self.file(Dir::Retire, &registration.card.id))?;
        Ok(())
    }
}

impl Registration {
    /// Who this is.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Its identity.
    pub fn id(&self) -> &WorkerId {
        &self.card.id
    }

    /// The file that claims are links of.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Whether a claim with this file id is a link of ours.
    pub fn is_mine(&self, file_id: (u64, u64)) -> bool {
        file_id == self.inode
    }

    /// Marks the card at the worker's first claim, in place: one write in its life. By it a coordinator tells workers
    /// that die of their work from workers that cannot begin.
    pub(super) fn note_claim(&self) {
        if !self.claimed.swap(true, Ordering::Relaxed) {
            // Without the mark one loss counts as an early one.
            fs::write_at(&self.file, &self.path, b"1", CLAIMED_AT).ok();
        }
    }

    /// Shows that this worker lives: the counter in place, then the time *by path*, which fails once the
    /// file was moved to `gone/`.
    pub fn beat(&self, count: u64) -> Result<Beat> {
        let text = format!("{count:0COUNTER_WIDTH$}");
        fs::write_at(&self.file, &self.path, text.as_bytes(), 0)?;
        Ok(if fs::touch(&self.path)? { Beat::Alive } else { Beat::Buried })
    }
}

/// Whether a worker's file (or a claim) can be read and holds no card: its content was lost in a power cut,
/// so nobody who made it lives.
pub(super) fn is_torn(path: &std::path::Path) -> bool {
    let bytes = fs::read_foreign(path, CARD_MAX).ok().flatten();
    bytes.is_some_and(|bytes| parse_card(bytes).is_none())
}

/// Reads a worker's file (or a claim, which is the same file) by open and fstat: a stat by name may be old.
pub(super) fn read_card(path: &std::path::Path) -> Option<(Card, Pulse)> {
    try_read_card(path).ok()?
}

/// The same for whom a file that cannot be read is not one without a card.
pub(super) fn try_read_card(path: &std::path::Path) -> Result<Option<(Card, Pulse)>> {
    let Some(file) = fs::open_foreign(path)? else { return Ok(None) };
    let meta = file.metadata().map_err(QueueError::machine("look at a card"))?;
    let mtime_ns = fs::mtime_ns(&meta);
    let card = parse_card(fs::read_up_to(&file, path, CARD_MAX)?);
    Ok(card.map(|(card, count)| {
        let (device, inode) = fs::file_id(&meta);
        let copied = card.file.is_some_and(|(_, its)| its != inode);
        let other_device = card.file.is_some_and(|(its, _)| its != device);
        (Card { copied, other_device, ..card }, Pulse { mtime_ns, count })
    }))
}

fn parse_card(bytes: Vec<u8>) -> Option<(Card, u64)> {
    let text = String::from_utf8(bytes).ok()?;
    let (first, json) = text.split_once('\n')?;
    let (count, claimed) = first.split_once(' ')?;
    let card = Card { has_claimed: claimed == "1", ..serde_json::from_str(json).ok()? };
    Some((card, count.parse().ok()?))
}
