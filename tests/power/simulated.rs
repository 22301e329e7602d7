//! The workloads under every power cut of the weakest file system; and each fsync, left out, is missed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use swarmdir::domain::settings::choice::Durability;

use super::disk::Names;
use super::promise::Judge;
use super::scratch;
use super::states::{Tally, explore, mode_name};
use super::tape::Site;
use super::workload::{SCENARIOS, Scenario, intake};

/// Random states at each cut, where all must hold.
const SAMPLES: [(Names, usize); 2] = [(Names::Whole, 3), (Names::Torn, 0)];

/// Plays a scenario and goes through its states.
fn run(
    scenario: &Scenario,
    durability: Durability,
    mode: Names,
    without: Option<Site>,
    samples: usize,
) -> (BTreeSet<Site>, Tally) {
    let dir = scratch();
    let base = dir.path().join("played");
    std::fs::create_dir(&base).unwrap();
    let tape = scenario.record(&base, durability, without);
    let intake = intake();
    let judge =
        Judge { texts: scenario.texts, intake: &intake, max_deaths: scenario.max_deaths, mode };
    let tally = explore(&tape, &judge, dir.path(), samples);
    (tape.sites, tally)
}

/// Does something for each of many, on as many threads as there are processors.
fn on_all<T: Sync, R: Send>(all: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(one) = all.get(at) else { break };
                    let result = act(one);
                    done.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn strict_holds(mode: Names) -> usize {
    let samples = SAMPLES.iter().find(|(of, _)| *of == mode).map_or(0, |(_, samples)| *samples);
    let tallies =
        on_all(&SCENARIOS, |scenario| run(scenario, Durability::Strict, mode, None, samples).1);
    let mut judged = 0;
    for (scenario, tally) in SCENARIOS.iter().zip(&tallies) {
        println!("{}: {} states of {}", scenario.name, tally.judged, tally.reached);
        judged += tally.judged;
    }
    for (scenario, tally) in SCENARIOS.iter().zip(tallies) {
        let broken = tally.broken.unwrap_or_default();
        assert!(broken.is_empty(), "{}, {}: {broken}", mode_name(mode), scenario.name);
    }
    judged
}

#[test]
fn what_was_acknowledged_survives_every_power_cut() {
    let judged = strict_holds(Names::Whole);
    assert!(judged >= 10_000, "only {judged} states");
    super::proof("power-cut states, simulated", judged);
}

#[test]
fn without_a_journal_no_task_loses_its_name() {
    let judged = strict_holds(Names::Torn);
    super::proof("power-cut states, simulated without a journal", judged);
}

#[test]
fn without_any_fsync_every_workload_loses_something() {
    let broken = on_all(&SCENARIOS, |scenario| {
        run(scenario, Durability::Relaxed, Names::Whole, None, 0).1.broken.is_some()
    });
    for (scenario, broken) in SCENARIOS.iter().zip(broken) {
        assert!(broken, "{} keeps its promises without any fsync", scenario.name);
    }
}

/// The table in `docs/durability.md` lists exactly these.
fn documented<'a>(sites: impl Iterator<Item = &'a Site>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/durability.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (step, what) = (cells.next()?, cells.next()?.strip_prefix('`')?.strip_suffix('`')?);
        Some(format!("{step}: {what}"))
    });
    let listed: BTreeSet<String> = rows.collect();
    let made: BTreeSet<String> = sites.map(Site::to_string).collect();
    assert_eq!(listed, made, "the table in docs/durability.md is of other fsyncs");
}

#[test]
fn each_fsync_left_out_is_missed() {
    let mut sites: BTreeMap<Site, Vec<&Scenario>> = BTreeMap::new();
    for scenario in &SCENARIOS {
        let dir = scratch();
        for site in scenario.record(dir.path(), Durability::Strict, None).sites {
            sites.entry(site).or_default().push(scenario);
        }
    }
    let sites: Vec<(Site, Vec<&Scenario>)> = sites.into_iter().collect();
    let caught = on_all(&sites, |(site, scenarios)| {
        [Names::Whole, Names::Torn].into_iter().find_map(|mode| {
            scenarios.iter().find_map(|scenario| {
                let tally = run(scenario, Durability::Strict, mode, Some(site.clone()), 0).1;
                let broken = tally.broken?;
                let first = broken.lines().next().unwrap_or_default().to_owned();
                Some(format!("{} ({}): {first}", scenario.name, mode_name(mode)))
            })
        })
    });
    documented(sites.iter().map(|(site, _)| site));
    let mut missed = Vec::new();
    for ((site, _), caught) in sites.iter().zip(&caught) {
        match caught {
            Some(how) => println!("{site} -- {how}"),
            None => missed.push(site.to_string()),
        }
    }
    assert!(missed.is_empty(), "nobody misses:\n  {}", missed.join("\n  "));
    super::proof("fsyncs left out and missed", format!("{0} of {0}", sites.len()));
}
