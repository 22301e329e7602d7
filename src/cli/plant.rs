//! Broken protocols, for the self-test to find: each rule left out, at the calls on files that it consists of.
//!
//! Only in builds with debug assertions. `SWARMDIR_PLANT=NAME` breaks one rule in this process and in all that it
//! starts. The queue's code knows nothing of it.
#![expect(
    clippy::disallowed_methods,
    reason = "what a rule forbids is not done by the program's own door"
)]

use std::path::{Path, PathBuf};

use crate::sys::env;
use crate::sys::seam::{self, Call, CallFate, Hook, Op};

const VARIABLE: &str = "SWARMDIR_PLANT";
const ENOENT: i32 = 2;

/// Every rule that can be broken, and the invariant whose breach must be noticed.
pub const PLANTS: [(&str, &str); 16] = [
    ("publish-though-refused", "I1"),
    ("claim-though-claimed", "S4"),
    ("epoch-stays", "S4"),
    ("intake-loses", "S1"),
    ("intake-leaves-a-copy", "S1"),
    ("names-of-ones-own", "I3"),
    ("no-record", "I4"),
    ("no-result", "I5"),
    ("no-reasons", "I6"),
    ("claims-stay", "I7"),
    ("no-reclaim", "I8"),
    ("no-declaration-of-death", "I9"),
    ("no-burial", "I10"),
    ("cancel-requests-stay", "I11"),
    ("deaths-are-not-counted", "S5"),
    ("no-kill-before-reclaim", "S3"),
];

/// Breaks what the environment says. An unknown name is a mistake of a test, which must not pass for it.
pub fn sow() {
    let Some(name) = env::var(VARIABLE) else { return };
    let known = PLANTS.iter().find(|(known, _)| *known == name);
    let (name, _) = known.unwrap_or_else(|| panic!("{VARIABLE}: there is no plant {name:?}"));
    seam::install(Box::new(Plant { name, done: false }));
}

struct Plant {
    name: &'static str,
    /// What would have no end is done once.
    done: bool,
}

impl Hook for Plant {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        let moved = |from, to| is_move(call, from, to);
        let gone = |dir| call.op == Op::Unlink && dir_of(call.path) == dir;
        match self.name {
            "publish-though-refused" if moved("ready", "done") && !is_there(call.path) => {
                let to = call.to.unwrap_or(call.path);
                // Only the first outcome counts.
                drop(std::fs::write(to, b""));
                CallFate::Skip
            }
            "claim-though-claimed" if call.op == Op::Link && to_dir(call) == "claims" => {
                if is_there(call.to.unwrap_or(call.path)) { CallFate::Skip } else { CallFate::Go }
            }
            "epoch-stays" if moved("ready", "ready") => CallFate::To(call.path.to_owned()),
            "intake-loses" if moved("pending", "blocked") => {
                // It may be lost already.
                drop(std::fs::remove_file(call.path));
                CallFate::Fail(ENOENT)
            }
            "intake-leaves-a-copy" if moved("pending", "blocked") && !self.done => {
                self.done = true;
                // What cannot be copied is missing anyway.
                drop(std::fs::copy(call.path, call.to.unwrap_or(call.path)));
                CallFate::Skip
            }
            "names-of-ones-own" if moved("ready", "done") => {
                CallFate::To(with_name(call.to.unwrap_or(call.path), "+"))
            }
            "no-record" if call.op == Op::Link && ends(call.to, "task.json") => CallFate::Skip,
            "claims-stay" if gone("claims") => CallFate::Skip,
            "no-reclaim" if moved("ready", "ready") => CallFate::Fail(ENOENT),
            "no-reclaim" if gone("claims") => CallFate::Skip,
            "no-declaration-of-death" if moved("workers", "gone") => CallFate::Fail(ENOENT),
            "no-burial" if gone("gone") => CallFate::Skip,
            "cancel-requests-stay" if gone("cancel") => CallFate::Skip,
            "no-kill-before-reclaim" if call.op == Op::Kill => CallFate::Skip,
            _ => CallFate::Go,
        }
    }

    fn after(&mut self, call: &Call<'_>, errno: Option<i32>) {
        if errno.is_some() {
            return;
        }
        let target = match self.name {
            "no-result" if call.op == Op::Sync && ends(Some(call.path), "result.json") => {
                Some(call.path.to_owned())
            }
            "no-reasons" if to_dir(call) == "rejected" && call.op == Op::Rename => {
                call.to.map(|to| PathBuf::from(format!("{}.error.txt", to.display())))
            }
            "deaths-are-not-counted" if ends(Some(call.path), "/lost") && call.op == Op::Write => {
                Some(call.path.to_owned())
            }
            _ => None,
        };
        if let Some(path) = target {
            // It may be gone.
            drop(std::fs::remove_file(path));
        }
    }
}

fn is_move(call: &Call<'_>, from: &str, to: &str) -> bool {
    let trial = call.path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    call.op == Op::Rename && dir_of(call.path) == from && to_dir(call) == to && !trial
}

fn to_dir<'a>(call: &Call<'a>) -> &'a str {
    call.to.map_or("", dir_of)
}

fn dir_of(path: &Path) -> &str {
    path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("")
}

fn ends(path: Option<&Path>, end: &str) -> bool {
    path.is_some_and(|path| path.to_string_lossy().ends_with(end))
}

fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

fn with_name(path: &Path, prefix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{prefix}{name}"))
}
