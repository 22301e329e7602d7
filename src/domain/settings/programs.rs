//! What the rest of the program may know of an agent program: capabilities and settings, as data.
//!
//! Pure. The values stand in the folders of `agent::program`, one for each program; nobody else asks which program it
//! is, only what it can do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::account::breaker::HealthCheck;

/// What an agent program can do, and what it needs.
#[derive(PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Its word: `kind` in settings, `agents` in rules of failures.
    pub name: &'static str,
    /// An agent of this name exists without being named in the settings.
    pub has_profile: bool,
    /// Where its file is looked for.
    pub found: Found,
    /// Keys of `[agent.NAME]` that only it has.
    pub keys: &'static [ProgramKey],
    /// Keys that a task and an agent share and that it obeys.
    pub obeys: &'static [&'static str],
    /// Its session can go on in another process, so that its prompt may say where things stand.
    pub resumes: bool,
    /// Its start takes much of a processor: starts take turns.
    pub slow_start: bool,
    /// How it shows that its account works.
    pub health_check: HealthCheck,
    /// The log-in that its agents share.
    pub login: Option<SharedLogin>,
    /// Variables that decide to whom it shows its key, and what it obeys or loads: the operator's to set. `PREFIX*` too.
    pub operators_env: &'static [&'static str],
    /// Variables that load code into it: nobody's to set.
    pub refused_env: &'static [&'static str],
}

/// Where a program's file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// On PATH, by this name, where no setting names it.
    OnPath(&'static str),
    /// Where its settings say.
    Named,
    /// It is this very program.
    Ourselves,
}

/// A key that only one program has.
#[derive(PartialEq, Eq, Debug)]
pub struct ProgramKey {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub takes: KeyType,
    /// An example of the line, where the key has to be there.
    pub needed: Option<&'static str>,
}

/// What a program's key takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyType {
    /// The program's file: a path, or a name for PATH.
    Program,
    /// Another path.
    Path,
    /// Program and arguments.
    Argv,
}

/// The user's own log-in, which all agents of a program share.
#[derive(PartialEq, Eq, Debug)]
pub struct SharedLogin {
    /// The account's name.
    pub account: &'static str,
    /// The key that gives an agent a log-in of its own.
    pub unless: &'static str,
}

/// What stands behind a program's key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProgramValue {
    /// A path.
    Path(PathBuf),
    /// Program and arguments.
    Argv(Vec<String>),
}

/// Which program an agent is, with the settings that only that program has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentKind {
    /// What the program can do.
    pub capabilities: &'static Capabilities,
    /// By key.
    pub settings: BTreeMap<&'static str, ProgramValue>,
}

/// What is started for an agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Executable<'a> {
    /// A program with its arguments.
    Argv(&'a [String]),
    /// This file.
    File(&'a Path),
    /// What PATH has under this name.
    OnPath(&'static str),
    /// This very program.
    Ourselves,
}

impl AgentKind {
    /// A program without settings.
    pub fn new(capabilities: &'static Capabilities) -> AgentKind {
        AgentKind { capabilities, settings: BTreeMap::new() }
    }

    /// The word in settings and rules.
    pub fn word(&self) -> &'static str {
        self.capabilities.name
    }

    /// The path behind a key.
    pub fn path(&self, key: &str) -> Option<&Path> {
        match self.settings.get(key)? {
            ProgramValue::Path(path) => Some(path),
            ProgramValue::Argv(_) => None,
        }
    }

    /// What is started for it.
    pub fn executable(&self) -> Executable<'_> {
        let named = self.capabilities.keys.iter().find_map(|key| {
            match (key.takes, self.settings.get(key.key)?) {
                (KeyType::Program, ProgramValue::Path(path)) => Some(Executable::File(path)),
                (KeyType::Argv, ProgramValue::Argv(argv)) => Some(Executable::Argv(argv)),
                _ => None,
            }
        });
        named.unwrap_or(match self.capabilities.found {
            Found::OnPath(name) => Executable::OnPath(name),
            Found::Named => Executable::Argv(&[]),
            Found::Ourselves => Executable::Ourselves,
        })
    }

    /// The account of its agents, where they share one.
    pub fn shared_account(&self) -> Option<&'static str> {
        let login = self.capabilities.login.as_ref()?;
        (!self.settings.contains_key(login.unless)).then_some(login.account)
    }
}

/// Variables that not everybody may set for an agent, whichever programs there are.
#[derive(Clone, Debug, Default)]
pub struct ReservedEnv {
    /// The operator's: a name, or a beginning with `*`.
    pub operators: Vec<&'static str>,
    /// Nobody's.
    pub refused: Vec<&'static str>,
}

impl ReservedEnv {
    /// Of all these programs: any of them may be started by any agent.
    pub fn of(programs: &[&'static Capabilities]) -> ReservedEnv {
        let all = |env: fn(&Capabilities) -> &'static [&'static str]| {
            programs.iter().flat_map(|program| env(program).iter().copied()).collect()
        };
        ReservedEnv { operators: all(|p| p.operators_env), refused: all(|p| p.refused_env) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PLAIN: Capabilities = Capabilities {
        name: "plain",
        has_profile: false,
        found: Found::OnPath("plain"),
        keys: &[
            ProgramKey { key: "program", takes: KeyType::Program, needed: None },
            ProgramKey { key: "home", takes: KeyType::Path, needed: None },
        ],
        obeys: &[],
        resumes: false,
        slow_start: false,
        health_check: HealthCheck::None,
        login: Some(SharedLogin { account: "shared", unless: "home" }),
        operators_env: &["PLAIN_*"],
        refused_env: &["PLAIN_LOAD"],
    };

    #[test]
    fn what_is_started_is_what_is_named_else_what_path_has() {
        let mut kind = AgentKind::new(&PLAIN);
        assert_eq!(kind.executable(), Executable::OnPath("plain"));
        kind.settings.insert("program", ProgramValue::Path("/opt/plain".into()));
        assert_eq!(kind.executable(), Executable::File(Path::new("/opt/plain")));
    }

    #[test]
    fn a_log_in_of_its_own_is_no_shared_account() {
        let mut kind = AgentKind::new(&PLAIN);
        assert_eq!(kind.shared_account(), Some("shared"));
        kind.settings.insert("home", ProgramValue::Path("/h".into()));
        assert_eq!((kind.shared_account(), kind.path("home")), (None, Some(Path::new("/h"))));
    }

    #[test]
    fn what_one_program_reserves_is_reserved_for_all() {
        let reserved = ReservedEnv::of(&[&PLAIN, &PLAIN]);
        assert_eq!((reserved.operators.len(), reserved.refused[0]), (2, "PLAIN_LOAD"));
    }
}
