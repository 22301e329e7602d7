//! A swarm in a directory that goes away: a repository, a queue, the real programs, and short words for both.
//!
//! Nothing of the machine leaks in: HOME is empty, git has no settings but the repository's. Invariant: when
//! a test ends well, its queue is sound and no process of it is left.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use swarmdir::domain::event::EventLine;

use super::deadline::{wait_for, wait_until};
use super::running::{Done, Running};

pub(crate) const COORDINATOR: &str = env!("CARGO_BIN_EXE_coordinator");
pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_worker");

/// What every test's `swarm.toml` says: the task's text is a shell script, and nothing takes long.
const TOP: [(&str, &str); 4] = [
    ("default_agent", "\"sh\""),
    ("durability", "\"relaxed\""),
    ("drain_wait", "\"0s\""),
    ("timeouts", "{ interrupt_grace = \"300ms\", terminate_grace = \"300ms\" }"),
];
const TABLES: &str = r#"
[agent.sh]
kind = "command"
argv = ["sh"]
[agent.scratch]
kind = "command"
argv = ["sh"]
worktree = false
"#;

pub(crate) struct Swarm {
    _dir: tempfile::TempDir,
    root: PathBuf,
    started: Cell<u32>,
}

impl Swarm {
    /// A repository with one commit, and the usual settings.
    pub(crate) fn new() -> Swarm {
        Swarm::with("")
    }

    /// The usual settings after these lines (keys of the top level first, tables after them).
    pub(crate) fn with(lines: &str) -> Swarm {
        Swarm::within(&std::env::temp_dir(), lines)
    }

    /// The same in this directory.
    pub(crate) fn within(parent: &Path, lines: &str) -> Swarm {
        Swarm::empty_in(parent).into_repository(lines)
    }

    /// Makes an empty root a repository with one commit; the usual settings after these lines.
    pub(crate) fn into_repository(self, lines: &str) -> Swarm {
        let swarm = self;
        swarm.git(&["init", "--quiet", "--initial-branch=main"]);
        swarm.git(&["config", "user.name", "Tess"]);
        swarm.git(&["config", "user.email", "tess@localhost"]);
        let hidden = "/queue/\n/.swarmdir/\n/interrupt\n/swarm.toml\n";
        fs::write(swarm.root.join(".git/info/exclude"), hidden).unwrap();
        fs::write(swarm.root.join("README"), "start\n").unwrap();
        swarm.git(&["add", "-A"]);
        // What a commit starts on the side would go on in a place that a test may soon unmount or remove.
        swarm.git(&["-c", "maintenance.auto=false", "commit", "--quiet", "-m", "start"]);
        swarm.settings(lines);
        swarm
    }

    /// A directory with nothing in it.
    pub(crate) fn empty() -> Swarm {
        Swarm::empty_in(&std::env::temp_dir())
    }

    /// The same, where the test wants it.
    pub(crate) fn empty_in(place: &Path) -> Swarm {
        let dir = tempfile::Builder::new().prefix("swarm-").tempdir_in(place).unwrap();
        let root = dir.path().canonicalize().unwrap().join("repo");
        for made in [root.clone(), dir.path().join("home"), dir.path().join("marks")] {
            fs::create_dir(made).unwrap();
        }
        Swarm { _dir: dir, root, started: Cell::new(0) }
    }

    /// Writes `swarm.toml`: these lines, and the usual ones whose keys they do not set.
    pub(crate) fn settings(&self, lines: &str) {
        self.past_the_last_attempt();
        let lines = format!("\n{lines}\n");
        let (top, tables) = lines.split_at(lines.find("\n[").unwrap_or(lines.len()));
        let mut text = format!("{top}\n");
        for (key, value) in TOP {
            if !top.lines().any(|line| line.split(['=', '.']).next().unwrap_or("").trim() == key) {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        fs::write(self.root.join("swarm.toml"), format!("{text}{tables}{TABLES}")).unwrap();
    }

    /// Waits until the file system's clock, which ticks in milliseconds, is past the end of every attempt that has
    /// ended: settings that change in the tick of one's end count as changed by its agent.
    fn past_the_last_attempt(&self) {
        let time = |path: PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let entries = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
        let attempts = entries(self.at("queue/runs")).flat_map(|run| entries(run.path()));
        let ends = attempts.filter_map(|attempt| time(attempt.path().join("result.json")));
        let Some(last) = ends.max() else { return };
        wait_until("the file system's clock goes on", || {
            fs::write(self.beside("now"), "").unwrap();
            time(self.beside("now")) > Some(last)
        });
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the root.
    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// A path beside the root.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.parent().unwrap().join(name)
    }

    /// A command in the test's own surroundings, standing in the root.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.root).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
        command.env("HOME", self.beside("home")).env("SWARM_E2E", &self.root);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("TMPDIR", self.root.parent().unwrap()).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Starts a command of [`Swarm::command`] (or one like it).
    pub(crate) fn start(&self, command: &mut Command) -> Running {
        self.started.set(self.started.get() + 1);
        Running::quiet(command, self.root.parent().unwrap(), &format!("p{}", self.started.get()))
    }

    pub(crate) fn start_coordinator(&self, args: &[&str]) -> Running {
        self.start(self.command(COORDINATOR).args(args))
    }

    pub(crate) fn start_worker(&self, args: &[&str]) -> Running {
        self.start(self.command(WORKER).args(args))
    }

    /// `coordinator ARGS`, to its end.
    #[track_caller]
    pub(crate) fn coordinator(&self, args: &[&str]) -> Done {
        self.start_coordinator(args).end()
    }

    /// `worker ARGS`, to its end.
    #[track_caller]
    pub(crate) fn worker(&self, args: &[&str]) -> Done {
        self.start_worker(args).end()
    }

    /// `worker --drain`, which has to end well.
    #[track_caller]
    pub(crate) fn drain(&self) {
        self.worker(&["--drain"]).exits(0);
    }

    /// `worker --drain`, which has to end with this code, however long a back-off makes it wait.
    #[track_caller]
    pub(crate) fn drain_to(&self, code: i32) {
        self.start_worker(&["--drain"]).end_slowly().exits(code);
    }

    /// Drops a file into `pending/`, as `mv` would.
    pub(crate) fn drop(&self, name: impl AsRef<OsStr>, text: impl AsRef<[u8]>) -> PathBuf {
        let pending = self.pending();
        let staged = self.beside("staged");
        fs::write(&staged, text).unwrap();
        let path = pending.join(name.as_ref());
        fs::rename(staged, &path).unwrap();
        path
    }

    /// `queue/pending`, made where it is missing.
    pub(crate) fn pending(&self) -> PathBuf {
        let pending = self.at("queue/pending");
        fs::create_dir_all(&pending).unwrap();
        pending
    }

    /// `coordinator ARGS --json`, parsed.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let done = self.coordinator(&[args, &["--json"]].concat());
        serde_json::from_str(&done.out)
            .unwrap_or_else(|e| panic!("{args:?} {e}: {:?} {}", done.out, done.err))
    }

    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        self.json(&["status"])
    }

    #[track_caller]
    pub(crate) fn show(&self, task: &str) -> Value {
        self.json(&["show", task])
    }

    /// The counts of `status` that are not zero, as `done 2, failed 1`.
    #[track_caller]
    pub(crate) fn counts(&self) -> String {
        let status = self.status();
        let counts = status["counts"].as_object().unwrap().iter();
        let counts = counts.filter(|(_, n)| **n != 0).map(|(state, n)| format!("{state} {n}"));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// Every event of every journal, in the order of time.
    pub(crate) fn events(&self) -> Vec<EventLine> {
        let read = |name: String| fs::read_to_string(self.at("queue/log").join(name)).unwrap();
        let texts: Vec<String> = self.names("log").into_iter().map(read).collect();
        let lines = texts.iter().flat_map(|text| text.lines());
        let mut events: Vec<EventLine> = lines.filter_map(EventLine::parse).collect();
        events.sort_by_key(|line| line.at_ms);
        events
    }

    /// Names in a directory of the queue, sorted.
    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at("queue").join(dir)).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| {
            String::from_utf8_lossy(entry.file_name().as_bytes()).into_owned()
        };
        let mut names: Vec<String> =
            entries.map(name).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// Where a task is, by its slug: a directory of the queue and its name there.
    pub(crate) fn place(&self, slug: &str) -> Option<(&'static str, String)> {
        let part = format!("-{slug}-");
        for dir in ["ready", "blocked", "done", "failed", "cancelled", "rejected"] {
            if let Some(name) = self.names(dir).into_iter().find(|name| name.contains(&part)) {
                return Some((dir, name));
            }
        }
        None
    }

    /// Waits until a task is in a directory; returns its name there. On its way through the intake it is in none.
    #[track_caller]
    pub(crate) fn wait_in(&self, dir: &str, slug: &str) -> String {
        let what = format!("{slug} in {dir}/");
        let is_there = |(at, name): &(&str, String)| *at == dir && !name.ends_with("~intake");
        wait_for(what, || self.place(slug).filter(is_there).map(|(_, name)| name))
    }

    /// Waits until so many tasks are in a directory.
    #[track_caller]
    pub(crate) fn wait_count(&self, dir: &str, count: usize) {
        let there = || self.names(dir).into_iter().filter(|name| !name.ends_with("~intake"));
        wait_until(format!("{count} in {dir}/"), || there().count() >= count);
    }

    /// A line of shell: says that it has come so far, and goes on when [`Swarm::let_go`] says so.
    pub(crate) fn holds(&self, name: &str) -> String {
        let marks = self.beside("marks");
        let marks = marks.display();
        format!(
            "echo $$ > {marks}/.{name}; mv {marks}/.{name} {marks}/{name}; until [ -e {marks}/{name}.go ]; do sleep 0.05; done\n"
        )
    }

    /// Waits until a script came to its [`Swarm::holds`]; returns its process.
    #[track_caller]
    pub(crate) fn wait_held(&self, name: &str) -> i32 {
        let mark = self.beside("marks").join(name);
        wait_for(name, || fs::read_to_string(&mark).ok()?.trim().parse().ok())
    }

    /// Lets a script go on.
    pub(crate) fn let_go(&self, name: &str) {
        fs::write(self.beside("marks").join(format!("{name}.go")), "").unwrap();
    }

    /// Runs git in the root, which has to succeed.
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.root, args)
    }

    #[track_caller]
    pub(crate) fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let output = self.command("git").current_dir(dir).args(args).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {err}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Stops whatever runs, now, by the program's own command.
    #[track_caller]
    pub(crate) fn stop_now(&self) {
        self.coordinator(&["stop", "--now"]).exits(0);
    }
}
