//! What must be there before anything runs: asked once, cheaply, with a way to mend it.

use super::context::Context;
use super::error::Failure;
use super::exit;
use crate::agent::program;
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::choice::Cgroups;
use crate::domain::settings::config::Config;
use crate::git::Repo;
use crate::sys::cgroup;

/// The default agent's program and, where it works in a worktree, a repository with a commit.
pub(super) fn check(context: &Context) -> Result<(), Failure> {
    let config = context.config();
    let Some(profile) = config.profiles.get(&config.agent) else {
        return Err(Failure::usage(format!("there is no agent {:?}", config.agent))
            .hint("coordinator config lists them"));
    };
    program::find(&profile.kind)
        .map_err(|e| Failure::new(exit::MISSING, e.to_string()).hint(e.hint))?;
    cgroups(config)?;
    repository(context, profile)
}

fn cgroups(config: &Config) -> Result<(), Failure> {
    if config.cgroups != Cgroups::Require {
        return Ok(());
    }
    let missing = match cgroup::level() {
        Ok(level) if level.is_whole() => return Ok(()),
        Ok(level) => format!("cgroups are required, and here are only {level}"),
        Err(why) => format!("cgroups are required: {why}"),
    };
    Err(Failure::new(exit::MISSING, missing)
        .hint("coordinator doctor says how to get them; or cgroups = \"auto\""))
}

fn repository(context: &Context, profile: &AgentProfile) -> Result<(), Failure> {
    let config = context.config();
    let rig = config.rig.as_ref().and_then(|name| config.rigs.get(name));
    // With several repositories a task may name another one: only a wrong default is told here.
    if !profile.worktree || (rig.is_none() && !config.rigs.is_empty()) {
        return Ok(());
    }
    let path = rig.map_or(&config.root, |rig| &rig.path);
    let found = Repo::discover(path).and_then(|repo| repo.resolve(None).map(drop));
    found.map_err(|e| {
        let failure = Failure::new(exit::MISSING, e.to_string());
        failure.hint(e.hint().unwrap_or_else(|| "coordinator doctor".into()))
    })
}
