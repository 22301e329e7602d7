//! YAML to a tree with places: the only file that knows the YAML library.
//!
//! It reads the library's events rather than deserialising, because then every key has its line, duplicates
//! are seen, and one bad value hides no other. Anchors, aliases, tags, directives and further documents are
//! refused: front matter needs none of them, and without aliases nothing grows.

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, options,
};

use crate::domain::settings::problem::Problem;
use crate::domain::text::one_line;
use crate::form::{Node, NodeEntry, Value, duplicates};

/// How deep tables and lists may nest; `env` and `limits` need two.
const DEPTH_MAX: usize = 16;

#[derive(Default)]
pub(super) struct Parsed {
    /// Keys and values in the order of the file.
    pub(super) entries: Vec<NodeEntry>,
    /// What is wrong with the notation itself.
    pub(super) problems: Vec<Problem>,
    /// The lines on which the syntax broke off: other problems of those lines are only consequences.
    pub(super) broken: Vec<u32>,
}

/// Parses YAML whose first line is `first_line` of the file.
///
/// A syntax error hides everything behind it. Then each key of the first level is parsed by itself, so that
/// the mistakes of the others are seen too.
pub(super) fn parse(yaml: &str, first_line: u32) -> Parsed {
    let mut parsed = parse_part(yaml, first_line);
    if !parsed.broken.is_empty() {
        let mut apart = Parsed::default();
        for (part, offset) in parts(yaml) {
            let part = parse_part(part, first_line.saturating_add(offset));
            apart.entries.extend(part.entries);
            apart.problems.extend(part.problems);
            apart.broken.extend(part.broken);
        }
        // what is only wrong as a whole stays wrong
        if !apart.problems.is_empty() {
            parsed = apart;
        }
    }
    let Parsed { entries, mut problems, broken } = parsed;
    let root = Node { line: first_line, column: 1, value: Value::Map(entries) };
    duplicates(&root, "", &mut problems);
    let Value::Map(entries) = root.value else { return Parsed::default() };
    Parsed { entries, problems, broken }
}

fn parse_part(yaml: &str, first_line: u32) -> Parsed {
    let mut builder = Builder { lines: yaml, first_line, problems: Vec::new(), broken: Vec::new() };
    let mut events = Parser::new_from_str_with_options(
        yaml,
        options! {
            disallow_directives: true,
            emit_unresolved_aliases: true,
            flow_nesting_limit: DEPTH_MAX,
            block_nesting_limit: DEPTH_MAX,
        },
    );
    let root = builder.document(&mut events);
    let entries = match root {
        Some(Node { value: Value::Map(entries), .. }) => entries,
        Some(node) if node.value != Value::Null => {
            builder.problems.push(no_keys(&node));
            Vec::new()
        }
        _ => Vec::new(),
    };
    Parsed { entries, problems: builder.problems, broken: builder.broken }
}

/// The text cut before each line that begins with a key, with the number of lines before each part.
fn parts(yaml: &str) -> Vec<(&str, u32)> {
    let mut parts = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 0, 0);
    for (number, line) in (0..).zip(yaml.split_inclusive('\n')) {
        let key = line.split_once(':').is_some_and(|(key, rest)| {
            let blank = rest.is_empty() || rest.starts_with(char::is_whitespace);
            blank && key.starts_with(char::is_alphanumeric) && !key.contains(['"', '#', ','])
        });
        if key && at > start {
            parts.push((&yaml[start..at], start_line));
            (start, start_line) = (at, number);
        }
        at += line.len();
    }
    parts.push((&yaml[start..], start_line));
    parts
}

/// Text where keys should be.
fn no_keys(node: &Node) -> Problem {
    let problem = node.problem(format!("must be lines of `key: value`, not {}", node.shown()));
    let tight = match &node.value {
        Value::Bare(text) => text.split_once(':').filter(|(key, _)| !key.contains(' ')),
        _ => None,
    };
    problem.hint(match tight {
        Some((key, value)) => {
            format!(
                "a blank belongs behind the colon: {}",
                one_line(&format!("{key}: {value}"), 80)
            )
        }
        None => "if the text only begins with a horizontal rule, write `***` or put an empty line \
                 above it"
            .to_owned(),
    })
}

struct Builder<'a> {
    lines: &'a str,
    first_line: u32,
    problems: Vec<Problem>,
    broken: Vec<u32>,
}

type Events<'a> = Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>;

impl<'a> Builder<'a> {
    /// The first document's node.
    fn document(&mut self, events: &mut Events<'a>) -> Option<Node> {
        let mut root = None;
        let mut documents = 0;
        while let Some((event, span)) = self.next(events) {
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let problem = Problem::new("a second YAML document begins here");
                        let hint =
                            "front matter is one document; the prompt goes below the second `---`";
                        self.report(problem.hint(hint), &span);
                        break;
                    }
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                event => root = Some(self.node(events, event, &span)),
            }
        }
        root
    }

    /// The next event; `None` at the end and after a syntax error, which is reported here.
    fn next(&mut self, events: &mut Events<'a>) -> Option<(Event<'a>, Span)> {
        match events.next()? {
            Ok(next) => Some(next),
            Err(error) => {
                let problem = self.syntax(&error);
                self.broken.extend(problem.line);
                self.problems.push(problem);
                None
            }
        }
    }

    fn node(&mut self, events: &mut Events<'a>, event: Event<'a>, span: &Span) -> Node {
        let (line, column) = self.place(span);
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span);
                scalar(&text, style)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span);
                self.list(events)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span);
                self.map(events)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let hint =
                    "write the value out; if it is text that begins with `*`, put it in quotes";
                self.report(Problem::new("YAML aliases are not used here").hint(hint), span);
                Value::Null
            }
            _ => Value::Null,
        };
        Node { line, column, value }
    }

    fn list(&mut self, events: &mut Events<'a>) -> Value {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next(events) {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.node(events, event, &span));
        }
        Value::List(items)
    }

    fn map(&mut self, events: &mut Events<'a>) -> Value {
        let mut entries = Vec::new();
        while let Some((event, span)) = self.next(events) {
            if event == Event::MappingEnd {
                break;
            }
            let (line, column) = self.place(&span);
            let key = match event {
                Event::Scalar(text, ..) if text == "<<" => {
                    let problem = Problem::new("YAML merge keys (`<<`) are not used here");
                    self.report(problem.hint("write the keys out"), &span);
                    None
                }
                Event::Scalar(text, ..) => Some(text.into_owned()),
                other => {
                    self.node(events, other, &span);
                    self.report(Problem::new("a key must be a word"), &span);
                    None
                }
            };
            // no value follows where the syntax broke off
            let Some((event, span)) = self.next(events) else { break };
            let node = self.node(events, event, &span);
            entries.extend(key.map(|key| NodeEntry { key, line, column, node }));
        }
        Value::Map(entries)
    }

    fn refuse_extras(&mut self, anchor: usize, tag: bool, span: &Span) {
        if anchor != 0 {
            let hint = "leave it out; if it is text that begins with `&`, put it in quotes";
            self.report(Problem::new("YAML anchors (`&name`) are not used here").hint(hint), span);
        }
        if tag {
            let hint = "leave it out; if it is text that begins with `!`, put it in quotes";
            self.report(Problem::new("YAML tags (`!name`) are not used here").hint(hint), span);
        }
    }

    fn report(&mut self, problem: Problem, span: &Span) {
        let (line, column) = self.place(span);
        self.problems.push(problem.at(line, column));
    }

    /// Lines count from the file's start, columns from 1.
    fn place(&self, span: &Span) -> (u32, u32) {
        self.file_place(span.start.line(), span.start.col())
    }

    fn file_place(&self, line: usize, column: usize) -> (u32, u32) {
        let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_sub(1);
        let column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1);
        (line.saturating_add(self.first_line), column)
    }

    /// A syntax error, with the way out that fits its line.
    fn syntax(&self, error: &ScanError) -> Problem {
        let mark = error.marker();
        // what is left open is noticed behind the last line; it stands on it
        let last = self.lines.lines().count().max(1);
        let source = self.lines.lines().nth(mark.line().clamp(1, last) - 1).unwrap_or_default();
        let (line, column) = match mark.line() {
            0 => self.file_place(1, 0),
            line if line > last => self.file_place(last, source.chars().count()),
            line => self.file_place(line, mark.col()),
        };
        let problem = Problem::new(format!("not valid YAML: {}", error.info())).at(line, column);
        let tab = source.starts_with('\t') || error.info().contains("tab");
        match error.kind() {
            ErrorKind::DirectiveDisallowed => problem.hint("leave the line with `%` out"),
            _ if tab => problem.hint("indent with spaces, not with tabs"),
            _ => problem.hint(match quoted(source) {
                Some(line) => format!("if the value is text, put it in quotes: {line}"),
                None => "look for a quote or bracket left open and at the indentation".to_owned(),
            }),
        }
    }
}

/// `title: fix: bug` → `title: "fix: bug"`; `None` where quotes would not help.
fn quoted(source: &str) -> Option<String> {
    let (key, value) = source.trim().split_once(':')?;
    let value = value.trim();
    let word = !key.is_empty() && key.chars().all(|ch| ch.is_alphanumeric() || "_-".contains(ch));
    let special = value.starts_with(|ch| "[]{}*&!@%`,?#-".contains(ch));
    if !word || !(special || value.contains(": ") || value.ends_with(':')) {
        return None;
    }
    let value = one_line(value, 80).replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("{key}: \"{value}\""))
}

/// Unquoted scalars stay untyped: the key's reader knows what it wants.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    match style {
        ScalarStyle::Plain if matches!(text, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        ScalarStyle::Plain => Value::Bare(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}
