//! Starting a child so that nothing of ours leaks into it and it does not outlive us.
//!
//! The child leads a session of its own, dies with the *thread* that started it, has ordinary signal
//! dispositions, our limits, exactly the given environment and no descriptor but 0, 1 and 2. It knows
//! nothing of agents. Invariant: only [`Child::reap`] takes the exit status of a child from here.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{ChildStdout, Command, Output, Stdio};

use nix::libc;
use nix::sys::signal::Signal;

use super::rlimit::Rlimit;

/// What to start.
#[derive(Debug)]
pub struct Order<'a> {
    /// The program's file.
    pub program: &'a Path,
    /// What it is told that it is called.
    pub argv0: &'a OsStr,
    /// Its arguments, from the first on.
    pub args: &'a [OsString],
    /// All of its environment.
    pub env: &'a [(OsString, OsString)],
    /// Its directory.
    pub cwd: &'a Path,
    /// What it reads on standard input, then the end.
    pub stdin: &'a [u8],
    /// Where its standard error goes.
    pub stderr: File,
    /// What the kernel sends it when the calling thread ends.
    pub death_signal: Signal,
    /// Limits to set; see [`super::rlimit::plan`].
    pub rlimits: &'a [Rlimit],
}

/// Why nothing was started.
#[derive(Debug)]
pub struct SpawnError {
    /// What failed.
    pub at: SpawnStep,
    /// The system's answer.
    pub source: io::Error,
}

/// The steps of a start that fail for different reasons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnStep {
    /// The directory is not there.
    Directory,
    /// Standard input could not be prepared.
    Input,
    /// The program is missing or cannot be executed.
    Program,
    /// Its arguments and environment are longer than the kernel takes.
    Arguments,
    /// The system had no process, memory or descriptor left, or refused otherwise.
    System,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.at {
            SpawnStep::Directory => "its directory is missing",
            SpawnStep::Input => "its input could not be prepared",
            SpawnStep::Program => "the program cannot be executed",
            SpawnStep::Arguments => "its arguments are too long",
            SpawnStep::System => "the system could not start it",
        };
        write!(f, "{what}: {}", self.source)
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit {code}"),
            Exit::Signal(number) => write!(f, "signal {number}"),
        }
    }
}

/// A started child.
#[derive(Debug)]
pub struct Child {
    inner: std::process::Child,
    stdout: Option<ChildStdout>,
    ended: OwnedFd,
}

/// Starts a child. It dies with the calling thread, which therefore has to be one that stays.
pub fn spawn(order: &Order<'_>) -> Result<Child, SpawnError> {
    if !super::fs::is_dir(order.cwd) {
        return Err(failed(SpawnStep::Directory)(io::ErrorKind::NotFound.into()));
    }
    let stdin = input(order.stdin).map_err(failed(SpawnStep::Input))?;
    let stderr = order.stderr.try_clone().map_err(failed(SpawnStep::System))?;
    let mut command = Command::new(order.program);
    command.arg0(order.argv0).args(order.args).current_dir(order.cwd);
    command.env_clear().envs(order.env.iter().map(|(key, value)| (key, value)));
    command.stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    prepare_in_child(&mut command, order.death_signal, order.rlimits.to_vec());
    let mut inner = command.spawn().map_err(|source| {
        let at = match source.raw_os_error() {
            Some(libc::ENOENT | libc::EACCES | libc::ENOEXEC | libc::ENOTDIR | libc::ELOOP) => {
                SpawnStep::Program
            }
            Some(libc::E2BIG) => SpawnStep::Arguments,
            _ => SpawnStep::System,
        };
        SpawnError { at, source }
    })?;
    let stdout = inner.stdout.take();
    let ended = end_of(&inner).map_err(|source| {
        // Without a way to see its end there is no supervising it.
        let _ = inner.kill();
        let _ = inner.wait();
        failed(SpawnStep::System)(source)
    })?;
    Ok(Child { inner, stdout, ended })
}

fn failed(at: SpawnStep) -> impl FnOnce(io::Error) -> SpawnError {
    move |source| SpawnError { at, source }
}

/// Standard input as a file in memory: no thread has to feed it and any length is taken at once. It is
/// opened again for reading only, as the agent has no business to write there.
fn input(bytes: &[u8]) -> io::Result<Stdio> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use std::os::fd::AsRawFd;
    if bytes.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = File::from(memfd_create(c"prompt", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?.into())
}

#[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
fn prepare_in_child(command: &mut Command, death_signal: Signal, rlimits: Vec<Rlimit>) {
    let parent = nix::unistd::getpid();
    let prepare = move || {
        nix::unistd::setsid()?;
        nix::sys::prctl::set_pdeathsig(death_signal)?;
        if nix::unistd::getppid() != parent {
            // It died before the line above: nobody would ever stop this child.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        for limit in &rlimits {
            nix::sys::resource::setrlimit(limit.resource, limit.soft, limit.hard)?;
        }
        default_signals()?;
        close_on_exec();
        Ok(())
    };
    // SAFETY: the closure only makes system calls and touches memory that was allocated before the fork:
    // no allocation, no lock, so it is safe whatever the other threads were doing.
    unsafe { command.pre_exec(prepare) };
}

/// Gives signals their default meaning, which a shell, `nohup` or we ourselves may have changed for good,
/// and lets all of them through.
#[expect(unsafe_code, reason = "nix marks sigaction unsafe")]
fn default_signals() -> nix::Result<()> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow};
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator() {
        // SAFETY: the default action runs no code of ours. KILL and STOP refuse, having no other.
        let _ = unsafe { nix::sys::signal::sigaction(signal, &default) };
    }
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// Marks every descriptor from 3 up to be closed by exec: libraries may have opened one without the mark.
#[expect(unsafe_code, reason = "nix does not wrap close_range")]
fn close_on_exec() {
    // SAFETY: three integers; with CLOEXEC it closes nothing by itself. A kernel that does not know it
    // (before 5.11) changes nothing, and what Rust opens carries the mark anyway.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Something that becomes readable when the child has ended: its pidfd, or where the kernel has none, a
/// pipe that a waiting thread closes.
fn end_of(child: &std::process::Child) -> io::Result<OwnedFd> {
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    super::process::descriptor(pid).or_else(|_| {
        let (reader, writer) = io::pipe()?;
        std::thread::Builder::new().name("wait".into()).spawn(move || {
            see_end(pid);
            drop(writer);
        })?;
        Ok(reader.into())
    })
}

/// Blocks until the child has ended and leaves its status for [`Child::reap`].
fn see_end(pid: i32) {
    use nix::errno::Errno;
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(nix::unistd::Pid::from_raw(pid)), flags) == Err(Errno::EINTR) {}
}

impl Child {
    /// Its process number, which is also that of its session and group.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.inner.id()).unwrap_or(i32::MAX)
    }

    /// Becomes readable when it has ended.
    pub fn ended(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }

    /// Its standard output, until the end of it was read.
    pub fn stdout(&self) -> Option<BorrowedFd<'_>> {
        self.stdout.as_ref().map(AsFd::as_fd)
    }

    /// Reads what there is of its standard output; 0 is the end (also once it was read before).
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let Some(pipe) = &mut self.stdout else { return 0 };
        // A pipe's read fails for no reason that would pass.
        let count = pipe.read(buffer).unwrap_or(0);
        if count == 0 {
            self.stdout = None;
        }
        count
    }

    /// Takes its exit status; blocks unless [`Child::ended`] is readable. `None` where the status was
    /// taken from us.
    pub fn reap(&mut self) -> Option<Exit> {
        let status = self.inner.wait().ok()?;
        status.code().map(Exit::Code).or_else(|| status.signal().map(Exit::Signal))
    }
}

/// Runs a small helper program to its end, input closed and output captured. For what takes no time:
/// there is no deadline.
pub fn output(
    program: &OsStr,
    args: &[&OsStr],
    cwd: &Path,
    env: &[(&str, &str)],
) -> io::Result<Output> {
    let mut command = Command::new(program);
    command.args(args).current_dir(cwd).envs(env.iter().copied());
    command.stdin(Stdio::null()).output()
}

/// Starts a program that keeps our standard output and error, in a session of its own where asked, and
/// lets it run. Its exit status is nobody's concern.
pub fn leave_running(program: &OsStr, args: &[&OsStr], own_session: bool) -> io::Result<i32> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    if own_session {
        new_session(&mut command);
    }
    command.spawn().map(|child| i32::try_from(child.id()).unwrap_or(i32::MAX))
}

#[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
fn new_session(command: &mut Command) {
    // SAFETY: setsid is a plain system call.
    unsafe { command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
}

#[cfg(test)]
#[path = "spawn_tests.rs"]
mod tests;
