//! What works here, what does not, and how to mend it.
//!
//! Every finding comes from trying or reading the real thing, in this very place. It changes nothing but
//! probe files that it removes again.
//!
//! Names: `agent`, `capacity`, `domain`, `git`, `queue`, `shape`, `site`, `sys`, `worktree`.

mod access;
mod agents;
mod capacity;
mod finding;
mod groups;
mod place;
mod trust;

pub use access::state_dirs;
pub use finding::{Finding, json, text};

use crate::domain::settings::config::Config;
use crate::domain::trust::TrustState;

/// Looks at everything; `waiting` are task files that came with a clone.
pub fn examine(config: &Config, settings: &TrustState, waiting: &[String]) -> Vec<Finding> {
    let mut findings = trust::examine(settings, waiting);
    findings.extend(place::examine(config));
    findings.push(access::examine(config));
    findings.extend(agents::examine(config));
    findings.push(groups::examine(config));
    findings
}
