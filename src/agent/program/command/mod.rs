//! Any program as an agent: the prompt on standard input, and where `{prompt}` stands in an argument.
//!
//! There is no shell in between: an argument stays one argument. A script around claude, which
//! speaks as claude does, is understood like claude itself.
//!
//! Names: `adapter`, `claude`.

use std::path::PathBuf;

use crate::agent::job::{Bounds, Job, Missing, Refusal, Request, RunPlace};
use crate::agent::program::adapter::{Adapter, Deadlines, Environment, Launch, SuccessBy};
use crate::agent::program::claude::{self, Claude};
use crate::agent::transcript::{Line, Price};
use crate::domain::account::breaker::HealthCheck;
use crate::domain::failure::fault::Fault;
use crate::domain::settings::programs::{
    AgentKind, Capabilities, Executable, Found, KeyType, ProgramKey, ProgramValue,
};
use crate::sys::process::Signal;

/// Replaced by the prompt.
const PLACE: &str = "{prompt}";

const ARGV: &str = "argv";

static CAPABILITIES: Capabilities = Capabilities {
    name: "command",
    has_profile: false,
    found: Found::Named,
    keys: &[ProgramKey {
        key: ARGV,
        takes: KeyType::Argv,
        needed: Some("argv = [\"sh\", \"-c\", \"…\"]"),
    }],
    obeys: &[],
    resumes: false,
    slow_start: false,
    health_check: HealthCheck::None,
    login: None,
    operators_env: &[],
    refused_env: &[],
};

/// Any program.
pub(in crate::agent) struct Command;

/// An agent that is this program with these arguments.
pub fn command(argv: Vec<String>) -> AgentKind {
    let mut kind = AgentKind::new(&CAPABILITIES);
    kind.settings.insert(ARGV, ProgramValue::Argv(argv));
    kind
}

impl Job {
    /// A plain command, which is asked nothing.
    pub fn command(argv: Vec<String>, session: String, place: RunPlace, bounds: Bounds) -> Job {
        Job {
            kind: command(argv),
            request: Request { session, ..Request::default() },
            place,
            bounds,
            rules: Vec::new(),
            demo_argv: Vec::new(),
        }
    }
}

fn argv(kind: &AgentKind) -> &[String] {
    match kind.executable() {
        Executable::Argv(argv) => argv,
        _ => &[],
    }
}

impl Adapter for Command {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn find(&self, kind: &AgentKind) -> Result<PathBuf, Missing> {
        let name = argv(kind).first().map_or("", String::as_str);
        Missing::unless_found(name, "look at argv of this agent in swarm.toml")
    }

    fn launch(&self, job: &Job, env: Environment) -> Result<Launch, Refusal> {
        let argv = argv(&job.kind);
        let [name, rest @ ..] = argv else {
            return Err(Refusal::new(Fault::Missing, "argv of this agent is empty"));
        };
        if argv.iter().any(|arg| arg.contains(PLACE)) && job.request.prompt.contains('\0') {
            let detail = "a prompt with a NUL byte cannot be an argument";
            return Err(Refusal::new(Fault::Error, detail));
        }
        // A relative path with a slash is the tree's own: `./agent.sh` is the one that was checked out.
        let own = name.contains('/').then(|| job.place.cwd.join(name));
        Ok(Launch {
            program: own.map_or_else(|| self.find(&job.kind), Ok)?,
            argv0: name.into(),
            args: rest.iter().map(|arg| arg.replace(PLACE, &job.request.prompt).into()).collect(),
            input: None,
            env,
            deadlines: Deadlines::mute(job),
            death_signal: Signal::SIGKILL,
            group: true,
            success: SuccessBy::ExitCode,
        })
    }

    fn parse_line(&self, bytes: &[u8]) -> Line {
        Claude.parse_line(bytes)
    }

    fn excerpt(&self, bytes: &[u8]) -> String {
        Claude.excerpt(bytes)
    }

    fn price(&self) -> Price {
        Claude.price()
    }

    fn rules(&self) -> &'static [&'static str] {
        &[claude::RULES, include_str!("failures.toml")]
    }

    fn example(&self) -> &'static str {
        include_str!("swarm.toml")
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::agent::supervise::run::tests::job;

    fn launch(job: &mut Job, argv: &[String]) -> Result<Launch, Refusal> {
        job.kind = command(argv.to_vec());
        Command.launch(job, Vec::new())
    }

    #[test]
    fn the_prompt_is_one_argument_whatever_it_holds() {
        let mut job = job("a b; rm -rf / \"$(x)\" {prompt}");
        let argv = ["/bin/echo", "--task={prompt}", "{prompt}", "{ prompt }"].map(str::to_owned);
        let started = launch(&mut job, &argv).unwrap();
        assert_eq!(started.program, std::path::Path::new("/bin/echo"));
        assert_eq!(started.args.len(), 3);
        assert_eq!(started.args[0], OsString::from(format!("--task={}", job.request.prompt)));
        assert_eq!(started.args[1], OsString::from(&job.request.prompt));
        assert_eq!(started.args[2], "{ prompt }");
    }

    #[test]
    fn a_relative_path_is_the_trees_own() {
        let mut job = job("x");
        let argv = ["./agent.sh".to_owned()];
        let started = launch(&mut job, &argv).unwrap();
        assert_eq!(started.program, job.place.cwd.join("./agent.sh"));
        let refusal = launch(&mut job, &[]).unwrap_err();
        assert_eq!(refusal.fault, Fault::Missing);
    }
}
