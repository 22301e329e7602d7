//! The judgement: what lies on disk and what the witnesses saw, against each invariant.

use std::collections::{BTreeMap, HashMap};

use super::report::Report;
use super::tally::Tally;
use super::task_kinds::TaskKind;
use super::test_bed::TestBed;
use super::witness;
use crate::domain::event::Event;
use crate::domain::task::id::TaskId;
use crate::domain::task::name::AttemptName;
use crate::domain::task::state::State;
use crate::git::Repo;
use crate::queue::shift::EndedTask;
use crate::queue::{Queue, Result};
use crate::site::Dir;
use crate::sys::{fs, identity, tool};
use crate::worktree::TreePool;

/// The numbers of `queue/README.md` that `check` looks up.
const CHECKED: [&str; 10] = ["I1", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11"];

/// Those of them that never follow from a crash of processes: they hold also in the midst of a storm.
pub(super) const NEVER: [&str; 5] = ["I1", "I3", "I4", "I5", "I6"];

/// Looks at everything, after the end.
pub(super) fn judge(bed: &TestBed, tally: &Tally, report: &mut Report) -> Result<()> {
    let queue = &bed.queue;
    check(queue, report, |invariant| tally.seen_live(invariant))?;
    let ended = by_number(queue)?;
    report.judge("S1", not_once(tally, &ended));
    report.judge("S2", twice(queue)?);
    report.judge("S3", at_once(bed, tally)?);
    report.judge("S4", repeated(queue)?);
    report.judge("S7", occupied(bed));
    report.judge("S8", undone(bed, &ended));
    let cut = witness::cut(&bed.witness)?;
    report
        .judge("S8", cut.iter().map(|task| format!("{task} was worked on half-written")).collect());
    Ok(())
}

/// What `check` finds, and what was seen of each invariant before.
pub(super) fn check(
    queue: &Queue,
    report: &mut Report,
    seen: impl Fn(&str) -> Vec<String>,
) -> Result<()> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for violation in queue.check()? {
        let line = format!("{}: {}", violation.path.display(), violation.what);
        found.entry(violation.invariant).or_default().push(line);
    }
    for invariant in CHECKED {
        let mut lines = seen(invariant);
        lines.extend(found.remove(invariant).unwrap_or_default());
        report.judge(invariant, lines);
    }
    Ok(())
}

/// How each task ended, by what it was dropped as.
type Ends = HashMap<String, Vec<EndedTask>>;

fn by_number(queue: &Queue) -> Result<Ends> {
    let mut ends = Ends::new();
    for ended in queue.all_ended()? {
        ends.entry(ended.at().id.slug().to_owned()).or_default().push(ended);
    }
    Ok(ends)
}

fn not_once(tally: &Tally, ends: &Ends) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, number) in tally.kinds() {
        let name = kind.name(*number);
        match ends.get(&name).map(Vec::as_slice) {
            None | Some([]) => wrong.push(format!("{name} is lost")),
            Some([ended]) if kind.may_end(ended) => {}
            Some([ended]) => wrong.push(format!("{name} ended as {ended:?}")),
            Some(several) => wrong.push(format!("{name} ended {} times", several.len())),
        }
    }
    wrong
}

/// Publications that won, by the journals of those who published.
pub(super) fn twice(queue: &Queue) -> Result<Vec<String>> {
    let mut won: HashMap<TaskId, usize> = HashMap::new();
    for line in queue.events()? {
        if let Event::AttemptClosed { task, refused: false, disposition, .. } = line.event
            && matches!(disposition, State::Done | State::Failed)
        {
            *won.entry(task).or_default() += 1;
        }
    }
    let twice = won.into_iter().filter(|(_, times)| *times > 1);
    Ok(twice.map(|(task, times)| format!("{task} was published {times} times")).collect())
}

fn at_once(bed: &TestBed, tally: &Tally) -> Result<Vec<String>> {
    let mut seen = witness::overlaps(&bed.witness)?;
    seen.retain(|which| !tally.was_moved(which.split('.').next().unwrap_or_default()));
    Ok(seen.into_iter().map(|which| format!("two agents at once: {which}")).collect())
}

/// Attempts of one epoch by two workers: a name came back.
pub(super) fn repeated(queue: &Queue) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for name in fs::list(&queue.paths().dir(Dir::Runs))? {
        let Some(id) = name.to_str().and_then(TaskId::parse) else { continue };
        let names = fs::list_if_any(queue.paths().run(&id).dir())?;
        let attempts = names.iter().filter_map(|n| AttemptName::parse_dir(&id, n.to_str()?));
        let mut epochs: Vec<u32> = attempts.map(|attempt| attempt.at.epoch.0).collect();
        let all = epochs.len();
        epochs.sort_unstable();
        epochs.dedup();
        if epochs.len() < all {
            wrong.push(format!("{id}: {all} attempts in {} epochs", epochs.len()));
        }
    }
    Ok(wrong)
}

/// Trees that still belong to somebody.
pub(super) fn occupied(bed: &TestBed) -> Vec<String> {
    let Ok(repo) = Repo::discover(bed.repository()) else { return Vec::new() };
    let trees = TreePool::new(repo, None, &identity::host());
    let holders = trees.holders().unwrap_or_default();
    holders.iter().map(|o| format!("a tree still belongs to {}", o.task)).collect()
}

/// Tasks in trees whose work is not on a branch, and attempts whose result does not say `done`.
fn undone(bed: &TestBed, ends: &Ends) -> Vec<String> {
    let mut wrong = Vec::new();
    for ended in ends.values().flatten() {
        let EndedTask::Done(name) = ended else { continue };
        let result = bed.queue.attempt(name.clone()).result;
        let id = &name.at.id;
        match result {
            None => wrong.push(format!("{id} is done without a result")),
            Some(result) if TaskKind::of(id.slug()) == Some(TaskKind::Tree) => {
                let branch = result.branch.unwrap_or_default();
                let path = bed.repository().to_string_lossy();
                let object = format!("{branch}:witness.txt");
                let text = tool::first_line("git", &["-C", &path, "show", &object]);
                if text.as_deref() != Some(id.as_str()) {
                    wrong.push(format!("{id}: its file is not on {branch:?}"));
                }
            }
            Some(_) => {}
        }
    }
    wrong
}
