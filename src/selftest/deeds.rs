//! The tasks: what each does, and what must become of it. Its name says which it is.

use fastrand::Rng;

use crate::queue::shift::EndedTask;

/// What a task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
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

const ALL: [(Deed, &str); 8] = [
    (Deed::Plain, "plain"),
    (Deed::Tree, "tree"),
    (Deed::Fail, "fail"),
    (Deed::Poison, "poison"),
    (Deed::Bad, "bad"),
    (Deed::Cancel, "cancel"),
    (Deed::Late, "late"),
    (Deed::Long, "long"),
];

impl Deed {
    /// One for a storm: mostly plain ones.
    pub(super) fn choose(rng: &mut Rng, kills_only: bool) -> Deed {
        match rng.u32(0..100) {
            0..73 => Deed::Plain,
            73..76 => Deed::Late,
            76..84 => Deed::Tree,
            84..88 => Deed::Fail,
            88..92 => Deed::Bad,
            _ if kills_only => Deed::Plain,
            _ => Deed::Cancel,
        }
    }

    /// Its file; it takes about so long.
    pub(super) fn file(self, number: usize, work_ms: u64, rng: &mut Rng) -> (String, String) {
        let ms = rng.u64(work_ms / 2..=work_ms * 3 / 2);
        let text = match self {
            Deed::Plain | Deed::Late => format!("sleep {ms}\n"),
            Deed::Long => format!("sleep {LONG_MS}\n"),
            Deed::Tree => format!("---\nagent: tree\n---\nsleep {ms}\nwrite\n"),
            Deed::Fail => format!("sleep {ms}\nfail\n"),
            Deed::Poison => "poison\n".into(),
            Deed::Bad => "---\nno-such-key: 1\n---\nsleep 5\n".into(),
            // Long enough to be seen at work.
            Deed::Cancel => format!("sleep {}\n", 400 + ms),
        };
        (self.name(number), format!("{text}end\n"))
    }

    /// Its file's name.
    pub(super) fn name(self, number: usize) -> String {
        let (_, word) = ALL.iter().find(|(deed, _)| *deed == self).unwrap_or(&ALL[0]);
        format!("{word}-{number}")
    }

    /// What a task's name says.
    pub(super) fn of(slug: &str) -> Option<Deed> {
        let (word, number) = slug.split_once('-')?;
        number.parse::<usize>().ok()?;
        ALL.iter().find(|(_, known)| *known == word).map(|(deed, _)| *deed)
    }

    /// Whether it may end so.
    pub(super) fn may_end(self, ended: &EndedTask) -> bool {
        match self {
            Deed::Plain | Deed::Tree | Deed::Late | Deed::Long => {
                matches!(ended, EndedTask::Done(_))
            }
            Deed::Fail | Deed::Poison => matches!(ended, EndedTask::Failed(_)),
            Deed::Bad => matches!(ended, EndedTask::Rejected(_)),
            Deed::Cancel => matches!(ended, EndedTask::Cancelled(_) | EndedTask::Done(_)),
        }
    }
}
