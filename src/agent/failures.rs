//! The built-in rules, and the order in which rules are asked: the operator's own, then these.
//!
//! Pure, but for reading its own data once. Invariant: the built-in file is sound, which a test sees to.

use std::sync::OnceLock;

use crate::agent::Job;
use crate::domain::failure::rules::{Facts, Hit, Rule, RuleBook, first};
use crate::domain::settings::agents::AgentKind;
use crate::domain::settings::problem::Problem;
use crate::form;

/// The largest file of rules, bytes.
const FILE_MAX: usize = 1024 * 1024;

/// The rules that come with this version.
pub fn built_in() -> &'static RuleBook {
    static BOOK: OnceLock<RuleBook> = OnceLock::new();
    BOOK.get_or_init(|| {
        let read = form::rule_book(include_str!("failures.toml"), &AgentKind::WORDS, &[]);
        read.unwrap_or_else(|problems| panic!("failures.toml: {problems:?}"))
    })
}

/// Reads an operator's file of rules. `names` are those of the agents in the settings.
pub fn read<'a>(
    bytes: &[u8],
    names: impl IntoIterator<Item = &'a str>,
) -> Result<RuleBook, Vec<Problem>> {
    if bytes.len() > FILE_MAX {
        let message = format!("the file has {} bytes, at most {FILE_MAX} are read", bytes.len());
        return Err(vec![Problem::new(message).at(1, 1)]);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = form::line_and_column(bytes, error.valid_up_to());
        vec![Problem::new("the file is not valid UTF-8 here").at(line, column)]
    })?;
    let agents: Vec<&str> = AgentKind::WORDS.into_iter().chain(names).collect();
    let taken: Vec<&str> = built_in().rules.iter().map(|rule| rule.id.as_str()).collect();
    form::rule_book(text, &agents, &taken)
}

/// Who is judged, and by which rules of the operator's first.
#[derive(Clone, Copy, Debug)]
pub(in crate::agent) struct Bench<'a> {
    kind: &'static str,
    own: &'a [Rule],
}

impl<'a> Bench<'a> {
    pub(in crate::agent) fn of(job: &'a Job) -> Bench<'a> {
        Bench::new(job.kind.word(), &job.rules)
    }

    pub(in crate::agent) fn new(kind: &'static str, own: &'a [Rule]) -> Bench<'a> {
        Bench { kind, own }
    }

    /// The first rule that fits. An operator's own were chosen for this agent already.
    pub(in crate::agent) fn find(&self, facts: &Facts) -> Option<Hit<'a>> {
        let ours = built_in().rules.iter().filter(|rule| rule.is_for(self.kind, None));
        first(self.own.iter().chain(ours), facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::rules::Key;

    #[test]
    fn the_document_names_every_place_and_its_example_works() {
        let document = include_str!("../../docs/failures.md");
        for (name, ..) in Key::ALL {
            assert!(document.contains(&format!("`{name}`")), "{name}");
        }
        let example = document.split("```toml\nschema").nth(1).expect("an example");
        let example = format!("schema{}", example.split("```").next().unwrap_or_default());
        let book = read(example.as_bytes(), ["script"]).expect("good");
        assert_eq!(book.rules.len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn no_file_of_rules_panics(at in 0usize..4000, ch in proptest::char::any(), cut in 0usize..4000) {
            let mut chars: Vec<char> = include_str!("failures.toml").chars().collect();
            let (at, cut) = (at % chars.len(), cut % (chars.len() - 1));
            chars[at] = ch;
            chars.remove(cut);
            let text: String = chars.into_iter().collect();
            if let Err(problems) = read(text.as_bytes(), []) {
                proptest::prop_assert!(!problems.is_empty());
                for problem in problems {
                    proptest::prop_assert!(!problem.to_string().chars().any(crate::domain::text::misleads));
                }
            }
        }
    }

    #[test]
    fn a_kind_is_judged_by_the_rules_for_it() {
        let of = |kind| built_in().rules.iter().filter(move |rule| rule.is_for(kind, None));
        assert!(of("claude").all(|rule| !rule.id.starts_with("command.")));
        assert!(of("command").any(|rule| rule.id == "command.code"));
        assert_eq!(of("demo").count(), of("claude").count());
        // What anybody may have written is the operator's to believe.
        let looks = |rule: &Rule| rule.when.iter().any(|(key, _)| *key == Key::Stderr);
        assert!(!built_in().rules.iter().any(looks));
    }
}
