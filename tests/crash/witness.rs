//! The kernel's word for it: the calls that strace sees below the queue are those that the seam saw, each thread's
//! in its order; and a program that strace kills, which knows nothing of the seam, is put right as well.

mod strace;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::programs::{Case, assert_ends, drain, each, plain, repository};
use super::proof::Proof;
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// Each thread's changing calls.
type Calls = BTreeMap<i32, Vec<String>>;

fn done(swarm: &Swarm, context: &str) {
    drain(swarm, context);
    assert_ends(swarm, &[("a", "done")], context);
}

fn cases() -> Vec<Case> {
    let case = |name, arrange, argv, finish| Case { name, arrange, argv, finish };
    let dropped = || {
        let swarm = plain("");
        swarm.drop("a", "echo x");
        swarm
    };
    let in_a_tree = || {
        let swarm = repository("");
        swarm.drop("a", "echo x > x.txt");
        swarm
    };
    vec![
        case("worker --once", dropped, &[WORKER, "--once"], done),
        case(
            "coordinator add",
            || plain(""),
            &[COORDINATOR, "add", "--name", "a", "-m", "exit 0"],
            |swarm, context| {
                drain(swarm, context);
                let ends: &[(&str, &str)] =
                    if swarm.place("a").is_none() { &[] } else { &[("a", "done")] };
                assert_ends(swarm, ends, context);
            },
        ),
        case("worker --once in a tree", in_a_tree, &[WORKER, "--once"], done),
        case(
            "coordinator cancel",
            dropped_and_known,
            &[COORDINATOR, "cancel", "a"],
            |swarm, context| {
                assert_ends(swarm, &[("a", "cancelled")], context);
            },
        ),
    ]
}

fn dropped_and_known() -> Swarm {
    let swarm = plain("");
    swarm.coordinator(&["init"]).exits(0);
    swarm.drop("a", "exit 0");
    swarm
}

/// What the seam saw below a directory.
fn seam_calls(text: &str) -> Calls {
    let mut calls = Calls::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [thread, op, path, to, bytes, _] = fields[..] else { panic!("{line}") };
        // Nothing to write is no call of the kernel's.
        if op == "Write" && bytes == "0" {
            continue;
        }
        let call = if to.is_empty() { format!("{op} {path}") } else { format!("{op} {path} {to}") };
        calls.entry(thread.parse().unwrap()).or_default().push(call);
    }
    calls
}

/// Runs a case under strace with the seam's own trace.
fn both_traces(case: &Case, swarm: &Swarm) -> (Calls, Calls) {
    let (seen, known) = (swarm.beside("seen"), swarm.beside("known"));
    let under = swarm.at("queue");
    let program = case.command(swarm, &format!("trace:{}", known.display()));
    let mut traced = under_strace(&program, &["-y", "-s", "0", "-e", strace::TRACED], &seen);
    traced.env("SWARMDIR_FAULT_UNDER", &under);
    swarm.start(&mut traced).end().exits(0);
    let seen = strace::calls(&fs::read_to_string(seen).unwrap(), &under);
    (seen, seam_calls(&fs::read_to_string(known).unwrap()))
}

/// The same program under strace.
fn under_strace(program: &Command, flags: &[&str], log: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(log).args(flags).arg(program.get_program());
    command.args(program.get_args()).current_dir(program.get_current_dir().unwrap()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

#[test]
fn the_kernel_saw_the_calls_that_the_seam_saw() {
    if !strace::required() {
        return;
    }
    let mut proof = Proof::of("witness");
    for case in cases() {
        let swarm = (case.arrange)();
        let (seen, known) = both_traces(&case, &swarm);
        (case.finish)(&swarm, case.name);
        for thread in seen.keys().chain(known.keys()) {
            let of = |calls: &Calls| calls.get(thread).cloned().unwrap_or_default();
            let (seen, known) = (of(&seen), of(&known));
            for (n, pair) in (1..).zip(seen.iter().zip(&known)) {
                assert_eq!(pair.0, pair.1, "{}: thread {thread}, call {n}", case.name);
            }
            assert_eq!(seen.len(), known.len(), "{}: thread {thread}", case.name);
        }
        let count: usize = seen.values().map(Vec::len).sum();
        assert!(count >= 15, "{}: {count}", case.name);
        proof.add(
            &format!("calls that strace and the seam both saw, {}", case.name),
            format!("{count} of {count}"),
        );
    }
    proof.write();
}

/// Killed by strace at a call's nth time; false where there is none.
fn kill(case: &Case, name: &str, n: usize) -> bool {
    let context = format!("{}, killed by strace at {name} {n}", case.name);
    let swarm = (case.arrange)();
    // A variable of another kind of process: no plan.
    let mut program = swarm.command(case.argv[0]);
    program.args(&case.argv[1..]);
    let inject = format!("inject={name}:signal=KILL:when={n}");
    let traced = format!("trace={name}");
    let flags = ["-e", traced.as_str(), "-e", inject.as_str()];
    let mut killed = under_strace(&program, &flags, Path::new("/dev/null"));
    let code = swarm.start(&mut killed).end().code();
    assert!([0, 137].contains(&code), "{context}: {code}");
    (case.finish)(&swarm, &context);
    code == 137
}

#[test]
fn what_strace_kills_is_put_right() {
    if !strace::required() {
        return;
    }
    let mut proof = Proof::of("strace");
    for case in &cases()[..2] {
        let mut points = Vec::new();
        for (name, times) in strace::counts(case) {
            points.extend((1..=times).map(|n| (name.clone(), n)));
        }
        let all = points.len();
        each(&points, |(name, n)| assert!(kill(case, name, *n), "{name} {n} never came"));
        assert!(all > 20, "{}: {all}", case.name);
        proof.add(&format!("killed by strace, {}", case.name), format!("{all} of {all}"));
    }
    proof.write();
}
