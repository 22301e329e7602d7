//! Where the measuring happens: directories, roots, programs, medians.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The settings of a run, and its directory.
pub(crate) struct Lab {
    dir: tempfile::TempDir,
    pub(crate) quick: bool,
}

impl Lab {
    pub(crate) fn new(dir: &Path, quick: bool) -> Lab {
        std::fs::create_dir_all(dir).unwrap();
        let dir = dir.canonicalize().unwrap();
        Lab {
            dir: tempfile::Builder::new().prefix("swarmdir-bench.").tempdir_in(dir).unwrap(),
            quick,
        }
    }

    /// `usual`, or `quick` in a quick run.
    pub(crate) fn size(&self, usual: usize, quick: usize) -> usize {
        if self.quick { quick } else { usual }
    }

    /// A new empty directory.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        let n = std::fs::read_dir(self.dir.path()).unwrap().count();
        let path = self.dir.path().join(format!("{n}-{name}"));
        std::fs::create_dir(&path).unwrap();
        path
    }

    pub(crate) fn describe(&self) -> String {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model =
            cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let file_system =
            output(Command::new("stat").args(["-f", "-c", "%T"]).arg(self.dir.path()));
        format!(
            "{} × {}, Linux {}, {} on {}, load {}{}",
            std::thread::available_parallelism().map_or(0, usize::from),
            model.unwrap_or("unknown processor"),
            kernel.trim(),
            self.dir.path().parent().unwrap().display(),
            file_system.trim(),
            load(),
            if self.quick { "; QUICK: the numbers mean nothing" } else { "" },
        )
    }
}

/// A swarm's root.
pub(crate) struct Root(pub(crate) PathBuf);

impl Root {
    /// With these settings; its agent is called `bench`.
    pub(crate) fn new(path: PathBuf, durability: &str, argv: &[&str], worktree: bool) -> Root {
        let settings = format!(
            "agent = \"bench\"\ndurability = \"{durability}\"\n[agent.bench]\nkind = \"command\"\n\
             argv = {argv:?}\nworktree = {worktree}\n"
        );
        std::fs::write(path.join("swarm.toml"), settings).unwrap();
        let root = Root(path);
        done(Command::new(program("coordinator")).arg("init").arg(&root.0));
        root
    }

    /// Drops so many tasks, each with the same text.
    pub(crate) fn drop_tasks(&self, count: usize, text: &str) {
        let pending = self.0.join("queue/pending");
        for n in 0..count {
            std::fs::write(pending.join(format!("t{n:06}")), text).unwrap();
        }
    }

    /// `coordinator --agents N --drain`: how long it took for all of `count` tasks to be done.
    pub(crate) fn drain(&self, agents: usize, count: usize) -> Duration {
        let begun = Instant::now();
        let args = ["--agents", &agents.to_string(), "--drain"].map(str::to_owned);
        done(self.coordinator().args(args));
        let took = begun.elapsed();
        assert_eq!(self.names("done"), count, "not all tasks were done in {}", self.0.display());
        took
    }

    /// A coordinator that stays until it is stopped.
    pub(crate) fn stay(&self, agents: usize) -> Stopped {
        let mut command = self.coordinator();
        Stopped(command.args(["--agents", &agents.to_string()]).spawn().unwrap())
    }

    pub(crate) fn coordinator(&self) -> Command {
        let mut command = Command::new(program("coordinator"));
        command.arg("--root").arg(&self.0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// How many names a directory of the queue holds.
    pub(crate) fn names(&self, dir: &str) -> usize {
        std::fs::read_dir(self.0.join("queue").join(dir)).unwrap().count()
    }
}

/// A process that is stopped at the end.
pub(crate) struct Stopped(pub(crate) Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.0.wait().unwrap();
    }
}

/// One of our own programs: beside this one's directory.
pub(crate) fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(name)
}

/// Runs to the end, silently; it has to succeed.
pub(crate) fn done(command: &mut Command) {
    let out = command.stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// What it printed.
pub(crate) fn output(command: &mut Command) -> String {
    String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
}

/// Whether a program is installed.
pub(crate) fn installed(name: &str) -> bool {
    swarmdir::sys::env::find_program(name).is_some()
}

pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

/// The value in the middle, of those measured so far.
pub(crate) fn median(values: &[f64]) -> f64 {
    at(values, 0.5)
}

/// The value at a part of the way through the sorted ones.
pub(crate) fn at(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = ((sorted.len() - 1) as f64 * part).round() as usize;
    sorted[index]
}

/// A contender: its name, and a round of it, which returns its rate.
pub(crate) type Contender<'a> = (&'static str, Box<dyn FnMut() -> f64 + 'a>);

/// Lets the contenders take turns; the median of each.
pub(crate) fn contest(rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<(&'static str, f64)> {
    let mut rates = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (rates, (_, round)) in rates.iter_mut().zip(contenders.iter_mut()) {
            rates.push(round());
        }
    }
    contenders.iter().zip(&rates).map(|((name, _), rates)| (*name, median(rates))).collect()
}

/// Waits until something is so, looking every millisecond.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
