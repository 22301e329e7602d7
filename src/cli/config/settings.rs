//! One setting, and who set it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Who set a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody: it is built in.
    Default,
    /// `swarm.toml`, on this 1-based line.
    File {
        /// The line.
        line: u32,
    },
    /// A variable of the environment.
    Env(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// It was looked for (the root only), by this.
    Found(&'static str),
}

/// Who set which key.
pub(super) type Origins = BTreeMap<&'static str, Origin>;

/// A key with its effective value.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// As in `swarm.toml`, dotted.
    pub key: String,
    /// Its value as `swarm.toml` would have it; `None`: not set.
    pub value: Option<Value>,
    /// Who set it.
    pub origin: Origin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { line } => write!(f, "{}:{line}", crate::site::SETTINGS),
            Origin::Env(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Found(what) => write!(f, "the nearest directory upward with {what}"),
        }
    }
}
