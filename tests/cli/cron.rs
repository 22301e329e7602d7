//! cron: a short PATH, a HOME, overlapping runs, silence on success.

use std::fs;

use crate::support::running::Running;
use crate::support::swarm::{Swarm, WORKER};

/// A worker as cron starts it.
fn cron(swarm: &Swarm) -> Running {
    let mut command = swarm.command(WORKER);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", swarm.beside("home"));
    command.env("SWARM_E2E", swarm.root()).current_dir("/");
    swarm.start(command.args(["--drain", "--root", swarm.root().to_str().unwrap()]))
}

#[test]
fn a_cron_job_says_nothing_when_all_is_well() {
    let swarm = Swarm::new();
    let done = cron(&swarm).end().exits(0);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""));
    swarm.drop("a", "echo noise; echo noise >&2; echo x > x.txt");
    let done = cron(&swarm).end().exits(0);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""));
    assert_eq!(swarm.counts(), "done 1");
    let log = fs::read_to_string(swarm.at(".swarmdir/log/worker.log")).unwrap();
    assert!(log.contains("-a-") && log.contains("done"), "{log}");
    assert!(!log.contains('\u{1b}'));
}

#[test]
fn overlapping_runs_share_the_work() {
    let swarm = Swarm::with("default_agent = \"scratch\"");
    let runs = swarm.beside("runs");
    for n in 0..60 {
        swarm.drop(format!("t{n}"), format!("echo {n} >> {}\n", runs.display()));
    }
    let workers: Vec<Running> = (0..5).map(|_| cron(&swarm)).collect();
    for worker in workers {
        let done = worker.end().exits(0);
        assert_eq!(done.err, "");
    }
    assert_eq!(swarm.counts(), "done 60");
    assert_eq!(fs::read_to_string(runs).unwrap().lines().count(), 60);
}
