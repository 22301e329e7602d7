//! Processes of a test: the real programs, started in groups of their own, talking to files.
//!
//! Invariant: nothing that a test started outlives it, whatever becomes of the test.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::deadline::{DEADLINE, wait_within};

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// The exit code, as a shell shows it.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Asserts the exit code; returns itself to go on.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Done {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The one word on stdout, without its line end.
    pub(crate) fn word(&self) -> &str {
        self.out.trim_end()
    }
}

/// A process that runs.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Starts a command; its output goes to two files named `name` in `dir`.
    pub(crate) fn start(command: &mut Command, dir: &Path, name: &str) -> Running {
        let (out, err) = (dir.join(format!("{name}.out")), dir.join(format!("{name}.err")));
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let child = command.process_group(0).spawn().expect("the program starts");
        Running { child, out, err }
    }

    /// With nothing on its standard input.
    pub(crate) fn quiet(command: &mut Command, dir: &Path, name: &str) -> Running {
        Running::start(command.stdin(Stdio::null()), dir, name)
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it runs");
    }

    /// What it has said so far on stderr.
    pub(crate) fn err(&self) -> String {
        fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// What it has said so far on stdout.
    pub(crate) fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Whether it goes on.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Done {
        self.end_within(DEADLINE)
    }

    /// Waits for the end of something that has much to do.
    #[track_caller]
    pub(crate) fn end_slowly(self) -> Done {
        self.end_within(10 * DEADLINE)
    }

    #[track_caller]
    fn end_within(mut self, limit: Duration) -> Done {
        let (out, err) = (self.out.clone(), self.err.clone());
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let never = format!("the end of process {} (see {})", self.pid(), text(&err));
        let status = wait_within(limit, never, || self.child.try_wait().unwrap());
        Done { status, out: text(&out), err: text(&err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.runs() {
            let _gone_already = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
            let _ended = self.child.wait();
        }
    }
}

/// Living processes whose environment has this variable, or that stand in this directory.
pub(crate) fn processes_of(mark: &str, dir: &Path) -> Vec<(i32, String)> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = i32::try_from(std::process::id()).unwrap();
    let ours = |pid: &i32| {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let env = fs::read(proc.join("environ")).unwrap_or_default();
        let marked = env.split(|byte| *byte == 0).any(|var| var == mark.as_bytes());
        marked || fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir))
    };
    let named = |pid: i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        (pid, String::from_utf8_lossy(&line).replace('\0', " "))
    };
    pids.filter(|pid| *pid != own).filter(ours).map(named).collect()
}

/// Whether a process lives (a corpse that nobody waited for does not).
pub(crate) fn alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}
