//! What is said where: stdout is data, stderr is talk, errors end with a hint, no escape codes in pipes.

use std::process::Command;

use crate::support::deadline::wait_until;
use crate::support::swarm::{COORDINATOR, Swarm};

#[test]
fn pipes_carry_no_escape_codes_and_terminals_do_unless_refused() {
    let swarm = Swarm::new();
    swarm.drop("good", "echo x > x.txt");
    swarm.drop("bad", "printf '\\033[31mred\\033[0m\\n'; exit 1");
    let run = swarm.coordinator(&["--drain", "--agents", "1"]).exits(1);
    let as_it_ended = |state: &str, name: &str| {
        run.err.lines().any(|line| line.contains(&format!(" {state}  {name}-")))
    };
    assert!(as_it_ended("done", "good") && as_it_ended("failed (error)", "bad"), "{}", run.err);
    let quiet = swarm.coordinator(&["--drain", "--agents", "1", "--quiet"]).exits(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let commands = [
        vec!["status"],
        vec!["show", "good"],
        vec!["explain", "bad"],
        vec!["logs", "bad"],
        vec!["config"],
        vec!["doctor"],
        vec!["check"],
    ];
    let mut said = vec![run.out, run.err];
    for args in &commands {
        let done = swarm.coordinator(args);
        said.extend([done.out, done.err]);
    }
    for text in &said {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    let terminal = |no_color: bool| {
        let mut command: Command = swarm.command("script");
        command.args(["-qec", &format!("{COORDINATOR} status"), "/dev/null"]).env("TERM", "xterm");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        swarm.start(&mut command).end().exits(0).out
    };
    assert!(terminal(false).contains("\u{1b}["), "{:?}", terminal(false));
    assert!(!terminal(true).contains("\u{1b}["), "{:?}", terminal(true));
    let always = swarm.coordinator(&["--color", "always", "status"]).exits(0).out;
    assert!(always.contains("\u{1b}["));
}

#[test]
fn data_goes_to_stdout_and_talk_to_stderr() {
    let swarm = Swarm::new();
    for name in ["a", "b"] {
        let done = swarm.coordinator(&["add", "--name", name, "-m", "true"]).exits(0);
        assert_eq!((done.out.lines().count(), done.err.as_str()), (1, ""));
    }
    for args in [
        vec!["pause"],
        vec!["resume"],
        vec!["hold", "a"],
        vec!["release", "a"],
        vec!["priority", "a", "1"],
        vec!["cancel", "a"],
        vec!["retry", "a"],
        vec!["stop"],
    ] {
        let done = swarm.coordinator(&args).exits(0);
        assert!(done.out.is_empty() && !done.err.is_empty(), "{args:?}: {done:?}");
    }
    for args in [vec!["status"], vec!["show", "a"], vec!["explain", "a"], vec!["config"]] {
        let done = swarm.coordinator(&args).exits(0);
        assert!(!done.out.is_empty() && done.err.is_empty(), "{args:?}: {done:?}");
    }
    swarm.drain();
}

#[test]
fn every_error_ends_with_a_hint() {
    let swarm = Swarm::new();
    swarm.drop("done", "echo x > x.txt");
    swarm.drain();
    swarm.coordinator(&["add", "--name", "ready", "-m", "true"]).exits(0);
    for args in [
        vec!["show", "absent"],
        vec!["retry", "done"],
        vec!["retry", "ready"],
        vec!["cancel", "done"],
        vec!["hold", "done"],
        vec!["release", "ready"],
        vec!["priority", "done", "1"],
        vec!["logs", "ready"],
        vec!["scale", "2"],
        vec!["add", "-m", ""],
        vec!["demo", "--dir", "."],
        vec!["ad", "-m", "x"],
        vec!["retry"],
        vec!["--agents", "many"],
    ] {
        let done = swarm.coordinator(&args);
        assert_ne!(done.code(), 0, "{args:?}");
        assert!(done.out.is_empty(), "{args:?}: {done:?}");
        let first = done.err.lines().next().unwrap();
        assert!(first.starts_with("coordinator: error: "), "{args:?}: {done:?}");
        let last = done.err.trim_end().lines().last().unwrap();
        assert!(last.trim_start().starts_with("hint:"), "{args:?}: {done:?}");
    }
    // Of several tasks all are tried, and the one that cannot be is told.
    swarm.coordinator(&["cancel", "absent", "ready"]).exits(2);
    assert_eq!(swarm.counts(), "done 1, cancelled 1");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let swarm = Swarm::new();
    for n in 0..50 {
        swarm.coordinator(&["add", "--name", &format!("t{n}"), "-m", "true"]).exits(0);
    }
    let shell = format!("{COORDINATOR} status --json | head -c 10; {COORDINATOR} status | true");
    let done = swarm.start(swarm.command("sh").args(["-c", &shell])).end().exits(0);
    assert_eq!(done.err, "");
}

#[test]
fn the_morning_summary_says_what_to_type() {
    let swarm = Swarm::new();
    swarm.drop("good", "echo x > x.txt");
    swarm.drop("bad", "echo boom >&2; exit 7");
    let done = swarm.coordinator(&["--drain", "--agents", "2"]).exits(1);
    let branch = swarm.show("good")["branch"].as_str().unwrap().to_owned();
    for word in ["1 done", "1 failed", "git -C", &branch, "coordinator explain bad", "7"] {
        assert!(done.out.contains(word), "{word} in\n{}", done.out);
    }
    let log = done.out.lines().find(|line| line.contains("log --stat")).unwrap().trim();
    let shown = swarm.start(swarm.command("sh").args(["-c", log])).end().exits(0);
    assert!(shown.out.contains("x.txt"), "{shown:?}");
    let merge = done.out.lines().find(|line| line.contains(" merge ")).unwrap().trim();
    swarm.start(swarm.command("sh").args(["-c", merge])).end().exits(0);
    assert!(swarm.at("x.txt").exists());
    let quiet = swarm.coordinator(&["--drain", "--quiet"]).exits(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn a_terminal_sees_progress_and_a_log_sees_lines() {
    let swarm = Swarm::new();
    swarm.drop("good", "echo x > x.txt");
    let mut command: Command = swarm.command("script");
    let line = format!("{COORDINATOR} --drain --agents 1");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm");
    let shown = swarm.start(&mut command).end().exits(0).out;
    assert!(shown.contains("Ctrl-C") && shown.contains("1 done"), "{shown:?}");
    swarm.drop("more", "echo x > x.txt");
    let log = swarm.coordinator(&["--drain", "--agents", "1"]).exits(0);
    assert!(!log.err.contains("Ctrl-C") && !log.err.contains('\r'), "{}", log.err);
}

#[test]
fn watch_draws_again_and_again() {
    let swarm = Swarm::new();
    swarm.drain();
    let watch = swarm.start_coordinator(&["status", "--watch"]);
    swarm.drop("new", "true");
    wait_until("the new task", || watch.out().contains("new"));
    assert!(!watch.out().contains('\u{1b}'));
    watch.signal(nix::sys::signal::Signal::SIGTERM);
    watch.end().exits(143);
    std::fs::remove_file(swarm.pending().join("new")).unwrap();
}

#[test]
fn what_could_not_be_printed_is_an_error_and_a_closed_pipe_is_none() {
    let swarm = Swarm::new();
    swarm.coordinator(&["add", "-m", "echo x", "--name", "there"]).exits(0);
    let sh = |line: &str| {
        swarm.start(swarm.command("bash").args(["-c", line]).env("C", COORDINATOR)).end()
    };
    for args in ["status --json", "status", "config", "check --json", "show there", "explain there"]
    {
        let done = sh(&format!("\"$C\" {args} > /dev/full"));
        assert!(done.err.contains("standard output: No space left"), "{args}: {done:?}");
        assert!(done.err.contains("hint:"), "{args}: {done:?}");
        done.exits(74);
    }
    let added = sh("\"$C\" add -m 'echo x' --name second > /dev/full").exits(74);
    let id = swarm.show("second")["id"].as_str().unwrap().to_owned();
    assert!(added.err.contains(&format!("the task was added: {id}")), "{}", added.err);
    let closed = sh("set -o pipefail; { \"$C\" status; echo $? >&2; } | true");
    assert_eq!(closed.err, "0\n");
}

#[test]
fn status_names_what_failed_before_what_waits_and_what_ended_well() {
    let swarm = Swarm::with("max_attempts = 1");
    swarm.drop("the-bad-one", "exit 1");
    swarm.drain_to(1);
    for n in 0..25 {
        swarm.drop(format!("good-{n}"), "echo x > x.txt");
    }
    swarm.drain_to(0);
    swarm.coordinator(&["add", "-m", "echo x", "--name", "waits"]).exits(0);
    for args in [&["status"][..], &["status", "--all"]] {
        let said = swarm.coordinator(args).exits(0).out;
        let at = |word: &str| said.find(word).unwrap_or_else(|| panic!("{word} in\n{said}"));
        assert!(at("the-bad-one") < at("waits-") && at("waits-") < at("good-"), "{said}");
    }
    let last = swarm.status()["tasks"].as_array().unwrap().last().unwrap()["state"].clone();
    assert_eq!(last, "ready", "--json keeps its order");
}

#[test]
fn status_shows_the_tasks_that_are_asked_for() {
    let swarm = Swarm::with("max_attempts = 1");
    swarm.drop("fix-login", "echo x > x.txt");
    swarm.drop("fix-menu", "exit 1");
    swarm.drain_to(1);
    swarm.coordinator(&["add", "-m", "echo x", "--name", "menu-too"]).exits(0);
    let names = |args: &[&str]| {
        let rows = swarm.json(&[&["status"], args].concat());
        let names = rows["tasks"].as_array().unwrap().iter().map(|row| row["name"].clone());
        let mut names: Vec<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names(&["--state", "failed"]), "fix-menu");
    assert_eq!(names(&["--state", "failed,ready"]), "fix-menu menu-too");
    assert_eq!(names(&["MENU"]), "fix-menu menu-too");
    assert_eq!(names(&["menu", "--state", "done"]), "");
    assert_eq!(names(&["--since", "1h"]), "fix-login fix-menu menu-too");
    // Nothing waits for the clock: what ended is older than nothing at all.
    assert_eq!(names(&["--since", "0s", "--state", "done,failed"]), "");
    let text = swarm.coordinator(&["status", "login"]).exits(0).out;
    assert!(text.contains("fix-login-") && !text.contains("menu-"), "{text}");
    let none = swarm.coordinator(&["status", "nobody"]).exits(0).out;
    assert!(none.contains("no task is like that") && none.contains("1 failed"), "{none}");
    let wrong = swarm.coordinator(&["status", "--state", "faild"]).exits(2).err;
    assert!(wrong.contains("it is one of") && wrong.contains("hint:"), "{wrong}");
    let shown = swarm.coordinator(&["show", "fix-login"]).exits(0).out;
    assert!(shown.contains("x.txt | 1 +"), "{shown}");
}
