//! Any program as an agent: the prompt on standard input, and where `{prompt}` stands in an argument.
//!
//! There is no shell in between: an argument stays one argument. A program that speaks stream-json (a
//! script around claude) is understood like claude itself.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::sys::process::Signal;

use crate::agent::launch::{Agent, Launch, Verdict};
use crate::agent::supervise::state::Plan;
use crate::agent::{Job, Missing, Refusal};
use crate::domain::outcome::disposition::Fault;

/// Replaced by the prompt.
const PLACE: &str = "{prompt}";

/// Any program.
pub(in crate::agent) struct Command<'a> {
    /// It and its arguments.
    pub(in crate::agent) argv: &'a [String],
}

impl Agent for Command<'_> {
    fn program(&self) -> Result<PathBuf, Missing> {
        let name = self.argv.first().map_or("", String::as_str);
        Missing::unless_found(name, "look at argv of this agent in swarm.toml")
    }

    fn launch(&self, job: &Job, env: Vec<(OsString, OsString)>) -> Result<Launch, Refusal> {
        let [name, rest @ ..] = self.argv else {
            return Err(Refusal::new(Fault::Missing, "argv of this agent is empty"));
        };
        if self.argv.iter().any(|arg| arg.contains(PLACE)) && job.request.prompt.contains('\0') {
            let detail = "a prompt with a NUL byte cannot be an argument";
            return Err(Refusal::new(Fault::Error, detail));
        }
        // A relative path with a slash is the tree's own: `./agent.sh` is the one that was checked out.
        let own = name.contains('/').then(|| job.place.cwd.join(name));
        Ok(Launch {
            program: own.map_or_else(|| self.program(), Ok)?,
            argv0: name.into(),
            args: rest.iter().map(|arg| arg.replace(PLACE, &job.request.prompt).into()).collect(),
            input: None,
            env,
            plan: Plan::mute(job),
            death_signal: Signal::SIGKILL,
            group: true,
            verdict: Verdict::ExitCode,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::supervise::run::tests::job;

    #[test]
    fn the_prompt_is_one_argument_whatever_it_holds() {
        let job = job("a b; rm -rf / \"$(x)\" {prompt}");
        let argv = ["/bin/echo", "--task={prompt}", "{prompt}", "{ prompt }"].map(str::to_owned);
        let launch = Command { argv: &argv }.launch(&job, Vec::new()).unwrap();
        assert_eq!(launch.program, std::path::Path::new("/bin/echo"));
        assert_eq!(launch.args.len(), 3);
        assert_eq!(launch.args[0], OsString::from(format!("--task={}", job.request.prompt)));
        assert_eq!(launch.args[1], OsString::from(&job.request.prompt));
        assert_eq!(launch.args[2], "{ prompt }");
    }

    #[test]
    fn a_relative_path_is_the_trees_own() {
        let job = job("x");
        let argv = ["./agent.sh".to_owned()];
        let launch = Command { argv: &argv }.launch(&job, Vec::new()).unwrap();
        assert_eq!(launch.program, job.place.cwd.join("./agent.sh"));
        let refusal = Command { argv: &[] }.launch(&job, Vec::new()).unwrap_err();
        assert_eq!(refusal.fault, Fault::Missing);
    }
}
