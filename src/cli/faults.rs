//! Faults to order, in a build with debug assertions: the real programs killed, failed or watched at a given call.
//!
//! | variable | whose calls |
//! |---|---|
//! | `SWARMDIR_FAULT` | a `worker` that somebody started |
//! | `SWARMDIR_FAULT_COORDINATOR` | `coordinator` and each of its commands |
//! | `SWARMDIR_FAULT_POOL` | the workers of a coordinator's pool |
//! | `SWARMDIR_FAULT_UNDER` | counts only calls on paths below this directory; default: all |
//!
//! Each kind of process reads its own variable and no other: a coordinator's plan does not reach its workers, nor
//! theirs one another by mistake. An agent gets none of them, as its environment holds no `SWARMDIR_*` of ours.
//!
//! A plan is `kill-before:N`, `kill-after:N`, `fail:ERRNO:N`, `lost:ERRNO:N` (N counts the calls that change
//! something, from 1, over all threads) or `trace:FILE`, which appends a line for each such call: thread, call, path, second path, bytes written, errno. It may not know
//! what a call is for. Invariant: without a plan nothing is installed.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use crate::sys::seam::{self, Call, CallFate, Hook};
use crate::sys::{env, fs, process};

/// Which kind of process this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// `coordinator`
    Coordinator,
    /// `worker`
    Worker,
    /// A worker of a pool.
    Pool,
}

/// What is to happen.
enum Plan {
    /// The nth call that changes something meets this fate.
    At(u64, CallFate),
    /// Every such call is noted.
    Trace(File),
}

/// The plan at work.
struct Faults {
    plan: Plan,
    under: Option<PathBuf>,
    count: u64,
}

/// Installs what this process's variable says. A plan that cannot be read ends the process: a test that asked for
/// a fault and got none would prove nothing.
pub(super) fn install(role: Role) {
    let variable = match role {
        Role::Coordinator => "SWARMDIR_FAULT_COORDINATOR",
        Role::Worker => "SWARMDIR_FAULT",
        Role::Pool => "SWARMDIR_FAULT_POOL",
    };
    let Some(text) = env::var(variable) else { return };
    let plan = parse(&text).unwrap_or_else(|| panic!("{variable} is no plan: {text:?}"));
    let under = env::var("SWARMDIR_FAULT_UNDER").map(PathBuf::from);
    seam::install(Box::new(Faults { plan, under, count: 0 }));
}

fn parse(text: &str) -> Option<Plan> {
    let (word, rest) = text.split_once(':')?;
    let fate = |fate: fn(i32) -> CallFate| {
        let (errno, nth) = rest.split_once(':')?;
        Some(Plan::At(nth.parse().ok()?, fate(seam::errno(errno)?)))
    };
    match word {
        "kill-before" => Some(Plan::At(rest.parse().ok()?, CallFate::KillBefore)),
        "kill-after" => Some(Plan::At(rest.parse().ok()?, CallFate::KillAfter)),
        "fail" => fate(CallFate::Fail),
        "lost" => fate(CallFate::Lost),
        // Opened now: what a hook does to files itself may not go through the seam.
        "trace" => Some(Plan::Trace(fs::open_append(rest.as_ref()).ok()?)),
        _ => None,
    }
}

impl Faults {
    fn concerns(&self, call: &Call<'_>) -> bool {
        let below = |under: &PathBuf| {
            let to = call.to.is_some_and(|to| to.starts_with(under));
            call.path.starts_with(under) || to
        };
        call.op.mutates() && self.under.as_ref().is_none_or(below)
    }
}

impl Hook for Faults {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        if !self.concerns(call) {
            return CallFate::Go;
        }
        self.count += 1;
        match &self.plan {
            Plan::At(nth, fate) if *nth == self.count => fate.clone(),
            Plan::At(..) | Plan::Trace(_) => CallFate::Go,
        }
    }

    fn after(&mut self, call: &Call<'_>, errno: Option<i32>) {
        let concerns = self.concerns(call);
        let Plan::Trace(file) = &mut self.plan else { return };
        if concerns {
            let (thread, op, path) = (process::own_thread(), call.op, call.path.display());
            let to = call.to.map_or(String::new(), |to| to.display().to_string());
            let (errno, bytes) = (errno.unwrap_or(0), call.bytes.len());
            let line = format!("{thread}\t{op:?}\t{path}\t{to}\t{bytes}\t{errno}\n");
            file.write_all(line.as_bytes()).expect("the trace can be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_which_call_and_what_becomes_of_it() {
        let fate = |text: &str| match parse(text) {
            Some(Plan::At(nth, fate)) => Some((nth, fate)),
            _ => None,
        };
        assert_eq!(fate("kill-before:3"), Some((3, CallFate::KillBefore)));
        assert_eq!(fate("kill-after:12"), Some((12, CallFate::KillAfter)));
        assert_eq!(fate("fail:EIO:1"), Some((1, CallFate::Fail(5))));
        assert_eq!(fate("lost:ENOENT:2"), Some((2, CallFate::Lost(2))));
        for wrong in ["", "kill-before", "kill-before:x", "fail:EWHAT:1", "fail:EIO", "plant:x"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
