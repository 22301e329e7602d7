//! `coordinator selftest --night`: a short one, with everything that fits, and the plan of a long one.

use serde_json::Value;

use crate::support::proof::proof;
use crate::support::swarm::{COORDINATOR, Swarm};

/// Every invariant that a night looks at.
const ALL: [&str; 22] = [
    "FS", "I1", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "N1", "N2", "N3", "N4",
    "N5", "N6", "N7", "S2", "S3", "S4", "S7",
];

fn figure<'a>(report: &'a Value, section: &str, what: &str) -> &'a str {
    let sections = report["sections"].as_array().unwrap();
    let section = sections.iter().find(|s| s["name"] == section).unwrap();
    let figures = section["figures"].as_array().unwrap().iter();
    figures.filter(|f| f["what"] == what).filter_map(|f| f["figure"].as_str()).next().unwrap_or("")
}

#[test]
fn a_short_one_is_survived() {
    let swarm = Swarm::empty();
    let place = swarm.beside("night");
    let mut command = swarm.command(COORDINATOR);
    command.args(["selftest", "--night", "--json", "--seed", "7", "--minutes", "0.4"]);
    command.args(["--tasks", "20", "--workers", "5", "--dir"]).arg(&place);
    let done = swarm.start(&mut command).end_slowly();
    let report: Value = serde_json::from_str(&done.out)
        .unwrap_or_else(|e| panic!("{e}: {:?}\n{}", done.out, done.err));
    assert_eq!(done.code(), 0, "{report:#}\n{}", done.err);
    let looked_at = report["looked_at"].as_array().unwrap();
    let missing: Vec<_> = ALL.iter().filter(|name| !looked_at.contains(&(**name).into())).collect();
    assert!(missing.is_empty(), "not looked at: {missing:?}");
    // Something did happen, and somebody was served.
    assert_eq!(figure(&report, "night", "reboots"), "1");
    assert_eq!(figure(&report, "night", "usage windows"), "1");
    assert!(figure(&report, "bill", "the service answered").contains("tokens"));
    assert!(place.read_dir().unwrap().next().is_none(), "it leaves nothing");
    let tasks = figure(&report, "night", "planned");
    assert!(tasks.contains("20 tasks"), "{tasks}");
    proof("night", "tasks of a short night that ended as they had to", 20);
}

#[test]
fn its_plan_is_its_seeds() {
    let swarm = Swarm::empty();
    let plan = |seed: &str| {
        let done = swarm.coordinator(&["selftest", "--night", "--plan", "--seed", seed]);
        assert_eq!(done.code(), 0, "{}", done.err);
        done.out
    };
    let once = plan("7");
    assert_eq!(once, plan("7"));
    assert_ne!(once, plan("8"));
    assert!(once.starts_with("seed 7\n"), "{once}");
    assert_eq!(once.lines().filter(|line| line.contains("  drop ")).count(), 300);
    for what in ["usage limit", "overload", "log-in revoked", "disk full", "reboot", "SIGSTOP"] {
        assert!(once.contains(what), "{what} is not in the plan");
    }
    let done = swarm.coordinator(&["selftest", "--plan"]);
    assert_eq!(done.code(), 2, "a storm has no plan: {}", done.out);
}
