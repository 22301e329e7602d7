//! Agents in real control groups: limits of all they start together, and an end that nobody escapes.

use std::fs;
use std::sync::Arc;

use swarmdir::agent::{Bounds, Job, Report};
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::domain::settings::limits::Limits;
use swarmdir::sys::cgroup::{self, Cgroup};
use swarmdir::sys::grace::Grace;
use swarmdir::sys::process::Signal;
use swarmdir::sys::sweep;

use crate::support::alone::{alone, this_test};
use crate::support::cgroups::{are_here, group, groups_of};
use crate::support::jobs::{Place, run};
use crate::support::proof::proof;
use crate::support::running::alive;

/// More than the limits of these tests, and little enough where they do not hold.
const HOG: &str = "head -c 100M /dev/zero | tail -c 100M | wc -c";

fn caged(place: &Place, script: &str, limits: Limits, group: &Arc<Cgroup>) -> Job {
    let mut job = place.sh(script, "x");
    job.bounds = Bounds { limits, group: Some(Arc::clone(group)), ..job.bounds };
    job
}

fn memory(mib: u64) -> Limits {
    Limits { tree_memory_bytes: Some(mib << 20), ..Limits::default() }
}

fn failure(report: &Report) -> (Fault, &str) {
    match &report.ending {
        Outcome::Failure { fault, detail } => (*fault, detail),
        Outcome::Success => panic!("{report:?}"),
    }
}

#[test]
fn what_takes_too_much_memory_is_killed_and_it_is_said_why() {
    if !are_here() {
        return;
    }
    let (place, group) = (Place::new(), group());
    let report = run(&caged(&place, &format!("set -e; {HOG}; exit 3"), memory(64), &group));
    let (fault, detail) = failure(&report);
    assert!(fault.is_the_tasks(), "{report:?}");
    assert!(detail.starts_with("killed: it used more than 64MiB of memory"), "{detail}");
    assert!(report.notes.iter().any(|note| note.contains("limits.tree_memory")), "{report:?}");
    // The next attempt in the same group is not blamed for it, and has its own limit.
    let report = run(&caged(&place, HOG, memory(512), &group));
    assert_eq!(report.said.as_deref(), Some("104857600"), "{report:?}");
    let place = Place::new();
    let report = run(&caged(&place, "exit 4", Limits::default(), &group));
    assert_eq!(failure(&report), (Fault::Error, "exit 4"));
    assert_eq!(report.notes, Vec::<String>::new());
    proof("cgroups", "cgroups: a hog of memory was killed and told", "64MiB");
}

#[test]
fn many_small_ones_are_one_tree() {
    if !are_here() {
        return;
    }
    let (place, group) = (Place::new(), group());
    // Each is far below the limit; what counts is what they hold together.
    let each = "(head -c 20M /dev/zero | (tail -c 20M; sleep 600)) >/dev/null &\n";
    let script = each.repeat(8) + "wait; wait; sleep 600";
    let mut job = caged(&place, &script, memory(64), &group);
    job.bounds.timeouts.wall_ms = 4_000;
    let report = run(&job);
    assert!(report.notes.iter().any(|note| note.contains("more than 64MiB")), "{report:?}");
}

#[test]
fn files_in_memory_that_one_attempt_leaves_are_not_on_the_next_ones_account() {
    if !are_here() || !std::path::Path::new("/dev/shm").exists() {
        return;
    }
    let (place, group) = (Place::new(), group());
    let left = tempfile::Builder::new().tempfile_in("/dev/shm").unwrap();
    let script = format!("head -c 40M /dev/zero > {}", left.path().display());
    let report = run(&caged(&place, &script, memory(64), &group));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    let before = group.dirs();
    let report =
        run(&caged(&place, "head -c 40M /dev/zero | tail -c 40M | wc -c", memory(64), &group));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert_ne!(group.dirs(), before, "it got a fresh one");
}

#[test]
fn a_bomb_of_processes_is_contained_also_for_root() {
    if are_here() {
        // Only who takes the statuses of its dead has their numbers back at once.
        alone(this_test!(), bomb);
    }
}

fn bomb() {
    sweep::become_subreaper().unwrap();
    let (place, group) = (Place::new(), group());
    let limits = Limits { tree_processes: Some(12), ..Limits::default() };
    // Bounded: should the limit not hold, two hundred sleeps are no harm, and the sweep ends them.
    let script = "n=0; while [ $n -lt 200 ]; do sleep 600 & n=$((n+1)); echo $n > started; done";
    let report = run(&caged(&place, script, limits, &group));
    let started: u32 = place.text("started").trim().parse().unwrap();
    assert!(started <= 12, "{started} were started");
    assert!(report.notes.iter().any(|note| note.contains("limits.tree_processes")), "{report:?}");
    assert!((1..=12).contains(&report.swept), "{report:?}");
    // And the next one may fork again.
    let report = run(&caged(&place, "true & wait; echo ok", limits, &group));
    assert_eq!(report.said.as_deref(), Some("ok"));
}

/// A daemon as they come: a session of its own, not our descendant, with an environment that says nothing.
fn escape(place: &Place) -> String {
    let pid = place.beside("daemon");
    let pid = pid.display();
    format!(
        "(setsid env -i /bin/sh -c 'echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600' </dev/null >/dev/null 2>&1 &)\nuntil [ -e {pid} ]; do sleep 0.01; done"
    )
}

fn daemon(place: &Place) -> i32 {
    fs::read_to_string(place.beside("daemon")).unwrap().trim().parse().unwrap()
}

#[test]
fn who_escapes_the_sweep_by_mark_does_not_escape_the_group() {
    if !are_here() {
        return;
    }
    let place = Place::new();
    let job = place.sh(&escape(&place), "x");
    assert_eq!(run(&job).swept, 0, "this process is no subreaper, and there is no mark");
    let escaped = daemon(&place);
    assert!(alive(escaped), "without a group it is missed");
    swarmdir::sys::process::signal(escaped, Signal::SIGKILL);

    let (place, group) = (Place::new(), group());
    let report = run(&caged(&place, &escape(&place), Limits::default(), &group));
    // Its parent may still be on its way out, and is counted then.
    assert!(report.ending == Outcome::Success && report.swept >= 1, "{report:?}");
    assert!(!alive(daemon(&place)), "with one it is not");
    proof("cgroups", "cgroups: daemons that only the group caught", 1);
}

#[test]
fn groups_that_an_agent_made_inside_of_its_own_go_with_it() {
    if !are_here() {
        return;
    }
    let (place, group) = (Place::new(), group());
    let dir = group.dirs()[0].display().to_string();
    let script = format!(
        "mkdir {dir}/inner && (echo 0 > {dir}/inner/cgroup.procs; exec env -i sleep 600) </dev/null >/dev/null 2>&1 &\nuntil grep -q . {dir}/inner/cgroup.procs; do sleep 0.01; done"
    );
    let report = run(&caged(&place, &script, Limits::default(), &group));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert!(report.swept >= 1, "{report:?}");
    let dirs = group.dirs();
    drop(group);
    assert!(dirs.iter().all(|dir| !dir.exists()), "all of it was removed");
}

#[test]
fn a_group_that_somebody_took_away_is_made_again() {
    if !are_here() {
        return;
    }
    let (place, group) = (Place::new(), group());
    for dir in group.dirs() {
        // Refused in version 1, where a thread of ours lives in it.
        let _taken_away = fs::remove_dir(dir);
    }
    let report = run(&caged(&place, "cat /proc/self/cgroup", Limits::default(), &group));
    assert!(report.said.as_deref().is_some_and(|said| said.contains("/swarmdir-")), "{report:?}");
    assert_eq!(report.notes, Vec::<String>::new());
}

#[test]
fn a_stranger_is_never_touched() {
    if !are_here() {
        return;
    }
    let (mine, other) = (group(), group());
    let name = other.dirs()[0].file_name().unwrap().to_string_lossy().into_owned();
    let worker = name.strip_prefix("swarmdir-").unwrap().split('.').next().unwrap().to_owned();
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    for dir in other.dirs() {
        fs::write(dir.join("cgroup.procs"), child.id().to_string()).unwrap();
    }
    assert_eq!(mine.kill(&mut Grace::new(), 1_000), cgroup::CgroupKill::default());
    assert_eq!(
        cgroup::end_of("0123456789abcdef0123456789abcdef", &mut Grace::new(), 1_000),
        cgroup::CgroupKill::default()
    );
    assert_eq!(child.try_wait().unwrap(), None, "it lives");
    // By the name of its own worker it is found, wherever it lies.
    assert_eq!(cgroup::end_of(&worker, &mut Grace::new(), 1_000).pids.len(), 1);
    assert_eq!(child.wait().unwrap().code(), None);
    drop(other);
    assert!(groups_of(&worker).is_empty());
}
