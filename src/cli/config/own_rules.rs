//! The operator's own failure rules: the second file that settings may come from.

use std::path::PathBuf;

use crate::agent::failures;
use crate::domain::config::{AgentKind, Config};
use crate::domain::problem::Problem;
use crate::form;

use super::World;
use super::check::by_origin;
use super::load::Origins;

const KEY: &str = "failures.rules";
/// The largest file of rules, bytes.
const FILE_MAX: usize = 1024 * 1024;

/// Reads them, where the settings name a file; what is wrong in it is returned with its path.
pub(super) fn read(
    config: &mut Config,
    world: &World,
    origins: &Origins,
    problems: &mut Vec<Problem>,
) -> Option<(PathBuf, Vec<Problem>)> {
    let path = config.failure_rules.clone()?;
    let mut unreadable = |message: String| {
        let problem = Problem::new(message).hint("leave the key out for the built-in rules alone");
        problems.push(by_origin(problem, KEY, origins));
        None
    };
    let bytes = match (world.read)(&path) {
        Ok(Some(bytes)) if bytes.len() <= FILE_MAX => bytes,
        Ok(Some(bytes)) => {
            return unreadable(format!("{path:?} has {} bytes, at most {FILE_MAX}", bytes.len()));
        }
        Ok(None) => return unreadable(format!("there is no file {path:?}")),
        Err(error) => return unreadable(error),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let (line, column) = form::line_and_column(bytes, error.valid_up_to());
            let problem = Problem::new("the file is not valid UTF-8 here").at(line, column);
            return Some((path, vec![problem]));
        }
    };
    let names = config.profiles.keys().map(String::as_str);
    let agents: Vec<&str> = AgentKind::WORDS.into_iter().chain(names).collect();
    match form::rule_book(text, &agents) {
        Ok(book) => {
            let taken = |id: &str| failures::built_in().rules.iter().any(|rule| rule.id == id);
            let wrong: Vec<Problem> = book
                .rules
                .iter()
                .filter(|rule| taken(&rule.id))
                .map(|rule| {
                    Problem::new(format!("`{}` is the id of a built-in rule", rule.id))
                        .key("id")
                        .hint(format!("choose another, such as my.{}", rule.id))
                })
                .collect();
            config.own_rules = book;
            (!wrong.is_empty()).then_some((path, wrong))
        }
        Err(found) => Some((path, found)),
    }
}
