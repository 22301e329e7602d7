//! The effective settings, as plain data.
//!
//! Built by `cli::config` from `swarm.toml`, `SWARMDIR_*` and flags; nobody else reads those.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::account::breaker::HealthCheck;
use crate::domain::capacity::reserve::Reserve;
use crate::domain::failure::rules::{Rule, RuleBook};
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::choice::{Cgroups, Durability, Share};
use crate::domain::settings::limits::{Limits, TaskCaps};
use crate::domain::settings::programs::{AgentKind, Capabilities};
use crate::domain::settings::repositories::RigProfile;
use crate::domain::settings::retention::Keep;
use crate::domain::settings::timeouts::Timeouts;
use crate::domain::task::record::Origin;

/// Everything that an operator may set.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The directory that holds `queue/`, `interrupt`, `swarm.toml` and `.swarmdir/`.
    pub root: PathBuf,
    /// Workers the coordinator keeps.
    pub agents: u32,
    /// The agent of a task that names none; a key of [`Config::profiles`].
    pub agent: String,
    /// What a power cut may take.
    pub durability: Durability,
    /// Who may read what is made; `None`: what the repository and the root say.
    pub share: Option<Share>,
    /// The repository of a task that names none: a key of [`Config::rigs`], else the one around root.
    pub rig: Option<String>,
    /// Where worktrees live; `None`: beside the repository, `<repository>.swarmdir/`.
    pub trees: Option<PathBuf>,
    /// `--drain` waits so long for what is blocked, milliseconds.
    pub drain_wait_ms: u64,
    /// How often a task that fails by itself is tried in one life, at least 1.
    pub max_attempts: u32,
    /// How many workers may die holding a task in one life, at least 1.
    pub max_worker_deaths: u32,
    /// what the repository brings for the agents' own programs takes effect.
    pub trust_repository: bool,
    /// Command that prepares a fresh tree, argv; empty: none.
    pub setup: Vec<String>,
    /// A template of the agent's standing instructions instead of the built-in one.
    pub instructions: Option<PathBuf>,
    /// Variables (or `PREFIX*`) that agents do not inherit, on top of the built-in list.
    pub env_deny: Vec<String>,
    /// Agents by name; always holds those that exist without being named.
    pub profiles: BTreeMap<String, AgentProfile>,
    /// The agent programs that there are.
    pub programs: &'static [&'static Capabilities],
    /// Repositories by name.
    pub rigs: BTreeMap<String, RigProfile>,
    /// From so many percent of a usage window on claims stop until its reset; 100: when the service refuses.
    pub limit_stop_at: u32,
    /// After so many tasks a worker of a pool makes room for a fresh one; `None`: never.
    pub recycle_after: Option<u32>,
    /// Whether attempts are put into control groups.
    pub cgroups: Cgroups,
    /// Defaults of a task's limits.
    pub limits: Limits,
    /// What a task's own limits may not exceed.
    pub limit_caps: Limits,
    /// What else of a task has a ceiling.
    pub task_caps: TaskCaps,
    /// What is kept free before a task is claimed.
    pub reserve: Reserve,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// What `gc` leaves.
    pub keep: Keep,
    /// A file of rules for failures, asked before the built-in ones.
    pub failure_rules: Option<PathBuf>,
    /// What stands in it.
    pub own_rules: RuleBook,
}

impl Config {
    /// What holds where nobody says anything; of the agent programs that there are the first is the default.
    pub fn built_in(root: PathBuf, programs: &'static [&'static Capabilities]) -> Config {
        let with_profile = programs.iter().filter(|program| program.has_profile);
        let profiles = with_profile
            .map(|program| (program.name.to_owned(), AgentProfile::new(AgentKind::new(program))));
        Config {
            root,
            agents: 3,
            agent: programs.first().map_or("", |program| program.name).to_owned(),
            durability: Durability::Strict,
            share: None,
            rig: None,
            trees: None,
            drain_wait_ms: 60_000,
            max_attempts: 1,
            max_worker_deaths: 5,
            trust_repository: false,
            setup: Vec::new(),
            instructions: None,
            env_deny: Vec::new(),
            profiles: profiles.collect(),
            programs,
            rigs: BTreeMap::new(),
            limit_stop_at: 97,
            recycle_after: None,
            cgroups: Cgroups::Auto,
            limits: Limits::DEFAULT,
            limit_caps: Limits::CAPS,
            task_caps: TaskCaps::DEFAULT,
            reserve: Reserve::DEFAULT,
            timeouts: Timeouts::DEFAULT,
            keep: Keep::DEFAULT,
            failure_rules: None,
            own_rules: RuleBook::default(),
        }
    }
}

impl Config {
    /// The account of an agent: what its profile says; else agents of one program share the user's own log-in where it
    /// has one, and every other one (also one with a log-in to itself) stands for itself.
    pub fn account<'a>(&'a self, agent: &'a str) -> &'a str {
        match self.profiles.get(agent) {
            Some(AgentProfile { account: Some(account), .. }) => account,
            Some(profile) => profile.kind.shared_account().unwrap_or(agent),
            None => agent,
        }
    }

    /// How the agents of an account show that it works: the most demanding of them decides.
    pub fn health_check(&self, account: &str) -> HealthCheck {
        let of_it = self.profiles.iter().filter(|(agent, _)| self.account(agent) == account);
        let checks = of_it.map(|(_, profile)| profile.capabilities().health_check);
        checks.max().unwrap_or(HealthCheck::None)
    }
}

impl Config {
    /// The operator's own rules for an agent.
    pub fn rules_for(&self, agent: &str) -> Vec<Rule> {
        let kind = self.profiles.get(agent).map_or("", |profile| profile.kind.word());
        let own = self.own_rules.rules.iter();
        own.filter(|rule| rule.is_for(kind, Some(agent))).cloned().collect()
    }

    /// Where a task works that was taken in: its rig is where the settings say now, and what was taken in for the
    /// root's own repository follows the root, which may have been moved or copied since.
    pub fn repository_of(&self, origin: &Origin) -> PathBuf {
        let written = Path::new(&origin.repository);
        let named = origin.rig.as_ref().and_then(|name| self.rigs.get(name));
        match named {
            Some(rig) => rig.path.clone(),
            None if written == Path::new(".") => self.root.clone(),
            None if origin.rig.is_some() || written.is_relative() => self.root.join(written),
            // Written by a version that told no rig from the root.
            None if self.rigs.values().any(|rig| rig.path == written) => written.to_owned(),
            None => self.root.clone(),
        }
    }

    /// The repositories that tasks under these settings may work in.
    pub fn repositories(&self) -> Vec<PathBuf> {
        let rigs = self.rigs.values().map(|rig| rig.path.clone());
        std::iter::once(self.root.clone()).chain(rigs).collect()
    }
}
