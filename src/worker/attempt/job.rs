//! From a task and the settings to an agent's order: what the task says, else the agent's profile, else ours.

use std::path::Path;

use super::earlier::Earlier;
use super::workplace::Workplace;
use crate::agent::{AttemptFiles, Bounds, Job, Request, RunPlace, instructions};
use crate::domain::settings::agents::{AgentKind, AgentProfile};
use crate::domain::settings::limits::Limits;
use crate::domain::settings::timeouts::Timeouts;
use crate::domain::task::name::AttemptName;
use crate::domain::task::spec::TaskSpec;
use crate::sys::{fs, random};
use crate::worker::Worker;

const MAX_TURNS: u32 = 50;
const MAX_BUDGET_USD: f64 = 10.0;
const TOOLS: [&str; 6] = ["Bash", "Read", "Edit", "Write", "Glob", "Grep"];

impl Worker {
    /// The order for one attempt of a task.
    pub(super) fn job(
        &self,
        attempt: &AttemptName,
        number: u32,
        spec: &TaskSpec,
        profile: &AgentProfile,
        place: &Workplace,
        earlier: &Earlier,
    ) -> Result<Job, String> {
        let defaults = &profile.defaults;
        // Another agent's prompt may be a script: it is not for us to add to it.
        let converses = matches!(profile.kind, AgentKind::Claude { .. });
        let session = earlier.session.clone().filter(|_| converses);
        let prompt = match (&session, earlier.attempts) {
            _ if !converses => spec.prompt.clone(),
            (_, 0) => spec.prompt.clone(),
            (Some(_), _) => earlier.resume_prompt(&place.commits(), place.branch()),
            (None, _) => earlier.prompt_with_summary(spec, place),
        };
        let caps = &self.config.task_caps;
        let usual_usd = caps.max_budget_usd.map_or(MAX_BUDGET_USD, |cap| MAX_BUDGET_USD.min(cap));
        let cap_usd = spec.max_budget_usd.or(defaults.max_budget_usd).unwrap_or(usual_usd);
        let tools = || TOOLS.iter().map(|tool| (*tool).to_owned()).collect();
        Ok(Job {
            kind: profile.kind.clone(),
            request: Request {
                prompt,
                resume: session.is_some(),
                session: session.unwrap_or_else(random::uuid),
                model: spec.model.clone().or_else(|| defaults.model.clone()),
                effort: spec.effort.clone().or_else(|| defaults.effort.clone()),
                max_turns: spec
                    .max_turns
                    .or(defaults.max_turns)
                    .unwrap_or_else(|| caps.max_turns.map_or(MAX_TURNS, |cap| MAX_TURNS.min(cap))),
                max_budget_usd: cap_usd - earlier.spent_usd,
                allowed_tools: spec
                    .allowed_tools
                    .clone()
                    .or_else(|| defaults.allowed_tools.clone())
                    .unwrap_or_else(tools),
                disallowed_tools: spec
                    .disallowed_tools
                    .iter()
                    .chain(&defaults.disallowed_tools)
                    .flatten()
                    .cloned()
                    .collect(),
                permission_mode: spec
                    .permission_mode
                    .or(defaults.permission_mode)
                    .unwrap_or_default(),
                instructions: self.instructions(attempt, number, spec, place)?,
                trust_repository: self.config.trust_repository,
            },
            place: RunPlace {
                cwd: place.path().to_owned(),
                env: self.environment(attempt, number, spec, profile, place, earlier),
                env_deny: self.config.env_deny.clone(),
                files: self.files(attempt),
            },
            bounds: Bounds {
                limits: self.limits(spec),
                timeouts: self.timeouts(spec),
                group: self.group.clone(),
            },
            rules: Vec::new(),
            demo_argv: self.options.demo_argv.clone(),
        })
    }

    /// The command that prepares a fresh tree.
    pub(super) fn setup_job(&self, attempt: &AttemptName, argv: Vec<String>, job: &Job) -> Job {
        let dir = self.shared.queue.paths().attempt(attempt);
        let files = AttemptFiles {
            events: dir.setup_events(),
            stderr: dir.setup_stderr(),
            private: dir.private(),
        };
        let timeouts = Timeouts { wall_ms: self.config.timeouts.setup_ms, ..self.config.timeouts };
        let place = RunPlace { files, ..job.place.clone() };
        let bounds = Bounds { timeouts, ..job.bounds.clone() };
        Job::command(argv, job.request.session.clone(), place, bounds)
    }

    fn files(&self, attempt: &AttemptName) -> AttemptFiles {
        let dir = self.shared.queue.paths().attempt(attempt);
        AttemptFiles { events: dir.events(), stderr: dir.stderr(), private: dir.private() }
    }

    fn limits(&self, spec: &TaskSpec) -> Limits {
        self.config.limits.overridden_by(spec.limits).capped_by(self.config.limit_caps)
    }

    fn timeouts(&self, spec: &TaskSpec) -> Timeouts {
        let wall_ms = spec.timeout_ms.unwrap_or(self.config.timeouts.wall_ms);
        Timeouts { wall_ms, ..self.config.timeouts }
    }

    fn environment(
        &self,
        attempt: &AttemptName,
        number: u32,
        spec: &TaskSpec,
        profile: &AgentProfile,
        place: &Workplace,
        earlier: &Earlier,
    ) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = Vec::new();
        if place.lacks_identity() {
            for role in ["AUTHOR", "COMMITTER"] {
                env.push((format!("GIT_{role}_NAME"), "swarmdir".into()));
                env.push((format!("GIT_{role}_EMAIL"), "swarmdir@localhost".into()));
            }
        }
        let added = profile.env.iter().chain(&spec.env);
        env.extend(added.map(|(name, value)| (name.clone(), value.clone())));
        let ours = [
            (super::workplace::TASK_MARK, attempt.at.id.to_string()),
            (super::workplace::QUEUE_MARK, self.shared.queue.place().to_owned()),
            ("SWARMDIR_ATTEMPT", number.to_string()),
            (crate::housekeeping::WORKER_MARK, attempt.worker.to_string()),
            ("SWARMDIR_ROOT", self.config.root.display().to_string()),
            ("SWARMDIR_BRANCH", place.branch().unwrap_or_default().to_owned()),
        ];
        env.extend(ours.map(|(name, value)| (name.to_owned(), value)));
        if earlier.attempts > 0 {
            let path = self.shared.queue.context_file(&attempt.at.id);
            env.push(("SWARMDIR_CONTEXT".into(), path.display().to_string()));
        }
        env
    }

    fn instructions(
        &self,
        attempt: &AttemptName,
        number: u32,
        spec: &TaskSpec,
        place: &Workplace,
    ) -> Result<String, String> {
        let template = match &self.config.instructions {
            Some(path) => {
                let bytes = fs::read(path).map_err(|e| e.to_string())?;
                (self.options.vet)(path, &bytes)
                    .map_err(|why| format!("{}: {why}", path.display()))?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
            None => instructions::TEMPLATE.to_owned(),
        };
        let (workplace, commit_rule) = instructions::rules(place.branch(), place.base());
        let number = number.to_string();
        let values = [
            ("task", attempt.at.id.as_str()),
            ("attempt", &number),
            ("workplace", &workplace),
            ("commit_rule", &commit_rule),
            ("branch", place.branch().unwrap_or("(none)")),
            ("base", place.base().unwrap_or("(none)")),
            ("worker", attempt.worker.as_str()),
            ("root", &self.config.root.to_string_lossy()),
            ("title", spec.title.as_deref().unwrap_or(attempt.at.id.slug())),
        ];
        instructions::render(&template, &values).map_err(|problems| {
            let path = self.config.instructions.as_deref().unwrap_or(Path::new("the instructions"));
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.display(), all.join("; "))
        })
    }
}
