//! Starting a child so that nothing of ours leaks into it and it does not outlive us.
//!
//! The child leads a session of its own, dies with the *thread* that started it, has ordinary signal
//! dispositions, our limits, exactly the given environment and no descriptor but 0, 1 and 2. It knows
//! nothing of agents. Invariant: only [`Child::reap`] takes the exit status of a child from here.

use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::cgroup::CgroupEntry;
use super::rlimit::Rlimit;
use super::vfork::{self, ChildPlan, ChildStage, Strings};

/// What to start.
#[derive(Debug)]
pub struct SpawnRequest<'a> {
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
    /// Its arguments and environment are longer than the kernel takes, or hold a NUL byte.
    Arguments,
    /// It could not be put into its control group.
    Cgroup,
    /// The system had no process, memory or descriptor left, or refused otherwise.
    System,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.at {
            SpawnStep::Directory => "its directory is missing",
            SpawnStep::Input => "its input could not be prepared",
            SpawnStep::Program => "the program cannot be executed",
            SpawnStep::Arguments => "its arguments cannot be passed on",
            SpawnStep::Cgroup => "its control group cannot be entered",
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
    pid: Pid,
    stdout: Option<PipeReader>,
    ended: OwnedFd,
}

/// Starts a child. It dies with the calling thread, which therefore has to be one that stays.
pub fn spawn(order: &SpawnRequest<'_>) -> Result<Child, SpawnError> {
    spawn_in(&CgroupEntry::default(), order)
}

/// The same in a control group, by the entrance that [`super::cgroup::Cgroup::hold`] gave. It dies with the group, then.
pub fn spawn_in(entrance: &CgroupEntry, order: &SpawnRequest<'_>) -> Result<Child, SpawnError> {
    let stdin = input(order.stdin).map_err(failed(SpawnStep::Input))?;
    let (stdout, writer) = io::pipe().map_err(failed(SpawnStep::System))?;
    let stdio = [stdin.as_fd(), writer.as_fd(), order.stderr.as_fd()];
    let plan =
        plan(order, entrance, stdio).map_err(|errno| failed(SpawnStep::Arguments)(errno.into()))?;
    let pid = vfork::start(&plan).map_err(|(stage, errno)| SpawnError {
        at: match (stage, errno) {
            (ChildStage::Directory, _) => SpawnStep::Directory,
            (ChildStage::Cgroup, _) => SpawnStep::Cgroup,
            (ChildStage::Exec, Errno::E2BIG) => SpawnStep::Arguments,
            (
                ChildStage::Exec,
                Errno::ENOENT | Errno::EACCES | Errno::ENOEXEC | Errno::ENOTDIR | Errno::ELOOP,
            ) => SpawnStep::Program,
            _ => SpawnStep::System,
        },
        source: errno.into(),
    })?;
    let ended = end_of(pid.as_raw()).map_err(|source| {
        // Without a way to see its end there is no supervising it.
        super::process::kill_hard(pid.as_raw());
        // The child is only buried.
        status(pid);
        failed(SpawnStep::System)(source)
    })?;
    Ok(Child { pid, stdout: Some(stdout), ended })
}

fn plan<'a>(
    order: &'a SpawnRequest<'_>,
    entrance: &'a CgroupEntry,
    stdio: [BorrowedFd<'a>; 3],
) -> Result<ChildPlan<'a>, Errno> {
    let c_string = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| Errno::EINVAL);
    let mut argv = Strings::default();
    argv.push(&[order.argv0.as_bytes()])?;
    order.args.iter().try_for_each(|arg| argv.push(&[arg.as_bytes()]))?;
    let mut env = Strings::default();
    order
        .env
        .iter()
        .try_for_each(|(key, value)| env.push(&[key.as_bytes(), b"=", value.as_bytes()]))?;
    Ok(ChildPlan {
        program: c_string(order.program.as_os_str())?,
        argv,
        env,
        cwd: c_string(order.cwd.as_os_str())?,
        stdio,
        death_signal: order.death_signal,
        rlimits: order.rlimits,
        entrance,
    })
}

fn failed(at: SpawnStep) -> impl FnOnce(io::Error) -> SpawnError {
    move |source| SpawnError { at, source }
}

/// Standard input as a file in memory: no thread has to feed it and any length is taken at once. It is
/// opened again for reading only, as the agent has no business to write there.
fn input(bytes: &[u8]) -> io::Result<File> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use std::os::fd::AsRawFd;
    if bytes.is_empty() {
        return File::open("/dev/null");
    }
    let mut file = File::from(memfd_create(c"prompt", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Something that becomes readable when the child has ended: its pidfd, or where the kernel has none, a
/// pipe that a waiting thread closes.
fn end_of(pid: i32) -> io::Result<OwnedFd> {
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
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(pid)), flags) == Err(Errno::EINTR) {}
}

impl Child {
    /// Its process number, which is also that of its session and group.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
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
        status(self.pid)
    }
}

/// Waits for the end of a child; `None` where its status was taken from us.
#[expect(unsafe_code, reason = "nix loses the status of a child that a real-time signal killed")]
fn status(pid: Pid) -> Option<Exit> {
    let mut raw = 0;
    loop {
        // SAFETY: the status is written to a variable of ours, and nothing else.
        match Errno::result(unsafe { libc::waitpid(pid.as_raw(), &mut raw, 0) }) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
    let status = ExitStatus::from_raw(raw);
    status.code().map(Exit::Code).or_else(|| status.signal().map(Exit::Signal))
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
