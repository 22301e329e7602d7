//! The plan of a night: every task and every fault, each with its time. Pure: one seed, one plan.

use fastrand::Rng;

use super::tasks::{Pace, Task, kinds};
use crate::domain::process::ProcessIdentity;
use crate::shape::style::duration;

/// What an act leaves to be done later.
#[derive(Clone, Debug)]
pub(super) enum LaterEnd {
    Overload,
    Logout,
    FullDisk,
    Pause,
    Freeze(ProcessIdentity),
}

/// Something that happens to the swarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// The usage window has room for so many tokens only, until its reset.
    Limit { tokens: u64, for_ms: u64 },
    /// The service is overloaded.
    Overload { for_ms: u64 },
    /// The log-in is refused; then a person logs in, and says so.
    Logout { for_ms: u64 },
    /// The disk is full.
    FullDisk { for_ms: u64 },
    /// Somebody pauses the swarm.
    Pause { for_ms: u64 },
    /// The same, and running agents are stopped.
    PauseNow { for_ms: u64 },
    /// Everything is killed at once, and started again later.
    Reboot { for_ms: u64 },
    /// `kill -9` of the coordinator; cron starts another one later.
    KillCoordinator { for_ms: u64 },
    /// `kill -9` of a worker at work.
    KillWorker { dice: u64 },
    /// `kill -9` of an agent.
    KillAgent { dice: u64 },
    /// A worker is stopped, and woken later.
    Freeze { dice: u64, for_ms: u64 },
    /// People hold a task, move another one, release those held, cancel the unwanted.
    Meddle { dice: u64 },
}

/// All of it, by time.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Plan {
    pub(super) tasks: Vec<Task>,
    pub(super) acts: Vec<(u64, Act)>,
    /// What a night must be longer for.
    pub(super) left_out: Vec<&'static str>,
    pub(super) pace: Pace,
}

/// The shortest night that knows these, milliseconds: the program itself waits that long after them.
const OVERLOAD_FROM_MS: u64 = 120_000;
const DISK_FROM_MS: u64 = 150_000;
const LEASE_FROM_MS: u64 = 100_000;
/// Longer than a lease of 20 s and what follows it.
const BEYOND_LEASE_MS: u64 = 27_000;
/// Tasks come in during this part of the night, percent; what ends the peace comes in this part.
const DROPPING: u64 = 70;
const TROUBLE: u64 = 85;

/// A night of so many milliseconds.
pub(super) fn plan(seed: u64, night_ms: u64, tasks: usize, workers: usize) -> Plan {
    let mut rng = Rng::with_seed(seed);
    let pace = pace(night_ms, tasks, workers);
    let mut left_out = Vec::new();
    let mut acts = outages(night_ms, &mut rng, &mut left_out);
    acts.extend(small_faults(night_ms, tasks, &mut rng, &mut left_out));
    acts.sort_by_key(|(at_ms, _)| *at_ms);
    let tasks = kinds(tasks, &mut rng)
        .into_iter()
        .enumerate()
        .map(|(number, kind)| Task {
            kind,
            number,
            // A third of them lies there when the night begins.
            at_ms: rng.u64(0..=night_ms * DROPPING / 100).saturating_sub(night_ms * DROPPING / 300),
            steps: steps(&pace, &mut rng),
        })
        .collect();
    Plan { tasks, acts, left_out, pace }
}

/// How fast things go: all workers are busy for about half of the night, the rest goes to what hits them.
fn pace(night_ms: u64, tasks: usize, workers: usize) -> Pace {
    let share_ms = night_ms * workers as u64 / (tasks.max(1) as u64) * 55 / 100;
    Pace { work_ms: share_ms.clamp(300, 120_000), silence_ms: (night_ms / 40).clamp(3_000, 60_000) }
}

fn steps(pace: &Pace, rng: &mut Rng) -> Vec<(u64, u64)> {
    let count = rng.u64(2..=6);
    // No step is so quiet that it could be taken for a hung one.
    let most_ms = pace.silence_ms / 2;
    let about_ms = pace.work_ms / 4;
    (0..count)
        .map(|_| (rng.u64(500..5_000), rng.u64(about_ms / 2..=about_ms * 3 / 2).clamp(10, most_ms)))
        .collect()
}

/// What stops everybody: one after another, each in its own part of the night, in the seed's order.
fn outages(night_ms: u64, rng: &mut Rng, left_out: &mut Vec<&'static str>) -> Vec<(u64, Act)> {
    let of = |parts: u64, least: u64| (night_ms / parts).max(least);
    let limit = |rng: &mut Rng| Act::Limit {
        // A dozen calls or so: the window fills up by what is done in it.
        tokens: rng.u64(15_000..45_000),
        for_ms: of(14, 4_000),
    };
    let mut all = vec![
        limit(rng),
        Act::Pause { for_ms: of(60, 1_000) },
        Act::PauseNow { for_ms: of(60, 1_000) },
        Act::Reboot { for_ms: of(120, 500) },
    ];
    if night_ms >= OVERLOAD_FROM_MS {
        all.extend([limit(rng), limit(rng)]);
        all.extend([
            Act::Overload { for_ms: of(90, 2_000) },
            Act::Overload { for_ms: of(60, 2_000) },
        ]);
        all.push(Act::Logout { for_ms: of(40, 2_000) });
    } else {
        left_out.push("overloads and the revoked log-in");
    }
    if night_ms >= DISK_FROM_MS {
        all.push(Act::FullDisk { for_ms: of(30, 5_000) });
    } else {
        left_out.push("the full disk");
    }
    rng.shuffle(&mut all);
    let slot_ms = night_ms * (TROUBLE - 5) / 100 / all.len() as u64;
    all.into_iter()
        .enumerate()
        .map(|(slot, act)| {
            let from_ms = night_ms * 5 / 100 + slot_ms * slot as u64;
            (from_ms + rng.u64(0..=slot_ms / 3), act)
        })
        .collect()
}

/// What hits one: at any time.
fn small_faults(
    night_ms: u64,
    tasks: usize,
    rng: &mut Rng,
    left_out: &mut Vec<&'static str>,
) -> Vec<(u64, Act)> {
    let mut all = Vec::new();
    let some = |part: usize| tasks.div_ceil(part);
    all.extend((0..some(8)).map(|_| Act::KillWorker { dice: rng.u64(..) }));
    all.extend((0..some(12)).map(|_| Act::KillAgent { dice: rng.u64(..) }));
    all.extend((0..some(100)).map(|_| Act::KillCoordinator { for_ms: (night_ms / 180).max(200) }));
    all.extend((0..some(5)).map(|_| Act::Meddle { dice: rng.u64(..) }));
    all.extend(
        (0..some(25)).map(|_| Act::Freeze { dice: rng.u64(..), for_ms: rng.u64(200..4_000) }),
    );
    let mut timed: Vec<(u64, Act)> = all
        .into_iter()
        .map(|act| (rng.u64(night_ms * 3 / 100..=night_ms * TROUBLE / 100), act))
        .collect();
    if night_ms >= LEASE_FROM_MS {
        for _ in 0..some(100) {
            let act = Act::Freeze { dice: rng.u64(..), for_ms: BEYOND_LEASE_MS };
            timed.push((rng.u64(night_ms / 10..=night_ms * 6 / 10), act));
        }
    } else {
        left_out.push("workers that sleep beyond their lease");
    }
    timed
}

impl Plan {
    /// For people: a line for each thing that will happen.
    pub(super) fn text(&self) -> String {
        let drops = self.tasks.iter().map(|task| {
            let tokens: u64 = task.steps.iter().map(|(tokens, _)| tokens).sum();
            (
                task.at_ms,
                format!("drop {} ({} steps, {tokens} tokens)", task.name(), task.steps.len()),
            )
        });
        let acts = self.acts.iter().map(|(at_ms, act)| (*at_ms, act.text()));
        let mut all: Vec<(u64, String)> = drops.chain(acts).collect();
        all.sort();
        all.iter().map(|(at_ms, what)| format!("{:>9}  {what}\n", clock(*at_ms))).collect()
    }
}

impl Act {
    /// Whether it waits until somebody is at work.
    pub(super) fn needs_a_victim(&self) -> bool {
        use Act::{Freeze, KillAgent, KillCoordinator, KillWorker};
        matches!(
            self,
            KillWorker { .. } | KillAgent { .. } | KillCoordinator { .. } | Freeze { .. }
        )
    }

    /// One phrase for people.
    pub(super) fn text(&self) -> String {
        let span = |what: &str, ms: &u64| format!("{what} for {}", duration(*ms));
        match self {
            Act::Limit { tokens, for_ms } => {
                format!("usage limit: {tokens} tokens are left for {}", duration(*for_ms))
            }
            Act::Overload { for_ms } => span("overload", for_ms),
            Act::Logout { for_ms } => span("log-in revoked", for_ms),
            Act::FullDisk { for_ms } => span("disk full", for_ms),
            Act::Pause { for_ms } => span("pause", for_ms),
            Act::PauseNow { for_ms } => span("pause, agents stopped now,", for_ms),
            Act::Reboot { for_ms } => span("reboot: everything killed, down", for_ms),
            Act::KillCoordinator { for_ms } => span("kill -9 of the coordinator, gone", for_ms),
            Act::KillWorker { .. } => "kill -9 of a worker".into(),
            Act::KillAgent { .. } => "kill -9 of an agent".into(),
            Act::Freeze { for_ms, .. } => span("worker stopped (SIGSTOP)", for_ms),
            Act::Meddle { .. } => "people hold, move, release and cancel tasks".into(),
        }
    }
}

/// Time since the beginning.
pub(super) fn clock(ms: u64) -> String {
    let (minutes, seconds) = (ms / 60_000, ms % 60_000 / 1_000);
    format!("{minutes}:{seconds:02}.{}", ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_plan() {
        let of = |seed| plan(seed, 3_600_000, 300, 10);
        assert_eq!(of(7), of(7));
        assert_ne!(of(7).acts, of(8).acts);
        assert_ne!(of(7).tasks, of(8).tasks);
    }

    #[test]
    fn an_hour_has_everything_and_every_kind() {
        let plan = plan(1, 3_600_000, 300, 10);
        assert!(plan.left_out.is_empty() && plan.tasks.len() == 300);
        let mut words: Vec<&str> = plan.tasks.iter().map(|task| task.kind.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 18);
        let of = |which: fn(&Act) -> bool| plan.acts.iter().filter(|(_, act)| which(act)).count();
        assert_eq!(of(|act| matches!(act, Act::FullDisk { .. })), 1);
        assert_eq!(of(|act| matches!(act, Act::Limit { .. })), 3);
        assert!(of(|act| matches!(act, Act::KillWorker { .. })) > 30);
        let beyond = |act: &Act| matches!(act, Act::Freeze { for_ms: BEYOND_LEASE_MS, .. });
        assert_eq!(of(beyond), 3);
    }

    #[test]
    fn no_step_is_so_quiet_that_it_could_hang() {
        for night_ms in [24_000, 180_000, 3_600_000] {
            let plan = plan(3, night_ms, 60, 10);
            let longest = plan.tasks.iter().flat_map(|task| &task.steps).map(|(_, ms)| *ms).max();
            assert!(longest.is_some_and(|ms| ms <= plan.pace.silence_ms / 2), "{longest:?}");
            let last = plan.acts.last().map_or(0, |(at_ms, _)| *at_ms);
            assert!(last <= night_ms * TROUBLE / 100 + night_ms / 10, "{last}");
        }
    }
}
