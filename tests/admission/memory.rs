//! Memory for one more agent: of the machine, and of the control group that the worker is in.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use swarmdir::domain::event::Event;
use swarmdir::domain::time::UnixMs;

use super::{proof, sound, wait_paused};
use crate::support::deadline::{stays, wait_for, wait_until};
use crate::support::swarm::{Swarm, WORKER};

#[test]
fn more_than_the_machine_has_pauses_claims_until_less_is_asked_for() {
    let swarm = Swarm::with("reserve.memory = \"900TiB\"");
    swarm.drop("one.md", "echo > one");
    let worker = swarm.start_worker(&[]);
    swarm.wait_in("ready", "one");
    let room = wait_paused(&swarm, "memory");
    assert!(room["text"].as_str().unwrap().contains("are kept for the next agent"), "{room}");
    stays("a pause", Duration::from_secs(2), || swarm.names("claims").is_empty());
    swarm.settings("reserve.memory = \"1MiB\"");
    worker.signal(Signal::SIGHUP);
    swarm.wait_in("done", "one");
    swarm.stop_now();
    worker.end().exits(143);
    sound(&swarm, "done 1");
}

/// Six workers, and memory for three agents as far as anybody can know at once: three come one after another, and each
/// of the others when what the last one took is seen.
#[test]
fn where_memory_is_not_for_all_agents_come_one_after_another() {
    let available = swarmdir::sys::memory::available().expect("this system says it").available;
    let swarm = Swarm::with(&format!("reserve.memory = {}", available * 2 / 7));
    for n in 0..6 {
        swarm.drop(format!("task-{n}.md"), swarm.holds(&format!("t{n}")));
    }
    let pool = swarm.start_coordinator(&["--agents", "6"]);
    wait_until("all six", || swarm.names("claims").len() == 6);
    for n in 0..6 {
        swarm.let_go(&format!("t{n}"));
    }
    swarm.wait_count("done", 6);
    swarm.stop_now();
    pool.end();
    let lines = swarm.events().into_iter();
    let claimed = lines.filter(|line| matches!(line.event, Event::AttemptClaimed { .. }));
    let mut claims: Vec<UnixMs> = claimed.map(|line| line.at_ms).collect();
    claims.sort_unstable();
    assert_eq!(claims.len(), 6);
    // Others on this machine take and give back memory meanwhile; the last one waited in any case.
    assert!(claims[5].since(claims[4]) >= 2_900, "{claims:?}");
    sound(&swarm, "done 6");
    proof("agents that come where memory is not for all of them, each seen by the next", 6);
}

/// A control group with a limit; it goes away with the test.
struct Group(PathBuf);

impl Group {
    fn new(bytes: u64) -> Result<Group, String> {
        let name = format!("swarmdir-admission-{}", std::process::id());
        let first = PathBuf::from("/sys/fs/cgroup/memory");
        let (mount, limit) = match first.is_dir() {
            true => (first, "memory.limit_in_bytes"),
            false => (PathBuf::from("/sys/fs/cgroup"), "memory.max"),
        };
        let dir = mount.join(name);
        fs::create_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let group = Group(dir);
        let limit = group.0.join(limit);
        fs::write(&limit, bytes.to_string()).map_err(|e| format!("{}: {e}", limit.display()))?;
        Ok(group)
    }

    /// A shell that has moved into it, and goes on with this.
    fn within(&self, then: &str) -> String {
        format!("echo $$ > {}/cgroup.procs && {then}", self.0.display())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What a process that was killed leaves takes the kernel a moment.
        let gone = || fs::remove_dir(&self.0).is_ok().then_some(());
        if !std::thread::panicking() {
            wait_for("the end of the group", gone);
        } else {
            let _left_behind = gone();
        }
    }
}

#[test]
fn a_control_group_that_is_full_pauses_the_worker_in_it() {
    let group = match Group::new(400 << 20) {
        Ok(group) => group,
        Err(missing) => {
            println!("*** NOT TESTED: no memory was used up: {missing} ***");
            return;
        }
    };
    let swarm = Swarm::with("reserve.memory = \"200MiB\"");
    // What lies in memory counts for whoever put it there.
    let ballast = tempfile::Builder::new().prefix("swarm-ballast-").tempdir_in("/dev/shm").unwrap();
    let file = ballast.path().join("ballast");
    let fill = group.within(&format!("head -c 300000000 /dev/zero > {}", file.display()));
    let filled = swarm.command("sh").args(["-c", &fill]).status().unwrap();
    assert!(filled.success());
    swarm.drop("one.md", "echo > one");
    let worker = group.within(&format!("exec {WORKER}"));
    let worker = swarm.start(swarm.command("sh").args(["-c", &worker]));
    swarm.wait_in("ready", "one");
    let room = wait_paused(&swarm, "memory");
    assert!(room["place"].as_str().unwrap().contains("swarmdir-admission-"), "{room}");
    stays("a pause", Duration::from_secs(2), || swarm.names("claims").is_empty());
    let why = swarm.coordinator(&["explain", "one"]).exits(0).out;
    assert!(why.contains("of memory available on the control group"), "{why}");
    fs::remove_file(&file).unwrap();
    swarm.wait_in("done", "one");
    swarm.stop_now();
    worker.end().exits(143);
    sound(&swarm, "done 1");
    proof("pauses for want of memory in a control group, gone on by itself", 1);
}
