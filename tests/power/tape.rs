//! What a workload did to files, in order, with what was promised meanwhile.
//!
//! Invariant: everything that changed a file is on the tape, and nothing that failed or was left out is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use swarmdir::domain::task::name::AttemptName;
use swarmdir::sys::seam::{Call, CallFate, Hook, Op};

use super::promise::Must;

/// One thing on the tape; paths are below the base.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Make {
        path: PathBuf,
        dir: bool,
        emptied: bool,
    },
    Write {
        path: PathBuf,
        bytes: Vec<u8>,
        offset: Option<u64>,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    Sync {
        path: PathBuf,
    },
    /// From now on this may be so, too.
    Begin {
        text: usize,
        must: Must,
    },
    /// Acknowledged: it must be so.
    Kept {
        text: usize,
        must: Must,
    },
    /// A new life begins at this epoch: under a name of that epoch or a later one, nothing older counts.
    Life {
        text: usize,
        epoch: u32,
    },
    /// So many deaths were dealt with.
    Deaths {
        text: usize,
        count: u32,
    },
    /// The queue's identity was used.
    Identity(String),
}

/// One fsync of the program: the step, what was synced, and the how manieth time in that step.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Site {
    pub(crate) step: &'static str,
    pub(crate) what: String,
    pub(crate) nth: usize,
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.step, self.what)?;
        if self.nth > 1 { write!(f, " ({})", self.nth) } else { Ok(()) }
    }
}

#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) entries: Vec<Entry>,
    pub(crate) sites: BTreeSet<Site>,
    step: &'static str,
    counts: BTreeMap<PathBuf, usize>,
    left_out: Option<Site>,
    /// How long the tape was when it was first left out.
    pub(crate) left_out_at: Option<usize>,
    skipping: bool,
}

impl Tape {
    /// With one fsync left out.
    pub(crate) fn without(site: Option<Site>) -> Tape {
        Tape { left_out: site, ..Tape::default() }
    }

    /// The next calls belong to this step. What belongs to `user` is not the program's.
    pub(crate) fn step(&mut self, step: &'static str) {
        self.step = step;
        self.counts.clear();
    }

    fn site(&mut self, path: &Path, content: &[u8]) -> Site {
        let nth = self.counts.entry(path.to_owned()).or_default();
        *nth += 1;
        Site { step: self.step, what: kind_of(path, content), nth: *nth }
    }
}

/// The hook that fills a tape.
pub(crate) struct Recorder {
    pub(crate) base: PathBuf,
    pub(crate) tape: Rc<RefCell<Tape>>,
}

impl Recorder {
    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.base).expect("the workload stays in its directory").to_owned()
    }
}

impl Hook for Recorder {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        if call.op != Op::Sync {
            return CallFate::Go;
        }
        let path = self.below(call.path);
        let mut tape = self.tape.borrow_mut();
        let content = std::fs::read(call.path).unwrap_or_default();
        let site = tape.site(&path, &content);
        tape.skipping = tape.left_out.as_ref() == Some(&site);
        if tape.skipping && tape.left_out_at.is_none() {
            tape.left_out_at = Some(tape.entries.len());
        }
        if site.step != "user" {
            tape.sites.insert(site);
        }
        if tape.skipping { CallFate::Skip } else { CallFate::Go }
    }

    fn after(&mut self, call: &Call<'_>, errno: Option<i32>) {
        if errno.is_some() || !call.op.mutates() {
            return;
        }
        let path = self.below(call.path);
        let to = || self.below(call.to.expect("a second path"));
        let made = |dir| Entry::Make {
            path: path.clone(),
            dir,
            emptied: std::fs::metadata(call.path).is_ok_and(|meta| meta.len() == 0),
        };
        let mut tape = self.tape.borrow_mut();
        let entry = match call.op {
            Op::Link => Entry::Link { from: path, to: to() },
            Op::Rename => Entry::Rename { from: path, to: to() },
            Op::Unlink | Op::Rmdir => Entry::Remove { path },
            Op::Mkdir => made(true),
            Op::Create => made(false),
            Op::Write => Entry::Write { path, bytes: call.bytes.to_vec(), offset: call.offset },
            Op::Sync if tape.skipping => return,
            Op::Sync => Entry::Sync { path },
            Op::Touch => return,
            other => panic!("{other:?} has no place in the model"),
        };
        tape.entries.push(entry);
    }
}

/// A path with its identities left out, as the queue's table spells it.
fn kind_of(path: &Path, content: &[u8]) -> String {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().expect("plain names")).collect();
    let Some(at) = parts.iter().position(|part| *part == "queue") else {
        return format!("{}/ (above the queue)", if parts.is_empty() { "." } else { "DIR" });
    };
    match &parts[at + 1..] {
        [] => "queue/".into(),
        [dir] => format!("{dir}/"),
        ["runs", _] => "runs/T/".into(),
        ["runs", task, rest @ ..] => {
            let task = swarmdir::domain::task::id::TaskId::parse(task).expect("a task's directory");
            let attempt = AttemptName::parse_dir(&task, rest[0]).is_some();
            let life = rest[0].starts_with("retry.");
            let first = if attempt {
                "e.W"
            } else if life {
                "retry.E"
            } else {
                rest[0]
            };
            match rest.get(1) {
                Some(file) => format!("runs/T/{first}/{file}"),
                None if attempt => format!("runs/T/{first}/"),
                None => format!("runs/T/{first}"),
            }
        }
        ["tmp", name] if name.starts_with("format-") => "tmp/format-ID".into(),
        ["tmp", _] if content.windows(8).any(|part| part == b"\"schema\"") => {
            "tmp/x, for task.json".into()
        }
        ["tmp", _] => "tmp/x".into(),
        ["rejected", name] if name.ends_with(".error.txt") => "rejected/T.e.error.txt".into(),
        [dir, ..] => format!("{dir}/NAME"),
    }
}
