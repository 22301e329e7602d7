//! One word for one thing: what the formats say is in the glossary, and retired words are nowhere.

use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::failure::policy::Class;
use swarmdir::domain::task::reason::WAIT_WORDS;
use swarmdir::domain::task::state::State;
use swarmdir::site::Dir;

use super::documents::{documents, first_column};
use super::{assert_none, rust_files, shown, text};

/// Words that named something here once, or name nothing here.
const RETIRED: [&str; 24] = [
    "gate",
    "gates",
    "canary",
    "canaries",
    "take-up",
    "take-ups",
    "takeup",
    "tending",
    "tender",
    "wish",
    "wishes",
    "forest",
    "occupant",
    "occupants",
    "herald",
    "messenger",
    "ears",
    "barren",
    "misfortune",
    "downfall",
    "vantage",
    "surveyor",
    "strikes",
    "trouble::",
];

#[test]
fn the_glossary_has_the_words_of_the_formats() {
    let glossary = text("docs/glossary.md");
    let column = |heading: &str| first_column(&glossary, heading);
    assert_eq!(column("States"), State::ALL.map(State::word));
    assert_eq!(column("Reasons of blocked tasks"), WAIT_WORDS.map(|(word, _)| word));
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    let faults = Fault::ALL.iter().map(|fault| fault.word().to_owned()).collect();
    assert_eq!(sorted(column("Faults")), sorted(faults));
    let protocol = text("queue/README.md");
    for dir in Dir::ALL {
        assert!(protocol.contains(&format!("| `{}/` |", dir.name())), "{}", dir.name());
    }
    assert_eq!(column("Classes of faults"), Class::ALL.map(Class::word));
    let json = text("docs/json.md");
    let keys: Vec<&str> = State::ALL.iter().map(|state| state.word()).collect();
    for key in keys.into_iter().chain(["accounts", "waiting_for_trust", "live", "shortage"]) {
        assert!(json.contains(&format!("`{key}")), "docs/json.md lacks {key}");
    }
}

#[test]
fn retired_words_are_nowhere() {
    let mut found = Vec::new();
    let end = |c: char| !c.is_ascii_alphanumeric() && !"-_:".contains(c);
    for file in rust_files("src").into_iter().chain(documents()) {
        if file.ends_with("docs/glossary.md") {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap().to_lowercase();
        for (number, line) in (1..).zip(source.lines()) {
            let words = line.split(end).flat_map(|word| word.split('_'));
            for word in words.filter(|word| RETIRED.contains(word)) {
                found.push(format!("{}:{number}: {word}", shown(&file)));
            }
        }
    }
    assert_none("retired words", &found);
}
