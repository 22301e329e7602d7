//! Sixty-four workers fight over two thousand tasks.

use std::fs;

use crate::support::running::Running;
use crate::support::swarm::Swarm;

const TASKS: usize = 2_000;
const WORKERS: usize = 64;

#[test]
fn sixty_four_workers_run_two_thousand_tasks_exactly_once() {
    let swarm = Swarm::with("default_agent = \"scratch\"\n");
    let ran = swarm.beside("ran");
    fs::create_dir(&ran).unwrap();
    for n in 0..TASKS {
        // Appending shows a second run of the same task, whoever ran it.
        swarm.drop(format!("t{n}"), format!("echo ran >> {}/{n}\n", ran.display()));
    }
    let workers: Vec<Running> = (0..WORKERS).map(|_| swarm.start_worker(&["--drain"])).collect();
    for worker in workers {
        worker.end_slowly().exits(0);
    }
    assert_eq!(swarm.names("done").len(), TASKS);
    assert_eq!(swarm.counts(), format!("done {TASKS}"));
    for n in 0..TASKS {
        let times = fs::read_to_string(ran.join(n.to_string())).unwrap();
        assert_eq!(times, "ran\n", "task {n}");
    }
    println!("{TASKS} tasks, {WORKERS} workers: each ran exactly once");
}
