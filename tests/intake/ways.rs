//! Every way to drop a file: cp, mv, ln, an editor, a slow writer; and what is left alone.

use std::fs;
use std::io::Write;
use std::time::Duration;

use crate::support::deadline::stays;
use crate::support::swarm::Swarm;

#[test]
fn cp_mv_ln_and_a_redirection_all_make_tasks() {
    let swarm = Swarm::new();
    let pending = swarm.pending();
    fs::write(swarm.beside("text"), "echo x > made.txt\n").unwrap();
    let shell = format!(
        "cd {0}; cp ../../../text copied; cp -p ../../../text preserved; ln ../../../text linked; \
         cp ../../../text ../../../moved; mv ../../../moved moved.md; cat ../../../text > redirected",
        pending.display()
    );
    swarm.start(swarm.command("sh").args(["-c", &shell])).end().exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 5");
    for slug in ["copied", "preserved", "linked", "moved", "redirected"] {
        assert_eq!(swarm.show(slug)["outcome"], "done", "{slug}");
    }
    // The other name of a linked file is its owner's: nobody took it away.
    assert_eq!(fs::read_to_string(swarm.beside("text")).unwrap(), "echo x > made.txt\n");
}

#[test]
fn an_editor_that_writes_beside_and_renames_makes_one_task() {
    let swarm = Swarm::new();
    let pending = swarm.pending();
    for unfinished in [".fix.md.swp", "fix.md~", "4913.tmp", ".#fix.md", "#fix.md#", "fix.swp"] {
        fs::write(pending.join(unfinished), "echo no > no.txt\n").unwrap();
    }
    fs::write(pending.join("fix.md.tmp"), "echo x > made.txt\n").unwrap();
    fs::rename(pending.join("fix.md.tmp"), pending.join("fix.md")).unwrap();
    swarm.drain();
    assert_eq!(swarm.names("done").len(), 1);
    assert_eq!(swarm.show("fix")["name"], "fix.md");
    let left = ["#fix.md#", "4913.tmp", "fix.md~", "fix.swp"];
    assert_eq!(swarm.names("pending"), left, "left alone, and not counted as waiting");
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn a_slow_writer_is_left_alone_until_it_closes_the_file() {
    let swarm = Swarm::new();
    let mut file = fs::File::create(swarm.pending().join("slow")).unwrap();
    writeln!(file, "echo one > made.txt").unwrap();
    let worker = swarm.start_worker(&[]);
    swarm.drop("quick", "echo x > x.txt");
    swarm.wait_in("done", "quick");
    stays("slow in pending/", Duration::from_millis(600), || swarm.names("pending") == ["slow"]);
    writeln!(file, "echo two >> made.txt").unwrap();
    drop(file);
    swarm.wait_in("done", "slow");
    let branch = swarm.show("slow")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:made.txt")]), "one\ntwo");
    swarm.stop_now();
    worker.end().exits(143);
}

#[test]
fn a_drain_waits_for_a_file_that_is_being_written() {
    let swarm = Swarm::new();
    let mut file = fs::File::create(swarm.pending().join("slow")).unwrap();
    let mut worker = swarm.start_worker(&["--drain"]);
    stays("the drain", Duration::from_millis(500), || worker.runs());
    writeln!(file, "echo x > made.txt").unwrap();
    drop(file);
    worker.end().exits(0);
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn a_file_that_stays_empty_is_rejected_one_that_fills_late_is_not() {
    let swarm = Swarm::new();
    fs::write(swarm.pending().join("empty.md"), "").unwrap();
    fs::write(swarm.pending().join("late.md"), "").unwrap();
    let worker = swarm.start_worker(&["--drain"]);
    fs::write(swarm.pending().join("late.md"), "echo x > x.txt").unwrap();
    worker.end().exits(1);
    assert_eq!(swarm.counts(), "done 1, rejected 1");
    let report = swarm.coordinator(&["explain", "empty"]).exits(0).out;
    assert!(report.contains("empty"), "{report}");
}

#[test]
fn a_hundred_files_at_once_all_run_once() {
    let swarm = Swarm::new();
    let runs = swarm.beside("runs");
    for n in 0..100 {
        let text = format!("---\nagent: scratch\n---\necho {n} >> {}\n", runs.display());
        swarm.drop(format!("t{n:03}"), text);
    }
    swarm.coordinator(&["--drain", "--agents", "3", "--quiet"]).exits(0);
    assert_eq!(swarm.counts(), "done 100");
    let ran = fs::read_to_string(runs).unwrap();
    let mut ran: Vec<u32> = ran.lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..100).collect::<Vec<u32>>());
}

#[test]
fn a_drop_while_a_worker_idles_starts_at_once() {
    let swarm = Swarm::new();
    let worker = swarm.start_worker(&[]);
    swarm.drop("first", "true");
    swarm.wait_in("done", "first");
    let begun = std::time::Instant::now();
    swarm.drop("second", "true");
    swarm.wait_in("done", "second");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "an idle worker hears of it: {:?}",
        begun.elapsed()
    );
    swarm.stop_now();
    worker.end().exits(143);
}
