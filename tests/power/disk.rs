//! The weakest file system that the queue's assumptions allow, as far as a power cut shows it.
//!
//! A file's data is there up to its last fsync; what was written later is there, or not, or in part. A change of
//! names is there once the directory that received the name (or lost it, where none did) was synced; before that
//! each may have happened or not, independently, except that it needs what made the names that it used.
//! [`Names::Whole`]: a rename is atomic. [`Names::Torn`]: no journal: the new name and the loss of the old one are two
//! changes, and the loss alone reaches the disk only by an fsync of its directory. Nothing here knows the queue.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::tape::Entry;

/// What a rename is to a power cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Names {
    Whole,
    Torn,
}

/// What became of data that was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Data {
    /// Only what was synced.
    Synced,
    /// All of it.
    Full,
    /// The first half of it.
    Half,
}

type Name = (usize, OsString);

/// A change of names: what was added, what was taken away.
struct Change {
    add: Option<(Name, usize)>,
    del: Option<Name>,
    needs: Vec<usize>,
    durable: bool,
    /// The addition that this loss of a name belongs to.
    follows: Option<usize>,
}

struct Node {
    dir: bool,
    live: Vec<u8>,
    synced: Vec<u8>,
}

/// The disk after a number of entries of a tape.
pub(crate) struct Disk {
    mode: Names,
    nodes: Vec<Node>,
    names: HashMap<Name, usize>,
    last: HashMap<Name, usize>,
    changes: Vec<Change>,
}

/// A crash state: every path that is there, with the file's number (two names of one file) and content.
pub(crate) type State = BTreeMap<PathBuf, Option<(usize, Vec<u8>)>>;

impl Disk {
    pub(crate) fn after(entries: &[Entry], mode: Names) -> Disk {
        let root = Node { dir: true, live: Vec::new(), synced: Vec::new() };
        let mut disk = Disk {
            mode,
            nodes: vec![root],
            names: HashMap::new(),
            last: HashMap::new(),
            changes: Vec::new(),
        };
        for entry in entries {
            disk.apply(entry);
        }
        disk
    }

    /// How many changes of names are not durable; and files' contents.
    pub(crate) fn open(&self) -> (Vec<usize>, Vec<usize>) {
        let changes = (0..self.changes.len()).filter(|at| !self.changes[*at].durable);
        let nodes =
            (0..self.nodes.len()).filter(|at| self.nodes[*at].live != self.nodes[*at].synced);
        (changes.collect(), nodes.collect())
    }

    /// What one change needs, itself included.
    pub(crate) fn needed_by(&self, change: usize) -> Vec<usize> {
        let mut needed = vec![change];
        let mut at = 0;
        while at < needed.len() {
            let next = &self.changes[needed[at]];
            needed.extend(next.needs.iter().chain(next.follows.iter()).copied());
            at += 1;
        }
        needed
    }

    /// The state in which those of the undecided changes happened that `happened` names (and could).
    pub(crate) fn state(
        &self,
        happened: impl Fn(usize) -> bool,
        data: impl Fn(usize) -> Data,
    ) -> State {
        let mut there = vec![false; self.changes.len()];
        let mut names: HashMap<&Name, usize> = HashMap::new();
        for (at, change) in self.changes.iter().enumerate() {
            let possible =
                change.needs.iter().chain(change.follows.iter()).all(|need| there[*need]);
            there[at] = change.durable || (possible && happened(at));
            if !there[at] {
                continue;
            }
            if let Some(name) = &change.del {
                names.remove(name);
            }
            if let Some((name, node)) = &change.add {
                names.insert(name, *node);
            }
        }
        let mut below: HashMap<usize, Vec<(&OsString, usize)>> = HashMap::new();
        for ((dir, name), node) in names {
            below.entry(*dir).or_default().push((name, node));
        }
        let mut state = State::new();
        let mut open = vec![(PathBuf::new(), 0)];
        while let Some((path, dir)) = open.pop() {
            for (name, node) in below.get(&dir).into_iter().flatten() {
                let path = path.join(name);
                if self.nodes[*node].dir {
                    state.insert(path.clone(), None);
                    open.push((path, *node));
                } else {
                    state.insert(path, Some((*node, self.nodes[*node].content(data(*node)))));
                }
            }
        }
        state
    }

    /// What a living reader sees.
    pub(crate) fn live(&self) -> State {
        self.state(|_| true, |_| Data::Full)
    }

    fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Make { path, dir, emptied } => self.make(path, *dir, *emptied),
            Entry::Write { path, bytes, offset } => {
                let node = self.node(path);
                let live = &mut self.nodes[node].live;
                let at = offset.map_or(live.len(), |at| usize::try_from(at).expect("small"));
                live.resize(live.len().max(at + bytes.len()), 0);
                live[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Entry::Link { from, to } => {
                let (from, node) = (self.name(from), self.node(from));
                let to = self.name(to);
                self.change(Some((to, node)), None, &[from]);
            }
            Entry::Rename { from, to } => self.rename(from, to),
            Entry::Remove { path } => {
                let name = self.name(path);
                self.change(None, Some(name), &[]);
            }
            Entry::Sync { path } => self.sync(path),
            _ => {}
        }
    }

    fn make(&mut self, path: &Path, dir: bool, emptied: bool) {
        let name = self.name(path);
        if let Some(node) = self.names.get(&name) {
            if emptied {
                self.nodes[*node].live.clear();
            }
            return;
        }
        self.nodes.push(Node { dir, live: Vec::new(), synced: Vec::new() });
        let node = self.nodes.len() - 1;
        self.change(Some((name, node)), None, &[]);
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let (from, node, to) = (self.name(from), self.node(from), self.name(to));
        if self.mode == Names::Whole {
            return self.change(Some((to, node)), Some(from), &[]);
        }
        self.change(Some((to, node)), None, std::slice::from_ref(&from));
        let added = self.changes.len() - 1;
        self.change(None, Some(from), &[]);
        self.changes[added + 1].follows = Some(added);
    }

    /// Notes a change that uses these names, too.
    fn change(&mut self, add: Option<(Name, usize)>, del: Option<Name>, uses: &[Name]) {
        let touched = add.iter().map(|(name, _)| name).chain(&del);
        let needs = touched.clone().chain(uses).filter_map(|name| self.last.get(name).copied());
        let needs = needs.collect();
        for name in touched {
            self.last.insert(name.clone(), self.changes.len());
        }
        if let Some(name) = &del {
            self.names.remove(name);
        }
        if let Some((name, node)) = &add {
            self.names.insert(name.clone(), *node);
        }
        self.changes.push(Change { add, del, needs, durable: false, follows: None });
    }

    fn sync(&mut self, path: &Path) {
        let node = self.node(path);
        if !self.nodes[node].dir {
            self.nodes[node].synced = self.nodes[node].live.clone();
            return;
        }
        for at in (0..self.changes.len()).rev() {
            let change = &self.changes[at];
            let dir = match (&change.add, &change.del) {
                (Some(((dir, _), _)), _) | (None, Some((dir, _))) => *dir,
                (None, None) => continue,
            };
            if dir == node {
                self.settle(at);
            }
        }
    }

    /// A change that is durable makes durable what it needs.
    fn settle(&mut self, at: usize) {
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            if !self.changes[at].durable {
                self.changes[at].durable = true;
                open.extend(self.changes[at].needs.iter().copied());
            }
        }
    }

    fn name(&self, path: &Path) -> Name {
        let dir = path.parent().map_or(0, |dir| self.node(dir));
        (dir, path.file_name().expect("a name").to_owned())
    }

    fn node(&self, path: &Path) -> usize {
        path.iter().fold(0, |dir, name| {
            *self
                .names
                .get(&(dir, name.to_owned()))
                .unwrap_or_else(|| panic!("{path:?} is used and was never made"))
        })
    }
}

impl Node {
    fn content(&self, data: Data) -> Vec<u8> {
        match data {
            Data::Full => self.live.clone(),
            Data::Synced => self.synced.clone(),
            Data::Half => {
                let same = self.live.iter().zip(&self.synced).take_while(|(a, b)| a == b).count();
                let half = (same + self.live.len()) / 2;
                let mut bytes = self.live[..half].to_vec();
                if self.synced.len() == self.live.len() {
                    bytes.extend_from_slice(&self.synced[half..]);
                }
                bytes
            }
        }
    }
}
