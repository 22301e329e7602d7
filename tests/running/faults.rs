//! What is not the task's fault: it costs the task nothing, and its agent's other tasks wait too.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::deadline::wait_until;
use crate::support::swarm::Swarm;

/// The second that a blocked task's name says it is due at, from now on.
fn due_in(name: &str) -> i64 {
    let at: i64 = name.rsplit('-').next().unwrap().parse().unwrap_or_else(|_| panic!("{name}"));
    at - i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

#[test]
fn a_usage_limit_blocks_the_task_and_closes_the_gate_for_its_agent() {
    let swarm = Swarm::with("default_agent = \"demo\"");
    swarm.drop(
        "limited",
        "---\npriority: 0\n---\nwrite half.txt half\nonce limit 60s\nwrite rest.txt rest\n",
    );
    swarm.drop("behind", "write x.txt x\n");
    swarm.drop("other.md", "---\nagent: sh\n---\necho x > x.txt\n");
    let done = swarm.coordinator(&["--drain", "--agents", "1"]).exits(75);
    assert_eq!(swarm.counts(), "blocked 1, ready 1, done 1");
    let (dir, name) = swarm.place("limited").unwrap();
    assert_eq!(dir, "blocked");
    assert!(name.contains("~limit-") && (30..=61).contains(&due_in(&name)), "{name}");
    let task = swarm.show("limited");
    assert_eq!(task["attempts"][0]["result"]["charged"], false);
    let status = swarm.status();
    let breaker = &status["accounts"][0];
    assert_eq!((&breaker["agent"], &breaker["fault"]), (&"demo".into(), &"limit".into()));
    assert_eq!((&breaker["account"], &breaker["state"]), (&"demo".into(), &"closed".into()));
    assert_eq!(breaker["window"]["kind"], "five_hour", "{breaker}");
    let text = swarm.coordinator(&["status"]).exits(0).out;
    assert!(
        text.contains("demo: paused until ") && text.contains(", five-hour window 100 %"),
        "{text}"
    );
    assert!(done.out.contains("limit"), "{}", done.out);
    let why = swarm.coordinator(&["explain", "behind"]).exits(0).out;
    assert!(why.contains("its agent demo waits") && why.contains("limit"), "{why}");
    assert!(swarm.coordinator(&["explain", "limited"]).exits(0).out.contains("usage limit"));
    // The reset has come: the task goes on in its tree, with nothing charged (one attempt is allowed).
    std::fs::remove_file(swarm.at("queue/accounts/demo")).unwrap();
    swarm.coordinator(&["retry", "limited"]).exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 3");
    let branch = swarm.show("limited")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:half.txt")]), "half");
}

#[test]
fn an_overload_backs_off_for_everybody_and_a_success_opens_the_breaker() {
    let swarm = Swarm::with("default_agent = \"demo\"");
    swarm.drop("met", "---\npriority: 0\n---\nonce overload\nwrite x.txt x\n");
    swarm.drop("behind", "write x.txt x\n");
    swarm.worker(&["--drain"]).exits(75);
    let (dir, name) = swarm.place("met").unwrap();
    assert!(dir == "blocked" && name.contains("~overload-"), "{dir} {name}");
    assert!((15..=31).contains(&due_in(&name)), "{name}");
    assert_eq!(swarm.place("behind").unwrap().0, "ready");
    assert_eq!(swarm.status()["accounts"][0]["fault"], "overload");
    std::fs::remove_file(swarm.at("queue/accounts/demo")).unwrap();
    swarm.worker(&["--drain"]).exits(75);
    assert_eq!(swarm.place("behind").unwrap().0, "done");
    assert_eq!(swarm.status()["accounts"], serde_json::json!([]));
    swarm.coordinator(&["retry", "met"]).exits(0);
    swarm.drain();
}

#[test]
fn log_in_and_credit_wait_for_a_person() {
    for (word, reason, said) in [("auth", "~auth-", "logged in"), ("credit", "~spend-", "credit")] {
        let swarm = Swarm::with("default_agent = \"demo\"");
        swarm.drop("met", format!("once {word}\nwrite x.txt x\n"));
        swarm.worker(&["--drain"]).exits(75);
        let (dir, name) = swarm.place("met").unwrap();
        assert!(dir == "blocked" && name.contains(reason) && due_in(&name) > 300, "{dir} {name}");
        assert_eq!(swarm.show("met")["attempts"][0]["result"]["charged"], false);
        let why = swarm.coordinator(&["explain", "met"]).exits(0).out;
        assert!(why.contains(said) && why.contains("coordinator doctor"), "{why}");
    }
}

#[test]
fn a_missing_program_blocks_its_own_tasks_only() {
    let swarm = Swarm::with("\n[agent.gone]\nkind = \"command\"\nargv = [\"no-such-program\"]\n");
    swarm.drop("missing.md", "---\nagent: gone\n---\nx\n");
    swarm.drop("good", "echo x > x.txt");
    swarm.coordinator(&["--drain", "--agents", "2"]).exits(75);
    assert_eq!(swarm.counts(), "blocked 1, done 1");
    let (_, name) = swarm.place("missing").unwrap();
    assert!(name.contains("~missing-"), "{name}");
    let why = swarm.coordinator(&["explain", "missing"]).exits(0).out;
    assert!(why.contains("no-such-program") && why.contains("doctor"), "{why}");
    swarm.settings(
        "\n[agent.gone]\nkind = \"command\"\nargv = [\"sh\", \"-c\", \"echo x > x.txt\"]\n",
    );
    std::fs::remove_file(swarm.at("queue/accounts/gone")).unwrap();
    swarm.coordinator(&["retry", "missing"]).exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
}

#[test]
fn a_repository_that_is_away_is_not_the_tasks_fault() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "--name", "waits", "-m", "echo x > x.txt"]).exits(0);
    swarm.drop("second", "echo x > x.txt");
    let worker = swarm.start_worker(&[]);
    swarm.wait_in("done", "second");
    swarm.wait_in("done", "waits");
    std::fs::rename(swarm.at(".git"), swarm.beside("git-away")).unwrap();
    swarm.drop("third", "echo x > x.txt");
    wait_until("the third in its intake", || {
        swarm
            .names("blocked")
            .iter()
            .any(|name| name.contains("-third-") && name.contains("~intake"))
    });
    let id = swarm.status()["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["state"] == "blocked")
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let why = swarm.coordinator(&["explain", &id]).exits(0).out;
    assert!(why.contains("repository"), "{why}");
    std::fs::rename(swarm.beside("git-away"), swarm.at(".git")).unwrap();
    swarm.wait_in("done", "third");
    swarm.stop_now();
    worker.end().exits(143);
}
