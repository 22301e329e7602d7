//! `claude -p`: what it can do, how it is started, and what its stream-json means.
//!
//! Names: `adapter`.

use std::path::PathBuf;

use crate::agent::job::{Job, Missing, Refusal};
use crate::agent::program::adapter::{Adapter, Environment, Examined, Launch, ProgramEnv};
use crate::agent::transcript::{Line, Price};
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::programs::{AgentKind, Capabilities};

mod check;
mod excerpt;
mod launch;
pub(in crate::agent) mod parse;
mod price;
mod repository_notes;
mod settings;

/// How it says what went wrong.
pub(in crate::agent) const RULES: &str = include_str!("failures.toml");

pub(in crate::agent) use settings::NAME;

/// `claude -p`.
pub(in crate::agent) struct Claude;

impl Adapter for Claude {
    fn capabilities(&self) -> &'static Capabilities {
        &settings::CAPABILITIES
    }

    fn find(&self, kind: &AgentKind) -> Result<PathBuf, Missing> {
        launch::find(kind)
    }

    fn launch(&self, job: &Job, env: Environment) -> Result<Launch, Refusal> {
        launch::launch(job, env)
    }

    fn environment(&self) -> ProgramEnv {
        settings::ENVIRONMENT
    }

    fn parse_line(&self, bytes: &[u8]) -> Line {
        parse::parse_line(bytes)
    }

    fn excerpt(&self, bytes: &[u8]) -> String {
        excerpt::excerpt(bytes)
    }

    fn price(&self) -> Price {
        price::estimate
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULES]
    }

    fn example(&self) -> &'static str {
        include_str!("swarm.toml")
    }

    fn examine(&self, profile: &AgentProfile) -> Vec<Examined> {
        check::examine(profile)
    }
}
