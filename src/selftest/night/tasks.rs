//! The tasks of a night: what each is like, the script that its agent plays, and how it must end.

use fastrand::Rng;

use crate::queue::shift::EndedTask;

/// What a task is like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    /// Step after step.
    Plain,
    /// Thinks for long in silence; nothing is wrong with it.
    Slow,
    /// Announces waits for the service.
    Retrying,
    /// Leaves processes behind, one of them in a session of its own.
    Children,
    /// Prints very long lines, and lines that are no JSON.
    Garbage,
    /// Is denied a tool.
    Denied,
    /// Only talks.
    Idle,
    /// Fails at first.
    Flaky,
    /// Says its result and does not end.
    Lingering,
    /// Fails each time.
    Failing,
    /// Crashes each time.
    Crashing,
    /// Falls silent.
    Hanging,
    /// Falls silent, and ignores INT and TERM.
    Deaf,
    /// Computes without end.
    Spinning,
    /// Shows signs of life without end: longer than it may.
    Endless,
    /// Kills its worker.
    Poison,
    /// Its file is wrong.
    Bad,
    /// Somebody cancels it.
    Unwanted,
}

/// Of a hundred tasks so many are of each kind.
const MIX: [(Kind, u32, &str); 18] = [
    (Kind::Plain, 44, "plain"),
    (Kind::Slow, 8, "slow"),
    (Kind::Retrying, 6, "retrying"),
    (Kind::Children, 5, "children"),
    (Kind::Garbage, 4, "garbage"),
    (Kind::Denied, 3, "denied"),
    (Kind::Idle, 2, "idle"),
    (Kind::Flaky, 6, "flaky"),
    (Kind::Lingering, 2, "lingering"),
    (Kind::Failing, 4, "failing"),
    (Kind::Crashing, 2, "crashing"),
    (Kind::Hanging, 3, "hanging"),
    (Kind::Deaf, 2, "deaf"),
    (Kind::Spinning, 1, "spinning"),
    (Kind::Endless, 1, "endless"),
    (Kind::Poison, 1, "poison"),
    (Kind::Bad, 3, "bad"),
    (Kind::Unwanted, 3, "unwanted"),
];

/// Times that scripts depend on, milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pace {
    /// A task's work, about.
    pub(super) work_ms: u64,
    /// Who is silent for so long is stopped.
    pub(super) silence_ms: u64,
}

/// A task of the plan.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Task {
    pub(super) kind: Kind,
    pub(super) number: usize,
    /// When its file is dropped, milliseconds from the beginning.
    pub(super) at_ms: u64,
    /// Tokens and time of each step.
    pub(super) steps: Vec<(u64, u64)>,
}

/// One of each kind, as far as there is room, and the others by their shares.
pub(super) fn kinds(tasks: usize, rng: &mut Rng) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = MIX.iter().map(|(kind, ..)| *kind).collect();
    rng.shuffle(&mut kinds);
    kinds.truncate(tasks);
    while kinds.len() < tasks {
        let mut dice = rng.u32(0..100);
        let drawn = MIX.iter().find(|(_, share, _)| {
            let hit = dice < *share;
            dice = dice.saturating_sub(*share);
            hit
        });
        kinds.push(drawn.map_or(Kind::Plain, |(kind, ..)| *kind));
    }
    rng.shuffle(&mut kinds);
    kinds
}

impl Kind {
    /// What a task's name says.
    pub(super) fn of(slug: &str) -> Option<Kind> {
        let (word, number) = slug.split_once('-')?;
        number.parse::<usize>().ok()?;
        MIX.iter().find(|(.., known)| *known == word).map(|(kind, ..)| *kind)
    }

    pub(super) fn word(self) -> &'static str {
        MIX.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., word)| word)
    }

    /// Whether it ends well if nobody does anything to it.
    pub(super) fn is_healthy(self) -> bool {
        self <= Kind::Flaky
    }

    /// Whether its agent may be killed: one that fails by itself has no attempt to spare.
    pub(super) fn may_lose_its_agent(self) -> bool {
        self < Kind::Flaky
    }

    /// Whether all its steps must be on its branch at the end.
    pub(super) fn leaves_its_steps(self) -> bool {
        self.is_healthy() && self != Kind::Idle
    }

    /// Whether it may end so; `outcome` is its last attempt's.
    pub(super) fn may_end(self, ended: &EndedTask, outcome: &str) -> bool {
        let failed = matches!(ended, EndedTask::Failed(_));
        match self {
            Kind::Denied => matches!(ended, EndedTask::Done(_)) && outcome == "denied",
            Kind::Idle => matches!(ended, EndedTask::Done(_)) && outcome == "no_changes",
            kind if kind.is_healthy() => matches!(ended, EndedTask::Done(_)) && outcome == "done",
            Kind::Lingering => failed && outcome == "no_result",
            Kind::Failing => failed && outcome == "error",
            Kind::Crashing => failed && outcome == "crashed",
            Kind::Hanging | Kind::Deaf => failed && outcome == "silent",
            Kind::Spinning => failed && ["silent", "timeout"].contains(&outcome),
            Kind::Endless => failed && outcome == "timeout",
            Kind::Bad => matches!(ended, EndedTask::Rejected(_)),
            Kind::Unwanted => matches!(ended, EndedTask::Cancelled(_) | EndedTask::Done(_)),
            // Its worker wrote no result; earlier attempts may have.
            _ => failed,
        }
    }
}

impl Task {
    /// What it is dropped as.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.kind.word(), self.number)
    }

    /// Its steps' names.
    pub(super) fn step_names(&self) -> Vec<String> {
        (1..=self.steps.len()).map(|step| format!("{}-step-{step}", self.name())).collect()
    }

    /// Its file.
    pub(super) fn file(&self, pace: &Pace) -> String {
        let Pace { silence_ms, work_ms } = *pace;
        let steps: Vec<String> = self
            .step_names()
            .iter()
            .zip(&self.steps)
            .map(|(name, (tokens, ms))| format!("step {name} {tokens} {ms}ms\n"))
            .collect();
        let all = steps.concat();
        let (first, rest) = steps.split_at(1);
        let (first, rest) = (first.concat(), rest.concat());
        let think = format!("think {}ms\n", silence_ms * 3 / 5);
        match self.kind {
            Kind::Plain | Kind::Unwanted => all,
            Kind::Slow => format!("{first}{think}{rest}{think}"),
            Kind::Retrying => format!("{first}retry {work_ms}ms\nthink {}ms\n{rest}", work_ms / 4),
            Kind::Children => format!("fork 10m\nleave 10m\n{all}"),
            Kind::Garbage => format!("{first}big-line 300000\ngarbage\n{rest}"),
            Kind::Denied => format!("{all}deny Bash\n"),
            Kind::Idle => format!("say nothing to do\nthink {}ms\n", work_ms / 4),
            Kind::Flaky => format!("{first}attempt 1 fail the tests are red\n{rest}"),
            Kind::Lingering => format!("{all}result-then-hang\n"),
            Kind::Failing => format!("{first}fail the tests are red\n"),
            Kind::Crashing => format!("{first}crash SEGV\n"),
            Kind::Hanging => format!("{first}hang\n"),
            Kind::Deaf => format!("{first}ignore-term\nhang\n"),
            Kind::Spinning => format!("{first}sh while :; do :; done\n"),
            Kind::Endless => self.endless(&first, silence_ms),
            Kind::Poison => format!("{first}{POISON}think 1m\n"),
            Kind::Bad => "---\nno-such-key: 1\n---\nsay this is never said\n".into(),
        }
    }

    /// It may take one and a half times as long as it may be silent, and would take longer than three times.
    fn endless(&self, first: &str, silence_ms: u64) -> String {
        let beat = format!("heartbeat\nthink {}ms\n", silence_ms * 2 / 5);
        let may_ms = silence_ms * 3 / 2 + self.steps.first().map_or(0, |(_, ms)| *ms);
        format!("---\ntimeout: {may_ms}ms\n---\n{first}{}", beat.repeat(16))
    }
}

/// The agent is the shell's parent, the worker the agent's.
const POISON: &str =
    "sh kill -9 $(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status); sleep 60\n";
