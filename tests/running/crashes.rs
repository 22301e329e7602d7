//! kill -9: of a worker, of its agent, of everything; each task is done once all the same.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::deadline::wait_until;
use crate::support::running::alive;
use crate::support::swarm::Swarm;

fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
}

/// The process of the worker that holds a task.
fn worker_of(swarm: &Swarm, slug: &str) -> i32 {
    let status = swarm.status();
    let workers = status["workers"].as_array().unwrap().clone();
    let worker = workers
        .iter()
        .find(|w| w["task"].as_str().is_some_and(|t| t.contains(&format!("-{slug}-"))));
    i32::try_from(worker.unwrap_or_else(|| panic!("{status}"))["pid"].as_i64().unwrap()).unwrap()
}

#[test]
fn a_killed_workers_agent_dies_and_its_task_is_recovered_at_once() {
    let swarm = Swarm::new();
    let script = format!(
        "echo $SWARMDIR_ATTEMPT >> tries.txt\n[ $SWARMDIR_ATTEMPT -gt 1 ] && exit 0\nsetsid sleep 600 &\n{}",
        swarm.holds("victim")
    );
    swarm.drop("victim", script);
    let coordinator = swarm.start_coordinator(&["--agents", "2", "--drain"]);
    let agent = swarm.wait_held("victim");
    let begun = Instant::now();
    kill_9(worker_of(&swarm, "victim"));
    swarm.wait_in("done", "victim");
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "no lease is waited for: {:?}",
        begun.elapsed()
    );
    assert!(!alive(agent), "the dead worker's agent is gone");
    let done = coordinator.end().exits(0);
    assert!(done.err.contains("died"), "{}", done.err);
    let task = swarm.show("victim");
    assert_eq!(task["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(task["attempts"][0]["lost"]["evidence"], "its process is dead");
    let branch = task["branch"].as_str().unwrap();
    let tries = swarm.git(&["show", &format!("{branch}:tries.txt")]);
    assert_eq!(tries, "1\n2", "it goes on in the same tree");
}

#[test]
fn what_a_killed_attempt_spent_is_on_the_bill_once() {
    let swarm = Swarm::new();
    let script = format!(
        "---\nagent: demo\n---\nstep one 1000 1ms\nonce sh {}\nstep two 20 1ms\n",
        swarm.holds("victim")
    );
    swarm.drop("victim", script);
    let coordinator = swarm.start_coordinator(&["--agents", "1", "--drain"]);
    swarm.wait_held("victim");
    kill_9(worker_of(&swarm, "victim"));
    coordinator.end().exits(0);
    let task = swarm.status()["tasks"][0].clone();
    assert_eq!((&task["attempt"], &task["input_tokens"]), (&2.into(), &1020.into()), "{task}");
    assert_eq!(task["cost_estimated"], true, "the killed one left no account");
    let cost = task["cost_usd"].as_f64().unwrap();
    assert!((0.00408..0.01).contains(&cost), "{cost}");
    let shown = swarm.show("victim");
    assert_eq!(shown["usage"]["input_tokens"], 1020);
    assert_eq!(shown["attempts"][0]["result"], serde_json::Value::Null);
    let branch = task["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["show", &format!("{branch}:steps.txt")]), "one\ntwo");
}

#[test]
fn a_worker_alone_recovers_what_a_dead_one_held() {
    let swarm = Swarm::new();
    swarm.drop(
        "victim",
        format!("[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ {} }}; echo x > x.txt", swarm.holds("victim")),
    );
    let first = swarm.start_worker(&[]);
    let agent = swarm.wait_held("victim");
    kill_9(first.pid());
    first.end().exits(137);
    swarm.drain();
    assert!(!alive(agent));
    assert_eq!(swarm.counts(), "done 1");
    assert!(
        swarm.names("gone").is_empty()
            && swarm.names("workers").is_empty()
            && swarm.names("claims").is_empty()
    );
}

/// A dead worker's agent that nobody had to reclaim: the task was moved on by another machine, or by a command.
#[test]
fn what_an_earlier_attempt_left_running_ends_before_the_next_one_starts() {
    let swarm = Swarm::new();
    swarm.drop("again", "echo $SWARMDIR_ATTEMPT >> tries.txt; [ $SWARMDIR_ATTEMPT -gt 1 ]");
    swarm.worker(&["--once"]);
    let task = swarm.show("again")["id"].as_str().unwrap().to_owned();
    let mut left = swarm.command("sleep").arg("600").env("SWARMDIR_TASK", &task).spawn().unwrap();
    // The same task of another queue, of which this one may be a copy.
    let mut other = swarm.command("sleep");
    other.arg("600").env("SWARMDIR_TASK", &task).env("SWARMDIR_QUEUE_INODE", "1.2");
    let mut other = other.spawn().unwrap();
    swarm.coordinator(&["retry", &task]).exits(0);
    swarm.drain();
    let ended = left.try_wait().unwrap();
    let _ended_already = left.kill();
    assert_eq!(ended.and_then(|status| status.signal()), Some(15), "it was asked first");
    assert!(other.try_wait().unwrap().is_none(), "it is none of ours");
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn a_task_that_kills_its_workers_fails_in_the_end() {
    let swarm = Swarm::with("max_worker_deaths = 2");
    swarm.drop("poison", "kill -9 $PPID; sleep 600");
    swarm.drop("good", "echo x > x.txt");
    swarm.coordinator(&["--agents", "1", "--drain"]).exits(1);
    assert_eq!(swarm.counts(), "done 1, failed 1");
    let task = swarm.show("poison");
    assert_eq!((&task["outcome"], task["attempts"].as_array().unwrap().len()), (&"lost".into(), 2));
    let why = swarm.coordinator(&["explain", "poison"]).exits(0).out;
    assert!(why.contains("worker died") && why.contains("  class: harness, "), "{why}");
    let why = swarm.json(&["explain", "poison"]);
    assert_eq!(
        (&why["rule"], &why["evidence"]["source"]),
        (&"swarmdir.lost".into(), &"lost".into())
    );
    // A new life counts its own deaths.
    let file = swarm.at("queue/failed").join(swarm.place("poison").unwrap().1);
    fs::write(file, "echo x > x.txt").unwrap();
    swarm.coordinator(&["retry", "poison"]).exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
}

#[test]
fn everything_killed_at_once_is_picked_up_by_the_next_run() {
    let swarm = Swarm::new();
    let runs = swarm.beside("runs");
    for n in 0..6 {
        let hold = swarm.holds(&format!("t{n}"));
        swarm.drop(
            format!("t{n}"),
            format!(
                "[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ {hold} }}; echo {n} >> {}; echo x > x.txt",
                runs.display()
            ),
        );
    }
    let coordinator = swarm.start_coordinator(&["--agents", "2"]);
    wait_until("two claims", || fs::read_dir(swarm.beside("marks")).unwrap().count() >= 2);
    for (pid, _) in swarm.processes() {
        let _died_of_another = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    coordinator.end().exits(137);
    for n in 0..6 {
        swarm.let_go(&format!("t{n}"));
    }
    swarm.coordinator(&["--agents", "2", "--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 6");
    assert_eq!(fs::read_to_string(runs).unwrap().lines().count(), 6);
}

#[test]
fn an_agent_that_is_killed_failed() {
    let swarm = Swarm::new();
    swarm.drop("victim", swarm.holds("victim"));
    let worker = swarm.start_worker(&["--drain"]);
    kill_9(swarm.wait_held("victim"));
    worker.end().exits(1);
    let task = swarm.show("victim");
    assert_eq!(task["outcome"], "crashed");
    assert_eq!(task["attempts"][0]["result"]["exit"], "signal 9");
}

/// Killed again and again, at no particular moment; strict, as the default is.
#[test]
fn a_storm_of_kills_loses_nothing_and_doubles_nothing() {
    // A task whose tree a dead worker's git still holds waits a minute, as a machine's fault does.
    let swarm =
        Swarm::with("durability = \"strict\"\nmax_worker_deaths = 100\ndrain_wait = \"5m\"");
    let runs = swarm.beside("runs");
    fs::write(&runs, "").unwrap();
    for n in 0..40 {
        swarm.drop(
            format!("t{n}"),
            format!("echo {n} >> x.txt; sleep 0.1; echo $SWARMDIR_TASK >> {}", runs.display()),
        );
    }
    let mut coordinator = swarm.start_coordinator(&["--agents", "3", "--drain"]);
    wait_until("a worker", || !swarm.names("workers").is_empty());
    let mut kills = 0;
    while coordinator.runs() && kills < 6 {
        let progress = || fs::read_to_string(&runs).unwrap().lines().count();
        wait_until("progress", || progress() >= kills * 4 || !coordinator.runs());
        let status = swarm.status();
        let workers = status["workers"].as_array().unwrap();
        if let Some(pid) = workers.get(kills % workers.len().max(1)).and_then(|w| w["pid"].as_i64())
        {
            let _ended_by_itself =
                kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL);
            kills += 1;
        }
    }
    assert!(kills >= 4, "a storm, not a breeze: {kills}");
    coordinator.end_slowly().exits(0);
    assert_eq!(swarm.counts(), "done 40");
    assert_eq!(swarm.git(&["fsck", "--no-progress", "--no-dangling"]), "");
    let branches = swarm.git(&["branch", "--list", "swarm/*", "--format=%(refname:short)"]);
    assert_eq!(branches.lines().count(), 40, "one branch a task: {branches}");
}
