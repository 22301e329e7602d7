//! A small disk that is full: nothing that was acknowledged is lost, and with room again all goes on.
//!
//! The disk is in memory and a process's own, so a process of its own fills it.

use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Order;
use super::report::Report;
use crate::domain::settings::choice::Durability;
use crate::domain::task::id::{TaskId, WorkerId};
use crate::domain::task::record::TaskRecord;
use crate::domain::time::UnixMs;
use crate::queue::claim::{Claim, ClaimResult};
use crate::queue::finish::{FinalDir, Transition};
use crate::queue::intake::{Dropped, IntakeCheck, IntakeDecision, IntakeResult};
use crate::queue::register::{Card, Registration};
use crate::queue::{Queue, QueueError, Result};
use crate::site::Site;
use crate::sys::{clock, disk, env, fs, identity, random, tool};

/// The disk's size, bytes.
const SIZE: u64 = 4 << 20;
/// The file that is removed to make room, bytes.
const BALLAST: usize = 3 << 20;
/// More tasks than fit.
const MANY: usize = 5_000;

/// What was seen; `None` where this machine lets nobody make such a disk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DiskReport {
    /// No disk could be made, and why.
    pub skipped: Option<String>,
    /// Tasks that were acknowledged before there was no room.
    pub added: usize,
    /// Tasks that were done, with room again.
    pub done: usize,
    /// What is wrong.
    pub wrong: Vec<String>,
}

/// Has a process of its own do it.
pub(super) fn run(order: &Order, report: &mut Report) -> Result<()> {
    report.section("full disk");
    let dir = order.dir.join("full");
    fs::mkdirs(&dir)?;
    let exe = env::current_exe().map_err(QueueError::machine("find this program"))?;
    let dir = dir.to_string_lossy();
    let answer = tool::first_line(&exe.to_string_lossy(), &["selftest-disk", &dir]);
    let seen: DiskReport = match answer.and_then(|line| serde_json::from_str(&line).ok()) {
        Some(seen) => seen,
        None => {
            DiskReport { wrong: vec!["the process died of it".into()], ..DiskReport::default() }
        }
    };
    if let Some(why) = &seen.skipped {
        report.tell("skipped", format!("no disk of our own here: {why}"));
        return Ok(());
    }
    report.tell("4 MiB", format!("{} tasks fit, {} done with room again", seen.added, seen.done));
    report.judge("S9", seen.wrong);
    Ok(())
}

/// The process of its own.
pub fn fill(dir: &Path) -> DiskReport {
    if let Err(e) = disk::own_disk(dir, SIZE) {
        return DiskReport { skipped: Some(e.to_string()), ..DiskReport::default() };
    }
    let mut seen = DiskReport::default();
    if let Err(e) = fill_and_go_on(dir, &mut seen) {
        seen.wrong.push(e.to_string());
    }
    seen
}

fn fill_and_go_on(dir: &Path, seen: &mut DiskReport) -> Result<()> {
    let queue = Queue::open_or_make(&Site::at(dir).queue(), Durability::Strict)?;
    let ballast = dir.join("ballast");
    fs::write(&ballast, &vec![b'x'; BALLAST])?;
    let me = register(&queue)?;
    let mut added: Vec<TaskId> = Vec::new();
    while added.len() < MANY {
        match queue.enqueue(OsStr::new("task"), b"do it\n", &Everything) {
            Ok(IntakeResult::Ready(id)) => added.push(id),
            Ok(other) => seen.wrong.push(format!("added, it became {other:?}")),
            Err(e) if e.disk_full() => break,
            Err(e) => return Err(e),
        }
    }
    seen.added = added.len();
    if added.len() == MANY {
        seen.wrong.push("the disk did not become full".into());
    }
    // Heart beats need no room; work needs some, and says so.
    me.beat(1)?;
    match work_off(&queue, &me) {
        Err(e) if e.disk_full() => {}
        Err(e) => return Err(e),
        Ok(done) => seen.done += done,
    }
    fs::unlink(&ballast)?;
    // What a claim needed room for is given back, as a worker's heart does.
    for claim in queue.claims()? {
        queue.disown(&claim.at)?;
    }
    for name in queue.blocked()? {
        queue.finish_intake(&name, &Everything)?;
    }
    seen.done += work_off(&queue, &me)?;
    queue.sweep()?;
    let ended = queue.all_ended()?;
    for id in &added {
        if ended.iter().filter(|ended| ended.at().id == *id).count() != 1 {
            seen.wrong.push(format!("{id} was acknowledged, and did not end once"));
        }
    }
    queue.deregister(me)?;
    seen.wrong.extend(queue.check()?.into_iter().map(|v| format!("{}: {}", v.invariant, v.what)));
    Ok(())
}

/// Claims and publishes until nothing is ready, each task with a little of output that is then removed.
fn work_off(queue: &Queue, me: &Registration) -> Result<usize> {
    let mut done = 0;
    for name in queue.scan()?.ready {
        let ClaimResult::Won(claim) = queue.claim(me, &name)? else { continue };
        done += usize::from(publish(queue, claim)?);
    }
    Ok(done)
}

fn publish(queue: &Queue, claim: Claim) -> Result<bool> {
    claim.read(queue, 1024)?;
    queue.write_result(claim.attempt(), &crate::domain::task::record::AttemptResult::default())?;
    Ok(queue.publish(claim, FinalDir::Done)? == Transition::Won)
}

fn register(queue: &Queue) -> Result<Registration> {
    queue.register(Card {
        id: WorkerId::from_bits(random::bits()),
        process: identity::me(),
        version: env!("CARGO_PKG_VERSION").into(),
        slot: None,
        started_at: clock::now(),
        file: None,
        has_claimed: false,
        copied: false,
        other_device: false,
    })
}

/// Lets everything in.
struct Everything;

impl IntakeCheck for Everything {
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision {
        IntakeDecision::Ready(Box::new(TaskRecord {
            schema: 1,
            id: dropped.id.clone(),
            name: dropped.name.to_string_lossy().into_owned(),
            taken_at: UnixMs(0),
            title: None,
            agent: None,
            priority: crate::domain::task::name::Band::DEFAULT,
            labels: Vec::new(),
            origin: None,
        }))
    }
}
