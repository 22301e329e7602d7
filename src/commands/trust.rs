//! Trust: the user says that what came with a clone (or what changed while an agent ran) is meant. An agent's attempt may
//! not. Invariant: what is trusted is a content at a place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::authorize::{Action, Permitted};
use super::error::CommandError;
use crate::domain::trust::{Origin, Why};
use crate::queue::Queue;
use crate::queue::pending::is_private;
use crate::site::{Dir, Site};
use crate::sys::fs;
use crate::trust::{
    ClonedTask, SettingsInForce, TaskOrigins, TrustRecord, TrustStore, digest, origin_of,
};

/// What may be trusted: a place, a content, and why it needs it.
pub struct TrustItem {
    /// The file.
    pub place: PathBuf,
    /// Of its content.
    pub sha256: String,
    /// Why it counts as having come with a clone.
    pub why: Why,
    /// It was trusted before.
    pub trusted: bool,
}

/// What was trusted.
pub struct Trusted {
    /// All that came with a clone.
    pub items: Vec<TrustItem>,
    /// Settings that changed while an agent ran are in force now.
    pub change_accepted: bool,
}

/// Trusts the settings of `root`, the files that they name (and why these need it), and tasks that wait, as they are now.
/// `changed`: the settings changed while an agent ran.
pub fn grant(
    permitted: &Permitted,
    root: &Path,
    settings: &Path,
    named: Vec<(PathBuf, Why)>,
    changed: bool,
) -> Result<Trusted, CommandError> {
    permitted.require(Action::Trust)?;
    let store = TrustStore::here();
    let items = items(&store, root, settings, named)?;
    for item in items.iter().filter(|item| !item.trusted) {
        store.grant(&item.place, &item.sha256)?;
    }
    let in_force = SettingsInForce::of(root);
    if changed || in_force.last().is_some() || items.iter().any(|item| item.place == settings) {
        in_force.keep(fs::read_if_any(settings)?.as_deref())?;
    }
    Ok(Trusted { items, change_accepted: changed })
}

/// What is trusted below `root`.
pub fn records(root: &Path) -> Result<Vec<TrustRecord>, CommandError> {
    Ok(TrustStore::here().list(root)?)
}

/// Takes back all trust below `root`. Returns what was trusted.
pub fn revoke(permitted: &Permitted, root: &Path) -> Result<Vec<TrustRecord>, CommandError> {
    permitted.require(Action::Trust)?;
    let store = TrustStore::here();
    let records = store.list(root)?;
    for record in &records {
        store.revoke(record)?;
    }
    if !records.is_empty() {
        // What was in force by it is not to stay so.
        SettingsInForce::of(root).keep(None)?;
    }
    Ok(records)
}

/// The files that came with a clone: the settings, what they name, and tasks that wait.
fn items(
    store: &TrustStore,
    root: &Path,
    settings: &Path,
    named: Vec<(PathBuf, Why)>,
) -> Result<Vec<TrustItem>, CommandError> {
    let own = fs::exists(settings).then(|| origin_of(settings));
    let own = own.and_then(|origin| match origin {
        Origin::CameWithClone(why) => Some((settings.to_owned(), why)),
        Origin::Own => None,
    });
    let mut items = Vec::new();
    for (place, why) in own.into_iter().chain(named) {
        let sha256 = digest(&fs::read(&place)?);
        let trusted = store.holds(&place, &sha256);
        items.push(TrustItem { place, sha256, why, trusted });
    }
    let pending = Site::at(root).queue().join(Dir::Pending.name());
    let tasks = TaskOrigins::default().foreign(&pending, &names_in(&pending));
    items.extend(tasks.into_iter().map(|ClonedTask { place, sha256, why, .. }| {
        let trusted = store.holds(&place, &sha256);
        TrustItem { place, sha256, why, trusted }
    }));
    Ok(items)
}

/// Task files in a queue that wait for trust, by name.
pub fn waiting(queue: &Queue) -> Vec<String> {
    waiting_in(&queue.paths().dir(Dir::Pending))
}

/// The same for a drop zone.
pub fn waiting_in(pending: &Path) -> Vec<String> {
    let untrusted = TaskOrigins::default().untrusted(pending, &names_in(pending));
    untrusted.iter().map(|task| task.name.to_string_lossy().into_owned()).collect()
}

/// What would be taken in.
fn names_in(pending: &Path) -> Vec<OsString> {
    let mut names = fs::list_if_any(pending).unwrap_or_default();
    names.retain(|name| !is_private(name));
    names.sort();
    names
}
