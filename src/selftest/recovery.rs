//! How long a task waited after its worker was killed, from the journals.

use std::collections::HashMap;

use serde_json::Value;

use super::Order;
use super::ground::Ground;
use super::report::{Report, quantiles};
use super::storm::Tally;
use crate::domain::task::name::TaskEpoch;
use crate::domain::time::UnixMs;
use crate::queue::{Queue, Result};
use crate::shape::style::duration;
use crate::site::Dir;
use crate::sys::{clock, fs};

/// A worker was killed.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    /// When.
    pub(super) at: UnixMs,
    /// What it held a moment before.
    pub(super) held: Vec<TaskEpoch>,
}

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
type Noted = HashMap<(String, u32), u64>;

/// Looks up what became of the tasks in hand. One whose worker had just published (and was killed before it could
/// take its claim away) needed no recovery.
fn recoveries(queue: &Queue, kills: &[Kill]) -> Result<Recoveries> {
    let (reclaims, claims) = noted(queue)?;
    let mut found = Recoveries::default();
    for kill in kills {
        found.with_task += usize::from(!kill.held.is_empty());
        for held in &kill.held {
            let task = held.id.to_string();
            let since = |at: &u64| at.saturating_sub(kill.at.0);
            let reclaimed = reclaims.get(&(task.clone(), held.epoch.0));
            found.reclaimed_ms.extend(reclaimed.map(since));
            let again = claims.get(&(task, held.epoch.next().0));
            found.claimed_ms.extend(again.filter(|_| reclaimed.is_some()).map(since));
        }
    }
    Ok(found)
}

fn noted(queue: &Queue) -> Result<(Noted, Noted)> {
    let (mut reclaims, mut claims) = (Noted::new(), Noted::new());
    for note in notes(queue)? {
        let (Some(task), Some(epoch)) = (note["task"].as_str(), note["epoch"].as_u64()) else {
            continue;
        };
        let at = note["at"].as_str().and_then(clock::parse_rfc3339);
        let key = (task.to_owned(), u32::try_from(epoch).unwrap_or(u32::MAX));
        let into = match note["event"].as_str() {
            Some("reclaim") => &mut reclaims,
            Some("claim") => &mut claims,
            _ => continue,
        };
        into.extend(at.map(|at| (key, at.0)));
    }
    Ok((reclaims, claims))
}

/// Every line of every journal; the last of a process that was killed may be torn.
pub(super) fn notes(queue: &Queue) -> Result<Vec<Value>> {
    let dir = queue.paths().dir(Dir::Log);
    let mut notes = Vec::new();
    for name in fs::list(&dir)? {
        let text = fs::read_text(&dir.join(name))?;
        notes.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    Ok(notes)
}

/// Says what the storm was, and how fast it was recovered from.
pub(super) fn tell(
    order: &Order,
    ground: &Ground,
    tally: &Tally,
    took_ms: u64,
    report: &mut Report,
) -> Result<()> {
    report.section("storm");
    let ended = ground.queue.all_ended()?.len();
    report.tell("tasks", format!("{} dropped, {ended} ended", tally.dropped.len()));
    report.tell("workers killed", tally.kills.len().to_string());
    report.tell("coordinators killed", tally.coordinators_killed.to_string());
    if !order.kills_only {
        report.tell("processes stopped", tally.stops.to_string());
        report.tell("tasks meddled with", tally.meddled.to_string());
    }
    let recovered = recoveries(&ground.queue, &tally.kills)?;
    report.tell("killed with a task in hand", recovered.with_task.to_string());
    report.tell("kill → task ready again", quantiles(recovered.reclaimed_ms));
    report.tell("kill → task claimed again", quantiles(recovered.claimed_ms));
    let per_s = ended as f64 * 1000.0 / took_ms.max(1) as f64;
    report.tell("took", format!("{} ({per_s:.0} tasks/s)", duration(took_ms)));
    Ok(())
}
