//! Several repositories under one queue.

use std::fs;

use crate::support::swarm::Swarm;

#[test]
fn each_task_works_in_its_own_repository() {
    let swarm = Swarm::empty();
    for rig in ["web", "api"] {
        let dir = swarm.beside(rig);
        fs::create_dir(&dir).unwrap();
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["config", "user.name", "T"],
            &["config", "user.email", "t@localhost"],
            &["commit", "-q", "--allow-empty", "-m", rig],
        ] {
            swarm.git_in(&dir, args);
        }
    }
    swarm.settings("default_rig = \"web\"\n[rig.web]\npath = \"../web\"\nsetup = \"echo web > setup.txt\"\n[rig.api]\npath = \"../api\"\nsetup = \"echo api > setup.txt\"\n");
    swarm.drop("plain", "cat setup.txt > x.txt");
    swarm.drop("other.md", "---\nrig: api\n---\ncat setup.txt > x.txt\n");
    swarm.drop("wrong.md", "---\nrig: apu\n---\nx\n");
    swarm.coordinator(&["--drain", "--agents", "2"]).exits(1);
    assert_eq!(swarm.counts(), "done 2, rejected 1");
    for (task, rig) in [("plain", "web"), ("other", "api")] {
        let task = swarm.show(task);
        let branch = task["branch"].as_str().unwrap();
        assert!(task["repository"].as_str().unwrap().ends_with(rig), "{task}");
        let seen = swarm.git_in(&swarm.beside(rig), &["show", &format!("{branch}:x.txt")]);
        assert_eq!(seen, rig, "prepared by its own repository's setup");
    }
    let said = swarm.coordinator(&["explain", "wrong"]).exits(0).out;
    assert!(said.contains("did you mean") && said.contains("api"), "{said}");
}
