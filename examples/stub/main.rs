//! Runs a command beside the tests' stand-in for claude's service, for what is tried with the real claude and no key.
//!
//!     cargo run --example stub -- COMMAND [ARGUMENT...]
//!
//! The command finds the service in `ANTHROPIC_BASE_URL` and a key for it; each session is answered with one commit and
//! a last word. Its exit code is the command's; where that is 0 and nobody called, or something went wrong here, 1.
#![expect(clippy::print_stderr, clippy::disallowed_methods, reason = "an example runs programs")]

use std::process::{Command, ExitCode};

#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../../tests/support/stub/mod.rs"]
mod stub;

use stub::{Step, Stub};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let Some(program) = args.next() else {
        eprintln!("stub: say which command is to be run");
        return ExitCode::from(2);
    };
    let stub = Stub::start();
    let work =
        "echo done > \"$SWARMDIR_TASK.txt\" && git add -A && git commit -qm 'As it was asked'";
    stub.script("example", [Step::bash(work), Step::text("It is committed.")]);
    let mut command = Command::new(&program);
    command.args(args).env("ANTHROPIC_BASE_URL", stub.url("example"));
    command.env("ANTHROPIC_API_KEY", "dummy").env("CLAUDE_CODE_MAX_RETRIES", "1");
    let status = match command.status() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("stub: cannot run {program:?}: {error}");
            return ExitCode::from(2);
        }
    };
    let (calls, problems) = (stub.served("example").calls, stub.problems());
    eprintln!("stub: {calls} calls");
    problems.iter().for_each(|problem| eprintln!("stub: {problem}"));
    match status.code() {
        Some(0) if calls == 0 || !problems.is_empty() => ExitCode::FAILURE,
        code => {
            code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}
