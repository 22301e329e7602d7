//! The agents: programs, log-in, limits in force.

use super::finding::Finding;
use super::trust::within_repository;
use crate::agent::failures;
use crate::agent::program::{self, Examined, ExaminedState};
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::config::Config;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::programs::Executable;
use crate::sys::{env, tool};

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, profile) in &config.profiles {
        let default = *name == config.agent;
        findings.extend(agent_program(config, name, profile, default));
        if default {
            findings.extend(program::examine(profile).into_iter().map(finding));
        }
    }
    findings.push(limits(&config.limits));
    findings.push(rules(config));
    findings
}

fn finding(seen: Examined) -> Finding {
    match seen.state {
        ExaminedState::Good => Finding::good(seen.topic, seen.found),
        ExaminedState::Doubtful => Finding::warning(seen.topic, seen.found, seen.hint),
        ExaminedState::Wrong => Finding::missing(seen.topic, seen.found, seen.hint),
    }
}

fn agent_program(
    config: &Config,
    name: &str,
    profile: &AgentProfile,
    default: bool,
) -> Option<Finding> {
    let executable = profile.kind.executable();
    if executable == Executable::Ourselves {
        return None;
    }
    if let Executable::OnPath(program) = executable
        && let Some(found) = within_repository(program, &config.root)
    {
        let found = format!(
            "{name}: {} lies in the repository: it was not asked for its version",
            found.display()
        );
        return Some(Finding::warning(
            "agent",
            found,
            "take that directory out of PATH, or name the program that is meant",
        ));
    }
    Some(match program::find(&profile.kind) {
        Ok(path) => {
            // Any other program may do anything when it is asked for its version.
            let known = !matches!(executable, Executable::Argv(_));
            let version = known.then(|| tool::first_line(&path.to_string_lossy(), &["--version"]));
            let version = version.flatten().map(|version| format!(", {version}"));
            let version = version.unwrap_or_default();
            Finding::good("agent", format!("{name}: {}{version}", path.display()))
        }
        Err(e) if default => Finding::missing("agent", format!("{name}: {e}"), e.hint),
        Err(e) => Finding::note("agent", format!("{name}: {e}")),
    })
}

/// By which rules failures are judged. A file of the operator's with mistakes was refused before anybody looks here.
fn rules(config: &Config) -> Finding {
    let count = failures::built_in().count();
    let mut found = format!("{count} built in, of {}", failures::version());
    if let Some(path) = &config.failure_rules {
        let (own, version) = (config.own_rules.rules.len(), &config.own_rules.version);
        let of = if version.is_empty() { String::new() } else { format!(", {version}") };
        found.push_str(&format!("; before them {own} of {}{of}", path.display()));
    }
    Finding::good("failure rules", found)
}

fn limits(limits: &Limits) -> Finding {
    let mut said = Vec::new();
    let mut add = |name: &str, value: Option<u64>, unit: &str| {
        said.push(
            value.map_or_else(|| format!("{name} unlimited"), |n| format!("{name} {n}{unit}")),
        );
    };
    add("cpu", limits.cpu_secs, " s");
    add("file size", limits.file_size_bytes.map(|bytes| bytes >> 20), " MiB");
    add("open files", limits.open_files, "");
    add(
        "processes",
        limits.processes,
        if env::is_root() { " more (not enforced for root)" } else { " more" },
    );
    add("memory", limits.memory_bytes.map(|bytes| bytes >> 20), " MiB");
    Finding::good("limits", said.join(", "))
}
