//! A breadth-first explorer: every reachable state, the shortest trace to a broken promise, and what is stuck.
//!
//! It knows no queue. A fair step is one that healthy machines take by themselves; faults and people's acts are
//! not fair. Invariant: a state is stuck exactly if no path of fair steps leads from it to one that is over.

use std::fmt::Display;
use std::hash::{Hash, Hasher};

/// What is explored.
pub(crate) trait Model {
    /// Small, and equal exactly if everything that matters is.
    type State: Copy + Eq + Hash;
    /// Who did what.
    type Label: Copy + Display;
    /// Where it begins.
    fn starts(&self) -> Vec<Self::State>;
    /// Everything that may happen next.
    fn steps(&self, state: &Self::State, out: &mut Vec<Step<Self::Label, Self::State>>);
    /// The first promise that does not hold here.
    fn broken(&self, state: &Self::State) -> Option<&'static str>;
    /// Nothing is left to do.
    fn over(&self, state: &Self::State) -> bool;
}

/// One system call of one actor, or one fault.
#[derive(Clone, Copy)]
pub(crate) struct Step<L, S> {
    pub(crate) label: L,
    /// Whether liveness may count on it.
    pub(crate) fair: bool,
    pub(crate) to: S,
}

/// What an exploration came to.
pub(crate) struct Report<L> {
    pub(crate) states: usize,
    /// The first broken promise, and how one gets there.
    pub(crate) broken: Option<(&'static str, Vec<L>)>,
    /// How many states are stuck, and how one gets to the nearest.
    pub(crate) stuck: usize,
    pub(crate) to_stuck: Vec<L>,
}

impl<L: Display> Report<L> {
    /// What went wrong first, in the words of the negative tests.
    pub(crate) fn verdict(&self) -> Option<(&'static str, &[L])> {
        match &self.broken {
            Some((promise, trace)) => Some((promise, trace)),
            None => (self.stuck > 0).then_some(("stuck", &self.to_stuck[..])),
        }
    }
}

/// Explores everything; stops at the first level with a broken promise.
pub(crate) fn explore<M: Model>(model: &M) -> Report<M::Label> {
    let mut graph = Graph::new();
    for start in model.starts() {
        graph.add(start, 0);
    }
    let mut steps = Vec::new();
    let mut at = 0;
    while at < graph.states.len() {
        let state = graph.states[at];
        if let Some(promise) = model.broken(&state) {
            let trace = graph.trace(model, at);
            let broken = Some((promise, trace));
            return Report { states: graph.states.len(), broken, stuck: 0, to_stuck: Vec::new() };
        }
        model.steps(&state, &mut steps);
        for step in steps.drain(..) {
            let to = graph.add(step.to, small(at));
            if step.fair {
                graph.fair.push((to, small(at)));
            }
        }
        at += 1;
    }
    let live = graph.backwards(|state| model.over(state));
    let stuck = live.iter().filter(|live| !**live).count();
    let nearest = live.iter().position(|live| !live);
    let to_stuck = nearest.map_or_else(Vec::new, |at| graph.trace(model, at));
    Report { states: graph.states.len(), broken: None, stuck, to_stuck }
}

struct Graph<S> {
    states: Vec<S>,
    /// Through which state each was found first; a start is its own.
    found_from: Vec<u32>,
    /// Open addressing over `states`; 0 is free, else index + 1.
    table: Vec<u32>,
    /// Fair steps, (to, from).
    fair: Vec<(u32, u32)>,
}

impl<S: Copy + Eq + Hash> Graph<S> {
    fn new() -> Graph<S> {
        let (states, found_from, fair) = (Vec::new(), Vec::new(), Vec::new());
        Graph { states, found_from, table: vec![0; 1 << 12], fair }
    }

    fn add(&mut self, state: S, from: u32) -> u32 {
        if self.states.len() * 2 > self.table.len() {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut slot = hash(&state) & mask;
        loop {
            match self.table[slot] {
                0 => break,
                found if self.states[found as usize - 1] == state => return found - 1,
                _ => slot = (slot + 1) & mask,
            }
        }
        self.states.push(state);
        self.found_from.push(from);
        self.table[slot] = small(self.states.len());
        small(self.states.len() - 1)
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 4 - 1;
        self.table = vec![0; mask + 1];
        for (index, state) in self.states.iter().enumerate() {
            let mut slot = hash(state) & mask;
            while self.table[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = small(index + 1);
        }
    }

    /// The labels on the way, found again by taking each state's steps once more.
    fn trace<M: Model<State = S>>(&self, model: &M, to: usize) -> Vec<M::Label> {
        let mut trace = Vec::new();
        let mut steps = Vec::new();
        let mut at = to;
        while self.found_from[at] as usize != at {
            let from = self.found_from[at] as usize;
            model.steps(&self.states[from], &mut steps);
            let taken = steps.drain(..).find(|step| step.to == self.states[at]);
            trace.push(taken.expect("a state was found by a step").label);
            at = from;
        }
        trace.reverse();
        trace
    }

    /// From which states a path of fair steps leads to the end.
    fn backwards(&self, over: impl Fn(&S) -> bool) -> Vec<bool> {
        let count = self.states.len();
        let mut first = vec![0_u32; count + 1];
        for (to, _) in &self.fair {
            first[*to as usize + 1] += 1;
        }
        for index in 0..count {
            first[index + 1] += first[index];
        }
        let mut fill = first.clone();
        let mut before = vec![0_u32; self.fair.len()];
        for (to, from) in &self.fair {
            before[fill[*to as usize] as usize] = *from;
            fill[*to as usize] += 1;
        }
        let mut live: Vec<bool> = self.states.iter().map(over).collect();
        let mut todo: Vec<usize> = (0..count).filter(|index| live[*index]).collect();
        while let Some(at) = todo.pop() {
            for from in &before[first[at] as usize..first[at + 1] as usize] {
                if !std::mem::replace(&mut live[*from as usize], true) {
                    todo.push(*from as usize);
                }
            }
        }
        live
    }
}

fn small(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 states")
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are as good as any")]
fn hash(value: &impl Hash) -> usize {
    let mut hasher = Mix(0);
    value.hash(&mut hasher);
    (hasher.0 ^ (hasher.0 >> 32)) as usize
}

/// Multiplies and rotates: as much as states of a few words need.
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
