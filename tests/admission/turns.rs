//! Many workers decide at once: no more trees are made than there is room for.

use std::time::Duration;

use super::{free_bytes, mount, proof, sound, swarm, wait_paused};
use crate::support::deadline::{stays, wait_until};

const WORKERS: usize = 6;
/// What is kept free.
const KEPT: u64 = 60 << 20;
/// What the queue writes for each task is not counted as part of its tree, bytes.
const SMALL: u64 = 2 << 20;

#[test]
fn workers_that_start_at_once_make_no_more_trees_than_there_is_room_for() {
    let Some(mount) = mount(&[]) else { return };
    let swarm = swarm(&mount, &format!("reserve.disk = {KEPT}"));
    let large: Vec<u8> =
        std::iter::successors(Some(1_u64), |n| Some(n.wrapping_mul(6_364_136_223_846_793_005) + 1))
            .map(|n| (n >> 33) as u8)
            .take(20 << 20)
            .collect();
    std::fs::write(swarm.at("large"), large).unwrap();
    swarm.git(&["add", "large"]);
    swarm.git(&["commit", "--quiet", "-m", "large"]);
    for n in 0..WORKERS {
        swarm.drop(format!("task-{n:02}.md"), swarm.holds(&format!("t{n}")) + "echo > small");
    }
    let pool = swarm.start_coordinator(&["--agents", &WORKERS.to_string()]);
    wait_until("all workers", || swarm.names("workers").len() == WORKERS);
    let room = free_bytes(mount.point());
    let room = wait_paused(&swarm, "disk")["have"].as_u64().unwrap_or(room);
    assert!(room + SMALL >= KEPT, "{room} left");
    let trees = swarm.names("claims").len();
    assert!((2..WORKERS).contains(&trees), "{trees} trees");
    stays("no more trees", Duration::from_secs(3), || {
        let (free, claims) = (free_bytes(mount.point()), swarm.names("claims").len());
        assert!(free + SMALL >= KEPT, "{free} left, {claims} claims after {trees}");
        claims == trees
    });
    // A tree that is free again needs no new room.
    for n in 0..WORKERS {
        swarm.let_go(&format!("t{n}"));
    }
    swarm.wait_count("done", WORKERS);
    assert!(free_bytes(mount.point()) + SMALL >= KEPT);
    swarm.stop_now();
    pool.end();
    sound(&swarm, &format!("done {WORKERS}"));
    proof("workers at once where there is room for some of their trees", WORKERS);
}
