//! What one attempt is to do: from the task, the agent's profile, the settings, the place and what came before.
//!
//! Pure: what the task says, else the agent's profile, else ours. Invariant: nothing is paid twice, so what was spent in
//! this run of the task counts against its budget.

use std::path::Path;

use super::environment::environment;
use super::inputs::{Attempt, Means};
use super::not_started::NotStarted;
use crate::agent::{
    AttemptFiles, Bounds, Job, Report, Request, RunPlace, instructions as standing_instructions,
};
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::settings::config::Config;
use crate::domain::settings::programs::AgentKind;
use crate::domain::settings::timeouts::Timeouts;

const MAX_TURNS: u32 = 50;
const MAX_BUDGET_USD: f64 = 10.0;
const TOOLS: [&str; 6] = ["Bash", "Read", "Edit", "Write", "Glob", "Grep"];

/// Everything that is decided before the agent starts.
pub(super) struct AttemptPlan {
    pub(super) job: Job,
    /// The command that prepares a fresh tree.
    pub(super) setup: Option<Job>,
    /// The agent's own program keeps a session that a later attempt can go on in.
    pub(super) keeps_session: bool,
    /// Its start takes much of a processor: starts take turns.
    pub(super) slow_start: bool,
    /// What a fresh session is told, where the one to go on in is not there any more.
    told_anew: Option<String>,
}

/// Whether the agent is a conversation: it is told things besides its prompt, and goes on in its session.
fn converses(kind: &AgentKind) -> bool {
    kind.capabilities.resumes
}

impl Attempt<'_> {
    /// Decides.
    pub(super) fn plan(&self, means: &Means<'_>) -> Result<AttemptPlan, NotStarted> {
        let Means { config, .. } = means;
        let request = self.request(means)?;
        if self.earlier.attempts > 0 && request.max_budget_usd <= 0.0 {
            let detail = format!("its budget is spent: ${:.2}", self.earlier.spent_usd);
            return Err(NotStarted { fault: Fault::Budget, detail });
        }
        let paths = &means.paths;
        let place = RunPlace {
            cwd: self.place.path.clone(),
            env: environment(self, means),
            env_deny: config.env_deny.clone(),
            files: AttemptFiles {
                events: paths.events(),
                stderr: paths.stderr(),
                private: paths.private(),
            },
        };
        let wall_ms = self.spec.timeout_ms.unwrap_or(config.timeouts.wall_ms);
        let bounds = Bounds {
            limits: config.limits.overridden_by(self.spec.limits).capped_by(config.limit_caps),
            timeouts: Timeouts { wall_ms, ..config.timeouts },
            group: means.group.clone(),
        };
        let setup = self.setup_argv(config).map(|argv| {
            let files = AttemptFiles {
                events: paths.setup_events(),
                stderr: paths.setup_stderr(),
                private: paths.private(),
            };
            let timeouts = Timeouts { wall_ms: config.timeouts.setup_ms, ..config.timeouts };
            let bounds = Bounds { timeouts, ..bounds.clone() };
            let place = RunPlace { files, ..place.clone() };
            Job::command(argv.to_vec(), request.session.clone(), place, bounds)
        });
        Ok(AttemptPlan {
            setup,
            keeps_session: converses(&self.profile.kind),
            slow_start: self.profile.capabilities().slow_start,
            told_anew: request
                .resume
                .then(|| self.earlier.prompt_with_summary(&self.spec.prompt, self.place.branch())),
            job: Job {
                kind: self.profile.kind.clone(),
                request,
                place,
                bounds,
                rules: config.rules_for(self.agent),
                demo_argv: means.demo_argv.to_vec(),
            },
        })
    }

    fn request(&self, means: &Means<'_>) -> Result<Request, NotStarted> {
        let Means { config, .. } = means;
        let (spec, earlier, defaults) = (self.spec, self.earlier, &self.profile.defaults);
        // Another agent's prompt may be a script: it is not for us to add to it.
        let converses = converses(&self.profile.kind);
        let session = earlier.session.clone().filter(|_| converses);
        let prompt = match &session {
            _ if !converses || earlier.attempts == 0 => spec.prompt.clone(),
            Some(_) => earlier.resume_prompt(self.place.branch()),
            None => earlier.prompt_with_summary(&spec.prompt, self.place.branch()),
        };
        let caps = &config.task_caps;
        let usual_usd = caps.max_budget_usd.map_or(MAX_BUDGET_USD, |cap| MAX_BUDGET_USD.min(cap));
        let usual_turns = caps.max_turns.map_or(MAX_TURNS, |cap| MAX_TURNS.min(cap));
        let budget_usd = spec.max_budget_usd.or(defaults.max_budget_usd).unwrap_or(usual_usd);
        let allowed = spec.allowed_tools.as_ref().or(defaults.allowed_tools.as_ref());
        let disallowed = spec.disallowed_tools.iter().chain(&defaults.disallowed_tools);
        Ok(Request {
            prompt,
            resume: session.is_some(),
            session: session.unwrap_or_else(|| means.fresh_session.clone()),
            model: spec.model.clone().or_else(|| defaults.model.clone()),
            effort: spec.effort.clone().or_else(|| defaults.effort.clone()),
            max_turns: spec.max_turns.or(defaults.max_turns).unwrap_or(usual_turns),
            max_budget_usd: budget_usd - earlier.spent_usd,
            allowed_tools: allowed.cloned().unwrap_or_else(|| TOOLS.map(str::to_owned).to_vec()),
            disallowed_tools: disallowed.flatten().cloned().collect(),
            permission_mode: spec.permission_mode.or(defaults.permission_mode).unwrap_or_default(),
            instructions: self.instructions(means)?,
            trust_repository: config.trust_repository,
        })
    }

    /// The rig's own setup command, or the general one: in a fresh tree only.
    fn setup_argv<'c>(&self, config: &'c Config) -> Option<&'c [String]> {
        let rig = self.spec.rig.as_ref().or(config.rig.as_ref());
        let own = rig.and_then(|rig| config.rigs.get(rig)?.setup.as_ref());
        let argv = own.unwrap_or(&config.setup);
        let fresh_tree = !self.place.continued && self.place.branch.is_some();
        (fresh_tree && !argv.is_empty()).then_some(argv.as_slice())
    }

    fn instructions(&self, means: &Means<'_>) -> Result<String, NotStarted> {
        let (branch, base) = (self.place.branch(), self.place.base.as_deref());
        let (workplace, commit_rule) = standing_instructions::rules(branch, base);
        let number = self.number.to_string();
        let values = [
            ("task", self.name.at.id.as_str()),
            ("attempt", &number),
            ("workplace", &workplace),
            ("commit_rule", &commit_rule),
            ("branch", branch.unwrap_or("(none)")),
            ("base", base.unwrap_or("(none)")),
            ("worker", self.name.worker.as_str()),
            ("root", &means.config.root.to_string_lossy()),
            ("title", self.spec.title.as_deref().unwrap_or(self.name.at.id.slug())),
        ];
        standing_instructions::render(means.template, &values).map_err(|problems| {
            let path = means.config.instructions.as_deref();
            let path = path.unwrap_or(Path::new("the instructions")).display();
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            NotStarted { fault: Fault::Missing, detail: format!("{path}: {}", all.join("; ")) }
        })
    }
}

impl AttemptPlan {
    /// Why the agent could not go on with its session, where a fresh one may: its own program does not know it (any
    /// more), or the service refuses what was said in it. Neither did anything yet, and neither is the task's doing.
    pub(super) fn begins_anew(&self, report: &Report) -> Option<String> {
        let Outcome::Failure { fault: Fault::Error, detail } = &report.ending else { return None };
        let request = &self.job.request;
        // What a refusal may have cost is what the program tried to make of it.
        if !request.resume || report.usage.cost_usd >= request.max_budget_usd {
            return None;
        }
        if report.session.is_none() {
            return Some("its earlier session was not there any more: a fresh one was told".into());
        }
        report.refused_at_once.then(|| {
            format!("the service refused its earlier session ({detail}): a fresh one was told")
        })
    }

    /// The same in a fresh session, which is told where things stand; of its budget so much is spent already.
    pub(super) fn anew(self, spent_usd: f64, session: String) -> AttemptPlan {
        let max_budget_usd = self.job.request.max_budget_usd - spent_usd;
        let prompt = self.told_anew.clone().unwrap_or_default();
        let request =
            Request { resume: false, session, prompt, max_budget_usd, ..self.job.request };
        AttemptPlan { job: Job { request, ..self.job }, ..self }
    }
}

/// The report of an attempt of which the first try came to nothing: what that cost counts too.
pub(super) fn after(first: Report, second: Report) -> Report {
    let mut usage = first.usage;
    usage.add(&second.usage);
    let notes = [first.notes, second.notes].concat();
    let elapsed_ms = first.elapsed_ms.saturating_add(second.elapsed_ms);
    Report { usage, notes, elapsed_ms, swept: first.swept + second.swept, ..second }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
