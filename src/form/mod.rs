//! What people fill in: values with their place in a file, read into typed settings with every error at once.
//!
//! A notation (YAML, JSON, TOML, an environment variable) becomes a tree of [`Node`]s; [`Fields`] reads
//! keys from it and collects [`Problem`](crate::domain::settings::problem::Problem)s. It lies below `taskfile` and
//! `cli`, above `domain`: it does no I/O and knows neither task files nor `swarm.toml`.
//!
//! Names: `domain`.

mod agent;
mod fields;
mod limits;
mod lists;
mod node;
mod rules;
mod suggest;
mod toml_tree;
mod value;

pub use agent::{AGENT_KEYS, agent_defaults};
pub use fields::{Aliases, Fields, PROBLEMS_MAX, in_order, placed};
pub use limits::{LIMIT_ALIASES, LIMIT_KEYS, LimitKind, above_caps, limit, limits, show_limit};
pub use lists::{argv, env, labels, task_env, texts};
pub use node::{Locator, Node, NodeEntry, Value, duplicates, line_and_column};
pub use rules::rule_book;
pub use suggest::one_of;
pub use toml_tree::parse_toml;
pub use value::{boolean, count, dollars, duration, line, size, text, word};
