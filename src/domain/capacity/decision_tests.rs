//! The decision, at and around its thresholds.

use std::path::PathBuf;

use super::*;
use crate::domain::capacity::reserve::Kept;
use crate::domain::capacity::shortage::size;

const MIB: u64 = 1 << 20;

fn disk(free_bytes: u64, total_bytes: u64) -> DiskSpace {
    let path = PathBuf::from("/d");
    DiskSpace { path, trees: true, free_bytes, total_bytes, free_inodes: 900, total_inodes: 1000 }
}

fn seen(space: DiskSpace) -> CapacitySnapshot {
    let memory = Some(AvailableMemory { available: 8 << 30, of: "this machine".into() });
    CapacitySnapshot {
        spaces: vec![space],
        memory,
        tree: TreeSize::default(),
        workers: 1,
        claims: 0,
    }
}

fn what(verdict: &CapacityDecision) -> (&'static str, Option<Resource>) {
    match verdict {
        CapacityDecision::Admit { alone, .. } => ("admit", *alone),
        CapacityDecision::Reuse(short) => ("reuse", Some(short.what)),
        CapacityDecision::Wait(short) => ("wait", Some(short.what)),
    }
}

#[test]
fn a_small_disk_keeps_its_share_and_a_large_one_a_gibibyte() {
    let reserve = Reserve::DEFAULT;
    assert_eq!(reserve.bytes_of(200 * MIB), 10 * MIB);
    assert_eq!(reserve.bytes_of(4 << 40), 1 << 30);
    assert_eq!((reserve.inodes_of(1000), reserve.inodes_of(1 << 40)), (20, 100_000));
    assert_eq!(reserve.file_bytes(200 * MIB), 10 * MIB / 4);
    assert_eq!(reserve.file_bytes(4 << 40), 16 * MIB);
    let exactly = Reserve { disk: Kept::Exactly(70 * MIB), ..reserve };
    assert_eq!(exactly.bytes_of(200 * MIB), 70 * MIB);
}

#[test]
fn below_the_reserve_nobody_claims_and_at_it_somebody_does() {
    let reserve = Reserve { disk: Kept::Exactly(40 * MIB), ..Reserve::DEFAULT };
    let below = decide(&seen(disk(40 * MIB - 1, 200 * MIB)), &reserve);
    assert_eq!(what(&below), ("wait", Some(Resource::Disk)));
    assert_eq!(what(&decide(&seen(disk(40 * MIB, 200 * MIB)), &reserve)), ("admit", None));
}

#[test]
fn what_only_a_new_tree_has_no_room_for_leaves_the_trees_that_there_are() {
    let reserve = Reserve { disk: Kept::Exactly(40 * MIB), ..Reserve::DEFAULT };
    let tree = TreeSize { bytes: 30 * MIB, inodes: 10 };
    let snapshot = CapacitySnapshot { tree, ..seen(disk(60 * MIB, 200 * MIB)) };
    assert_eq!(what(&decide(&snapshot, &reserve)), ("reuse", Some(Resource::Disk)));
    // Not where trees are made: it says nothing.
    let mut elsewhere = snapshot;
    elsewhere.spaces[0].trees = false;
    assert_eq!(what(&decide(&elsewhere, &reserve)), ("admit", None));
}

#[test]
fn where_not_all_workers_find_room_they_come_one_at_a_time() {
    let reserve = Reserve { disk: Kept::Exactly(40 * MIB), ..Reserve::DEFAULT };
    let tree = TreeSize { bytes: 10 * MIB, inodes: 10 };
    let of = |workers| CapacitySnapshot { tree, workers, ..seen(disk(75 * MIB, 200 * MIB)) };
    assert_eq!(what(&decide(&of(3), &reserve)), ("admit", None));
    assert_eq!(what(&decide(&of(4), &reserve)), ("admit", Some(Resource::Disk)));
}

#[test]
fn agents_come_the_slower_the_less_memory_there_is_for_all() {
    // 8 GiB are 16 agents.
    let of = |workers, claims| {
        start_spacing(
            &CapacitySnapshot { workers, claims, ..seen(disk(75 * MIB, 200 * MIB)) },
            &Reserve::DEFAULT,
        )
    };
    assert_eq!((of(16, 0), of(16, 15)), (StartSpacing::Any, StartSpacing::Any));
    assert_eq!((of(17, 0), of(64, 15)), (StartSpacing::OneByOne, StartSpacing::OneByOne));
    assert_eq!(of(64, 16), StartSpacing::Settled);
    // It says nothing of whether one may come at all.
    let memory = CapacitySnapshot { workers: 64, claims: 63, ..seen(disk(75 * MIB, 200 * MIB)) };
    assert_eq!(what(&decide(&memory, &Reserve::DEFAULT)), ("admit", None));
    let off = Reserve { memory_bytes: 0, ..Reserve::DEFAULT };
    assert_eq!(start_spacing(&memory, &off), StartSpacing::Any);
}

#[test]
fn inodes_count_only_where_the_file_system_counts_them() {
    let reserve = Reserve { inodes: Kept::Exactly(50), ..Reserve::DEFAULT };
    let few = DiskSpace { free_inodes: 49, ..disk(9 << 30, 10 << 30) };
    assert_eq!(what(&decide(&seen(few.clone()), &reserve)), ("wait", Some(Resource::Inodes)));
    let uncounted = DiskSpace { free_inodes: 0, total_inodes: 0, ..few };
    assert_eq!(what(&decide(&seen(uncounted), &reserve)), ("admit", None));
}

#[test]
fn memory_is_kept_for_one_more_agent_and_nothing_where_it_is_off() {
    let mut snapshot = seen(disk(9 << 30, 10 << 30));
    snapshot.memory = Some(AvailableMemory { available: 511 * MIB, of: "this machine".into() });
    assert_eq!(what(&decide(&snapshot, &Reserve::DEFAULT)), ("wait", Some(Resource::Memory)));
    let off = Reserve { memory_bytes: 0, ..Reserve::DEFAULT };
    assert_eq!(what(&decide(&snapshot, &off)), ("admit", None));
    snapshot.memory = None;
    assert_eq!(what(&decide(&snapshot, &Reserve::DEFAULT)), ("admit", None));
}

#[test]
fn what_is_off_never_waits() {
    let off = Reserve { disk: Kept::Exactly(0), inodes: Kept::Exactly(0), memory_bytes: 0 };
    let full = DiskSpace { free_inodes: 0, ..disk(0, 200 * MIB) };
    let tree = TreeSize { bytes: MIB, inodes: 5 };
    let snapshot = CapacitySnapshot { tree, workers: 9, ..seen(full.clone()) };
    assert_eq!(what(&decide(&snapshot, &off)), ("admit", None));
    assert_eq!(critical(&[full], &off), None);
}

#[test]
fn running_agents_are_parked_at_a_quarter() {
    let reserve = Reserve { disk: Kept::Exactly(40 * MIB), ..Reserve::DEFAULT };
    assert_eq!(critical(&[disk(10 * MIB, 200 * MIB)], &reserve), None);
    let short = critical(&[disk(10 * MIB - 1, 200 * MIB)], &reserve);
    assert_eq!(short.map(|short| short.what), Some(Resource::Disk));
}

#[test]
fn it_is_said_with_its_evidence() {
    let reserve = Reserve { disk: Kept::Exactly(200 * MIB), ..Reserve::DEFAULT };
    let CapacityDecision::Wait(short) = decide(&seen(disk(38 * MIB + 5, 400 * MIB)), &reserve)
    else {
        panic!("there is no room");
    };
    let said = "38 MiB free on /d, 200 MiB are kept free; goes on by itself";
    assert_eq!(short.to_string(), said);
    assert_eq!(size(1_503_238_553), "1.3 GiB");
}
