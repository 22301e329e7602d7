//! A day in a minute: what lives long takes no more after thousands of tasks than after the first ones.
//!
//! `SWARMDIR_TEST_AGE_TASKS` says through how many. What is over lies in `done/`, `failed/`, `rejected/`, `runs/` and
//! `log/` until `gc` takes it; everything else has to stay as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use swarmdir::domain::settings::choice::Durability;
use swarmdir::queue::Queue;

use crate::support::deadline::{wait_for, wait_until, wait_within};
use crate::support::proof::proof;
use crate::support::running::Running;
use crate::support::swarm::Swarm;

/// After this share of the tasks everything is as warm as it gets.
const WARM_SHARE: usize = 4;
/// Directories that hold what is over.
const OVER: [&str; 5] = ["done", "failed", "rejected", "runs", "log"];
/// Memory may be a fifth more, and this many KiB: allocators keep a little.
const SLACK_KIB: u64 = 1_024;

fn tasks() -> usize {
    let set = std::env::var("SWARMDIR_TEST_AGE_TASKS").ok();
    set.map_or(2_000, |tasks| tasks.parse().expect("SWARMDIR_TEST_AGE_TASKS is a number"))
}

/// What one process holds.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Holds {
    /// What it shares with nobody: whether others run the same program makes no difference.
    own_kib: u64,
    fds: usize,
    threads: usize,
    watches: usize,
    children: usize,
}

fn holds(pid: i32) -> Holds {
    let text = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let rollup = text("smaps_rollup");
    let own = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).unwrap();
    let count = |dir: &str| fs::read_dir(format!("/proc/{pid}/{dir}")).unwrap().count();
    let infos = fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap().flatten();
    let watches =
        |path: &Path| fs::read_to_string(path).unwrap_or_default().matches("inotify wd:").count();
    Holds {
        own_kib: own.trim().trim_end_matches(" kB").parse().unwrap(),
        fds: count("fd"),
        threads: count("task"),
        watches: infos.map(|info| watches(&info.path())).sum(),
        children: text(&format!("task/{pid}/children")).split_whitespace().count(),
    }
}

/// What it holds between two looks at the queue: several times in a row the same.
fn at_rest(pid: i32) -> Holds {
    let mut seen = holds(pid);
    let mut times = 0;
    wait_for("a process at rest", || {
        let now = holds(pid);
        let counts = |holds: &Holds| (holds.fds, holds.threads, holds.watches, holds.children);
        times = if counts(&now) == counts(&seen) { times + 1 } else { 0 };
        seen = now;
        (times == 5).then(|| seen.clone())
    })
}

/// How many names lie in each directory of the queue and of `.swarmdir`, but for those of what is over.
fn names(swarm: &Swarm) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut todo = vec![swarm.at("queue"), swarm.at(".swarmdir")];
    while let Some(dir) = todo.pop() {
        let mut count = 0;
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            count += 1;
            let over = OVER.iter().any(|over| entry.file_name() == *over) && dir.ends_with("queue");
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !over {
                todo.push(entry.path());
            }
        }
        counts.insert(dir.strip_prefix(swarm.root()).unwrap().display().to_string(), count);
    }
    counts
}

fn ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// One worker and its coordinator, and somebody who looks at them all the time.
struct Old {
    coordinator: Running,
    watcher: Running,
    worker: i32,
    // Last: it sees to it that nothing of it runs any more.
    swarm: Swarm,
    over: usize,
}

impl Old {
    fn new() -> Old {
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let swarm = Swarm::within(&parent, "agents = 1");
        let coordinator = swarm.start_coordinator(&["--quiet"]);
        let worker = wait_for("a worker", || {
            let id = swarm.names("workers").pop()?;
            let card = fs::read_to_string(swarm.at("queue/workers").join(id)).ok()?;
            let card: serde_json::Value = serde_json::from_str(card.lines().nth(1)?).ok()?;
            i32::try_from(card["process"]["pid"].as_i64()?).ok()
        });
        let watcher = swarm.start_coordinator(&["status", "--watch"]);
        Old { coordinator, watcher, worker, swarm, over: 0 }
    }

    fn pids(&self) -> [(&'static str, i32); 3] {
        [
            ("coordinator", self.coordinator.pid()),
            ("worker", self.worker),
            ("status --watch", self.watcher.pid()),
        ]
    }

    /// Some of each kind: in a tree, in a scratch directory, failing, leaving a process, with mistakes.
    fn work(&mut self, tasks: usize) {
        for n in 0..tasks {
            let text = match n % 10 {
                0 => "echo $SWARMDIR_TASK > f".to_owned(),
                1 => "---\nagent: scratch\n---\nexit 1".to_owned(),
                2 => "---\nagent: scratch\n---\nsetsid sleep 600 >/dev/null 2>&1 & true".to_owned(),
                3 => "---\nagnet: scratch\n---\ntrue".to_owned(),
                _ => "---\nagent: scratch\n---\necho said".to_owned(),
            };
            self.swarm.drop(format!("t{}", self.over + n), text);
        }
        self.over += tasks;
        let over = self.over;
        let count =
            |dir| self.swarm.names(dir).iter().filter(|n| !n.ends_with(".error.txt")).count();
        wait_within(Duration::from_secs(60 + tasks as u64), format!("{over} tasks"), || {
            (["done", "failed", "rejected"].map(count).iter().sum::<usize>() == over).then_some(())
        });
        wait_until("it waits again", || self.swarm.names("claims").is_empty() && self.waits());
    }

    /// Idle again, with its watches.
    fn waits(&self) -> bool {
        holds(self.worker).watches > 0 && holds(self.worker).children == 0
    }

    fn measure(&self) -> (Vec<Holds>, BTreeMap<String, usize>) {
        (self.pids().iter().map(|(_, pid)| at_rest(*pid)).collect(), names(&self.swarm))
    }

    /// CPU time of all three over an idle stretch, in clock ticks of 10 ms a second.
    fn idle(&self, long: Duration) -> f64 {
        let used = || self.pids().iter().take(2).map(|(_, pid)| ticks(*pid)).sum::<u64>();
        let (before, begun) = (used(), Instant::now());
        wait_until("the idle stretch is over", || begun.elapsed() >= long);
        (used() - before) as f64 / begun.elapsed().as_secs_f64()
    }
}

#[test]
fn nothing_that_lives_long_grows() {
    let tasks = tasks();
    let mut old = Old::new();
    old.work(tasks / WARM_SHARE);
    let idle = old.idle(Duration::from_secs(5));
    let (before, names_before) = old.measure();
    old.work(tasks / 2 - tasks / WARM_SHARE);
    old.idle(Duration::from_secs(1));
    old.work(tasks - tasks / 2);
    let (after, names_after) = old.measure();
    for (((who, _), before), after) in old.pids().iter().zip(&before).zip(&after) {
        let counts = |holds: &Holds| Holds { own_kib: 0, ..holds.clone() };
        assert_eq!(counts(before), counts(after), "{who}: descriptors, threads, watches, children");
        let most = before.own_kib + before.own_kib / 5 + SLACK_KIB;
        assert!(after.own_kib <= most, "{who} grew: {before:?} {after:?}");
        let figure = format!("{} KiB, then {} KiB, {tasks} tasks", before.own_kib, after.own_kib);
        proof("aging", &format!("24 hours: memory of {who}"), figure);
        let figure = format!("{}, {}, {}", after.fds, after.threads, after.watches);
        proof(
            "aging",
            &format!("24 hours: descriptors, threads, watches of {who}, unchanged"),
            figure,
        );
    }
    assert_eq!(names_before, names_after, "names in the queue and beside it");
    let beside = fs::read_dir(old.swarm.beside("repo.swarmdir")).unwrap().flatten();
    let (trees, files): (Vec<_>, Vec<_>) = beside.partition(|entry| entry.path().is_dir());
    assert!(trees.len() <= 2 && files.len() <= 4 * 2, "{trees:?} {files:?}");
    proof(
        "aging",
        "24 hours: idle CPU of coordinator and worker, ticks of 10 ms a second",
        format!("{idle:.2}"),
    );
    old.swarm.stop_now();
    old.coordinator.end().exits(143);
}

#[test]
fn journals_of_the_dead_and_the_one_that_all_share_stay_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue::open_or_make(&dir.path().join("queue"), Durability::Relaxed).unwrap();
    let log = dir.path().join("queue/log");
    let alive = queue.journal("coordinator-alive").unwrap();
    for n in 0..600 {
        fs::write(log.join(format!("{n:032x}.jsonl")), "{}\n").unwrap();
    }
    fs::write(log.join("commands.jsonl"), vec![b'x'; 9 << 20]).unwrap();
    let removed = queue.trim_journals().unwrap();
    // The large one was turned away, and counts among the others then.
    assert_eq!(removed, 600 + 1 - 512);
    assert_eq!(fs::read_dir(&log).unwrap().count(), 512 + 1, "the living one is no part of it");
    assert!(!log.join("commands.jsonl").exists());
    assert_eq!(queue.trim_journals().unwrap(), 0);
    drop(alive);
}
