//! Any bytes as a file of failure rules: no panic, problems stand on lines that exist, and what is read can be asked.

use swarmdir::agent::failures;
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::failure::rules::{Fact, Facts, Key, Shape, Source, first};

use super::safe::assert_one_line;

/// The bytes as an operator's rules.
pub(crate) fn check(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match failures::read(bytes, ["script"]) {
        Ok(book) => {
            assert_one_line("the version", &book.version);
            for rule in &book.rules {
                assert_one_line("an id", &rule.id);
                assert_one_line("what it says", rule.says.as_deref().unwrap_or_default());
                assert!(
                    !rule.id.is_empty() && failures::built_in().all(|known| known.id != rule.id)
                );
                assert!(!matches!(rule.fault, Fault::Timeout | Fault::Silent | Fault::Stopped));
                assert!(
                    rule.line("some words\nof a program").is_none_or(|line| !line.contains('\n'))
                );
            }
            assert_eq!(
                first(&book.rules, &Facts::default()),
                None,
                "nothing fits where nothing is"
            );
            let _either = first(&book.rules, &everything());
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused for no reason");
            for problem in &problems {
                let line = problem.line.unwrap_or(1) as usize;
                assert!((1..=lines).contains(&line), "{problem} is not within {lines} lines");
                assert_one_line("a complaint", &problem.to_string().replace('\n', " "));
            }
        }
    }
}

/// Something at every place.
fn everything() -> Facts {
    let mut facts = Facts::default();
    for (_, key, shape) in Key::ALL {
        let fact = match shape {
            Shape::Word => Fact::Word("rejected".into()),
            Shape::Number => Fact::Number(42),
            Shape::Text => Fact::Text("You've hit your limit".into()),
            Shape::Truth => Fact::Truth(true),
        };
        facts.note(key, Some(fact), Source::Exit);
    }
    facts
}
