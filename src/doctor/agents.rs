//! The agents: programs, log-in, limits in force.

use super::finding::Finding;
use super::trust::within_repository;
use crate::agent;
use crate::domain::settings::agents::{AgentKind, AgentProfile};
use crate::domain::settings::config::Config;
use crate::domain::settings::limits::Limits;
use crate::domain::task::spec::PermissionMode;
use crate::sys::{env, fs, tool};

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, profile) in &config.profiles {
        let default = *name == config.agent;
        findings.extend(agent_program(config, name, profile, default));
        if let (AgentKind::Claude { config_dir, .. }, true) = (&profile.kind, default) {
            findings.push(login(config_dir.as_deref()));
            findings.extend(bypass(profile));
        }
    }
    findings.push(limits(&config.limits));
    findings.push(rules(config));
    findings
}

fn agent_program(
    config: &Config,
    name: &str,
    profile: &AgentProfile,
    default: bool,
) -> Option<Finding> {
    if matches!(profile.kind, AgentKind::Demo) {
        return None;
    }
    if let AgentKind::Claude { program: None, .. } = &profile.kind
        && let Some(found) = within_repository("claude", &config.root)
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
    Some(match agent::find(&profile.kind) {
        Ok(path) => {
            let version = match &profile.kind {
                AgentKind::Claude { .. } => {
                    tool::first_line(&path.to_string_lossy(), &["--version"])
                }
                AgentKind::Command { .. } | AgentKind::Demo => None,
            };
            let version = version.map(|version| format!(", {version}")).unwrap_or_default();
            Finding::good("agent", format!("{name}: {}{version}", path.display()))
        }
        Err(e) if default => Finding::missing("agent", format!("{name}: {e}"), e.hint),
        Err(e) => Finding::note("agent", format!("{name}: {e}")),
    })
}

/// Only whether something is there: whether it is valid, the first call tells, and costs nothing when not.
fn login(config_dir: Option<&std::path::Path>) -> Finding {
    let keys = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
    if let Some(key) = keys.iter().find(|key| env::var(key).is_some()) {
        return Finding::good("login", format!("{key} is set"));
    }
    let own = env::var("CLAUDE_CONFIG_DIR").map(std::path::PathBuf::from);
    let dir = config_dir
        .map(std::path::Path::to_owned)
        .or(own)
        .or_else(|| Some(env::home()?.join(".claude")));
    let credentials = dir.map(|dir| dir.join(".credentials.json"));
    match credentials.filter(|path| fs::exists(path)) {
        Some(path) => Finding::good("login", path.display().to_string()),
        None => Finding::warning(
            "login",
            "claude has no key and no stored log-in that can be seen here",
            "run `claude` once and log in, or set ANTHROPIC_API_KEY",
        ),
    }
}

fn bypass(profile: &AgentProfile) -> Option<Finding> {
    let bypasses = profile.defaults.permission_mode == Some(PermissionMode::BypassPermissions);
    (bypasses && env::is_root() && env::var("IS_SANDBOX").is_none()).then(|| {
        Finding::missing(
            "permissions",
            "claude refuses permission_mode bypassPermissions for root",
            "run as another user, or permission_mode = \"dontAsk\" with allowed_tools",
        )
    })
}

/// By which rules failures are judged. A file of the operator's with mistakes was refused before anybody looks here.
fn rules(config: &Config) -> Finding {
    let built_in = agent::failures::built_in();
    let count = built_in.rules.len();
    let mut found = format!("{count} built in, of {}", built_in.version);
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
