//! Cancel, hold, release, retry: what a person does to tasks wherever they are.

use crate::support::deadline::wait_until;
use crate::support::running::alive;
use crate::support::swarm::Swarm;

#[test]
fn a_running_task_is_stopped_and_its_work_stays_in_its_branch() {
    let swarm = Swarm::new();
    swarm.drop(
        "victim",
        format!("echo half > half.txt\nsetsid sleep 600 &\n{}", swarm.holds("victim")),
    );
    let worker = swarm.start_worker(&[]);
    let agent = swarm.wait_held("victim");
    swarm.coordinator(&["cancel", "victim"]).exits(0);
    assert_eq!(swarm.show("victim")["state"], "cancelled");
    wait_until("the end of its agent", || !alive(agent));
    swarm.drop("next", "echo x > x.txt");
    swarm.wait_in("done", "next");
    let task = swarm.show("victim");
    let branch = task["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["show", &format!("{branch}:half.txt")]), "half");
    assert!(swarm.names("claims").is_empty() && swarm.names("cancel").is_empty());
    swarm.stop_now();
    worker.end().exits(143);
    assert_eq!(swarm.counts(), "done 1, cancelled 1");
}

#[test]
fn waiting_tasks_are_cancelled_wherever_they_wait() {
    let swarm = Swarm::new();
    for name in ["ready", "held"] {
        swarm.coordinator(&["add", "--name", name, "-m", "touch no"]).exits(0);
    }
    swarm.coordinator(&["hold", "held"]).exits(0);
    swarm.drop("dropped.md", "touch no");
    for name in ["ready", "held", "dropped.md"] {
        swarm.coordinator(&["cancel", name]).exits(0);
    }
    assert_eq!(swarm.counts(), "cancelled 3");
    swarm.drain();
    assert_eq!(swarm.counts(), "cancelled 3");
    let again = swarm.coordinator(&["cancel", "ready"]).exits(2);
    assert!(again.err.contains("it is cancelled"), "{again:?}");
    swarm.coordinator(&["retry", "ready", "held", "dropped"]).exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 3");
}

#[test]
fn a_failed_task_is_retried_in_a_new_life() {
    let swarm = Swarm::new();
    let fixed = swarm.beside("fixed");
    swarm.drop("flaky", format!("echo $SWARMDIR_ATTEMPT >> x.txt; [ -e {} ]", fixed.display()));
    swarm.worker(&["--drain"]).exits(1);
    swarm.coordinator(&["retry", "flaky"]).exits(0);
    swarm.worker(&["--drain"]).exits(1);
    assert_eq!(swarm.counts(), "failed 1");
    std::fs::write(fixed, "").unwrap();
    swarm.coordinator(&["retry", "flaky"]).exits(0);
    swarm.worker(&["--drain"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(swarm.show("flaky")["attempts"].as_array().unwrap().len(), 3);
    let done = swarm.coordinator(&["retry", "flaky"]).exits(2);
    assert!(done.err.contains("is done"), "{done:?}");
}

#[test]
fn a_held_task_waits_until_it_is_released() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "--name", "held", "-m", "echo x > x.txt"]).exits(0);
    swarm.coordinator(&["add", "--name", "free", "-m", "echo x > x.txt"]).exits(0);
    swarm.coordinator(&["hold", "held"]).exits(0);
    swarm.worker(&["--drain"]).exits(75);
    assert_eq!(swarm.counts(), "blocked 1, done 1");
    swarm.coordinator(&["priority", "held", "0"]).exits(0);
    assert_eq!(swarm.status()["tasks"][1]["reason"], "hold", "still held");
    swarm.coordinator(&["release", "held"]).exits(0);
    let (dir, name) = swarm.place("held").unwrap();
    assert!(dir == "ready" && name.starts_with("0-"), "{dir}/{name}");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
    let running = swarm.coordinator(&["release", "held"]).exits(2);
    assert!(running.err.contains("is not held"), "{running:?}");
}

#[test]
fn logs_follow_a_running_task_to_its_end() {
    let swarm = Swarm::new();
    swarm.drop("talks", format!("echo first\n{}echo second; echo x > x.txt", swarm.holds("talks")));
    let worker = swarm.start_worker(&["--drain"]);
    swarm.wait_held("talks");
    let logs = swarm.start_coordinator(&["logs", "-f", "talks"]);
    wait_until("the first line", || logs.out().contains("first"));
    let why = swarm.coordinator(&["explain", "talks"]).exits(0).out;
    assert!(why.contains("works on it"), "{why}");
    let hold = swarm.coordinator(&["hold", "talks"]).exits(2);
    assert!(hold.err.contains("is running"), "{hold:?}");
    swarm.let_go("talks");
    assert!(logs.end().exits(0).out.contains("second"));
    worker.end().exits(0);
}

#[test]
fn logs_show_what_went_to_standard_error() {
    let swarm = Swarm::new();
    swarm.drop("complains", "echo fine; echo 'the reason\t' >&2; printf 'unfinished' >&2; exit 3");
    swarm.drain_to(1);
    let said = swarm.coordinator(&["logs", "complains"]).exits(0).out;
    assert!(said.contains("fine\n"), "{said}");
    assert!(said.contains("stderr: the reason") && said.contains("stderr: unfinished\n"), "{said}");
    let raw = swarm.coordinator(&["logs", "complains", "--raw"]).exits(0).out;
    assert_eq!(raw, "fine\n", "raw is standard output alone");
}

#[test]
fn everything_that_failed_is_retried_at_once_and_nothing_else() {
    let swarm = Swarm::with("max_attempts = 1");
    swarm.coordinator(&["init"]).exits(0);
    let none = swarm.coordinator(&["retry", "--failed"]);
    assert!(none.exits(0).err.contains("no task has failed"));
    for name in ["one", "two"] {
        swarm.drop(name, "[ -e \"$SWARM_E2E/../marks/ok\" ] && echo x > x.txt");
    }
    swarm.drop("good", "echo x > x.txt");
    swarm.drain_to(1);
    assert_eq!(swarm.counts(), "done 1, failed 2");
    std::fs::write(swarm.beside("marks/ok"), "").unwrap();
    swarm.coordinator(&["retry", "--failed"]).exits(0);
    swarm.drain_to(0);
    assert_eq!(swarm.counts(), "done 3");
    swarm.coordinator(&["retry", "--failed", "good"]).exits(2);
    swarm.coordinator(&["retry"]).exits(2);
}

#[test]
fn logs_name_an_attempt_and_without_a_task_show_the_latest() {
    let swarm = Swarm::with("max_attempts = 1");
    swarm.coordinator(&["init"]).exits(0);
    let none = swarm.coordinator(&["logs"]).exits(75).err;
    assert!(none.contains("no task has been tried yet"), "{none}");
    swarm.drop("early", "echo early; exit 1");
    swarm.drain_to(1);
    swarm.drop("late", "echo late; exit 1");
    swarm.drain_to(1);
    let said = swarm.coordinator(&["logs"]).exits(0);
    assert!(said.out.starts_with("late\n") && said.err.contains("-late-"), "{said:?}");
    swarm.coordinator(&["retry", "early"]).exits(0);
    swarm.drain_to(1);
    assert!(swarm.coordinator(&["logs"]).exits(0).err.contains("-early-"));
    for (number, code) in [("1", 0), ("2", 0), ("3", 2)] {
        let said = swarm.coordinator(&["logs", "early", "--attempt", number]).exits(code);
        assert_eq!(said.out.starts_with("early\n"), code == 0, "{said:?}");
        assert_eq!(said.err.contains("has no attempt 3"), code == 2, "{said:?}");
    }
}
