//! Looking: sizes and ages of everything that a swarm leaves. Changes nothing.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::known::branches;
use super::known::{KnownTasks, places};
use super::{GcDecision, GcItem, GcKind, GcTarget};
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::git::Repo;
use crate::queue::scan::Snapshot;
use crate::queue::{Queue, Result};
use crate::site::{Dir, Site};
use crate::sys::{clock, fs, identity};
use crate::worktree::{Holder, TreePhase, TreePool, size};

/// Between two looks for a task that is nowhere, milliseconds: longer than any transition takes.
const AGAIN_MS: u64 = 300;

/// Everything that there is. An error of a repository leaves its trees and branches out, and is told.
pub fn survey(queue: &Queue, config: &Config) -> Result<(Vec<GcItem>, Vec<String>)> {
    let snapshot = queue.scan()?;
    let mut items = Vec::new();
    let mut notes = Vec::new();
    tasks(queue, &snapshot, &mut items)?;
    let alone = runs_of_nobody(queue, &snapshot, &mut items)?;
    files(queue, config, &mut items)?;
    let known = KnownTasks::new(queue, &snapshot, alone);
    let mut seen = Vec::new();
    for path in config.repositories() {
        let Ok(repo) = Repo::discover(&path) else { continue };
        if seen.contains(&repo.root().to_owned()) {
            continue;
        }
        seen.push(repo.root().to_owned());
        let pool = TreePool::new(repo, config.trees.clone(), &identity::host());
        let looked = trees(&pool, &path, &known, &mut items)
            .and_then(|()| branches(&pool, &path, &known, &mut items))
            .and_then(|()| salvages(&pool, &path, &mut items));
        if let Err(trouble) = looked {
            notes.push(trouble.to_string());
        }
    }
    Ok((items, notes))
}

fn tasks(queue: &Queue, snapshot: &Snapshot, items: &mut Vec<GcItem>) -> Result<()> {
    for ended in &snapshot.ended {
        let Some(meta) = fs::look(&queue.ended_file(ended))? else { continue };
        // A rename leaves the time of the content, and sets this one: when the task ended.
        let secs = u64::try_from(meta.ctime()).unwrap_or(0);
        let ended_ms = secs * 1000 + u64::try_from(meta.ctime_nsec()).unwrap_or(0) / 1_000_000;
        let word = ended.place().0.name();
        items.push(GcItem {
            kind: GcKind::Task,
            name: format!("{word}/{}", ended.at().id),
            bytes: meta.blocks() * 512 + size(queue.paths().run(&ended.at().id).dir()),
            idle_ms: clock::since_ms(ended_ms),
            target: GcTarget::Task(ended.clone()),
            fate: GcDecision::stays(""),
        });
    }
    for name in snapshot.ready.iter().chain(&snapshot.blocked) {
        items.push(GcItem {
            kind: GcKind::Live,
            name: name.at.id.to_string(),
            bytes: size(queue.paths().run(&name.at.id).dir()),
            idle_ms: 0,
            target: GcTarget::None,
            fate: GcDecision::stays("it waits or runs"),
        });
    }
    Ok(())
}

/// Directories in `runs/` whose task is nowhere, seen twice, since a task may hop while directories are listed.
fn runs_of_nobody(
    queue: &Queue,
    first: &Snapshot,
    items: &mut Vec<GcItem>,
) -> Result<HashSet<TaskId>> {
    let lost = |snapshot: &Snapshot, ids: Vec<TaskId>| -> Vec<TaskId> {
        let places = places(snapshot);
        ids.into_iter().filter(|id| !places.contains_key(id)).collect()
    };
    let ids = queue.run_ids()?;
    let mut alone = lost(first, ids);
    if !alone.is_empty() {
        clock::pause_ms(AGAIN_MS);
        alone = lost(&queue.scan()?, alone);
    }
    for id in &alone {
        let run = queue.paths().run(id);
        let Some(meta) = fs::look(run.dir())? else { continue };
        let pruned = fs::exists(&run.pruned());
        let fate = match (pruned, queue.is_old_run(id)?) {
            (true, _) => GcDecision::Goes("what is left of a task that was pruned".into()),
            (false, true) => GcDecision::stays(""),
            (false, false) => GcDecision::stays("it may be about to be taken in"),
        };
        items.push(GcItem {
            kind: GcKind::OrphanRun,
            name: id.to_string(),
            bytes: size(run.dir()),
            idle_ms: clock::since_ms(u64::try_from(fs::mtime_ns(&meta) / 1_000_000).unwrap_or(0)),
            target: GcTarget::Run(id.to_string()),
            fate,
        });
    }
    Ok(alone.into_iter().collect())
}

fn files(queue: &Queue, config: &Config, items: &mut Vec<GcItem>) -> Result<()> {
    let mut file = |kind, path: &Path, bytes, written_ms, fate| {
        items.push(GcItem {
            kind,
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes,
            idle_ms: clock::since_ms(written_ms),
            target: GcTarget::File(path.to_owned()),
            fate,
        });
    };
    for journal in queue.journals()? {
        let fate = GcDecision::stays(if journal.alive { "its process lives" } else { "" });
        let kind = if journal.alive { GcKind::Live } else { GcKind::Journal };
        file(kind, &journal.path, journal.bytes, journal.written_ms, fate);
    }
    let written = |path: &Path| {
        let meta = fs::look(path).ok().flatten();
        let ns = meta.as_ref().map_or(0, fs::mtime_ns);
        (meta.map_or(0, |meta| meta.blocks() * 512), u64::try_from(ns / 1_000_000).unwrap_or(0))
    };
    for path in queue.lone_reports()? {
        let (bytes, written_ms) = written(&path);
        file(GcKind::Report, &path, bytes, written_ms, GcDecision::stays(""));
    }
    let logs = Site::at(&config.root).logs();
    for name in fs::list_if_any(&logs)? {
        let path = logs.join(name);
        let (bytes, written_ms) = written(&path);
        file(GcKind::Log, &path, bytes, written_ms, GcDecision::stays("bounded by itself"));
    }
    Ok(())
}

type ScanResult = std::result::Result<(), crate::git::GitError>;

fn trees(trees: &TreePool, path: &Path, known: &KnownTasks, items: &mut Vec<GcItem>) -> ScanResult {
    let over = |holder: &Holder| known.is_over(holder);
    for tree in trees.standing(&over)? {
        let lives = tree.holder.as_ref();
        let (kind, fate) = match lives {
            None if tree.busy => (GcKind::Live, GcDecision::stays("a process works in it")),
            None => (GcKind::Tree, GcDecision::stays("")),
            Some(o) if o.phase == TreePhase::Held => (
                GcKind::Live,
                GcDecision::stays(format!("kept for people: {}", o.note.as_deref().unwrap_or(""))),
            ),
            Some(o) if o.queue != known.queue_id() => (
                GcKind::OrphanTree,
                GcDecision::stays(if tree.busy { "a process works in it" } else { "" }),
            ),
            Some(o) if tree.busy => {
                (GcKind::Live, GcDecision::stays(format!("{} lives in it", o.task)))
            }
            Some(o) if known.is_over(o) => (GcKind::Tree, GcDecision::stays("")),
            Some(o) if !known.is_nowhere(&o.task) => {
                (GcKind::Live, GcDecision::stays(format!("{} lives in it", o.task)))
            }
            Some(_) => (GcKind::OrphanTree, GcDecision::stays("")),
        };
        let name = match (kind, lives) {
            (GcKind::OrphanTree, Some(o)) if o.queue != known.queue_id() => {
                format!("{} (of {}, another queue's)", tree.path.display(), o.task)
            }
            (GcKind::OrphanTree, Some(o)) => {
                format!("{} (of {}, which is nowhere)", tree.path.display(), o.task)
            }
            _ => tree.path.display().to_string(),
        };
        let target = GcTarget::Tree {
            repository: path.to_owned(),
            number: tree.number,
            holder: lives.map(|o| (o.queue.clone(), o.task.clone())),
        };
        let idle_ms = clock::since_ms(tree.used_ms);
        if tree.ignored_bytes > 0 && kind == GcKind::Tree {
            items.push(GcItem {
                kind: GcKind::Build,
                name: format!("{name}: what git ignores"),
                bytes: tree.ignored_bytes,
                idle_ms,
                target: target.clone(),
                fate: GcDecision::stays(""),
            });
        }
        let ignored = if kind == GcKind::Tree { 0 } else { tree.ignored_bytes };
        items.push(GcItem { kind, name, bytes: tree.bytes + ignored, idle_ms, target, fate });
    }
    Ok(())
}

fn salvages(trees: &TreePool, path: &Path, items: &mut Vec<GcItem>) -> ScanResult {
    for found in trees.salvages()? {
        items.push(GcItem {
            kind: GcKind::Salvage,
            name: found.name.clone(),
            bytes: 0,
            idle_ms: clock::since_ms(found.salvage.at_ms),
            target: GcTarget::Salvage { repository: path.to_owned(), name: found.name },
            fate: GcDecision::stays(""),
        });
    }
    Ok(())
}

/// The directory of ended rejections, for whoever removes a report.
pub(super) fn is_report(queue: &Queue, path: &Path) -> bool {
    path.parent() == Some(queue.paths().dir(Dir::Rejected).as_path())
}
