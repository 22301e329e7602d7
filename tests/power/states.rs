//! Goes through the crash states of a tape: nothing, everything, each change alone, all but one, and a seeded sample.
//!
//! Invariant: the same tape and seed give the same states; a state that was judged is not judged again.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::disk::{Data, Disk, Names, State};
use super::promise::{Judge, Promises};
use super::tape::{Entry, Tape};

/// What came of it.
#[derive(Default)]
pub(crate) struct Tally {
    /// States that were reached.
    pub(crate) reached: usize,
    /// Those that differ from each other, and were opened.
    pub(crate) judged: usize,
    /// The first one that breaks a promise, and how.
    pub(crate) broken: Option<String>,
}

/// Looks at the states of a tape until one is broken, or there are none left.
pub(crate) fn explore(tape: &Tape, judge: &Judge<'_>, scratch: &Path, samples: usize) -> Tally {
    let mut tally = Tally::default();
    let mut seen = HashSet::new();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    // Before an fsync is left out, nothing differs.
    for cut in tape.left_out_at.unwrap_or(0)..=tape.entries.len() {
        let before = &tape.entries[..cut];
        let disk = Disk::after(before, judge.mode);
        let promises = Promises::after(before);
        let live = disk.live();
        for state in states_at(&disk, samples, &mut dice) {
            tally.reached += 1;
            let mut hasher = DefaultHasher::new();
            (&state, &promises).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            tally.judged += 1;
            let base = scratch.join(format!("{}", tally.judged));
            materialise(&state, &base);
            let verdict = judge.verdict(&base, &promises, &live);
            std::fs::remove_dir_all(&base).unwrap();
            if let Some(broken) = verdict {
                let last: Vec<&Entry> = before.iter().rev().take(3).collect();
                tally.broken =
                    Some(format!("{broken}\n  after {last:?}\n  with {}", listed(&state)));
                return tally;
            }
        }
    }
    tally
}

fn states_at(disk: &Disk, samples: usize, dice: &mut Dice) -> Vec<State> {
    let (changes, nodes) = disk.open();
    let mut states = Vec::new();
    for data in [Data::Synced, Data::Half, Data::Full] {
        states.push(disk.state(|_| true, |_| data));
        states.push(disk.state(|_| false, |_| data));
    }
    for change in &changes {
        let alone = disk.needed_by(*change);
        states.push(disk.state(|at| at != *change, |_| Data::Full));
        states.push(disk.state(|at| alone.contains(&at), |_| Data::Half));
    }
    for node in &nodes {
        for data in [Data::Synced, Data::Half] {
            states.push(disk.state(|_| true, |at| if at == *node { data } else { Data::Full }));
        }
    }
    for _ in 0..samples {
        let percent = [20, 50, 80][dice.below(3)];
        let happened: HashSet<usize> =
            changes.iter().copied().filter(|_| dice.below(100) < percent).collect();
        let data: BTreeMap<usize, Data> = nodes
            .iter()
            .map(|node| (*node, [Data::Synced, Data::Half, Data::Full][dice.below(3)]))
            .collect();
        states.push(disk.state(
            |at| happened.contains(&at),
            |node| data.get(&node).copied().unwrap_or(Data::Full),
        ));
    }
    states
}

fn materialise(state: &State, base: &Path) {
    std::fs::create_dir(base).unwrap();
    let mut first: BTreeMap<usize, PathBuf> = BTreeMap::new();
    for (path, content) in state {
        let path = base.join(path);
        match content {
            None => std::fs::create_dir(&path).unwrap(),
            Some((node, bytes)) => match first.get(node) {
                Some(other) => std::fs::hard_link(other, &path).unwrap(),
                None => {
                    std::fs::write(&path, bytes).unwrap();
                    first.insert(*node, path);
                }
            },
        }
    }
}

fn listed(state: &State) -> String {
    let file = |(path, content): (&PathBuf, &Option<(usize, Vec<u8>)>)| {
        content.as_ref().map(|(_, bytes)| format!("{} ({})", path.display(), bytes.len()))
    };
    state.iter().filter_map(file).collect::<Vec<_>>().join(", ")
}

/// A generator whose numbers are always the same.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}

/// Which mode a name is for, in what is printed.
pub(crate) fn mode_name(mode: Names) -> &'static str {
    match mode {
        Names::Whole => "renames are atomic",
        Names::Torn => "no journal",
    }
}
