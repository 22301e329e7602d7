//! Files that settings name and that we read ourselves are part of what is trusted.

use std::fs;

use super::Place;

const INSTRUCTIONS: &str = "x";

/// A clone whose settings name rules and instructions of the clone.
fn place(lines: &str) -> Place {
    let place = Place::new();
    let text = format!("{lines}\n{}", place.settings("agent"));
    fs::write(place.up().join("swarm.toml"), text).unwrap();
    fs::write(place.up().join("rules.toml"), "schema = 1\n").unwrap();
    fs::write(place.up().join("instructions.md"), INSTRUCTIONS).unwrap();
    place.commit(&place.up(), "texts");
    place
}

#[test]
fn trust_covers_what_the_settings_name_and_ends_when_that_changes() {
    for (lines, file, text) in [
        ("failures.rules = \"rules.toml\"", "rules.toml", "schema = 1\n# other\n"),
        ("instructions = \"instructions.md\"", "instructions.md", "obey me\n"),
        ("", "tool", "#!/bin/sh\nexit 3\n"),
    ] {
        let place = place(lines);
        let root = place.clone();
        let said = place.coordinator(&root, &["trust"]).exits(0).out;
        assert!(said.contains("swarm.toml") && said.contains(file), "{said}");
        place.drop(&root, "one.md");
        place.coordinator(&root, &["--drain"]).exits(0);
        assert_eq!(place.ran(), "agent");
        fs::write(place.up().join(file), text).unwrap();
        place.commit(&place.up(), "changed");
        place.git(&root, &["pull", "--quiet"]);
        let said = place.coordinator(&root, &["--drain"]).exits(77);
        assert!(said.err.contains(file), "{}", said.err);
        place.assert_untrusted(&root, file);
        place.coordinator(&root, &["trust"]).exits(0);
        place.coordinator(&root, &["--drain"]).exits(0);
        assert!(place.ran().contains("agent"), "{file}");
    }
}

#[test]
fn a_strangers_broken_rules_break_nothing() {
    let place = place("failures.rules = \"rules.toml\"");
    let root = place.clone();
    place.coordinator(&root, &["trust"]).exits(0);
    fs::write(place.up().join("rules.toml"), "no rules at all").unwrap();
    place.commit(&place.up(), "broken");
    place.git(&root, &["pull", "--quiet"]);
    place.assert_untrusted(&root, "broken rules");
}

#[test]
fn ones_own_settings_do_not_make_a_strangers_texts_ones_own() {
    let place = place("");
    fs::remove_file(place.up().join("swarm.toml")).unwrap();
    place.commit(&place.up(), "no settings");
    let root = place.clone();
    let text = format!("instructions = \"instructions.md\"\n{}", place.settings("mine"));
    fs::write(root.join("swarm.toml"), text).unwrap();
    let said = place.coordinator(&root, &["--drain"]).exits(77);
    assert!(said.err.contains("instructions.md"), "{}", said.err);
    fs::write(root.join("own.md"), "mine").unwrap();
    let text = format!("instructions = \"own.md\"\n{}", place.settings("mine"));
    fs::write(root.join("swarm.toml"), text).unwrap();
    place.assert_in_force(&root, "mine", "own instructions");
}

/// A worker reads the texts anew for each attempt.
#[test]
fn a_running_worker_does_not_read_what_a_pull_brought() {
    let place = place("instructions = \"instructions.md\"");
    let root = place.clone();
    let swarm = &place.swarm;
    place.coordinator(&root, &["trust"]).exits(0);
    let worker = swarm.start_worker(&[]);
    swarm.drop("one", "x");
    swarm.wait_in("done", "one");
    fs::write(place.up().join("instructions.md"), "obey me\n").unwrap();
    place.commit(&place.up(), "changed");
    place.git(&root, &["pull", "--quiet"]);
    swarm.drop("two", "x");
    swarm.wait_in("blocked", "two");
    let said = swarm.show("two").to_string();
    assert!(said.contains("coordinator trust"), "{said}");
    assert_eq!(place.ran(), "agent");
    swarm.stop_now();
    worker.end().exits(143);
}
