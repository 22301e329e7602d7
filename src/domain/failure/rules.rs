//! Rules that tell from what an agent's own program left which fault an attempt ended with.
//!
//! A rule names places and what must stand there; the first rule that fits decides. Pure: the places are handed
//! in as [`Facts`]. Invariant: [`Key`] is the whole list of places, and none but [`Key::Stderr`] can hold what the model,
//! a tool or a file said: a rule cannot be written that looks there, and no built-in one uses that one.

use std::ops::RangeInclusive;

use crate::domain::failure::fault::Fault;

/// A file of rules.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RuleBook {
    /// Which one, for people: a date.
    pub version: String,
    /// In order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// Its name in records: `PROGRAM.usage-limit`.
    pub id: String,
    /// Kinds of agents, in an operator's own rules also names of agents; empty: all.
    pub agents: Vec<String>,
    /// What holds where it fits.
    pub fault: Fault,
    /// All of these must fit, the most telling first.
    pub when: Vec<(Key, Test)>,
    /// What it means, one line for people.
    pub says: Option<String>,
    /// The program's own words are of no use to people.
    pub unquoted: bool,
}

/// A place that only the agent's own program, the service or the kernel writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// The last result's subtype.
    Subtype,
    /// The last result is none of a success.
    IsError,
    /// Why its last turn ended.
    TerminalReason,
    /// Why it never came to work.
    StartupFailure,
    /// The kind of the failed call of the service that ended it.
    ServiceError,
    /// A finer word for that.
    ServiceDetail,
    /// Its HTTP status.
    ServiceStatus,
    /// The last news of the account's limits that was a refusal.
    LimitStatus,
    /// Which window that was.
    LimitType,
    /// What its own program complains of: the text of a result that is an error of the service or came before the
    /// model did anything; or, where no result came, its standard error, of agents on whose nobody else writes.
    Complaint,
    /// Standard error, of any agent; also what the model's commands write there, where the agent lets them.
    Stderr,
    /// Its exit code.
    ExitCode,
    /// The signal that ended it.
    ExitSignal,
    /// What came before its end: `nothing` of the stream, `talk` without a result, an `error` or a `success`.
    ExitAfter,
}

/// How a place is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A word of a set.
    Word,
    /// A number.
    Number,
    /// Text for people.
    Text,
    /// Yes or no.
    Truth,
}

impl Key {
    /// All of them, as they are written.
    pub const ALL: [(&str, Key, Shape); 14] = [
        ("result.subtype", Key::Subtype, Shape::Word),
        ("result.is_error", Key::IsError, Shape::Truth),
        ("result.terminal_reason", Key::TerminalReason, Shape::Word),
        ("result.startup_failure_reason", Key::StartupFailure, Shape::Word),
        ("service.error", Key::ServiceError, Shape::Word),
        ("service.detail", Key::ServiceDetail, Shape::Word),
        ("service.status", Key::ServiceStatus, Shape::Number),
        ("rate_limit.status", Key::LimitStatus, Shape::Word),
        ("rate_limit.type", Key::LimitType, Shape::Word),
        ("complaint.words", Key::Complaint, Shape::Text),
        ("stderr.words", Key::Stderr, Shape::Text),
        ("exit.code", Key::ExitCode, Shape::Number),
        ("exit.signal", Key::ExitSignal, Shape::Number),
        ("exit.after", Key::ExitAfter, Shape::Word),
    ];
}

/// What must stand at a place.
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// Something.
    Any,
    /// One of these words; `aborted_*` fits all that begin so.
    Words(Vec<String>),
    /// A number in one of these spans.
    Numbers(Vec<RangeInclusive<u64>>),
    /// A text that holds one of these phrases, whatever their case; kept in lower case.
    Phrases(Vec<String>),
    /// Yes or no.
    Is(bool),
}

/// What stands at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// A word.
    Word(String),
    /// A number.
    Number(u64),
    /// Text for people.
    Text(String),
    /// Yes or no.
    Truth(bool),
}

/// The record in which a fact stood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The last result.
    Result,
    /// The record of a failed call of the service.
    ApiError,
    /// The last refusal among the news of limits.
    RateLimit,
    /// The program's standard error.
    Stderr,
    /// The end of the process.
    Exit,
}

impl Source {
    /// The word in records.
    pub fn word(self) -> &'static str {
        match self {
            Source::Result => "result",
            Source::ApiError => "api_error",
            Source::RateLimit => "rate_limit_event",
            Source::Stderr => "stderr",
            Source::Exit => "exit",
        }
    }
}

/// Everything that is known of an attempt's end.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Facts(Vec<(Key, Fact, Source)>);

impl Facts {
    /// Notes one, where there is one.
    pub fn note(&mut self, key: Key, fact: Option<Fact>, source: Source) {
        self.0.extend(fact.map(|fact| (key, fact, source)));
    }

    fn get(&self, key: Key) -> Option<&(Key, Fact, Source)> {
        self.0.iter().find(|(known, ..)| *known == key)
    }
}

/// A rule that fits, and where.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The record in which its first condition fits.
    pub source: Source,
}

/// The first rule that fits.
pub fn first<'a>(rules: impl IntoIterator<Item = &'a Rule>, facts: &Facts) -> Option<Hit<'a>> {
    rules.into_iter().find_map(|rule| {
        let fits = rule
            .when
            .iter()
            .all(|(key, test)| facts.get(*key).is_some_and(|(_, fact, _)| test.fits(fact)));
        let (key, _) = rule.when.first().filter(|_| fits)?;
        Some(Hit { rule, source: facts.get(*key)?.2 })
    })
}

impl Rule {
    /// Whether it is for an agent of this kind, or (an operator's own) for the agent of this name.
    pub fn is_for(&self, kind: &str, name: Option<&str>) -> bool {
        let named = |agent: &String| agent == kind || name == Some(agent.as_str());
        self.agents.is_empty() || self.agents.iter().any(named)
    }

    /// The line of a text that fits one of its phrases.
    pub fn line<'a>(&self, text: &'a str) -> Option<&'a str> {
        let phrases = self.when.iter().filter(|(_, test)| matches!(test, Test::Phrases(_)));
        let fits = |line: &&str| {
            let line = Fact::Text((*line).to_owned());
            phrases.clone().any(|(_, test)| test.fits(&line))
        };
        text.lines().find(fits)
    }
}

impl Test {
    fn fits(&self, fact: &Fact) -> bool {
        match (self, fact) {
            (Test::Any, _) => true,
            (Test::Words(words), Fact::Word(fact)) => words.iter().any(|word| {
                word.strip_suffix('*').map_or(word == fact, |start| fact.starts_with(start))
            }),
            (Test::Numbers(spans), Fact::Number(fact)) => {
                spans.iter().any(|span| span.contains(fact))
            }
            (Test::Phrases(phrases), Fact::Text(fact)) => {
                let fact = fact.to_lowercase();
                phrases.iter().any(|phrase| fact.contains(phrase))
            }
            (Test::Is(wanted), Fact::Truth(fact)) => wanted == fact,
            (Test::Words(_) | Test::Numbers(_) | Test::Phrases(_) | Test::Is(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, when: Vec<(Key, Test)>) -> Rule {
        let id = id.into();
        Rule { id, agents: Vec::new(), fault: Fault::Error, when, says: None, unquoted: false }
    }

    #[test]
    fn the_first_rule_of_which_everything_fits_decides() {
        let code = |number| Some(Fact::Number(number));
        let mut facts = Facts::default();
        facts.note(Key::ExitCode, code(42), Source::Exit);
        facts.note(Key::Stderr, Some(Fact::Text("a\nServer FULL\n".into())), Source::Stderr);
        facts.note(Key::ExitSignal, None, Source::Exit);
        let full = Test::Phrases(vec!["server full".into()]);
        let rules = [
            rule("signal", vec![(Key::ExitSignal, Test::Any)]),
            rule("both", vec![(Key::Stderr, full), (Key::ExitCode, Test::Numbers(vec![41..=41]))]),
            rule("wrong-shape", vec![(Key::ExitCode, Test::Is(true))]),
            rule("span", vec![(Key::ExitCode, Test::Numbers(vec![1..=2, 40..=50]))]),
            rule("any", vec![(Key::ExitCode, Test::Any)]),
        ];
        let hit = first(&rules, &facts).expect("one fits");
        assert_eq!((hit.rule.id.as_str(), hit.source), ("span", Source::Exit));
        assert_eq!(rules[1].line("a\nServer FULL\n"), Some("Server FULL"));
        assert_eq!(first(&rules[..3], &facts), None);
        assert_eq!(first(&[rule("empty", Vec::new())], &facts), None, "a rule without a condition");
    }

    #[test]
    fn a_star_ends_a_word_and_agents_are_kinds_or_names() {
        let test = Test::Words(vec!["aborted_*".into(), "x".into()]);
        for (word, fits) in [("aborted_tools", true), ("x", true), ("xy", false), ("abort", false)]
        {
            assert_eq!(test.fits(&Fact::Word(word.into())), fits, "{word}");
        }
        let mut rule = rule("r", Vec::new());
        assert!(rule.is_for("claude", None));
        rule.agents = vec!["command".into(), "script".into()];
        assert!(rule.is_for("command", None) && rule.is_for("claude", Some("script")));
        assert!(!rule.is_for("claude", Some("claude")));
    }
}
