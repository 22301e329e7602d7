//! A file that is edited or removed while it waits in `pending/`, in `ready/`, and while it runs.

use std::fs;

use crate::support::deadline::wait_until;
use crate::support::swarm::Swarm;

#[test]
fn in_pending_it_is_its_owners() {
    let swarm = Swarm::new();
    let edited = swarm.drop("edited", "echo old > x.txt");
    let removed = swarm.drop("removed", "echo x > x.txt");
    fs::write(edited, "echo new > x.txt").unwrap();
    fs::remove_file(removed).unwrap();
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
    let branch = swarm.show("edited")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "new");
}

#[test]
fn in_ready_an_edit_counts_and_rm_cancels() {
    let swarm = Swarm::new();
    let ids: Vec<String> = ["edited", "removed", "spoiled"]
        .map(|name| {
            swarm
                .coordinator(&["add", "--name", name, "-m", "echo old > x.txt"])
                .exits(0)
                .word()
                .to_owned()
        })
        .into();
    let ready = |id: &str| swarm.at("queue/ready").join(format!("5-{id}.1"));
    fs::write(ready(&ids[0]), "echo new > x.txt").unwrap();
    fs::remove_file(ready(&ids[1])).unwrap();
    fs::write(ready(&ids[2]), "---\nnope: 1\n---\nx").unwrap();
    swarm.worker(&["--drain"]).exits(1);
    assert_eq!(swarm.counts(), "done 1, rejected 1");
    let branch = swarm.show(&ids[0])["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "new");
    assert_eq!(swarm.show(&ids[1])["state"], serde_json::Value::Null);
    let said = swarm.coordinator(&["explain", &ids[1]]).exits(0).out;
    assert!(!said.contains("runs"), "{said}");
}

#[test]
fn while_it_runs_an_edit_changes_nothing_and_rm_stops_it() {
    let swarm = Swarm::new();
    swarm.drop("edited", swarm.holds("edited") + "cat > rest.txt; echo done > x.txt\n");
    swarm.drop("removed", swarm.holds("removed") + "touch y.txt\n");
    let coordinator = swarm.start_coordinator(&["--drain", "--agents", "2"]);
    swarm.wait_held("edited");
    let agent = swarm.wait_held("removed");
    let of = |slug: &str| swarm.at("queue/ready").join(swarm.place(slug).unwrap().1);
    fs::write(of("edited"), "exit 1\n").unwrap();
    fs::remove_file(of("removed")).unwrap();
    wait_until("the end of the removed task's agent", || !crate::support::running::alive(agent));
    swarm.let_go("edited");
    coordinator.end().exits(0);
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(swarm.show("edited")["outcome"], "done");
    assert_eq!(swarm.show("edited")["text_changed"], true, "whoever edited it is told");
    let said = swarm.coordinator(&["show", "edited"]).exits(0).out;
    assert!(said.contains("its text changed after it was taken up"), "{said}");
    let branch = swarm.show("edited")["branch"].as_str().unwrap().to_owned();
    assert_eq!(swarm.git(&["show", &format!("{branch}:x.txt")]), "done");
    assert_eq!(swarm.names("claims"), Vec::<String>::new());
}
