//! Task files: bytes to [`TaskSpec`], or everything that is wrong with them.
//!
//! Pure: it opens nothing and knows neither queue nor agent. What a task may name (agents, rigs, limits
//! within caps) is handed in. Whoever gets a [`TaskSpec`] from here need not check it again.
//!
//! Names: `domain`, `form`.

mod explain;
mod front;
mod given;
mod json;
mod keys;
mod spec;
mod yaml;

pub use explain::explain;
pub use front::BYTES_MAX;
pub use given::{GivenKey, with_keys};
pub use keys::{KeyDoc, TASK_KEYS};
pub use spec::ParseContext;

use crate::domain::settings::problem::Problem;
use crate::domain::task::spec::TaskSpec;
use crate::form::in_order;

/// Reads a task file; `name` is the name it was dropped under and decides whether it is JSON.
///
/// All problems come at once, in the order of the file.
pub fn parse(name: &str, bytes: &[u8], known: &ParseContext) -> Result<TaskSpec, Vec<Problem>> {
    let text = front::text(bytes)?;
    let parsed = if is_json(name) {
        json::parse(text).and_then(|node| spec::from_json(&node, known))
    } else {
        front::split(text).map_err(|problem| vec![problem]).and_then(|parts| match parts.front {
            None => spec::plain(parts.body),
            Some(yaml) => {
                spec::from_front_matter(yaml::parse(yaml, parts.front_line), parts.body, known)
            }
        })
    };
    parsed.map_err(in_order)
}

fn is_json(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests;
