//! The numbered places of a trees: a directory, a lock, and a record of who lives there.
//!
//! `<host>-<n>/` is the tree, `<host>-<n>.lock` is held by whoever uses it (the kernel lets it go however
//! that process dies), `<host>-<n>.json` says whose it is. No record: the tree is free. A record changes
//! only under the lock.

use std::path::{Path, PathBuf};

use git2::Repository;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::git::error::Result;
use crate::sys::dir::Dir;
use crate::sys::fs;
use crate::sys::lock::Lock;

/// Who lives in a tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The queue's random id.
    pub queue: String,
    /// The task.
    pub task: String,
    /// The attempt that entered last: `e.W`.
    pub token: String,
    /// The branch that the task works on.
    pub branch: String,
    /// The commit that the branch began at, hex digits.
    pub base: String,
    /// How far things are.
    pub phase: TreePhase,
    /// Since when objects may have been made for this branch, milliseconds since 1970.
    pub since_ms: u64,
    /// Why it is kept, where it is [`TreePhase::Held`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What may be in a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreePhase {
    /// Files are being switched; no agent was in it yet for this task.
    Preparing,
    /// The agent's work.
    Working,
    /// Something that could not be committed: kept for people, never entered again by us.
    Held,
}

/// The places of one trees on one host.
#[derive(Clone, Debug)]
pub(crate) struct TreeSlots {
    pub(crate) dir: PathBuf,
    pub(crate) host: String,
}

/// One place, locked by this process.
#[derive(Debug)]
pub(crate) struct TreeSlot {
    pub(crate) name: String,
    pub(crate) tree: PathBuf,
    record: PathBuf,
    _lock: Lock,
}

impl TreeSlots {
    /// The numbers that have a lock file, a record or a tree, ascending.
    pub(crate) fn numbers(&self) -> Result<Vec<u32>> {
        let mut numbers: Vec<u32> = fs::list_if_any(&self.dir)?
            .iter()
            .filter_map(|name| {
                let rest = name.to_str()?.strip_prefix(&self.host)?.strip_prefix('-')?;
                let number = rest.split_once('.').map_or(rest, |(number, _)| number);
                number.parse().ok().filter(|number: &u32| number.to_string() == rest_number(rest))
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    pub(crate) fn path(&self, number: u32, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}-{number}{suffix}", self.host))
    }

    /// Who lives there, as far as the record can be read. A record that cannot be read counts as none:
    /// a free tree is looked through, and what is in it saved, before it is used.
    pub(crate) fn holder(&self, number: u32) -> Result<Option<Holder>> {
        read_json(&self.path(number, ".json"))
    }

    /// Whether there is a tree, a record of one, or one whose removal was cut short.
    pub(crate) fn is_used(&self, number: u32) -> bool {
        [".json", "", ".leaving"].iter().any(|suffix| fs::exists(&self.path(number, suffix)))
    }

    /// Takes the place; `None` where another process has it.
    pub(crate) fn take(&self, number: u32, who: &str) -> Result<Option<TreeSlot>> {
        let path = self.path(number, ".lock");
        let Some(lock) = Lock::try_take(&path)? else { return Ok(None) };
        lock.note(&path, who)?;
        Ok(Some(TreeSlot {
            name: format!("{}-{number}", self.host),
            tree: self.path(number, ""),
            record: self.path(number, ".json"),
            _lock: lock,
        }))
    }

    /// What the holder of the place wrote about itself.
    pub(crate) fn holder_token(&self, number: u32) -> String {
        fs::read_text(&self.path(number, ".lock")).unwrap_or_default()
    }
}

/// The digits that a name's number is written in.
fn rest_number(rest: &str) -> &str {
    rest.split_once('.').map_or(rest, |(number, _)| number)
}

impl TreeSlot {
    /// What git calls the worktree.
    pub(super) fn admin_name(&self) -> String {
        format!("swarm-{}", self.name)
    }

    /// That something else stands in the tree's place, for people.
    pub(super) fn replaced(&self, what: &str) -> String {
        format!("in place of the tree {:?} stands {what}; nothing in it is touched", self.tree)
    }

    /// Who lives here, now that nobody else can change it.
    pub(crate) fn holder(&self) -> Result<Option<Holder>> {
        read_json(&self.record)
    }

    pub(crate) fn occupy(&self, holder: &Holder) -> Result<()> {
        replace_json(&self.record, holder, false)
    }

    /// Says that the files are ready: the record just written, overwritten in place by one that differs
    /// in this word only. One small write is whole or absent however this process dies.
    pub(crate) fn settled(&self, holder: &mut Holder) -> Result<()> {
        let before = json(holder).len();
        holder.phase = TreePhase::Working;
        let mut bytes = json(holder);
        // Blanks after the value are JSON, too.
        bytes.resize(before, b' ');
        let file = fs::open_in_place(&self.record)?;
        Ok(fs::write_at(&file, &self.record, &bytes, 0)?)
    }

    pub(crate) fn vacate(&self) -> Result<()> {
        fs::unlink(&self.record)?;
        Ok(())
    }
}

/// A small file of ours; one that cannot be understood counts as none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = fs::read_if_any(path)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data has a JSON form")
}

/// Replaces a small file in one step; `sync`: also against a power cut.
pub(crate) fn replace_json(path: &Path, value: &impl Serialize, sync: bool) -> Result<()> {
    let bytes = json(value);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let aside = path.with_file_name(name);
    match fs::write_synced(&aside, &bytes, sync) {
        // A link that somebody put there: it goes, and what it leads to stays.
        Err(error) if error.in_the_way() => {
            fs::unlink(&aside)?;
            fs::write_synced(&aside, &bytes, sync)?;
        }
        written => written?,
    }
    // The file was written just now, and only we know of it.
    let _ = fs::rename(&aside, path)?;
    match path.parent() {
        Some(dir) if sync => Ok(fs::sync(dir)?),
        _ => Ok(()),
    }
}

pub(super) struct OpenTree {
    pub(super) place: TreeSlot,
    pub(super) dir: Dir,
    pub(super) git: Repository,
    pub(super) before: TreeContent,
}

/// What is in a tree before it is given its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TreeContent {
    Nothing,
    /// Exactly what HEAD says, as far as git sees.
    Head,
    /// Anything: a switch was cut short.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_settled_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let places = TreeSlots { dir: dir.path().into(), host: "box".into() };
        let place = places.take(1, "1.w").unwrap().unwrap();
        let mut holder = Holder {
            queue: "q".into(),
            task: "t".into(),
            token: "1.w".into(),
            branch: "swarm/t".into(),
            base: "0".into(),
            phase: TreePhase::Preparing,
            since_ms: 7,
            note: None,
        };
        place.occupy(&holder).unwrap();
        place.settled(&mut holder).unwrap();
        assert_eq!(holder.phase, TreePhase::Working);
        assert_eq!(place.holder().unwrap(), Some(holder));
    }

    #[test]
    fn only_our_hosts_numbers_are_places() {
        let dir = tempfile::tempdir().unwrap();
        let places = TreeSlots { dir: dir.path().into(), host: "box".into() };
        for name in ["box-2", "box-2.lock", "box-10.json", "box-03", "box-x", "other-1", "box-1.x"]
        {
            fs::write(&dir.path().join(name), b"").unwrap();
        }
        assert_eq!(places.numbers().unwrap(), [1, 2, 10]);
    }
}
