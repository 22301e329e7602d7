//! `coordinator selftest`: it passes where all is well, and finds each rule of the protocol that is left out.

use std::path::Path;

use serde_json::Value;

use crate::support::running::Done;
use crate::support::swarm::{COORDINATOR, Swarm};

/// Every invariant that a whole run looks at.
const ALL: [&str; 19] = [
    "FS", "I1", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "S1", "S2", "S3", "S4",
    "S5", "S6", "S7", "S8",
];

fn run(swarm: &Swarm, minutes: &str, tasks: &str, plant: &str) -> (Done, Value) {
    let mut command = swarm.command(COORDINATOR);
    command.args(["selftest", "--json", "--seed", "7", "--minutes", minutes, "--tasks", tasks]);
    command.arg("--dir").arg(fast_place(swarm)).env("SWARMDIR_PLANT", plant);
    let done = swarm.start(&mut command).end_slowly();
    let report = serde_json::from_str(&done.out)
        .unwrap_or_else(|e| panic!("{plant}: {e}: {:?}\n{}", done.out, done.err));
    (done, report)
}

fn fast_place(swarm: &Swarm) -> std::path::PathBuf {
    swarm.beside("selftest")
}

fn names(report: &Value, key: &str) -> Vec<String> {
    let all = report[key].as_array().unwrap().iter();
    let name = |v: &Value| v.as_str().or(v["invariant"].as_str()).unwrap().to_owned();
    let mut names: Vec<String> = all.map(name).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn a_sound_program_passes_and_leaves_nothing() {
    let swarm = Swarm::empty();
    let (done, report) = run(&swarm, "0.1", "100", "");
    assert_eq!(done.code(), 0, "{report:#}\n{}", done.err);
    assert_eq!((&report["sound"], &report["seed"]), (&true.into(), &7.into()));
    let looked_at = names(&report, "looked_at");
    let missing: Vec<&&str> =
        ALL.iter().filter(|name| !looked_at.contains(&(**name).to_owned())).collect();
    assert!(missing.is_empty(), "not looked at: {missing:?}");
    assert!(Path::new(&fast_place(&swarm)).read_dir().unwrap().next().is_none());
    assert!(report["again"].as_str().unwrap().contains("--seed 7"));
}

#[test]
fn mistakes_are_told() {
    let swarm = Swarm::empty();
    let done = swarm.coordinator(&["selftest", "--minutes", "-3"]);
    assert_eq!(done.code(), 2, "{}", done.err);
    let done = swarm.coordinator(&["selftest", "--minutes", "99999"]);
    assert!(done.code() == 2 && done.err.contains("hint:"), "{}", done.err);
    std::fs::create_dir(swarm.at("swarmdir-selftest-1")).unwrap();
    let done = swarm.coordinator(&["selftest", "--seed", "1"]);
    assert!(done.code() == 2 && done.err.contains("exists"), "{}", done.err);
}

/// The rules of the protocol, each left out in turn at the calls on files that it consists of.
#[cfg(debug_assertions)]
mod plants {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    use super::{Swarm, names, run};
    use crate::support::proof::proof;
    use swarmdir::cli::plant::PLANTS;

    /// The one that needs a lease to run out.
    const SLOW: &str = "no-kill-before-reclaim";

    /// A run spends most of its time waiting: so many go on at once.
    const AT_ONCE: usize = 5;

    fn found(plant: &str, invariant: &str, minutes: &str, tasks: &str) {
        let swarm = Swarm::empty();
        let (done, report) = run(&swarm, minutes, tasks, plant);
        let broken = names(&report, "broken");
        assert_eq!(done.code(), 1, "{plant}: {report:#}\n{}", done.err);
        assert!(broken.contains(&invariant.to_owned()), "{plant}: {broken:?}\n{report:#}");
        assert!(done.err.contains("hint:"), "{}", done.err);
        println!("{plant}: found, {}", broken.join(" "));
    }

    #[test]
    fn are_found() {
        let quick: Vec<_> = PLANTS.iter().filter(|(name, _)| *name != SLOW).collect();
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((plant, invariant)) = quick.get(next.fetch_add(1, SeqCst)) {
                        found(plant, invariant, "0.1", "90");
                    }
                });
            }
        });
        proof("selftest", "broken rules that selftest found", quick.len());
    }

    #[test]
    fn two_agents_at_once_are_found() {
        let (plant, invariant) = PLANTS.iter().find(|(name, _)| *name == SLOW).unwrap();
        found(plant, invariant, "0.8", "20");
        proof("selftest-slow", "broken rules that selftest found", 1);
    }
}
