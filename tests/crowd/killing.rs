//! kill -9 of whoever is there, again and again, coordinator included.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::deadline::wait_until;
use crate::support::swarm::Swarm;
use swarmdir::domain::event::Event;
use swarmdir::domain::task::state::State;

const TASKS: usize = 400;
const KILLS: usize = 60;

/// Every task is published once, though its worker, its agent or the coordinator may die at any instant.
#[test]
fn killed_workers_and_coordinators_lose_nothing_and_publish_nothing_twice() {
    let swarm = Swarm::with("default_agent = \"scratch\"\nmax_worker_deaths = 100\n");
    let ran = swarm.beside("ran");
    fs::create_dir(&ran).unwrap();
    for n in 0..TASKS {
        let script = format!("echo $SWARMDIR_WORKER >> {}/{n}\nsleep 0.05\n", ran.display());
        swarm.drop(format!("t{n}"), script);
    }
    let start = || swarm.start_coordinator(&["--agents", "8", "--drain"]);
    let mut coordinator = start();
    let mut kills = 0;
    let mut workers_killed = 0;
    while kills < KILLS && coordinator.runs() {
        let done = swarm.names("done").len();
        wait_until("the next task", || swarm.names("done").len() > done || !coordinator.runs());
        kills += 1;
        if kills % 15 == 0 {
            coordinator.signal(Signal::SIGKILL);
            coordinator.end();
            coordinator = start();
        } else if let Some(pid) = some_worker(&swarm, kills) {
            // It may have ended by itself since it was read.
            let _gone_already = kill(Pid::from_raw(pid), Signal::SIGKILL);
            workers_killed += 1;
        }
    }
    coordinator.end_slowly().exits(0);
    assert_eq!(swarm.counts(), format!("done {TASKS}"));
    assert!(workers_killed > KILLS / 2, "only {workers_killed} workers were killed");
    assert_eq!(fs::read_dir(&ran).unwrap().count(), TASKS, "every task ran");
    let published = published(&swarm);
    assert_eq!(published.len(), TASKS);
    assert!(published.values().all(|times| *times == 1), "published twice: {published:?}");
    println!(
        "{TASKS} tasks, {workers_killed} workers and {} coordinators killed: all done once",
        kills / 15
    );
}

/// The process of one of the registered workers; which one, the round decides.
fn some_worker(swarm: &Swarm, round: usize) -> Option<i32> {
    let names = swarm.names("workers");
    let name = names.get(round % names.len().max(1))?;
    let text = fs::read_to_string(swarm.at("queue/workers").join(name)).ok()?;
    let card: Value = serde_json::from_str(text.lines().nth(1)?).ok()?;
    i32::try_from(card["process"]["pid"].as_i64()?).ok()
}

/// How often each task was published, by the journals of all who could.
fn published(swarm: &Swarm) -> BTreeMap<String, usize> {
    let mut published = BTreeMap::new();
    for line in swarm.events() {
        if let Event::AttemptClosed { task, disposition: State::Done, refused: false, .. } =
            line.event
        {
            *published.entry(task.to_string()).or_default() += 1;
        }
    }
    // Whoever was killed between the rename and the note published without a word.
    for name in swarm.names("done") {
        let task = name.split('.').next().unwrap().to_owned();
        published.entry(task).or_insert(1);
    }
    published
}
