//! Memory for one more agent: of the machine, and of the control group that the worker is in.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{proof, sound, wait_paused};
use crate::support::deadline::{stays, wait_for};
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
