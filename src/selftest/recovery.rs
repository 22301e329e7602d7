//! How long a task waited after its worker was killed, from the journals.

use std::collections::HashMap;

use super::Order;
use super::report::{Report, quantiles};
use super::tally::{Kill, Tally};
use super::test_bed::TestBed;
use crate::domain::event::{Event, Reclaimed};
use crate::domain::task::name::TaskEpoch;
use crate::domain::time::UnixMs;
use crate::queue::{Queue, Result};
use crate::shape::style::duration;

/// What followed.
#[derive(Clone, Debug, Default)]
struct Recoveries {
    /// Kills that hit somebody at work.
    with_task: usize,
    /// From the kill to the reclaim, milliseconds.
    reclaimed_ms: Vec<u64>,
    /// From the kill to the next claim of the same task, milliseconds.
    claimed_ms: Vec<u64>,
}

/// When what happened to a task at which epoch.
type Noted = HashMap<TaskEpoch, UnixMs>;

/// Looks up what became of the tasks in hand. One whose worker had just published (and was killed before it could
/// take its claim away) needed no recovery.
fn recoveries(queue: &Queue, kills: &[Kill]) -> Result<Recoveries> {
    let (reclaims, claims) = noted(queue)?;
    let mut found = Recoveries::default();
    for kill in kills {
        found.with_task += usize::from(!kill.held.is_empty());
        for held in &kill.held {
            let since = |at: &UnixMs| at.since(kill.at);
            let reclaimed = reclaims.get(held);
            found.reclaimed_ms.extend(reclaimed.map(since));
            let again = claims.get(&held.next());
            found.claimed_ms.extend(again.filter(|_| reclaimed.is_some()).map(since));
        }
    }
    Ok(found)
}

fn noted(queue: &Queue) -> Result<(Noted, Noted)> {
    let (mut reclaims, mut claims) = (Noted::new(), Noted::new());
    for line in queue.events()? {
        let (into, id, epoch) = match line.event {
            Event::ClaimReclaimed { task, epoch, result: Reclaimed::Ready, .. } => {
                (&mut reclaims, task, epoch)
            }
            Event::AttemptClaimed { task, epoch, .. } => (&mut claims, task, epoch),
            _ => continue,
        };
        into.insert(TaskEpoch { id, epoch }, line.at_ms);
    }
    Ok((reclaims, claims))
}

/// Says what the storm was, and how fast it was recovered from.
pub(super) fn tell(
    order: &Order,
    bed: &TestBed,
    tally: &Tally,
    took_ms: u64,
    report: &mut Report,
) -> Result<()> {
    report.section("storm");
    let ended = bed.queue.all_ended()?.len();
    report.tell("tasks", format!("{} dropped, {ended} ended", tally.dropped.len()));
    report.tell("workers killed", tally.kills.len().to_string());
    report.tell("coordinators killed", tally.coordinators_killed.to_string());
    if !order.kills_only {
        report.tell("processes stopped", tally.stops.to_string());
        report.tell("tasks meddled with", tally.meddled.to_string());
    }
    let recovered = recoveries(&bed.queue, &tally.kills)?;
    report.tell("killed with a task in hand", recovered.with_task.to_string());
    report.tell("kill → task ready again", quantiles(recovered.reclaimed_ms));
    report.tell("kill → task claimed again", quantiles(recovered.claimed_ms));
    let per_s = ended as f64 * 1000.0 / took_ms.max(1) as f64;
    report.tell("took", format!("{} ({per_s:.0} tasks/s)", duration(took_ms)));
    Ok(())
}
