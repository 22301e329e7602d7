//! The built-in rules, and the order in which rules are asked: the operator's own, then these.
//!
//! Pure, but for reading its own data once. Invariant: the built-in file is sound, which a test sees to.

use std::sync::LazyLock;

use crate::agent::job::Job;
use crate::agent::program;
use crate::domain::failure::rules::{Facts, Hit, Rule, RuleBook, first};
use crate::domain::settings::problem::Problem;
use crate::form;

/// The largest file of rules, bytes.
const FILE_MAX: usize = 1024 * 1024;

/// The rules that come with this version: a book for each file of rules of the agent programs.
fn books() -> &'static [(&'static str, RuleBook)] {
    static BOOKS: LazyLock<Vec<(&str, RuleBook)>> = LazyLock::new(|| {
        let names: Vec<&str> = program::all().iter().map(|program| program.name).collect();
        let read = |file| match form::rule_book(file, &names, &[]) {
            Ok(book) => (file, book),
            Err(problems) => panic!("failures.toml: {problems:?}"),
        };
        program::rule_files().into_iter().map(read).collect()
    });
    &BOOKS
}

/// All of them.
pub fn built_in() -> impl Iterator<Item = &'static Rule> {
    books().iter().flat_map(|(_, book)| &book.rules)
}

/// Their version: the latest of their files'.
pub fn version() -> &'static str {
    books().iter().map(|(_, book)| book.version.as_str()).max().unwrap_or_default()
}

/// Those by which a program's failures are judged.
fn of_program<'r>(name: &'static str) -> impl Iterator<Item = &'r Rule> {
    let files = program::adapter(name).rules();
    let book = |file: &&str| books().iter().find(|(known, _)| known == file);
    let rules = files.iter().filter_map(book).flat_map(|(_, book)| &book.rules);
    rules.filter(move |rule| rule.is_for(name, None))
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
    let programs = program::all().iter().map(|program| program.name);
    let agents: Vec<&str> = programs.chain(names).collect();
    let taken: Vec<&str> = built_in().map(|rule| rule.id.as_str()).collect();
    form::rule_book(text, &agents, &taken)
}

/// Who is judged, and by which rules of the operator's first.
#[derive(Clone, Copy, Debug)]
pub(in crate::agent) struct ApplicableRules<'a> {
    program: &'static str,
    own: &'a [Rule],
}

impl<'a> ApplicableRules<'a> {
    pub(in crate::agent) fn of(job: &'a Job) -> ApplicableRules<'a> {
        ApplicableRules::new(job.kind.word(), &job.rules)
    }

    pub(in crate::agent) fn new(program: &'static str, own: &'a [Rule]) -> ApplicableRules<'a> {
        ApplicableRules { program, own }
    }

    /// The first rule that fits. An operator's own were chosen for this agent already.
    pub(in crate::agent) fn find(&self, facts: &Facts) -> Option<Hit<'a>> {
        first(self.own.iter().chain(of_program(self.program)), facts)
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
            let mut chars: Vec<char> = program::claude::RULES.chars().collect();
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
    fn a_program_is_judged_by_its_own_rules() {
        let ids =
            |name: &'static str| of_program(name).map(|rule| rule.id.as_str()).collect::<Vec<_>>();
        assert!(ids("claude").iter().all(|id| !id.starts_with("command.")));
        assert!(ids("command").contains(&"command.code"));
        assert!(ids("command").contains(&"claude.error"), "a script may speak as claude does");
        assert!(!ids("command").contains(&"claude.no-result"));
        assert_eq!(ids("demo"), ids("claude"));
        // What anybody may have written is the operator's to believe.
        let looks = |rule: &Rule| rule.when.iter().any(|(key, _)| *key == Key::Stderr);
        assert!(!built_in().any(looks));
    }
}
