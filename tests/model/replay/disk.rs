//! What is on disk, in the model's words.
//!
//! It reads names only, with the standard library, not with the program's own code. Invariant: a task that is
//! found under two names, or under none although it was never removed, is a panic.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::model::machine::state::{Card, Place, State, TASKS, WORKERS};

/// The part of a state that is on disk.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Seen {
    pub(super) tasks: [SeenTask; TASKS],
    pub(super) workers: [(Card, bool); WORKERS],
    pub(super) pending: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct SeenTask {
    pub(super) place: Place,
    pub(super) epoch: u8,
    pub(super) by: u8,
    pub(super) claims: u64,
    pub(super) lost: u16,
    pub(super) record: bool,
    pub(super) life: u8,
    pub(super) requests: u8,
}

impl Seen {
    /// What the model says should be there.
    pub(super) fn expected(s: &State) -> Seen {
        let tasks = s.tasks.map(|t| SeenTask {
            place: if t.place == Place::Removed { Place::Nowhere } else { t.place },
            epoch: if t.place == Place::Removed { 0 } else { t.epoch },
            by: t.by,
            claims: t.claims,
            lost: t.lost,
            record: t.record,
            life: t.life,
            requests: t.requests,
        });
        let workers = s.workers.map(|w| {
            let card = if w.card == Card::Left { Card::None } else { w.card };
            (card, w.retire)
        });
        Seen { tasks, workers, pending: s.pending }
    }

    /// What is there. `ids` remembers which task each id is, as the content of its file said.
    pub(super) fn on_disk(
        queue: &Path,
        workers: &[String],
        ids: &mut HashMap<String, usize>,
    ) -> Seen {
        let disk = Disk { queue, workers };
        let mut seen = Seen::default();
        for dir in ["pending", "ready", "blocked", "done", "failed", "cancelled", "rejected"] {
            for name in disk.names(dir).iter().filter(|name| !name.ends_with(".error.txt")) {
                disk.place(&mut seen, dir, name, ids);
            }
        }
        for name in disk.names("claims") {
            let (id, e) = task_epoch(&name);
            let t = ids[id];
            let card = fs::read_to_string(queue.join("claims").join(&name)).unwrap();
            let owner = workers.iter().position(|id| card.contains(id.as_str())).unwrap();
            seen.tasks[t].claims |= (owner as u64 + 1) << (4 * e);
        }
        for name in disk.names("cancel") {
            let (id, life) = task_epoch(&name);
            seen.tasks[ids[id]].requests |= 1 << life;
        }
        for name in disk.names("runs") {
            let files = disk.names(&format!("runs/{name}"));
            // An id that is reserved and no name yet bears is no task.
            let Some(t) = ids.get(&name) else { continue };
            let task = &mut seen.tasks[*t];
            task.record |= files.iter().any(|file| file == "task.json");
            let lives = files.iter().filter_map(|file| file.strip_prefix("retry."));
            task.life = lives.map(|life| life.parse().unwrap()).max().unwrap_or(task.life);
            for file in &files {
                if queue.join("runs").join(&name).join(file).join("lost").exists() {
                    let epoch: u16 = file.split('.').next().unwrap().parse().unwrap();
                    task.lost |= 1 << epoch;
                }
            }
        }
        for (w, id) in workers.iter().enumerate() {
            let is = |dir: &str| queue.join(dir).join(id).exists();
            let card = match (is("workers"), is("gone")) {
                (false, false) => Card::None,
                (true, false) => Card::Registered,
                (false, true) => Card::Gone,
                (true, true) => panic!("{id} has two names"),
            };
            seen.workers[w] = (card, is("retire"));
        }
        seen
    }
}

struct Disk<'a> {
    queue: &'a Path,
    workers: &'a [String],
}

impl Disk<'_> {
    fn names(&self, dir: &str) -> Vec<String> {
        let path: PathBuf = self.queue.join(dir);
        let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    /// A name of a task: the only one.
    fn place(&self, seen: &mut Seen, dir: &str, name: &str, ids: &mut HashMap<String, usize>) {
        if dir == "pending" {
            let text = fs::read_to_string(self.queue.join(dir).join(name)).unwrap();
            let t = usize::from(text.as_bytes()[0] - b'0');
            seen.pending = t as u8 + 1;
            seen.tasks[t].place = Place::Pending;
            return;
        }
        let (place, at) = match dir {
            "ready" => (Place::Ready, &name[2..]),
            "blocked" => {
                let (at, why) = name[2..].split_once('~').unwrap();
                let place = match why {
                    "intake" => Place::Intake,
                    "hold" => Place::Hold,
                    _ => Place::Due,
                };
                (place, at)
            }
            "done" => (Place::Done, name),
            "failed" => (Place::Failed, name),
            "cancelled" => (Place::Cancelled, name),
            _ => (Place::Rejected, name),
        };
        let text = fs::read_to_string(self.queue.join(dir).join(name)).unwrap();
        let t = usize::from(text.as_bytes()[0] - b'0');
        let (id, epoch) = task_epoch(at);
        let known = *ids.entry(id.to_owned()).or_insert(t);
        assert_eq!(known, t, "{name} in {dir} holds another task's file");
        let task = &mut seen.tasks[t];
        assert_eq!(task.place, Place::Nowhere, "{name} in {dir} is a second name");
        (task.place, task.epoch) = (place, epoch);
        let by = self.workers.iter().position(|id| at.ends_with(id.as_str()));
        task.by = by.map_or(0, |w| w as u8 + 1);
    }
}

fn task_epoch(name: &str) -> (&str, u8) {
    let mut parts = name.split('.');
    (parts.next().unwrap(), parts.next().unwrap().parse().unwrap())
}
