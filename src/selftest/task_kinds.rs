//! The tasks: what each does, and what must become of it. Its name says which it is.

use fastrand::Rng;

use crate::queue::shift::EndedTask;

/// What a task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TaskKind {
    /// Works for a moment.
    Plain,
    /// The same in a worktree, and leaves a file there.
    Tree,
    /// Fails.
    Fail,
    /// Kills its worker.
    Poison,
    /// Is wrong.
    Bad,
    /// Somebody cancels it.
    Cancel,
    /// Its file is written in two halves.
    Late,
    /// Works longer than a lease lasts.
    Long,
}

/// Longer than a lease (20 s), with some seconds in which a second agent would meet the first, milliseconds.
const LONG_MS: u64 = 26_000;

const ALL: [(TaskKind, &str); 8] = [
    (TaskKind::Plain, "plain"),
    (TaskKind::Tree, "tree"),
    (TaskKind::Fail, "fail"),
    (TaskKind::Poison, "poison"),
    (TaskKind::Bad, "bad"),
    (TaskKind::Cancel, "cancel"),
    (TaskKind::Late, "late"),
    (TaskKind::Long, "long"),
];

impl TaskKind {
    /// One for a storm: mostly plain ones.
    pub(super) fn choose(rng: &mut Rng, kills_only: bool) -> TaskKind {
        match rng.u32(0..100) {
            0..73 => TaskKind::Plain,
            73..76 => TaskKind::Late,
            76..84 => TaskKind::Tree,
            84..88 => TaskKind::Fail,
            88..92 => TaskKind::Bad,
            _ if kills_only => TaskKind::Plain,
            _ => TaskKind::Cancel,
        }
    }

    /// Its file; it takes about so long.
    pub(super) fn file(self, number: usize, work_ms: u64, rng: &mut Rng) -> (String, String) {
        let ms = rng.u64(work_ms / 2..=work_ms * 3 / 2);
        let text = match self {
            TaskKind::Plain | TaskKind::Late => format!("sleep {ms}\n"),
            TaskKind::Long => format!("sleep {LONG_MS}\n"),
            TaskKind::Tree => format!("---\nagent: tree\n---\nsleep {ms}\nwrite\n"),
            TaskKind::Fail => format!("sleep {ms}\nfail\n"),
            TaskKind::Poison => "poison\n".into(),
            TaskKind::Bad => "---\nno-such-key: 1\n---\nsleep 5\n".into(),
            // Long enough to be seen at work.
            TaskKind::Cancel => format!("sleep {}\n", 400 + ms),
        };
        (self.name(number), format!("{text}end\n"))
    }

    /// Its file's name.
    pub(super) fn name(self, number: usize) -> String {
        let (_, word) = ALL.iter().find(|(kind, _)| *kind == self).unwrap_or(&ALL[0]);
        format!("{word}-{number}")
    }

    /// What a task's name says.
    pub(super) fn of(slug: &str) -> Option<TaskKind> {
        let (word, number) = slug.split_once('-')?;
        number.parse::<usize>().ok()?;
        ALL.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// Whether it may end so.
    pub(super) fn may_end(self, ended: &EndedTask) -> bool {
        match self {
            TaskKind::Plain | TaskKind::Tree | TaskKind::Late | TaskKind::Long => {
                matches!(ended, EndedTask::Done(_))
            }
            TaskKind::Fail | TaskKind::Poison => matches!(ended, EndedTask::Failed(_)),
            TaskKind::Bad => matches!(ended, EndedTask::Rejected(_)),
            TaskKind::Cancel => matches!(ended, EndedTask::Cancelled(_) | EndedTask::Done(_)),
        }
    }
}
