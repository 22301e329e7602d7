//! The built-in rules, and the order in which rules are asked: the operator's own, then these.
//!
//! Pure, but for reading its own data once. Invariant: the built-in file is sound, which a test sees to.

use std::sync::OnceLock;

use super::Job;
use crate::domain::config::AgentKind;
use crate::domain::rule::{Facts, Hit, Rule, RuleBook, first};
use crate::form;

/// The rules that come with this version.
pub fn built_in() -> &'static RuleBook {
    static BOOK: OnceLock<RuleBook> = OnceLock::new();
    BOOK.get_or_init(|| {
        let read = form::rule_book(include_str!("failures.toml"), &AgentKind::WORDS);
        read.unwrap_or_else(|problems| panic!("failures.toml: {problems:?}"))
    })
}

/// Who is judged, and by which rules of the operator's first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bench<'a> {
    kind: &'static str,
    own: &'a [Rule],
}

impl<'a> Bench<'a> {
    pub(super) fn of(job: &'a Job) -> Bench<'a> {
        Bench::new(job.kind.word(), &job.rules)
    }

    pub(super) fn new(kind: &'static str, own: &'a [Rule]) -> Bench<'a> {
        Bench { kind, own }
    }

    /// The first rule that fits. An operator's own were chosen for this agent already.
    pub(super) fn find(&self, facts: &Facts) -> Option<Hit<'a>> {
        let ours = built_in().rules.iter().filter(|rule| rule.is_for(self.kind, None));
        first(self.own.iter().chain(ours), facts)
    }
}
