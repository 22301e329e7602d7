//! The table of `queue/README.md` as it may be seen: for each transition, every state that a queue may be left
//! in when its process dies, in order, and how its tasks end after that.
//!
//! `steps` is the specification: the first line is the state before, the last one the state after, and nothing
//! else may ever be there. `LINE => ENDS`.

mod cancelling;
mod holding;
mod housekeeping;
mod intake;
mod moving;

use std::collections::HashSet;

use swarmdir::queue::Result;
use swarmdir::queue::finish::Transition;

use super::lab::Lab;

/// What is done: true if it says that it was done, false if it says that somebody else was first.
pub(crate) type Act = Box<dyn FnOnce() -> Result<bool> + Send>;

/// One transition, from one state.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Brings a queue into the state before.
    pub(crate) arrange: fn(&Lab) -> Act,
    /// The states in order.
    pub(crate) steps: &'static [&'static str],
    /// Made without a queue.
    pub(crate) bare: bool,
    /// Three tasks, which go on where one of them fails.
    pub(crate) several: bool,
}

const fn row(name: &'static str, arrange: fn(&Lab) -> Act, steps: &'static [&'static str]) -> Row {
    Row { name, arrange, steps, bare: false, several: false }
}

impl Row {
    /// Every row.
    pub(crate) fn all() -> Vec<Row> {
        let parts = [
            intake::rows(),
            holding::rows(),
            moving::rows(),
            cancelling::rows(),
            housekeeping::rows(),
        ];
        parts.into_iter().flatten().collect()
    }

    /// A queue in the state before, and what is to be done to it.
    pub(crate) fn begin(&self) -> (Lab, Act) {
        let lab = if self.bare { Lab::bare() } else { Lab::new() };
        let act = (self.arrange)(&lab);
        assert_eq!(lab.line(), self.state(0), "{}: the state before", self.name);
        (lab, act)
    }

    /// The line of a step.
    pub(crate) fn state(&self, step: usize) -> &'static str {
        self.steps[step].split(" =>").next().unwrap()
    }

    /// How the tasks end, once it came to this step.
    fn ends(&self, step: usize) -> &'static str {
        self.steps[step].split_once("=> ").map_or("", |(_, ends)| ends)
    }

    pub(crate) fn last(&self) -> usize {
        self.steps.len() - 1
    }

    /// Which step a queue stands at; it must be one, and none before `from`.
    #[track_caller]
    pub(crate) fn step_of(&self, lab: &Lab, from: usize, context: &str) -> usize {
        let line = lab.line();
        let step = (from..self.steps.len()).find(|step| self.state(*step) == line);
        step.unwrap_or_else(|| panic!("{context}: no state after step {from}: {line}"))
    }

    /// Where several tasks go their ways: each stands at one of its own places, wherever the others are.
    #[track_caller]
    pub(crate) fn assert_each_at_a_step(&self, lab: &Lab, context: &str) {
        let line = lab.line();
        let places: HashSet<&str> = self.steps.iter().flat_map(|step| step.split(' ')).collect();
        assert!(line.split(' ').all(|word| places.contains(word)), "{context}: {line}");
        let slug =
            |word: &str| word.rsplit(['/', '-']).next()?.split('.').next().map(str::to_owned);
        let named = line.split(' ').filter(|word| !word.starts_with("report/"));
        let mut tasks: Vec<String> = named.filter_map(slug).collect();
        tasks.sort();
        assert_eq!(tasks, ["a", "b", "c"], "{context}: {line}");
    }

    /// After recovery: the queue is sound, every task goes its way to one end, the one that this step leads to,
    /// and nothing is left for ever.
    #[track_caller]
    pub(crate) fn assert_recovered(&self, lab: &Lab, step: usize, context: &str) {
        lab.assert_sound(context);
        lab.drive().unwrap_or_else(|e| panic!("{context}: {e}"));
        assert_eq!(lab.ends(), self.ends(step), "{context}: ends");
        lab.assert_sound(context);
        lab.assert_swept(context);
    }
}

/// A transition's own word for having been done.
fn won(closed: Result<Transition>) -> Result<bool> {
    Ok(closed? == Transition::Won)
}
