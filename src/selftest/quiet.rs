//! One task of each kind, without a storm: also the one that kills every worker that touches it.

use std::collections::HashSet;

use super::Order;
use super::processes::SwarmProcesses;
use super::report::Report;
use super::stuck;
use super::tally::Tally;
use super::task_kinds::TaskKind;
use super::test_bed::TestBed;
use super::verdict;
use crate::domain::task::id::TaskId;
use crate::queue::Result;
use crate::queue::shift::EndedTask;
use crate::sys::{clock, daemon, process};

/// So many workers may die of the poison.
const MAX_DEATHS: u32 = 3;
/// So many are cancelled while somebody works on them.
const CANCELS: usize = 6;
/// It must be over by then, milliseconds: two leases, though none is waited for.
const DEADLINE_MS: u64 = 40_000;

/// Runs it and judges.
pub(super) fn run(order: &Order, report: &mut Report) -> Result<()> {
    let bed = TestBed::make(order, "quiet", MAX_DEATHS)?;
    let mut kinds =
        [TaskKind::Plain, TaskKind::Tree, TaskKind::Fail, TaskKind::Bad, TaskKind::Poison]
            .map(|kind| (kind, 1))
            .to_vec();
    kinds.extend((1..=CANCELS).map(|number| (TaskKind::Cancel, number)));
    let tally = Tally::dropped(&kinds);
    let mut rng = fastrand::Rng::with_seed(order.seed);
    for (kind, number) in tally.kinds() {
        bed.drop_task(*kind, *number, &mut rng)?;
    }
    let begun = clock::mono_ms();
    let coordinator = bed.drain(2)?;
    let mut cancelled = HashSet::new();
    while process::alive(&coordinator) && clock::mono_ms() - begun < DEADLINE_MS {
        cancel_at_work(&bed, &mut cancelled)?;
        clock::pause_ms(20);
        daemon::reap();
    }
    let late = process::alive(&coordinator);
    if late {
        process::kill_and_see_dead(&coordinator, 1_000);
    }
    let left = SwarmProcesses::new(order).end(&bed)?;
    let seen = bed.queue.scan()?;
    let mut stuck = stuck::unfinished(&seen);
    if late {
        stuck.push("the drain did not end".into());
    }
    report.judge("S6", stuck);
    report.judge("S7", left);
    report.judge("S5", poison(&bed)?);
    verdict::judge(&bed, &tally, report)
}

/// Cancels what is meant for it as soon as somebody works on it: most of these workers come to publish, and are
/// refused, before a heartbeat tells them.
fn cancel_at_work(bed: &TestBed, cancelled: &mut HashSet<TaskId>) -> Result<()> {
    for claim in bed.queue.claims()? {
        let id = claim.at.id;
        if TaskKind::of(id.slug()) == Some(TaskKind::Cancel) && cancelled.insert(id.clone()) {
            let request = bed.queue.request_cancel(&id)?;
            // The request stays until it is met.
            let _ = bed.queue.carry_out(&request)?;
        }
    }
    Ok(())
}

/// What is wrong with the end of the poison.
fn poison(bed: &TestBed) -> Result<Vec<String>> {
    let all = bed.queue.all_ended()?;
    let ended =
        all.iter().find(|ended| TaskKind::of(ended.at().id.slug()) == Some(TaskKind::Poison));
    let Some(EndedTask::Failed(name)) = ended else {
        return Ok(vec![format!("the poison ended as {ended:?}")]);
    };
    let attempts = bed.queue.attempts(&name.at.id)?;
    let deaths = attempts.iter().filter(|attempt| attempt.lost.is_some()).count();
    let wrong = deaths != MAX_DEATHS as usize;
    Ok(if wrong { vec![format!("{deaths} deaths on record, not {MAX_DEATHS}")] } else { vec![] })
}
