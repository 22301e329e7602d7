//! A disk without inodes left: the same as one without bytes.

use std::time::Duration;

use super::{make_room, make_room_until_done, mount, on_branch, outcomes, proof, sound, swarm};
use crate::support::deadline::{stays, wait_until};

const TASKS: usize = 16;

#[test]
fn a_disk_whose_inodes_agents_use_up_pauses_claims_and_loses_nothing() {
    let Some(mount) = mount(&["-N", "2400"]) else { return };
    let swarm = swarm(&mount, "reserve.inodes = 500");
    for n in 0..TASKS {
        let build =
            format!("mkdir -p build/{n}; for i in $(seq 150); do : > build/{n}/$i || exit 1; done");
        swarm.drop(format!("task-{n:02}.md"), format!("{build}; echo {n} > result"));
    }
    let pool = swarm.start_coordinator(&["--agents", "3"]);
    let room = super::wait_paused(&swarm, "inodes");
    assert!(room["have"].as_u64().unwrap() < room["need"].as_u64().unwrap(), "{room}");
    wait_until("nothing at work", || swarm.names("claims").is_empty());
    let before = swarm.names("done").len();
    assert!(before < TASKS, "{before} done before the pause");
    stays("a pause", Duration::from_secs(3), || swarm.names("done").len() == before);
    assert!(pool.err().contains("inodes free on"), "{}", pool.err());
    make_room(&swarm);
    let pauses = 1 + make_room_until_done(&swarm, TASKS);
    for n in 0..TASKS {
        assert_eq!(on_branch(&swarm, &format!("task-{n:02}"), "result"), n.to_string());
        assert_eq!(outcomes(&swarm, &format!("task-{n:02}")), ["done"]);
    }
    swarm.stop_now();
    pool.end();
    sound(&swarm, &format!("done {TASKS}"));
    proof("tasks on a disk whose inodes agents use up, done", TASKS);
    proof("pauses for want of inodes, gone on by itself", pauses);
}
