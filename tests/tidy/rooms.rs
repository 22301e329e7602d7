//! Who may name whom: no circle of files, and of its neighbours a directory names those that its `mod.rs` says.
//!
//! The line is the last of a room's `//!`: ``Names: `queue`, `sys`.`` Neighbours are what lies beside the directory: for a
//! room of `src` the other rooms, for a room within a room its files and rooms. What lies further out its own room says.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Naming, naming};
use super::{assert_none, text};

/// Rooms that meet through files alone, and rooms that may not know those above them for any reason.
const NEVER: [(&str, &str); 3] =
    [("coordinator", "worker"), ("worker", "coordinator"), ("housekeeping", "worker")];

/// Takes away who names nobody and who is named by nobody, until no more can go: what is left are circles, and what lies
/// between them.
fn circles(naming: &Naming) -> Vec<String> {
    let mut left: BTreeSet<(&String, &String)> =
        naming.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))).collect();
    loop {
        let from: BTreeSet<&String> = left.iter().map(|(from, _)| *from).collect();
        let to: BTreeSet<&String> = left.iter().map(|(_, to)| *to).collect();
        let before = left.len();
        left.retain(|(a, b)| to.contains(a) && from.contains(b));
        if left.len() == before {
            return left.iter().map(|(from, to)| format!("{from} names {to}")).collect();
        }
    }
}

/// Of each directory the neighbours that its files name.
fn neighbours(naming: &Naming) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, all) in naming {
        for (at, _) in from.match_indices('/') {
            found.entry(from[..at].to_owned()).or_default();
        }
        for to in all {
            let (here, there): (Vec<&str>, Vec<&str>) =
                (from.split('/').collect(), to.split('/').collect());
            let same = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
            if same + 1 < here.len() {
                let directory = here[..=same].join("/");
                let neighbour = there[same].trim_end_matches(".rs").to_owned();
                found.entry(directory).or_default().insert(neighbour);
            }
        }
    }
    found
}

/// What a directory's `mod.rs` says that it names.
fn said(directory: &str) -> Option<BTreeSet<String>> {
    let text = text(format!("src/{directory}/mod.rs"));
    let line = text.lines().rfind(|line| line.starts_with("//!"))?.strip_prefix("//! Names: ")?;
    let names =
        line.trim_end_matches('.').split(", ").map(|name| name.trim_matches('`').to_owned());
    Some(names.filter(|name| name != "none").collect())
}

fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    assert_none("circles of files", &circles(naming()));
}

#[test]
fn a_directory_names_those_neighbours_that_it_says() {
    let neighbours = neighbours(naming());
    let wrong: Vec<String> = neighbours
        .iter()
        .filter(|(directory, names)| said(directory).as_ref() != Some(*names))
        .map(|(directory, names)| {
            format!("src/{directory}/mod.rs: its last line should be //! Names: {}.", listed(names))
        })
        .collect();
    assert_none("directories that name others than they say", &wrong);
}

#[test]
fn arrows_between_rooms_go_down_only() {
    let mut rooms = neighbours(naming());
    rooms.retain(|directory, _| !directory.contains('/'));
    assert!(rooms.len() > 20 && rooms["domain"].is_empty(), "{rooms:?}");
    assert_none("circles of rooms", &circles(&rooms));
    let breaches = NEVER.iter().filter(|(from, to)| rooms[*from].contains(*to));
    let breaches: Vec<String> = breaches.map(|(from, to)| format!("{from} names {to}")).collect();
    assert_none("rooms that meet through files alone", &breaches);
}

#[test]
fn a_circle_is_found_and_what_hangs_on_it_is_not() {
    let names = |to: &[&str]| to.iter().map(|name| (*name).to_owned()).collect();
    let naming: Naming = [("a", names(&["b"])), ("b", names(&["c"])), ("c", names(&["b", "d"]))]
        .map(|(from, to)| (from.to_owned(), to))
        .into();
    assert_eq!(circles(&naming), ["b names c", "c names b"]);
    let naming: Naming =
        [("x/y/z.rs", names(&["x/q.rs", "w/mod.rs"])), ("x/y/mod.rs", names(&["x/y/z.rs"]))]
            .map(|(from, to)| (from.to_owned(), to))
            .into();
    let found = neighbours(&naming);
    assert_eq!(found["x/y"], names(&["q"]));
    assert_eq!(found["x"], names(&["w"]));
}
