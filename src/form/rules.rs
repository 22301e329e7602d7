//! A file of failure rules: TOML into a [`RuleBook`], with every mistake at its place.

use std::ops::RangeInclusive;

use super::fields::{Fields, placed};
use super::node::{Node, NodeEntry, Value};
use super::suggest::one_of;
use super::toml_tree::parse_toml;
use super::{in_order, lists, value};
use crate::domain::failure::fault::Fault;
use crate::domain::failure::rules::{Key, Rule, RuleBook, Shape, Test};
use crate::domain::settings::problem::Problem;
use crate::domain::text::one_line;

/// The only schema there is.
const SCHEMA: u64 = 1;
/// More rules than anybody reads.
const RULES_MAX: usize = 500;
const ID_MAX: usize = 60;
/// Faults that only swarmdir itself can see.
const OURS: [Fault; 4] = [Fault::Stopped, Fault::Timeout, Fault::Silent, Fault::Setup];
/// The tables in which conditions stand.
const TABLES: [&str; 6] = ["result", "service", "rate_limit", "complaint", "stderr", "exit"];

/// Reads a file of rules. `agents` are the words that a rule's `agents` may name, `taken` the ids of other rules.
pub fn rule_book(text: &str, agents: &[&str], taken: &[&str]) -> Result<RuleBook, Vec<Problem>> {
    let (file, found) = parse_toml(text);
    let mut fields = Fields::of(&file, "");
    found.into_iter().for_each(|problem| fields.report(problem));
    fields
        .refuse_unknown(&["schema", "version", "rule"], &[("rules", "write [[rule]] above each")]);
    if fields.read("schema", |node| value::count(node, SCHEMA, SCHEMA)).is_none()
        && fields.get("schema").is_none()
    {
        fields.report(Problem::new("is missing").key("schema").at(1, 1).hint("write schema = 1"));
    }
    let version = fields.read("version", value::line).unwrap_or_default();
    let rules = fields.read_all("rule", |node| rules(node, agents, taken)).unwrap_or_default();
    let problems = fields.into_problems();
    if problems.is_empty() { Ok(RuleBook { version, rules }) } else { Err(in_order(problems)) }
}

fn rules(node: &Node, agents: &[&str], taken: &[&str]) -> Result<Vec<Rule>, Vec<Problem>> {
    let Value::List(items) = &node.value else {
        return Err(vec![node.problem("must be a list").hint("write [[rule]] above each rule")]);
    };
    let (mut out, mut problems): (Vec<Rule>, _) = (Vec::new(), Vec::new());
    if items.len() > RULES_MAX {
        problems.push(Problem::new(format!("has {} rules, at most {RULES_MAX}", items.len())));
    }
    for item in items.iter().take(RULES_MAX) {
        match rule(item, agents) {
            Ok(rule) if out.iter().any(|known| known.id == rule.id) => {
                problems
                    .push(item.problem(format!("`{}` is the id of two rules", rule.id)).key("id"));
            }
            Ok(rule) if taken.contains(&rule.id.as_str()) => {
                let message = format!("`{}` is the id of a built-in rule", rule.id);
                let hint = format!("choose another, such as my.{}", rule.id);
                problems.push(item.problem(message).key("id").hint(hint));
            }
            Ok(rule) => out.push(rule),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn rule(node: &Node, agents: &[&str]) -> Result<Rule, Vec<Problem>> {
    let mut fields = Fields::of(node, "");
    let mut known = vec!["id", "agents", "fault", "says", "unquoted"];
    known.extend(TABLES);
    fields.refuse_unknown(&known, &[
        ("agent", "write `agents`, a list"),
        ("class", "write `fault`"),
        ("name", "write `id`"),
        ("code", "write exit.code"),
        ("stdout", "what the model says there is nobody's to judge by: write stderr.words or exit.code"),
    ]);
    let id = fields.read("id", id);
    let fault = fields.read("fault", fault);
    let rule = Rule {
        agents: fields.read_all("agents", |node| named(node, agents)).unwrap_or_default(),
        says: fields.read("says", value::line),
        unquoted: fields.read("unquoted", value::boolean).unwrap_or_default(),
        when: conditions(&mut fields),
        id: id.clone().unwrap_or_default(),
        fault: fault.unwrap_or(Fault::Error),
    };
    for (key, hint) in
        [("id", "a name of yours, such as my.overload"), ("fault", "such as overload")]
    {
        if fields.get(key).is_none() {
            fields.report(node.problem("is missing").key(key).hint(hint));
        }
    }
    if !fields.entries().iter().any(|entry| TABLES.contains(&entry.key.as_str())) {
        let problem = node.problem("says nothing of when it fits").key("rule");
        fields.report(problem.hint("such as exit.code = 42 or stderr.words = [\"server full\"]"));
    }
    let problems = fields.into_problems();
    if problems.is_empty() { Ok(rule) } else { Err(problems) }
}

fn id(node: &Node) -> Result<String, Problem> {
    let id = value::word(node)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if id.len() <= ID_MAX && id.bytes().all(plain) {
        return Ok(id);
    }
    let message = format!("`{}` is no name of a rule", one_line(&id, ID_MAX));
    Err(Problem::new(message).hint("lower-case letters, digits and . _ -, at most 60"))
}

fn fault(node: &Node) -> Result<Fault, Problem> {
    let word = value::word(node)?;
    let faults = || Fault::ALL.into_iter().filter(|fault| !OURS.contains(fault));
    if let Some(fault) = faults().find(|fault| fault.word() == word) {
        return Ok(fault);
    }
    let words: Vec<&str> = faults().map(Fault::word).collect();
    let shown = one_line(&word, 40);
    let message = match OURS.iter().any(|fault| fault.word() == word) {
        true => format!("`{shown}` is for swarmdir itself to say"),
        false => format!("`{shown}` is not a fault"),
    };
    Err(Problem::new(message).hint(one_of(&word, &words)))
}

fn named(node: &Node, known: &[&str]) -> Result<Vec<String>, Vec<Problem>> {
    let names = lists::texts(node)?;
    let wrong = names.iter().filter(|name| !known.contains(&name.as_str()));
    let problems: Vec<Problem> = wrong
        .map(|name| {
            let message = format!("there is no agent `{}`", one_line(name, 60));
            Problem::new(message).hint(one_of(name, known))
        })
        .collect();
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}

/// The conditions in the order of the file.
fn conditions(fields: &mut Fields) -> Vec<(Key, Test)> {
    let mut out = Vec::new();
    for entry in fields.entries().iter().filter(|entry| TABLES.contains(&entry.key.as_str())) {
        let Value::Map(keys) = &entry.node.value else {
            fields.refuse(entry, format!("must hold keys, such as {}", example(&entry.key)));
            continue;
        };
        for inner in keys {
            match condition(&entry.key, inner) {
                Ok(condition) => out.push(condition),
                Err(problem) => fields.report(problem),
            }
        }
    }
    out
}

fn example(table: &str) -> &'static str {
    let mut names = Key::ALL.iter().map(|(name, ..)| *name);
    names.find(|name| name.split('.').next() == Some(table)).unwrap_or("exit.code")
}

fn condition(table: &str, entry: &NodeEntry) -> Result<(Key, Test), Problem> {
    let name = format!("{table}.{}", one_line(&entry.key, 40));
    let Some((_, key, shape)) = Key::ALL.iter().find(|(known, ..)| *known == name) else {
        let known: Vec<&str> = Key::ALL.iter().map(|(name, ..)| *name).collect();
        let problem = Problem::new("is no place that a rule may look at").key(&name);
        return Err(problem.at(entry.line, entry.column).hint(one_of(&name, &known)));
    };
    let test = match shape {
        Shape::Truth => value::boolean(&entry.node).map(Test::Is),
        Shape::Word => texts(&entry.node).map(|words| any_or(words, Test::Words)),
        Shape::Text => texts(&entry.node).map(|words| {
            any_or(words, |words| {
                Test::Phrases(words.into_iter().map(|word| word.to_lowercase()).collect())
            })
        }),
        Shape::Number => numbers(&entry.node),
    };
    Ok((*key, test.map_err(|problem| placed(problem, &entry.node, &name))?))
}

fn any_or(words: Vec<String>, test: impl FnOnce(Vec<String>) -> Test) -> Test {
    if words == ["*"] { Test::Any } else { test(words) }
}

/// One text or a list of them. Not split at commas: phrases hold some.
fn texts(node: &Node) -> Result<Vec<String>, Problem> {
    match &node.value {
        Value::List(items) if items.is_empty() => Err(Problem::new("is empty and fits nothing")),
        Value::List(items) => items.iter().map(value::line).collect(),
        _ => Ok(vec![value::line(node)?]),
    }
}

fn numbers(node: &Node) -> Result<Test, Problem> {
    let items = match &node.value {
        Value::List(items) if items.is_empty() => {
            return Err(Problem::new("is empty and fits nothing"));
        }
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if let [Node { value: Value::Text(star), .. }] = items
        && star == "*"
    {
        return Ok(Test::Any);
    }
    Ok(Test::Numbers(items.iter().map(span).collect::<Result<_, _>>()?))
}

/// `42` or `"500-599"`.
fn span(node: &Node) -> Result<RangeInclusive<u64>, Problem> {
    let (Value::Text(written) | Value::Number(written) | Value::Bare(written)) = &node.value else {
        return Err(Problem::new(format!("must be a number, not {}", node.shown())));
    };
    let (from, to) = written.split_once('-').unwrap_or((written, written));
    match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => Ok(from..=to),
        _ => Err(Problem::new(format!("must be a number, not {}", node.shown()))
            .hint("such as 42, [1, 42], \"500-599\" or \"*\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_its_own_order() {
        let text = "schema = 1\nversion = \"mine\"\n[[rule]]\nid = \"my.full\"\nagents = [\"script\"]\nfault = \"overload\"\nexit.code = [42, \"50-59\"]\nstderr.words = \"Server, FULL\"\nsays = \"full\"\n[[rule]]\nid = \"my.any\"\nfault = \"denied\"\nexit.signal = \"*\"\n";
        let book = rule_book(text, &["script"], &[]).expect("good");
        assert_eq!(book.version, "mine");
        assert_eq!((book.rules[0].fault, book.rules[1].fault), (Fault::Overload, Fault::Denied));
        let phrases = Test::Phrases(vec!["server, full".into()]);
        assert_eq!(
            book.rules[0].when,
            [(Key::ExitCode, Test::Numbers(vec![42..=42, 50..=59])), (Key::Stderr, phrases)]
        );
        assert_eq!(book.rules[1].when, [(Key::ExitSignal, Test::Any)]);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let rule = |lines: &str| format!("schema = 1\n[[rule]]\nid = \"my.x\"\n{lines}");
        for (text, line, said) in [
            (String::new(), 1, "schema: is missing"),
            ("schema = 2\n".into(), 1, "schema: must be a whole number from 1 to 1"),
            ("schema = 1\nrules = []\n".into(), 2, "[[rule]]"),
            ("schema = 1\n[rule]\nid = \"x\"\n".into(), 2, "must be a list"),
            (rule("exit.code = 1\n"), 2, "fault: is missing"),
            (rule("fault = \"overlaod\"\nexit.code = 1\n"), 4, "did you mean"),
            (rule("fault = \"timeout\"\nexit.code = 1\n"), 4, "for swarmdir itself"),
            (rule("fault = \"auth\"\n"), 2, "nothing of when it fits"),
            (rule("fault = \"auth\"\nexit.cod = 1\n"), 5, "exit.code"),
            (rule("fault = \"auth\"\nexit = 1\n"), 5, "exit.code"),
            (rule("fault = \"auth\"\nexit.code = \"x\"\n"), 5, "500-599"),
            (rule("fault = \"auth\"\nexit.code = []\n"), 5, "fits nothing"),
            (rule("fault = \"auth\"\nstdout.words = \"x\"\n"), 5, "nobody's to judge by"),
            (
                rule("fault = \"auth\"\nresult.text = \"x\"\n"),
                5,
                "no place that a rule may look at",
            ),
            (rule("fault = \"auth\"\nagents = [\"skript\"]\nexit.code = 1\n"), 5, "did you mean"),
            (
                rule(
                    "fault = \"auth\"\nexit.code = 1\n[[rule]]\nid = \"my.x\"\nfault = \"auth\"\nexit.code = 2\n",
                ),
                6,
                "id of two rules",
            ),
            (
                "schema = 1\n\n[[rule]]\nid = \"claude.auth\"\nfault = \"auth\"\nexit.code = 1\n"
                    .into(),
                3,
                "my.claude.auth",
            ),
            (rule("fault = \"auth\"\nexit.code = 1\nsays = \n"), 6, "TOML"),
        ] {
            let problems = rule_book(&text, &["script"], &["claude.auth"]).expect_err(&text);
            let told = problems
                .iter()
                .any(|problem| problem.line == Some(line) && problem.to_string().contains(said));
            assert!(told, "{said}: {problems:?}\n{text}");
        }
    }
}
