//! Control groups: what can be had here, tried on a real process, and how to get more.

use super::finding::Finding;
use crate::domain::settings::choice::Cgroups;
use crate::domain::settings::config::Config;
use crate::domain::settings::limits::Limits;
use crate::sys::{cgroup, env, fs};

const WHAT: &str = "cgroups";

pub(super) fn examine(config: &Config) -> Finding {
    if config.cgroups == Cgroups::Off {
        return Finding::note(
            WHAT,
            "off by the setting: attempts are swept by descent and by mark",
        );
    }
    match cgroup::trial() {
        Ok(level) if level.is_whole() => {
            Finding::good(WHAT, format!("{level}; {}", limits(&config.limits)))
        }
        Ok(level) => lacking(config, level.to_string()),
        Err(why) => {
            lacking(config, format!("none: {why}; attempts are swept by descent and by mark"))
        }
    }
}

fn limits(limits: &Limits) -> String {
    let memory =
        limits.tree_memory_bytes.map_or("any memory".into(), |b| format!("{} MiB", b >> 20));
    let processes = limits
        .tree_processes
        .map_or("any number of processes".into(), |n| format!("{n} processes and threads"));
    format!("{memory}, {processes}")
}

fn lacking(config: &Config, found: String) -> Finding {
    let systemd = fs::is_dir(std::path::Path::new("/run/systemd/system"));
    let user = if env::is_root() { "" } else { "--user " };
    let mend = if systemd {
        format!("systemd-run {user}--scope -p Delegate=yes coordinator")
    } else if env::is_root() {
        "start it in a cgroup in which nothing else runs, with /sys/fs/cgroup writable".to_owned()
    } else {
        "run as root, or in a cgroup that is this user's own".to_owned()
    };
    if config.cgroups == Cgroups::Require {
        return Finding::missing(WHAT, found, mend);
    }
    Finding { mend: Some(mend), ..Finding::note(WHAT, found) }
}
