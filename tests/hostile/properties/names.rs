//! Any bytes as names: those of the queue have one spelling each, and what is made of a dropped one is safe.

use swarmdir::domain::task::id::{Epoch, TaskId, WorkerId};
use swarmdir::domain::task::name::{AttemptName, QueueName, TaskEpoch};
use swarmdir::domain::task::reason::Reason;
use swarmdir::domain::text::{one_line, printable, slug, slug_of_file};

use super::safe::{assert_harmless, assert_one_line, is_branch, is_component};

mod queue;

/// The bytes as one name, as many names, and as a whole queue.
pub(crate) fn check(bytes: &[u8]) {
    for part in std::iter::once(bytes).chain(bytes.split(|byte| *byte == 0)) {
        let text = String::from_utf8_lossy(part);
        check_name(&text);
        // Without the two letters that say where a record of a queue lies.
        check_name(text.get(2..).and_then(|rest| rest.split('/').next()).unwrap_or_default());
    }
    queue::check(bytes);
}

/// One name, as one of the queue's and as a dropped one.
pub(crate) fn check_name(name: &str) {
    one_spelling(name);
    dropped(name);
}

/// What reads as a name is written as it was read, and is one path component.
fn one_spelling(text: &str) {
    let same = |read: Option<String>| {
        if let Some(written) = read {
            assert_eq!(written, text);
            let safe = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
            assert!(safe && !text.starts_with(['.', '-']) && text.len() <= 255, "{text:?}");
        }
    };
    same(TaskId::parse(text).map(|id| id.to_string()));
    same(WorkerId::parse(text).map(|id| id.to_string()));
    same(Epoch::parse(text).map(|epoch| epoch.to_string()));
    same(Reason::parse(text).map(|reason| reason.to_string()));
    same(TaskEpoch::parse(text).map(|at| at.to_string()));
    same(AttemptName::parse(text).map(|name| name.to_string()));
    same(QueueName::parse(text).map(|name| name.to_string()));
    if let Some(name) = QueueName::parse(text) {
        let next = name.ready_next();
        assert_eq!(QueueName::parse(&next.to_string()), Some(next));
    }
    if let Some(id) = TaskId::parse(text) {
        // What is made from it: a branch, a worker's second name of it, a directory.
        assert!(is_branch(&format!("swarm/{}-{}", id.slug(), id.tail())), "{text:?}");
        assert!(is_component(&format!("x{id}")));
    }
}

/// Whatever a file was called, the task made of it has a safe name.
fn dropped(name: &str) {
    for slug in [slug_of_file(name), slug(name)] {
        assert!(slug.len() <= 48 && is_component(&slug), "{name:?} gives {slug:?}");
        let id = TaskId::compose("20261120T113012123", &slug, "k3f9").expect("parts that fit");
        assert!(is_component(id.as_str()) && id.as_str().len() <= TaskId::MAX_LEN);
        assert_eq!((id.slug(), id.tail()), (slug.as_str(), "k3f9"));
        assert!(is_branch(&format!("swarm/{slug}-k3f9")), "{slug:?}");
    }
    assert_harmless("shown text", &printable(name, true));
    assert_one_line("a shown name", &printable(name, false));
    assert_one_line("a cut name", &one_line(name, 60));
}
