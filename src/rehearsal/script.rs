//! The demo agent's script: one directive a line, in a fenced block marked `demo`, or as the whole prompt.
//!
//! | directive | what it does |
//! |---|---|
//! | `write FILE TEXT`, `append FILE TEXT` | writes a file (`\n` is a line end) |
//! | `commit MESSAGE` | commits everything with git |
//! | `sh COMMAND` | runs a shell command |
//! | `step NAME TOKENS TIME` | calls the service, then writes NAME to steps.txt and commits; what stands there is not done again |
//! | `say TEXT`, `think TIME` | speaks; thinks in silence |
//! | `sleep TIME` | runs a tool for so long (`300ms`, `2s`, `1m`) |
//! | `heartbeat`, `retry TIME` | a sign of life of a tool; an announced wait for the service |
//! | `env NAME [FILE]` | says (or writes) the value of a variable |
//! | `cost USD`, `tokens IN OUT`, `turns N` | what the account at the end says |
//! | `deny TOOL` | is denied a tool |
//! | `fail TEXT`, `exit N` | ends with an error; ends with a code and no result |
//! | `limit TIME`, `overload`, `auth`, `credit` | ends with that error of the service |
//! | `crash SIGNAL` | dies of it |
//! | `silent`, `hang`, `result-then-hang` | never speaks (first line); stops speaking; ends only in words |
//! | `ignore-term` | from here on INT and TERM are ignored |
//! | `fork TIME`, `leave TIME` | leaves a process in a session of its own; in its own session |
//! | `big-line BYTES`, `garbage` | prints a long line; lines that are no JSON |
//! | `once DIRECTIVE`, `attempt N DIRECTIVE` | only on the first, on the N-th attempt |
//!
//! Any other prompt writes a file named after the task and commits it. Pure.

use crate::domain::settings::problem::Problem;

/// One thing to do.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Directive {
    Write { file: String, text: String, append: bool },
    Commit(String),
    Sh(String),
    Step { name: String, tokens: u64, ms: u64 },
    Say(String),
    Think { ms: u64 },
    Sleep { ms: u64 },
    Heartbeat,
    Retry { ms: u64 },
    Env { name: String, file: Option<String> },
    Cost(f64),
    Tokens { input: u64, output: u64 },
    Turns(u32),
    Deny(String),
    IgnoreTerm,
    Fork { ms: u64, own_session: bool },
    BigLine { bytes: usize },
    Garbage,
    End(Finale),
}

/// How it ends: nothing follows.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Finale {
    Fail(String),
    Exit(u8),
    Limit {
        ms: u64,
    },
    Overload,
    Auth,
    Credit,
    Crash(String),
    /// Never a word: not even the first line, where it is the first directive.
    Silent,
    Hang,
    ResultThenHang,
}

/// A directive and the attempt on which it acts.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Scripted {
    pub(super) directive: Directive,
    only_on: Option<u32>,
}

impl Scripted {
    pub(super) fn acts_on(&self, attempt: u32) -> bool {
        self.only_on.is_none_or(|only| only == attempt)
    }
}

const WORDS: [&str; 30] = [
    "step",
    "write",
    "append",
    "commit",
    "sh",
    "say",
    "think",
    "sleep",
    "heartbeat",
    "retry",
    "env",
    "cost",
    "tokens",
    "turns",
    "deny",
    "fail",
    "exit",
    "limit",
    "overload",
    "auth",
    "credit",
    "crash",
    "silent",
    "hang",
    "result-then-hang",
    "ignore-term",
    "fork",
    "leave",
    "big-line",
    "garbage",
];

/// What to do for this prompt, or everything that is wrong with its script.
pub(super) fn parse(prompt: &str, task: &str) -> Result<Vec<Scripted>, Vec<Problem>> {
    let numbered = (1u32..).zip(prompt.lines());
    let lines: Vec<(u32, &str)> = match fence(prompt) {
        Some((from, to)) => numbered.filter(|(n, _)| (from..to).contains(n)).collect(),
        None if prompt.lines().map(str::trim).filter(|l| matters(l)).all(is_directive) => {
            numbered.collect()
        }
        None => return Ok(default_script(prompt, task)),
    };
    let mut script = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in lines.into_iter().map(|(n, line)| (n, line.trim())) {
        if matters(line) {
            match scripted(line) {
                Ok(scripted) => script.push(scripted),
                Err(problem) => problems.push(problem.at(number, 0)),
            }
        }
    }
    if problems.is_empty() { Ok(script) } else { Err(problems) }
}

/// Lines of the first fenced block marked `demo`, half-open.
fn fence(prompt: &str) -> Option<(u32, u32)> {
    let mut lines = (1u32..).zip(prompt.lines().map(str::trim));
    let (start, _) = lines.find(|(_, line)| *line == "```demo")?;
    let end = lines.find(|(_, line)| *line == "```").map_or(u32::MAX, |(end, _)| end);
    Some((start + 1, end))
}

fn matters(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn is_directive(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    WORDS.contains(&word) || word == "once" || word == "attempt"
}

fn default_script(prompt: &str, task: &str) -> Vec<Scripted> {
    let file = format!("{}.md", task.replace('/', "-"));
    let first = prompt.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let subject: String = first.trim_start_matches('#').trim().chars().take(60).collect();
    [
        Directive::Say(format!("I will write {file}.")),
        Directive::Write { file, text: prompt.to_owned(), append: false },
        Directive::Commit(if subject.is_empty() { task.to_owned() } else { subject }),
    ]
    .map(|directive| Scripted { directive, only_on: None })
    .into()
}

fn scripted(line: &str) -> Result<Scripted, Problem> {
    let (word, rest) = split(line);
    let (only_on, line) = match word {
        "once" => (Some(1), rest),
        "attempt" => {
            let (number, rest) = split(rest);
            (Some(number_of(number, "attempt N DIRECTIVE")?), rest)
        }
        _ => (None, line),
    };
    Ok(Scripted { directive: directive(line)?, only_on })
}

fn directive(line: &str) -> Result<Directive, Problem> {
    let (word, rest) = split(line);
    let some = |form: &str| {
        let given = (!rest.is_empty()).then(|| rest.to_owned());
        given.ok_or_else(|| Problem::new(format!("write `{form}`")).key(word))
    };
    Ok(match word {
        "write" | "append" => {
            let (file, text) = split(rest);
            let text = format!("{}\n", text.replace("\\n", "\n"));
            some("write FILE TEXT")?;
            Directive::Write { file: file.into(), text, append: word == "append" }
        }
        "commit" => Directive::Commit(some("commit MESSAGE")?),
        "step" => {
            let form = "step NAME TOKENS TIME";
            let (name, rest) = split(rest);
            let (tokens, ms) = split(rest);
            Directive::Step { name: name.into(), tokens: number_of(tokens, form)?, ms: time(ms)? }
        }
        "sh" => Directive::Sh(some("sh COMMAND")?),
        "say" => Directive::Say(some("say TEXT")?),
        "think" => Directive::Think { ms: time(rest)? },
        "sleep" => Directive::Sleep { ms: time(rest)? },
        "heartbeat" => Directive::Heartbeat,
        "retry" => Directive::Retry { ms: time(rest)? },
        "env" => {
            let (name, file) = split(rest);
            some("env NAME [FILE]")?;
            let file = (!file.is_empty()).then(|| file.to_owned());
            Directive::Env { name: name.into(), file }
        }
        "cost" => Directive::Cost(number_of(rest, "cost USD")?),
        "tokens" => {
            let (input, output) = split(rest);
            let form = "tokens IN OUT";
            Directive::Tokens { input: number_of(input, form)?, output: number_of(output, form)? }
        }
        "turns" => Directive::Turns(number_of(rest, "turns N")?),
        "deny" => Directive::Deny(some("deny TOOL")?),
        "fail" => Directive::End(Finale::Fail(some("fail TEXT")?)),
        "exit" => Directive::End(Finale::Exit(number_of(rest, "exit N")?)),
        "limit" => Directive::End(Finale::Limit { ms: time(rest)? }),
        "overload" => Directive::End(Finale::Overload),
        "auth" => Directive::End(Finale::Auth),
        "credit" => Directive::End(Finale::Credit),
        "crash" => Directive::End(Finale::Crash(some("crash SIGNAL")?)),
        "silent" => Directive::End(Finale::Silent),
        "hang" => Directive::End(Finale::Hang),
        "result-then-hang" => Directive::End(Finale::ResultThenHang),
        "ignore-term" => Directive::IgnoreTerm,
        "fork" | "leave" => Directive::Fork { ms: time(rest)?, own_session: word == "fork" },
        "big-line" => Directive::BigLine { bytes: number_of(rest, "big-line BYTES")? },
        "garbage" => Directive::Garbage,
        other => return Err(unknown(other)),
    })
}

fn unknown(word: &str) -> Problem {
    let near = WORDS
        .iter()
        .map(|known| (strsim::jaro_winkler(word, known), known))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match near {
        Some((_, known)) => format!("did you mean `{known}`"),
        None => format!("the directives are {}", WORDS.join(", ")),
    };
    Problem::new("there is no such directive").key(word).hint(hint)
}

fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

fn number_of<T: std::str::FromStr>(text: &str, form: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| {
        Problem::new(format!("{text:?} is no such number")).hint(format!("write `{form}`"))
    })
}

/// `300ms`, `2s`, `1m`, or milliseconds as a plain number.
fn time(text: &str) -> Result<u64, Problem> {
    let (number, unit) = [("ms", 1), ("s", 1000), ("m", 60_000), ("", 1)]
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1));
    let value: u64 = number_of(number, "300ms, 2s or 1m")?;
    Ok(value.saturating_mul(unit))
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
