//! A disk of 200 MB that agents fill: a pause with a message, nothing lost, and it goes on when there is room.

use std::fs;
use std::time::Duration;

use swarmdir::domain::event::Event;

use super::{
    make_room, make_room_until_done, mount, on_branch, outcomes, proof, recorded, sound, swarm,
    wait_paused, wait_put_off,
};
use crate::support::deadline::{stays, wait_for, wait_until};

const TASKS: usize = 20;

#[test]
fn a_disk_that_agents_fill_pauses_claims_and_loses_nothing() {
    let Some(mount) = mount(&[]) else { return };
    let swarm = swarm(&mount, "reserve.disk = \"40MiB\"");
    for n in 0..TASKS {
        let build = format!("mkdir -p build; head -c 12000000 /dev/zero > build/{n} || exit 1");
        swarm.drop(format!("task-{n:02}.md"), format!("{build}; echo {n} > result"));
    }
    let pool = swarm.start_coordinator(&["--agents", "3"]);
    let room = wait_paused(&swarm, "disk");
    wait_until("nothing at work", || swarm.names("claims").is_empty());
    let before = swarm.names("done").len();
    assert!((4..TASKS).contains(&before), "{before} done before the pause");
    stays("a pause", Duration::from_secs(3), || swarm.names("done").len() == before);
    let (have, need) = (room["have"].as_u64().unwrap(), room["need"].as_u64().unwrap());
    assert!(have < need && need == 40 << 20, "{room}");
    let text = swarm.coordinator(&["status"]).exits(0).out;
    assert!(text.contains("paused: ") && text.contains("40 MiB are kept free"), "{text}");
    assert!(pool.err().contains("goes on by itself"), "{}", pool.err());
    let waiting = swarm.names("ready").remove(0);
    let waiting = waiting.trim_start_matches("5-").rsplit_once('.').unwrap().0.to_owned();
    let why = swarm.coordinator(&["explain", &waiting]).exits(0).out;
    assert!(why.contains("nothing is claimed: ") && why.contains("free on"), "{why}");
    let doctor = swarm.coordinator(&["doctor"]).out;
    assert!(doctor.contains("nothing is claimed: "), "{doctor}");
    make_room(&swarm);
    let pauses = 1 + make_room_until_done(&swarm, TASKS);
    wait_until("the word that it goes on", || pool.err().contains("there is capacity again"));
    assert!(recorded(&swarm, |event| matches!(event, Event::CapacityShort { .. })) > 0);
    assert!(recorded(&swarm, |event| *event == Event::CapacityRestored) > 0);
    for n in 0..TASKS {
        assert_eq!(on_branch(&swarm, &format!("task-{n:02}"), "result"), n.to_string());
        assert_eq!(outcomes(&swarm, &format!("task-{n:02}")), ["done"]);
    }
    swarm.stop_now();
    pool.end();
    sound(&swarm, &format!("done {TASKS}"));
    proof("tasks on a 200 MB disk that agents fill, done", TASKS);
    proof("pauses for a full disk, gone on by itself", pauses);
}

#[test]
fn an_agent_that_meets_the_end_of_the_disk_is_not_charged_and_goes_on() {
    let Some(mount) = mount(&[]) else { return };
    let swarm = swarm(&mount, "reserve.disk = \"40MiB\"");
    let pool = swarm.start_coordinator(&["--agents", "2"]);
    wait_until("the reserve file", || swarm.at("queue/tmp/.reserve").exists());
    // What she made is to be saved when nothing is left but the reserve.
    let fill = "free=$(df --output=avail -k . | tail -1); fallocate -l $(((free - 500) * 1024)) build/big\n\
        cat /dev/zero > build/rest || ";
    let hog = "if [ -e kept ]; then echo > second; exit 0; fi; mkdir -p build\n\
        head -c 1500000 /dev/urandom > kept\n";
    swarm.drop("hog.md", format!("{hog}{fill}exit 1"));
    wait_put_off(&swarm, "hog");
    assert!(recorded(&swarm, |event| *event == Event::ReserveReleased) > 0, "it was needed");
    wait_paused(&swarm, "disk");
    swarm.wait_in("ready", "hog");
    make_room(&swarm);
    swarm.wait_in("done", "hog");
    assert_eq!(outcomes(&swarm, "hog"), ["disk", "done"]);
    assert_eq!(swarm.show("hog")["attempts"][1]["start"]["continued"], true);
    wait_until("the reserve file again", || swarm.at("queue/tmp/.reserve").exists());
    swarm.stop_now();
    pool.end();
    sound(&swarm, "done 1");
    proof("agents that met the end of the disk, charged", 0);
}

#[test]
fn running_agents_are_parked_while_there_is_room_to_save_their_work() {
    let Some(mount) = mount(&[]) else { return };
    let swarm = swarm(&mount, "reserve.disk = \"40MiB\"");
    let fill = "if [ -e kept ]; then echo > second; exit 0; fi; echo saved > kept; mkdir -p build\n\
        free=$(df --output=avail -k . | tail -1); head -c $(((free - 7000) * 1024)) /dev/zero > build/big\n";
    swarm.drop("filler.md", format!("{fill}{}", swarm.holds("filled")));
    let worker = swarm.start_worker(&[]);
    swarm.wait_held("filled");
    wait_put_off(&swarm, "filler");
    assert_eq!(
        recorded(&swarm, |event| matches!(event, Event::AttemptStoppedForCapacity { .. })),
        1
    );
    let kept =
        wait_for("its branch", || swarm.show("filler")["branch"].as_str().map(str::to_owned));
    assert_eq!(swarm.git(&["show", &format!("{kept}:kept")]), "saved");
    let said = swarm.show("filler")["attempts"][0]["result"]["reason"].clone();
    assert!(said.as_str().unwrap().contains("nearly full"), "{said}");
    make_room(&swarm);
    swarm.wait_in("done", "filler");
    assert_eq!(outcomes(&swarm, "filler"), ["disk", "done"]);
    swarm.stop_now();
    worker.end().exits(143);
    sound(&swarm, "done 1");
    proof("running agents parked before the disk was full", 1);
}

#[test]
fn a_drain_leaves_what_has_no_room_for_a_later_run() {
    let Some(mount) = mount(&[]) else { return };
    let swarm = swarm(&mount, "reserve.disk = \"400MiB\"");
    swarm.drop("one.md", "echo > one");
    swarm.worker(&["--drain"]).exits(75);
    let said = fs::read_to_string(swarm.at(".swarmdir/log/worker.log")).unwrap();
    assert!(said.contains("paused: ") && said.contains("400 MiB are kept free"), "{said}");
    assert_eq!(swarm.counts(), "ready 1");
    let drain = swarm.coordinator(&["--drain", "--agents", "2"]).exits(75);
    assert!(drain.err.contains("waits for capacity"), "{}", drain.err);
    swarm.settings("reserve.disk = \"none\"");
    swarm.drain();
    sound(&swarm, "done 1");
}
