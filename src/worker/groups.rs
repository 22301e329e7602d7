//! The control group of a worker: made at its start, as far as this machine lets it; said loudly where it does not.

use std::io;
use std::sync::Arc;

use super::options::Log;
use crate::domain::settings::choice::Cgroups;
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::sys::cgroup::{self, Cgroup};
use crate::sys::env;

/// The group, and its level in a word for the journal.
pub(super) fn make(
    config: &Config,
    id: &WorkerId,
    log: &Log,
) -> io::Result<(Option<Arc<Cgroup>>, String)> {
    let required = config.cgroups == Cgroups::Require;
    let made = match config.cgroups {
        Cgroups::Off => Err("off".to_owned()),
        Cgroups::Auto | Cgroups::Require => {
            cgroup::level().map_err(str::to_owned).and_then(|level| {
                Ok((level, Cgroup::make(id.as_str(), required).map_err(|e| e.to_string())?))
            })
        }
    };
    let (memory, processes) =
        made.as_ref().map_or((false, false), |(l, _)| (l.memory, l.processes));
    if config.limits.tree_memory_bytes.is_some() && !memory {
        (log)(
            "limits.tree_memory is not enforced: no control groups for memory (coordinator doctor)",
        );
    }
    if config.limits.processes.is_some() && env::is_root() && !processes {
        (log)("limits.processes is not enforced: the kernel does not for root");
    }
    match made {
        Ok((level, group)) => Ok((Some(Arc::new(group)), format!("v{}", level.version))),
        Err(why) if required => Err(io::Error::other(format!("no control groups: {why}"))),
        Err(why) => {
            if config.cgroups != Cgroups::Off {
                (log)(&format!("no control groups: {why}"));
            }
            Ok((None, "none".into()))
        }
    }
}
