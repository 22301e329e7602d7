//! Jobs for agents, in a directory that goes away with the test.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use swarmdir::agent::program;
use swarmdir::agent::{AttemptFiles, Bounds, Job, Progress, Report, Request, RunPlace, Session};
use swarmdir::domain::settings::limits::Limits;
use swarmdir::domain::settings::programs::AgentKind;
use swarmdir::domain::settings::timeouts::Timeouts;
use swarmdir::sys::random;
use tempfile::TempDir;

/// Short deadlines.
const TIMEOUTS: Timeouts = Timeouts {
    startup_ms: 30_000,
    silence_ms: 30_000,
    wall_ms: 60_000,
    after_result_ms: 5_000,
    interrupt_grace_ms: 5_000,
    terminate_grace_ms: 5_000,
    setup_ms: 1_000,
};

/// A place for one attempt.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("tree")).expect("made");
        Place { dir }
    }

    /// The agent's directory.
    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    /// Another path beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What stands in a file of the agent's directory.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.tree().join(name)).unwrap_or_default()
    }

    /// A job for this kind of agent with short deadlines.
    pub(crate) fn job(&self, kind: AgentKind, prompt: &str) -> Job {
        let own = |name: &str| self.dir.path().join(name);
        Job {
            kind,
            request: Request {
                prompt: prompt.to_owned(),
                session: random::uuid(),
                max_turns: 50,
                max_budget_usd: 10.0,
                allowed_tools: ["Bash", "Read", "Edit", "Write"].map(str::to_owned).into(),
                instructions: "Be brief.".into(),
                ..Request::default()
            },
            place: RunPlace {
                cwd: self.tree(),
                env: vec![("SWARMDIR_TASK".into(), "try-it".into())],
                env_deny: Vec::new(),
                files: AttemptFiles {
                    events: own("events.jsonl"),
                    stderr: own("stderr"),
                    private: own("private"),
                },
            },
            bounds: Bounds { limits: Limits::DEFAULT, timeouts: TIMEOUTS, group: None },
            rules: Vec::new(),
            demo_argv: demo_argv(),
        }
    }

    pub(crate) fn demo(&self, script: &str) -> Job {
        self.job(program::kind("demo").expect("it is there"), script)
    }

    pub(crate) fn sh(&self, script: &str, prompt: &str) -> Job {
        let argv = ["sh", "-c", script].map(str::to_owned).into();
        self.job(program::command(argv), prompt)
    }

    /// Makes the agent's directory a git repository with one commit.
    pub(crate) fn repository(&self) {
        git(&self.tree(), &["init", "--quiet", "--initial-branch=main"]);
        git(&self.tree(), &["config", "user.name", "T"]);
        git(&self.tree(), &["config", "user.email", "t@localhost"]);
        git(&self.tree(), &["commit", "--quiet", "--allow-empty", "-m", "start"]);
    }

    /// Subjects of the commits, newest first.
    pub(crate) fn log(&self) -> Vec<String> {
        git(&self.tree(), &["log", "--format=%s"]).lines().map(str::to_owned).collect()
    }
}

/// The demo agent as a program.
pub(crate) fn demo_argv() -> Vec<OsString> {
    vec![env!("CARGO_BIN_EXE_coordinator").into(), "demo-agent".into()]
}

/// Runs git and gives its output.
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new("git").arg("-C").arg(dir).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a job and forgets the signs of life.
pub(crate) fn run(job: &Job) -> Report {
    Session::new().run(job, &mut |_| {})
}

/// Runs a job and acts once, at the first sign of life that `when` accepts.
pub(crate) fn run_until(
    job: &Job,
    when: impl Fn(&Progress) -> bool,
    act: impl FnOnce(&swarmdir::agent::Remote),
) -> Report {
    let session = Session::new();
    let remote = session.remote();
    let mut act = Some(act);
    session.run(job, &mut |progress| {
        if when(progress)
            && let Some(act) = act.take()
        {
            act(&remote);
        }
    })
}
