//! Judges dropped files: parses them, and pins the commit that their work starts from.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::domain::settings::config::Config;
use crate::domain::settings::limits::{Limits, TaskCaps};
use crate::domain::settings::problem::Problem;
use crate::domain::settings::programs::ReservedEnv;
use crate::domain::task::id::TaskId;
use crate::domain::task::record::{Origin, TaskRecord};
use crate::domain::task::spec::TaskSpec;
use crate::git::{GitError, Repo};
use crate::queue::intake::{Dropped, IntakeCheck, IntakeDecision};
use crate::sys::clock;
use crate::taskfile;

/// What a task file may refer to, owned.
#[derive(Clone, Debug)]
pub struct KnownNames {
    agents: Vec<String>,
    rigs: Vec<String>,
    reserved: ReservedEnv,
    caps: Limits,
    task_caps: TaskCaps,
}

/// What task files may refer to under these settings.
pub fn known_names(config: &Config) -> KnownNames {
    KnownNames {
        agents: config.profiles.keys().cloned().collect(),
        rigs: config.rigs.keys().cloned().collect(),
        reserved: ReservedEnv::of(config.programs),
        caps: config.limit_caps,
        task_caps: config.task_caps,
    }
}

impl KnownNames {
    /// Parses a task file against it.
    pub fn parse(&self, name: &OsStr, bytes: &[u8]) -> Result<TaskSpec, Vec<Problem>> {
        let agents: Vec<&str> = self.agents.iter().map(String::as_str).collect();
        let rigs: Vec<&str> = self.rigs.iter().map(String::as_str).collect();
        let (caps, task_caps) = (self.caps, self.task_caps);
        let reserved = &self.reserved;
        let known =
            taskfile::ParseContext { agents: &agents, rigs: &rigs, reserved, caps, task_caps };
        taskfile::parse(&name.to_string_lossy(), bytes, &known)
    }
}

/// The admission of a queue under certain settings.
#[derive(Clone, Debug)]
pub struct Intake {
    config: Config,
    known: KnownNames,
}

impl Intake {
    /// Under these settings.
    pub fn new(config: &Config) -> Intake {
        Intake { known: known_names(config), config: config.clone() }
    }

    /// The rig and its path, where the task or the settings name one.
    fn rig(&self, spec: &TaskSpec) -> Option<(String, PathBuf)> {
        let name = spec.rig.as_ref().or(self.config.rig.as_ref())?;
        Some((name.clone(), self.config.rigs.get(name)?.path.clone()))
    }

    /// The base commit and the branch, or why there is none.
    fn origin(&self, id: &TaskId, spec: &TaskSpec) -> Result<Origin, GitError> {
        let rig = self.rig(spec);
        let path = rig.as_ref().map_or(self.config.root.as_path(), |(_, path)| path);
        let repo = Repo::discover(path)?;
        let base = repo.resolve(spec.base.as_deref())?;
        let branch = match &spec.branch {
            Some(branch) => {
                repo.check_branch_name(branch)?;
                branch.clone()
            }
            None => id.default_branch(),
        };
        Ok(Origin {
            repository: rig
                .as_ref()
                .map_or_else(|| ".".into(), |(_, path)| path.display().to_string()),
            rig: rig.map(|(name, _)| name),
            base: base.oid,
            base_name: base.name,
            branch,
            branch_is_fixed: spec.branch.is_some(),
        })
    }

    fn wants_tree(&self, spec: &TaskSpec) -> bool {
        let agent = spec.agent.as_ref().unwrap_or(&self.config.agent);
        self.config.profiles.get(agent).is_none_or(|profile| profile.worktree)
    }
}

impl IntakeCheck for Intake {
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision {
        let spec = match self.known.parse(dropped.name, dropped.bytes) {
            Ok(spec) => spec,
            Err(problems) => return rejected(dropped, problems),
        };
        let origin =
            match self.wants_tree(&spec).then(|| self.origin(dropped.id, &spec)).transpose() {
                Ok(origin) => origin,
                Err(error) => {
                    return match about_input(&error, &spec) {
                        Some(problem) => rejected(dropped, vec![problem]),
                        None => IntakeDecision::NotNow(error.to_string()),
                    };
                }
            };
        IntakeDecision::Ready(Box::new(TaskRecord {
            schema: 1,
            id: dropped.id.clone(),
            name: dropped.name.to_string_lossy().into_owned(),
            taken_at: clock::now(),
            title: spec.title,
            agent: spec.agent,
            priority: spec.priority.unwrap_or_default(),
            labels: spec.labels,
            origin,
        }))
    }
}

/// A name in the task is wrong: its author can mend that, nobody else.
fn about_input(error: &GitError, spec: &TaskSpec) -> Option<Problem> {
    let key = match error {
        _ if !error.is_the_tasks() => return None,
        GitError::BranchTaken { .. } | GitError::BranchBlocked { .. } => "branch",
        GitError::BadName { name, .. } if spec.branch.as_ref() == Some(name) => "branch",
        _ => "base",
    };
    let problem = Problem::new(error.to_string()).key(key);
    Some(match error.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    })
}

fn rejected(dropped: &Dropped<'_>, problems: Vec<Problem>) -> IntakeDecision {
    let name = dropped.name.to_string_lossy();
    let report = taskfile::explain(&name, dropped.bytes, dropped.id.as_str(), &problems);
    IntakeDecision::Rejected { problems, report }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_name_is_told_at_its_key_and_all_else_is_not_the_authors() {
        let spec = TaskSpec { branch: Some("fix".into()), ..TaskSpec::default() };
        let bad = |name: &str| GitError::BadName { name: name.into(), why: "it is wrong" };
        let gone = GitError::NotARepository { path: "/away".into() };
        let taken = GitError::BranchTaken { branch: "fix".into() };
        for (error, key) in [
            (taken, Some("branch")),
            (bad("fix"), Some("branch")),
            (bad("other"), Some("base")),
            (gone, None),
        ] {
            let problem = about_input(&error, &spec);
            assert_eq!(problem.and_then(|problem| problem.key).as_deref(), key, "{error}");
        }
    }
}
