//! Task files, and whole queues, that came with a clone: nobody works on them before the user has said so.
//!
//! A file that somebody dropped is not tracked by git, and costs nothing here but one look at the index for all files of
//! a look, less where the index is as it was. Who owns a dropped file says nothing: people share queues.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{TrustStore, digest, tracked};
use crate::domain::trust::{Origin, Why, origin};
use crate::site::NO_TASK_STATE;
use crate::sys::{env, fs};

/// As of intake: no task file is longer, bytes.
const TASK_MAX: u64 = 10 * 1024 * 1024 + 1;
/// So many tracked files of a queue are judged one by one.
const MOST_JUDGED: usize = 200;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClonedTask {
    pub name: OsString,
    /// Its place, without links.
    pub place: PathBuf,
    pub sha256: String,
    /// Why it counts so.
    pub why: Why,
}

type IndexFile = (PathBuf, i128, u64);

/// What one process remembers of the drop zone's repository between looks.
#[derive(Debug)]
pub struct TaskOrigins {
    store: TrustStore,
    known: Option<(PathBuf, Vec<IndexFile>, BTreeSet<PathBuf>)>,
    /// Files that were found to have come with a clone, as they were then: asking for history takes long.
    judged: BTreeMap<PathBuf, (i128, ClonedTask)>,
}

impl Default for TaskOrigins {
    fn default() -> TaskOrigins {
        TaskOrigins { store: TrustStore::here(), known: None, judged: BTreeMap::new() }
    }
}

impl TaskOrigins {
    /// Those of these names in a directory that came with a clone and are not trusted.
    pub fn untrusted(&mut self, dir: &Path, names: &[OsString]) -> Vec<ClonedTask> {
        let foreign = self.foreign(dir, names);
        foreign.into_iter().filter(|task| !self.store.holds(&task.place, &task.sha256)).collect()
    }

    /// Those of these names in a directory that came with a clone.
    pub fn foreign(&mut self, dir: &Path, names: &[OsString]) -> Vec<ClonedTask> {
        if names.is_empty() {
            return Vec::new();
        }
        let Ok(dir) = fs::canonical(dir) else { return Vec::new() };
        let tracked = self.tracked_below(&dir);
        let judged = names.iter().filter_map(|name| {
            let place = dir.join(name);
            match &tracked {
                Ok(tracked) if !tracked.contains(&place) => None,
                Ok(_) => self.judge(name, place),
                Err(why) => Some(foreign(name, place, Why::Unknown(why.clone()))),
            }
        });
        judged.collect()
    }

    fn judge(&mut self, name: &OsString, place: PathBuf) -> Option<ClonedTask> {
        let changed = fs::look(&place).ok().flatten().map(|meta| fs::ctime_ns(&meta));
        if let Some((then, found)) = self.judged.get(&place)
            && Some(*then) == changed
        {
            return Some(found.clone());
        }
        let found = foreign(name, place.clone(), came_with_clone(&place)?);
        if let (Some(changed), Why::Commit { .. }) = (changed, &found.why) {
            self.judged.insert(place, (changed, found.clone()));
        }
        Some(found)
    }

    fn tracked_below(&mut self, dir: &Path) -> Result<BTreeSet<PathBuf>, String> {
        let checkouts = tracked::around(dir).collect::<Result<Vec<_>, String>>()?;
        let now: Option<Vec<IndexFile>> = checkouts.iter().map(|c| c.index_file()).collect();
        if let (Some((of, then, paths)), Some(now)) = (&self.known, &now)
            && of == dir
            && then == now
        {
            return Ok(paths.clone());
        }
        self.judged.clear();
        let mut paths = BTreeSet::new();
        for checkout in &checkouts {
            paths.extend(checkout.below(dir)?);
        }
        self.known = now.map(|now| (dir.to_owned(), now, paths.clone()));
        Ok(paths)
    }
}

fn foreign(name: &OsString, place: PathBuf, why: Why) -> ClonedTask {
    let bytes = fs::read_foreign(&place, TASK_MAX).ok().flatten().unwrap_or_default();
    ClonedTask { name: name.clone(), place, sha256: digest(&bytes), why }
}

/// The first file of a queue's own state that came with a clone: who made that queue is a stranger.
pub fn brought_by_clone(queue: &Path) -> Option<(PathBuf, Why)> {
    let queue = fs::canonical(queue).ok()?;
    let tracked: Result<Vec<PathBuf>, String> = tracked::around(&queue)
        .map(|checkout| checkout?.below(&queue))
        .collect::<Result<Vec<_>, _>>()
        .map(|paths| paths.concat());
    let tracked = match tracked {
        Ok(tracked) => tracked,
        Err(why) => return Some((queue, Why::Unknown(why))),
    };
    let is_state = |path: &PathBuf| {
        let first = path.strip_prefix(&queue).ok().and_then(|below| below.components().next());
        let first = first.and_then(|part| part.as_os_str().to_str()).unwrap_or_default();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let deep = path.parent() != Some(queue.as_path());
        deep && !NO_TASK_STATE.contains(&first) && !hidden && fs::exists(path)
    };
    let state: Vec<PathBuf> = tracked.into_iter().filter(is_state).collect();
    if state.len() > MOST_JUDGED {
        let why = format!("git tracks {} files of it", state.len());
        return state.into_iter().next().map(|path| (path, Why::Unknown(why)));
    }
    state.into_iter().find_map(|path| came_with_clone(&path).map(|why| (path, why)))
}

fn came_with_clone(place: &Path) -> Option<Why> {
    let user = env::user();
    match origin(user, user.uid, tracked::tracked(place)) {
        Origin::Own => None,
        Origin::CameWithClone(why) => Some(why),
    }
}
