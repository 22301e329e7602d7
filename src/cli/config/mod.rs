//! The effective settings: flags over environment over `swarm.toml` over what is built in.
//!
//! The only reader of `swarm.toml` and `SWARMDIR_*`. Every problem of every layer is reported at once. What
//! it needs of the world (variables, the working directory, files) is handed in, so that all of it can be
//! tested without a disk. One table, [`ROWS`], defines the scalar keys: their names in the file and in the
//! environment, their defaults and their words.
//!
//! Names: none.

mod check;
mod example;
mod load;
mod lookup;
mod own_rules;
mod paths;
mod profiles;
mod render;
mod root;
mod rows;
mod settings;
mod trusted;
mod values;
mod variables;
mod written;

use std::fmt;
use std::path::{Path, PathBuf};

pub use example::example;
pub use load::load;
pub use render::{render_config, to_json};
pub use rows::{ROWS, Row};
pub use settings::{Origin, Setting};
pub use trusted::{Purpose, keep_seen, load_here, named_files, vetting};
pub use written::{WriteError, write_new};

use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::domain::trust::TrustState;

/// What the command line may set; each wins over everything else. Relative paths are relative to the
/// working directory here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// `--root`.
    pub root: Option<PathBuf>,
    /// `--agents`.
    pub agents: Option<u32>,
    /// `--agent`.
    pub agent: Option<String>,
    /// `--rig`.
    pub rig: Option<String>,
    /// `--durability`.
    pub durability: Option<String>,
    /// `--trees`.
    pub trees: Option<PathBuf>,
    /// `--drain-wait`.
    pub drain_wait: Option<String>,
}

/// Reads a file; `None` where there is none, else what the system said.
pub type ReadFile<'a> = dyn Fn(&Path) -> Result<Option<Vec<u8>>, String> + 'a;

/// What loading may see.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// A variable of the environment; unset and empty are both `None`.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The working directory, absolute.
    pub cwd: &'a Path,
    /// A file's bytes, `None` where there is none; else what the system said.
    pub read: &'a ReadFile<'a>,
    /// Whether something bears this name.
    pub exists: &'a dyn Fn(&Path) -> bool,
    /// Whether what a directory above holds under this name may be used: its owner is no stranger.
    pub admits: &'a dyn Fn(&Path, &str) -> bool,
    /// Whether nothing above this directory is looked at.
    pub ends_at: &'a dyn Fn(&Path) -> bool,
}

/// The settings and where each came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The effective settings.
    pub config: Config,
    /// Each setting with its origin, in the order in which `config` prints them; `root` comes first.
    pub provenance: Vec<Setting>,
    /// Whether `swarm.toml` is among what is in force.
    pub standing: TrustState,
}

/// Everything that is wrong with the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file; problems with a line are in it, those without name their variable or flag.
    pub path: PathBuf,
    /// At least one, here or in the rules.
    pub problems: Vec<Problem>,
    /// The file of failure rules that it names, and what is wrong there.
    pub rules: Option<(PathBuf, Vec<Problem>)>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.problems.iter().map(|problem| (&self.path, problem));
        let rules =
            self.rules.iter().flat_map(|(path, found)| found.iter().map(move |p| (path, p)));
        let all: Vec<_> = own.chain(rules).collect();
        let many = if all.len() == 1 { "" } else { "s" };
        write!(f, "{} problem{many} with the settings", all.len())?;
        for (path, problem) in all {
            match problem.line {
                Some(_) => write!(f, "\n  {path:?}, {problem}")?,
                None => write!(f, "\n  {problem}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
