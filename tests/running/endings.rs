//! How attempts end: outcomes of their own, deadlines, and nothing left running.

use crate::support::deadline::wait_until;
use crate::support::swarm::Swarm;

#[test]
fn denied_and_no_change_are_outcomes_of_their_own() {
    let swarm = Swarm::with("default_agent = \"demo\"");
    swarm.drop("denied-worked", "deny WebFetch\nwrite x.txt x\n");
    swarm.drop("denied-idle", "deny Bash\nsay I may not\n");
    swarm.drop("idle", "say nothing to do\n");
    swarm.drop("report.md", "---\nchanges: none\n---\nsay all is well\n");
    swarm.drop("fails", "write x.txt x\nfail the tests are red\n");
    swarm.drop("mute", "exit 0\n");
    let done = swarm.coordinator(&["--drain", "--agents", "2"]).exits(1);
    let of = |task: &str| {
        let task = swarm.show(task);
        format!("{} {}", task["state"].as_str().unwrap(), task["outcome"].as_str().unwrap())
    };
    assert_eq!(of("denied-worked"), "done denied");
    assert_eq!(of("denied-idle"), "failed denied");
    assert_eq!(of("idle"), "done no_changes");
    assert_eq!(of("report"), "done done");
    assert_eq!(of("fails"), "failed error");
    assert_eq!(of("mute"), "failed no_result");
    for word in ["denied", "WebFetch", "no_changes", "the tests are red"] {
        assert!(done.out.contains(word), "{word} in\n{}", done.out);
    }
    assert_eq!(swarm.show("denied-idle")["attempts"][0]["result"]["denied_tools"][0], "Bash");
    // What a failed attempt wrote is kept in its branch.
    let branch = swarm.show("fails")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "x");
}

#[test]
fn a_timeout_stops_everything_that_the_agent_started() {
    let swarm = Swarm::new();
    let script = "setsid sleep 600 &\nsetsid sh -c 'trap \"\" INT TERM HUP; while :; do sleep 600; done' &\n(trap '' INT TERM; sleep 600) &\necho half > half.txt\nsleep 600\n";
    swarm.drop("long.md", format!("---\ntimeout: 1s\n---\n{script}"));
    swarm.worker(&["--drain"]).exits(1);
    assert_eq!(swarm.processes(), Vec::<(i32, String)>::new(), "nothing is left");
    let long = swarm.show("long");
    assert_eq!((&long["outcome"], &long["state"]), (&"timeout".into(), &"failed".into()));
    let branch = long["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["show", &format!("{branch}:half.txt")]), "half");
}

#[test]
fn what_an_agent_leaves_behind_at_its_end_is_swept() {
    let swarm = Swarm::new();
    swarm.drop("leaves", "setsid sleep 600 & (setsid sleep 601 &) ; echo x > x.txt");
    swarm.drain();
    assert_eq!(swarm.processes(), Vec::<(i32, String)>::new());
    assert_eq!(swarm.show("leaves")["outcome"], "done");
}

#[test]
fn silence_ends_an_agent_and_signs_of_life_do_not() {
    let swarm = Swarm::with(
        "default_agent = \"demo\"\ntimeouts = { silence = \"1s\", interrupt_grace = \"300ms\", terminate_grace = \"300ms\" }",
    );
    swarm.drop("hangs", "say hello\nhang\n");
    swarm.drop("deaf", "ignore-term\nsay hello\nhang\n");
    swarm.drop("slow", "say 1\nthink 600ms\nsay 2\nthink 600ms\nsay 3\nthink 600ms\nretry 1500ms\nthink 1500ms\nwrite x.txt x\n");
    swarm.coordinator(&["--drain", "--agents", "3"]).exits(1);
    for task in ["hangs", "deaf"] {
        assert_eq!(swarm.show(task)["outcome"], "silent", "{task}");
    }
    assert_eq!(swarm.show("slow")["outcome"], "done");
}

#[test]
fn a_task_that_keeps_failing_ends_with_every_attempts_reason() {
    let swarm = Swarm::with("max_attempts = 2\ndrain_wait = \"2m\"");
    swarm.drop("stubborn", "echo reason $SWARMDIR_ATTEMPT >&2; exit $((40 + SWARMDIR_ATTEMPT))");
    swarm.drain_to(1);
    assert_eq!(swarm.counts(), "failed 1");
    let why = swarm.coordinator(&["explain", "stubborn"]).exits(0).out;
    for said in ["failed after 2 attempt(s)", "attempt 1: ", "attempt 2: ", "exit 41", "exit 42"] {
        assert!(why.contains(said), "{said}: {why}");
    }
}

#[test]
fn an_attempt_that_fails_is_tried_again_as_often_as_the_operator_says() {
    let swarm = Swarm::with("max_attempts = 3\ndrain_wait = \"2m\"");
    swarm.drop("stubborn", "echo $SWARMDIR_ATTEMPT >> tries.txt; [ $SWARMDIR_ATTEMPT -ge 3 ]");
    let worker = swarm.start_worker(&["--drain"]);
    for attempts in [1, 2] {
        wait_until("the next attempt", || {
            let waits = swarm.place("stubborn").is_some_and(|(dir, _)| dir == "blocked");
            let tried = swarm.names("runs").first().is_some_and(|id| {
                swarm.names(&format!("runs/{id}")).iter().filter(|n| n.len() > 30).count()
                    >= attempts
            });
            if waits && tried {
                swarm.coordinator(&["retry", "stubborn"]);
            }
            tried && swarm.place("stubborn").is_some_and(|(dir, _)| dir != "blocked")
        });
    }
    worker.end().exits(0);
    let task = swarm.show("stubborn");
    assert_eq!(task["attempts"].as_array().unwrap().len(), 3);
    let branch = task["branch"].as_str().unwrap();
    assert_eq!(swarm.git(&["show", &format!("{branch}:tries.txt")]), "1\n2\n3", "in one tree");
}

#[test]
fn work_that_could_not_be_committed_is_no_plain_done() {
    let swarm = Swarm::new();
    // Its tree is no tree of git's any more.
    swarm.drop("lost", "echo x > work.txt; echo garbage > \"$(git rev-parse --git-dir)/HEAD\"\n");
    let done = swarm.coordinator(&["--drain", "--agents", "1"]).exits(0);
    let task = swarm.show("lost");
    assert_eq!((&task["state"], &task["outcome"]), (&"done".into(), &"uncommitted".into()));
    let why = task["attempts"][0]["result"]["reason"].as_str().unwrap();
    let place = why.strip_prefix("what is uncommitted stays in ").unwrap().split(": ").next();
    let work = std::path::Path::new(place.unwrap()).join("work.txt");
    assert_eq!(std::fs::read_to_string(work).unwrap(), "x\n", "{why}");
    for text in [done.out, swarm.coordinator(&["status"]).exits(0).out] {
        assert!(text.contains("(uncommitted)"), "{text}");
    }
}

#[test]
fn a_script_that_nobody_can_run_is_not_called_missing() {
    use std::os::unix::fs::PermissionsExt;
    let swarm = Swarm::new();
    let mut settings = String::new();
    for (name, head) in [("gone", "#!/opt/no-such-interpreter\n"), ("dos", "#!/bin/sh\r\n")] {
        let program = swarm.beside(name);
        std::fs::write(&program, format!("{head}echo x\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        settings += &format!("[agent.{name}]\nkind = \"command\"\nargv = [{program:?}]\n");
        swarm.drop(name, format!("---\nagent: {name}\n---\nx\n"));
    }
    swarm.settings(&settings);
    swarm.worker(&["--drain"]).exits(75);
    for (name, said) in [
        ("gone", "its interpreter /opt/no-such-interpreter is not there"),
        ("dos", "its first line ends with CR LF"),
    ] {
        let why = swarm.coordinator(&["explain", name]).exits(0).out;
        assert!(why.contains(said), "{why}");
    }
    swarm.coordinator(&["add", "-m", "echo x", "--name", "kept"]).exits(0);
    swarm.coordinator(&["hold", "kept"]).exits(0);
    let why = swarm.coordinator(&["explain", "kept"]).exits(0).out;
    assert!(why.contains("coordinator release kept-"), "{why}");
}
