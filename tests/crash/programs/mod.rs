//! The shipped programs, killed by order at each of their calls, and put right by the next ones.

mod commands;
mod coordinator;
mod worker;

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lab::fast_dir;
use super::proof::Proof;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// As many at once: they wait for one another's ends more than for a processor.
const AT_ONCE: usize = 6;

/// One program, in one situation.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// A swarm before the program starts.
    pub(crate) arrange: fn() -> Swarm,
    /// The program and its arguments.
    pub(crate) argv: &'static [&'static str],
    /// Finishes everything without faults, and asserts what has to have come of it.
    pub(crate) finish: fn(&Swarm, &str),
}

impl Case {
    fn variable(&self) -> &'static str {
        if self.argv[0] == WORKER { "SWARMDIR_FAULT" } else { "SWARMDIR_FAULT_COORDINATOR" }
    }

    /// The program in a swarm, under a plan.
    pub(crate) fn command(&self, swarm: &Swarm, plan: &str) -> Command {
        let mut command = swarm.command(self.argv[0]);
        command.args(&self.argv[1..]).env(self.variable(), plan);
        command
    }

    /// The calls that the main thread makes in a run in which nothing goes wrong, one a line. So many there are at
    /// least in any run: the other threads' come by the clock.
    pub(crate) fn trace(&self) -> Vec<String> {
        let swarm = (self.arrange)();
        let file = swarm.beside("trace");
        swarm.start(&mut self.command(&swarm, &format!("trace:{}", file.display()))).end();
        let text = fs::read_to_string(file).unwrap();
        let main = text.split('\t').next().unwrap();
        let calls = text.lines().filter(|line| line.split('\t').next() == Some(main));
        let calls: Vec<String> = calls.map(str::to_owned).collect();
        (self.finish)(&swarm, &format!("{}, undisturbed", self.name));
        calls
    }

    /// Runs it under a plan, and puts right what came of it; its exit code.
    fn meet(&self, plan: &str, call: &str) -> i32 {
        let context = format!("{}, {plan}: {call}", self.name);
        let swarm = (self.arrange)();
        let done = swarm.start(&mut self.command(&swarm, plan)).end();
        assert!([0, 1, 69, 75, 137].contains(&done.code()), "{context}: {done:?}");
        (self.finish)(&swarm, &context);
        done.code()
    }
}

/// Before a call, and after it.
const BOTH: [&str; 2] = ["kill-before", "kill-after"];

/// Kills each of the cases before and after each of its calls, and puts it right again.
fn kill_all(cases: &[Case], proof: &mut Proof) {
    for case in cases {
        let calls = case.trace();
        let points: Vec<(&str, usize)> =
            BOTH.iter().flat_map(|way| (1..=calls.len()).map(move |n| (*way, n))).collect();
        let killed = AtomicUsize::new(0);
        each(&points, |(way, n)| {
            let code = case.meet(&format!("{way}:{n}"), &calls[n - 1]);
            killed.fetch_add(usize::from(code == 137), Ordering::Relaxed);
        });
        let killed = killed.into_inner();
        // How often a coordinator looks depends on the clock: few may be missing, and none is counted that is.
        assert!(killed * 20 >= points.len() * 19, "{}: {killed} of {}", case.name, points.len());
        proof.add(
            &format!("program killed, {}", case.name),
            format!("{killed} of {}", points.len()),
        );
    }
}

/// Each of a case's calls fails once, and is made and reported as failed.
fn fail_all(case: &Case, proof: &mut Proof) {
    let calls = case.trace();
    let plans = ["fail:EIO", "lost:EIO"];
    let points: Vec<(&str, usize)> =
        plans.iter().flat_map(|plan| (1..=calls.len()).map(move |n| (*plan, n))).collect();
    each(&points, |(plan, n)| {
        let code = case.meet(&format!("{plan}:{n}"), &calls[n - 1]);
        assert_ne!(code, 137, "{}, {plan}:{n}: it was killed", case.name);
    });
    proof.add(
        &format!("program's calls failed, {}", case.name),
        format!("{0} of {0}", points.len()),
    );
}

/// Runs `act` on each item, several at once; what panicked first is the test's own panic.
pub(crate) fn each<T: Sync>(items: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(item)));
                    if let Err(panic) = done {
                        let text =
                            panic.downcast::<String>().map_or("a panic".into(), |text| *text);
                        wrong.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} failures:\n{}", wrong.len(), wrong.join("\n"));
}

/// A root without a repository, whose agents need none; strict, as the default is.
pub(crate) fn plain(lines: &str) -> Swarm {
    let swarm = Swarm::empty_in(&fast_dir());
    swarm.settings(&format!("default_agent = \"scratch\"\ndurability = \"strict\"\n{lines}"));
    swarm
}

/// A root with a repository.
pub(crate) fn repository(lines: &str) -> Swarm {
    let swarm = Swarm::empty_in(&fast_dir());
    swarm.into_repository(&format!("durability = \"strict\"\n{lines}"))
}

/// Works everything off; what waits for a time of day is let go now.
pub(crate) fn drain(swarm: &Swarm, context: &str) {
    for _ in 0..3 {
        let done = swarm.worker(&["--drain"]);
        match done.code() {
            0 | 1 => return,
            75 => {
                for slug in ["a", "b"] {
                    if swarm.place(slug).is_some_and(|(dir, _)| dir == "blocked") {
                        swarm.coordinator(&["retry", slug]).exits(0);
                    }
                }
            }
            _ => panic!("{context}: {done:?}"),
        }
    }
    panic!("{context}: it never ends: {}", swarm.counts());
}

/// Each slug's directory at the end, and nothing else anywhere.
#[track_caller]
pub(crate) fn assert_ends(swarm: &Swarm, ends: &[(&str, &str)], context: &str) {
    let dirs = ["ready", "blocked", "done", "failed", "cancelled", "rejected", "pending"];
    let count: usize = dirs
        .iter()
        .map(|dir| swarm.names(dir).iter().filter(|name| !name.ends_with(".error.txt")).count())
        .sum();
    assert_eq!(count, ends.len(), "{context}: {}", swarm.counts());
    for (slug, dir) in ends {
        let place = swarm.place(slug).map(|(dir, _)| dir);
        assert_eq!(place, Some(*dir), "{context}: {slug}");
    }
    for dir in ["claims", "workers", "gone", "retire", "cancel"] {
        assert_eq!(swarm.names(dir), Vec::<String>::new(), "{context}: {dir}/");
    }
}
