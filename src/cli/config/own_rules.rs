//! The operator's own failure rules: the second file that settings may come from.

use std::path::PathBuf;

use crate::agent::failures;
use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;

use super::World;
use super::check::by_origin;
use super::settings::Origins;

const KEY: &str = "failures.rules";

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
    let names = config.profiles.keys().map(String::as_str);
    match (world.read)(&path) {
        Ok(Some(bytes)) => match failures::read(&bytes, names) {
            Ok(book) => {
                config.own_rules = book;
                None
            }
            Err(found) => Some((path, found)),
        },
        Ok(None) => unreadable(format!("there is no file {path:?}")),
        Err(error) => unreadable(error),
    }
}
