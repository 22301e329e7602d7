//! An agent's environment: the worker's own, less what must not reach it, plus what it is given.
//!
//! People's log-ins, proxies, keys and caches work because they are inherited; a variable is kept back
//! only for a reason that stands in [`DENIED`]. Pure: the caller brings the environment.
//! Invariant: what the user set is never overridden by a default of ours, only by the task or profile.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::agent::program::adapter::ProgramEnv;

/// Variables (or `PREFIX*`) that no agent inherits, with the reason. `LD_PRELOAD` and the like are not
/// here: the worker runs with them itself, and whoever set them meant everything below.
pub const DENIED: [(&str, &str); 31] = [
    ("SWARMDIR_*", "an outer swarm's task, worker and settings"),
    ("GIT_DIR", "points git at another repository"),
    ("GIT_WORK_TREE", "points git at another checkout"),
    ("GIT_INDEX_FILE", "points git at another index"),
    ("GIT_OBJECT_DIRECTORY", "points git at another object store"),
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "points git at another object store"),
    ("GIT_QUARANTINE_PATH", "set inside a hook of another repository"),
    ("GIT_COMMON_DIR", "points git at another repository"),
    ("GIT_NAMESPACE", "points git at other references"),
    ("GIT_PREFIX", "set by git for an alias or hook of another checkout"),
    ("GIT_IMPLICIT_WORK_TREE", "set by git for a hook of another checkout"),
    ("GIT_GRAFT_FILE", "changes another repository's history"),
    ("GIT_SHALLOW_FILE", "changes another repository's history"),
    ("GIT_REPLACE_REF_BASE", "changes another repository's history"),
    ("GIT_REFLOG_ACTION", "names an action of another checkout"),
    ("GIT_INTERNAL_*", "git's own, for its children"),
    ("CARGO_PKG_*", "set by `cargo run` for the program that started us"),
    ("CARGO_MANIFEST_*", "set by `cargo run` for the program that started us"),
    ("CARGO_BIN_*", "set by `cargo run` for the program that started us"),
    ("CARGO_CRATE_NAME", "set by `cargo run` for the program that started us"),
    ("CARGO_PRIMARY_PACKAGE", "set by `cargo run` for the program that started us"),
    ("CARGO_MAKEFLAGS", "a job server whose descriptors are closed"),
    ("MAKEFLAGS", "a job server whose descriptors are closed"),
    ("MFLAGS", "a job server whose descriptors are closed"),
    ("MAKELEVEL", "counts from an outer make"),
    ("NOTIFY_SOCKET", "speaks to systemd for the worker"),
    ("WATCHDOG_*", "speaks to systemd for the worker"),
    ("LISTEN_*", "sockets that systemd gave to the worker"),
    ("JOURNAL_STREAM", "the worker's own output, not the agent's"),
    ("OLDPWD", "the worker's directory, not the agent's"),
    ("_", "the worker's program"),
];

/// Set where the user did not: what makes an agent fit to run unattended beside others.
const DEFAULTS: [(&str, &str); 2] = [
    // Nobody is there to type a password or to use an editor.
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_EDITOR", "true"),
];

/// Git settings for the agent only: a repository's clean-up would block the other worktrees of it.
const GIT_SETTINGS: [(&str, &str); 2] = [("gc.auto", "0"), ("maintenance.auto", "false")];

/// What every agent of a worker inherits: the same for all its tasks, so worth making once.
#[derive(Debug)]
pub(super) struct Inherited {
    denies: Vec<String>,
    env: BTreeMap<OsString, OsString>,
    defaults: Vec<(&'static str, &'static str)>,
}

impl Inherited {
    /// From the worker's own environment, less what is denied by us, by an agent program or by the operator.
    pub(super) fn new(
        own: Vec<(OsString, OsString)>,
        denies: &[String],
        programs: &[ProgramEnv],
    ) -> Inherited {
        let ours = DENIED.iter().chain(programs.iter().flat_map(|program| program.denied));
        let patterns: Vec<&str> =
            ours.map(|(pattern, _)| *pattern).chain(denies.iter().map(String::as_str)).collect();
        let denied = |name: &OsStr| patterns.iter().any(|pattern| matches(pattern, name));
        let env = own.into_iter().filter(|(name, _)| !denied(name)).collect();
        let defaults = programs.iter().flat_map(|program| program.defaults).chain(&DEFAULTS);
        Inherited { denies: denies.to_vec(), env, defaults: defaults.copied().collect() }
    }

    /// Whether these are the rules that it was made by.
    pub(super) fn obeys(&self, denies: &[String]) -> bool {
        self.denies == denies
    }

    /// The environment of an agent that is given these variables and works in `cwd`.
    pub(super) fn build(
        &self,
        given: &[(String, String)],
        cwd: &Path,
    ) -> Vec<(OsString, OsString)> {
        let mut env = self.env.clone();
        env.extend(given.iter().map(|(name, value)| (name.into(), value.into())));
        for &(name, value) in &self.defaults {
            env.entry(name.into()).or_insert_with(|| value.into());
        }
        env.insert("PWD".into(), cwd.into());
        add_git_settings(&mut env);
        env.into_iter().collect()
    }
}

/// Whether a variable is meant by `NAME` or `PREFIX*`.
fn matches(pattern: &str, name: &OsStr) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.as_encoded_bytes().starts_with(prefix.as_bytes()),
        None => name == pattern,
    }
}

/// Appends to the settings that are passed to git in the environment; a count that is not a number is
/// left alone, as git refuses it anyway.
fn add_git_settings(env: &mut BTreeMap<OsString, OsString>) {
    let text = |value: &OsString| value.to_str().map(str::to_owned);
    let count = env.get(OsStr::new("GIT_CONFIG_COUNT")).map_or(Some("0".into()), text);
    let Some(mut count) = count.and_then(|count| count.trim().parse::<u32>().ok()) else { return };
    for (key, value) in GIT_SETTINGS {
        env.insert(format!("GIT_CONFIG_KEY_{count}").into(), key.into());
        env.insert(format!("GIT_CONFIG_VALUE_{count}").into(), value.into());
        count += 1;
    }
    env.insert("GIT_CONFIG_COUNT".into(), count.to_string().into());
}

/// The value of a variable in an environment, as text.
pub(super) fn get<'a>(env: &'a [(OsString, OsString)], name: &str) -> Option<&'a str> {
    env.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::program::Adapter;
    use crate::agent::program::claude::Claude;

    fn built(
        inherited: &[(&str, &str)],
        deny: &[&str],
        given: &[(&str, &str)],
    ) -> Vec<(OsString, OsString)> {
        let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        let inherited = inherited.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let deny: Vec<String> = deny.iter().map(|d| (*d).to_owned()).collect();
        let programs = [Claude.environment()];
        let inherited = Inherited::new(inherited, &deny, &programs);
        inherited.build(&given.iter().map(own).collect::<Vec<_>>(), Path::new("/tree"))
    }

    #[test]
    fn log_ins_and_proxies_reach_the_agent_and_outer_sessions_do_not() {
        let env = built(
            &[
                ("HOME", "/home/u"),
                ("ANTHROPIC_API_KEY", "k"),
                ("HTTPS_PROXY", "p"),
                ("GIT_AUTHOR_NAME", "U"),
                ("GIT_DIR", "/other/.git"),
                ("SWARMDIR_TASK", "outer"),
                ("CARGO_PKG_NAME", "x"),
                ("OLDPWD", "/w"),
                ("PWD", "/w"),
            ],
            &[],
            &[("SWARMDIR_TASK", "inner")],
        );
        for (name, value) in [
            ("HOME", Some("/home/u")),
            ("ANTHROPIC_API_KEY", Some("k")),
            ("HTTPS_PROXY", Some("p")),
            ("GIT_AUTHOR_NAME", Some("U")),
            ("CLAUDECODE", None),
            ("GIT_DIR", None),
            ("CARGO_PKG_NAME", None),
            ("OLDPWD", None),
            ("SWARMDIR_TASK", Some("inner")),
            ("PWD", Some("/tree")),
        ] {
            assert_eq!(get(&env, name), value, "{name}");
        }
    }

    #[test]
    fn the_operator_denies_names_and_prefixes_but_not_what_the_task_is_given() {
        let env = built(
            &[("AWS_SECRET", "s"), ("AWS_REGION", "r"), ("NPM", "n"), ("NPM_TOKEN", "t")],
            &["AWS_*", "NPM"],
            &[("AWS_REGION", "given")],
        );
        assert_eq!(get(&env, "AWS_SECRET"), None);
        assert_eq!(get(&env, "AWS_REGION"), Some("given"));
        assert_eq!((get(&env, "NPM"), get(&env, "NPM_TOKEN")), (None, Some("t")));
    }

    #[test]
    fn a_default_never_overrides_the_user() {
        let env = built(&[("BASH_MAX_TIMEOUT_MS", "7")], &[], &[("DISABLE_AUTOUPDATER", "0")]);
        assert_eq!(get(&env, "BASH_MAX_TIMEOUT_MS"), Some("7"));
        assert_eq!(get(&env, "DISABLE_AUTOUPDATER"), Some("0"));
        assert_eq!(get(&env, "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"), Some("1"));
    }

    #[test]
    fn git_settings_are_appended_to_the_users_own() {
        let env = built(
            &[
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "user.name"),
                ("GIT_CONFIG_VALUE_0", "U"),
            ],
            &[],
            &[],
        );
        assert_eq!(get(&env, "GIT_CONFIG_COUNT"), Some("3"));
        assert_eq!(get(&env, "GIT_CONFIG_KEY_0"), Some("user.name"));
        assert_eq!(get(&env, "GIT_CONFIG_KEY_2"), Some("maintenance.auto"));
        let odd = built(&[("GIT_CONFIG_COUNT", "many")], &[], &[]);
        assert_eq!(
            (get(&odd, "GIT_CONFIG_COUNT"), get(&odd, "GIT_CONFIG_KEY_0")),
            (Some("many"), None)
        );
    }
}
