//! A helper program that is run to its end: input given at once, output captured, a bounded time.
//!
//! It leads a session of its own without a terminal, so nothing in it can ask a person, and it is asked to end when
//! the calling thread does. It knows nothing of what it runs. Invariant: when [`run`] returns, the helper and what is
//! left of its process group have ended.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::activity::spared;
use super::spawn::{self, Child, Exit, SpawnError, SpawnRequest, SpawnStep};
use super::{clock, process, ready};

/// At most so much of what a helper complains about is kept, bytes.
const COMPLAINT_MAX: usize = 64 << 10;
/// After the time is over a helper may take so long to end in order, milliseconds.
const GRACE_MS: u64 = 2_000;

/// What to run.
#[derive(Debug)]
pub struct Helper<'a> {
    /// The program's file.
    pub program: &'a Path,
    /// Its arguments, from the first on.
    pub args: &'a [OsString],
    /// All of its environment.
    pub env: &'a [(OsString, OsString)],
    /// Its directory.
    pub cwd: &'a Path,
    /// What it reads on standard input.
    pub stdin: &'a [u8],
    /// How long it may take, milliseconds.
    pub limit_ms: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct HelperOutput {
    /// How it ended.
    pub exit: Option<Exit>,
    /// It did not end in time, and was stopped.
    pub late: bool,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// The end of its standard error.
    pub stderr: Vec<u8>,
}

/// Runs it to its end.
pub fn run(helper: &Helper<'_>) -> Result<HelperOutput, SpawnError> {
    let failed = |source| SpawnError { at: SpawnStep::Input, source };
    let complaint = memfd_create(c"stderr", MFdFlags::MFD_CLOEXEC).map_err(|e| failed(e.into()))?;
    let complaint = File::from(complaint);
    let order = SpawnRequest {
        program: helper.program,
        argv0: helper.program.file_name().unwrap_or(OsStr::new("helper")),
        args: helper.args,
        env: helper.env,
        cwd: helper.cwd,
        stdin: helper.stdin,
        stderr: complaint.try_clone().map_err(failed)?,
        death_signal: process::Signal::SIGTERM,
        rlimits: &[],
    };
    let mut child = {
        // Known to others before its end can be: who takes statuses of children looks here first.
        let mut spared = spared();
        let child = spawn::spawn(&order)?;
        spared.insert(child.pid());
        child
    };
    let mut stdout = Vec::new();
    let late = !follow(&mut child, &mut stdout, clock::mono_ms() + helper.limit_ms);
    if late {
        process::tell(child.pid(), true, process::Signal::SIGTERM);
        follow(&mut child, &mut stdout, clock::mono_ms() + GRACE_MS);
    }
    // Before its number is given away: nobody else's group can have it.
    process::signal_group(child.pid(), process::Signal::SIGKILL);
    let exit = child.reap();
    spared().remove(&child.pid());
    Ok(HelperOutput { exit, late, stdout, stderr: tail(&complaint) })
}

/// Reads what it prints until it has ended; false where the time was over first.
fn follow(child: &mut Child, stdout: &mut Vec<u8>, deadline_ms: u64) -> bool {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let left_ms = deadline_ms.saturating_sub(clock::mono_ms());
        let waited = ready::wait([child.stdout(), Some(child.ended())], Some(left_ms));
        match waited.unwrap_or([false, true]) {
            // What it printed comes first; who keeps its output open after it is not waited for.
            [true, _] => {
                let count = child.read(&mut buffer);
                stdout.extend_from_slice(&buffer[..count]);
            }
            [false, true] => return true,
            [false, false] if left_ms == 0 => return false,
            [false, false] => {}
        }
    }
}

fn tail(file: &File) -> Vec<u8> {
    let length = file.metadata().map_or(0, |meta| meta.len());
    let from = length.saturating_sub(COMPLAINT_MAX as u64);
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or(0)];
    let count = file.read_at(&mut bytes, from).unwrap_or(0);
    bytes.truncate(count);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, stdin: &[u8], limit_ms: u64) -> HelperOutput {
        let args = ["-c".into(), script.into()];
        let (program, cwd) = (Path::new("/bin/sh"), Path::new("/"));
        run(&Helper { program, args: &args, env: &[], cwd, stdin, limit_ms }).unwrap()
    }

    #[test]
    fn input_output_and_complaints_are_passed() {
        let answer = sh("cat; echo no >&2; exit 3", b"yes", 60_000);
        assert_eq!((answer.exit, answer.late), (Some(Exit::Code(3)), false));
        assert_eq!((answer.stdout, answer.stderr), (b"yes".to_vec(), b"no\n".to_vec()));
    }

    #[test]
    fn a_large_output_is_read_while_it_runs() {
        let answer = sh("head -c 3000000 /dev/zero", b"", 60_000);
        assert_eq!(answer.stdout.len(), 3_000_000);
    }

    #[test]
    fn whoever_takes_too_long_is_stopped_with_all_it_started() {
        let answer = sh("sleep 600 & sleep 600", b"", 50);
        assert!(answer.late && matches!(answer.exit, Some(Exit::Signal(_))), "{answer:?}");
    }

    #[test]
    fn what_keeps_the_output_open_is_not_waited_for() {
        let answer = sh("setsid sleep 2 & echo done", b"", 60_000);
        assert_eq!(answer.stdout, b"done\n");
    }
}
