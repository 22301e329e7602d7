//! Any program as an agent: the prompt on standard input, and where `{prompt}` stands in an argument.
//!
//! There is no shell in between: an argument stays one argument. A program that speaks stream-json (a
//! script around claude) is understood like claude itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::sys::process::Signal;

use super::launch::{Launch, Verdict};
use super::supervise::Plan;
use super::{Job, Refusal, find};
use crate::domain::outcome::Fault;

/// Replaced by the prompt.
const PLACE: &str = "{prompt}";

pub(super) fn prepare(
    job: &Job,
    argv: &[String],
    env: Vec<(OsString, OsString)>,
) -> Result<Launch, Refusal> {
    let [name, rest @ ..] = argv else {
        return Err(Refusal::new(Fault::Missing, "argv of this agent is empty"));
    };
    if argv.iter().any(|arg| arg.contains(PLACE)) && job.prompt.contains('\0') {
        return Err(Refusal::new(Fault::Error, "a prompt with a NUL byte cannot be an argument"));
    }
    Ok(Launch {
        program: program(job, name)?,
        argv0: name.into(),
        args: rest.iter().map(|arg| arg.replace(PLACE, &job.prompt).into()).collect(),
        env,
        plan: Plan::mute(job),
        death_signal: Signal::SIGKILL,
        group: true,
        verdict: Verdict::ExitCode,
    })
}

/// A relative path with a slash is the tree's own: `./agent.sh` is the one that was checked out.
fn program(job: &Job, name: &str) -> Result<PathBuf, Refusal> {
    if name.contains('/') {
        return Ok(job.cwd.join(Path::new(name)));
    }
    find(&job.kind)
        .map_err(|missing| Refusal::new(Fault::Missing, format!("{missing}: {}", missing.hint)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::run::tests::job;

    #[test]
    fn the_prompt_is_one_argument_whatever_it_holds() {
        let job = job("a b; rm -rf / \"$(x)\" {prompt}");
        let argv = ["/bin/echo", "--task={prompt}", "{prompt}", "{ prompt }"].map(str::to_owned);
        let launch = prepare(&job, &argv, Vec::new()).unwrap();
        assert_eq!(launch.program, Path::new("/bin/echo"));
        assert_eq!(launch.args.len(), 3);
        assert_eq!(launch.args[0], OsString::from(format!("--task={}", job.prompt)));
        assert_eq!(launch.args[1], OsString::from(&job.prompt));
        assert_eq!(launch.args[2], "{ prompt }");
    }

    #[test]
    fn a_relative_path_is_the_trees_own() {
        let job = job("x");
        assert_eq!(program(&job, "./agent.sh").unwrap(), job.cwd.join("./agent.sh"));
        assert_eq!(prepare(&job, &[], Vec::new()).unwrap_err().fault, Fault::Missing);
    }
}
