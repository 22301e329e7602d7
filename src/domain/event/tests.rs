//! The vocabulary, both ways, and against its document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

const TASK: &str = "20261120T113012123-fix-login-k3f9";

/// Each event once.
fn samples() -> Vec<Event> {
    let task = TaskId::parse(TASK).unwrap();
    let worker = WorkerId::from_bits([7; 16]);
    let epoch = Epoch(3);
    let text = || "text".to_owned();
    let (at, who) = (|| task.clone(), || worker.clone());
    vec![
        Event::CoordinatorStarted { agents: 3, drain: true },
        Event::CoordinatorEnded { how: ProcessEnd::Finished, error: None },
        Event::WorkerStarted { worker: who(), pid: 1, cgroups: text() },
        Event::WorkerEnded { worker: who(), how: ProcessEnd::Error, error: Some(text()) },
        Event::WorkerLost { worker: who(), evidence: text() },
        Event::TaskAdded { task: at() },
        Event::TaskReady { task: at() },
        Event::TaskRejected { task: at(), epoch: None },
        Event::TaskUntrusted { name: text(), why: text() },
        Event::TaskUnblocked { task: at(), epoch },
        Event::CancelRequestClosed { task: at(), cancelled: true },
        Event::MoveObstructed { why: text() },
        Event::AttemptClaimed { task: at(), epoch, worker: who() },
        Event::AttemptClosed {
            task: at(),
            epoch,
            worker: who(),
            disposition: State::Blocked,
            reason: Some(text()),
            outcome: text(),
            refused: false,
        },
        Event::AttemptStoppedForCapacity {
            task: at(),
            epoch,
            what: Resource::Disk,
            place: text(),
            have: 1,
        },
        Event::ClaimReclaimed { task: at(), epoch, worker: who(), result: Reclaimed::Swept },
        Event::AccountChanged {
            account: text(),
            state: AccountState::Probe,
            fault: text(),
            until_ms: UnixMs(9),
        },
        Event::CapacityShort { what: Resource::Memory, place: text(), have: 1, need: 2 },
        Event::CapacityRestored,
        Event::ReserveReleased,
        Event::GarbageCollected { removed: 1, freed_bytes: 2 },
    ]
}

/// The event's word and its own fields.
fn described(event: &Event) -> (String, BTreeSet<String>) {
    let Value::Object(mut fields) = serde_json::to_value(event).unwrap() else { panic!() };
    let word = fields.remove("event").unwrap().as_str().unwrap().to_owned();
    (word, fields.into_iter().map(|(name, _)| name).collect())
}

/// Every word that the type knows, by what it says when it is asked for another one.
fn words() -> BTreeSet<String> {
    let error = serde_json::from_str::<Event>(r#"{"event":"?"}"#).unwrap_err().to_string();
    let (_, known) = error.split_once("expected one of ").expect("serde lists what it knows");
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn each_event_is_one_line_and_reads_back() {
    for event in samples() {
        let line = EventLine::new(UnixMs(1_795_172_864_007), event);
        let text = line.text();
        assert_eq!(text.find('\n'), Some(text.len() - 1), "{text}");
        assert!(text.starts_with(r#"{"schema":1,"at_ms":1795172864007,"event":""#), "{text}");
        assert_eq!(EventLine::parse(&text), Some(line), "{text}");
    }
}

#[test]
fn what_a_later_version_added_is_skipped() {
    let read = |line: &str| EventLine::parse(line).map(|line| line.event);
    let more = r#"{"schema":1,"at_ms":1,"event":"capacity_restored","mood":"good"}"#;
    assert_eq!(read(more), Some(Event::CapacityRestored));
    for line in [
        r#"{"schema":1,"at_ms":1,"event":"agent_sang"}"#,
        r#"{"schema":2,"at_ms":1,"event":"capacity_restored"}"#,
        r#"{"schema":1,"at_ms":1,"event":"task_added","task":"a"#,
        "",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn the_document_and_the_type_agree() {
    let document = include_str!("../../../docs/events.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<(String, BTreeSet<String>)> = rows
        .map(|row| {
            let mut cells = row.split('|');
            let word = cells.next().unwrap().trim().trim_matches('`').to_owned();
            // Resource a field means stands in brackets.
            let fields = cells.next().unwrap().split(')').filter_map(|part| part.split('(').next());
            let names = fields.flat_map(|part| part.split('`').skip(1).step_by(2));
            (word, names.map(str::to_owned).collect())
        })
        .collect();
    let typed: Vec<_> = samples().iter().map(described).collect();
    assert_eq!(documented, typed, "docs/events.md, in the order of the type");
    assert_eq!(typed.into_iter().map(|(word, _)| word).collect::<BTreeSet<_>>(), words());
}
