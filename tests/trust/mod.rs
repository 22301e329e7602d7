//! What came with a clone runs nothing until the user says so: real clones, other owners, agents that edit settings.
//!
//! Every program that a stranger's files name writes to one file, so that one question tells whether any of them ran.

mod changes;
mod clones;
mod command;
mod named;
mod own;
mod owners;
mod search;
mod tasks;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// A place with a stranger's repository in `up` and an empty `repo`, the root.
pub(super) struct Place {
    pub(super) swarm: Swarm,
}

impl Place {
    /// The stranger's repository holds settings that run programs at every opportunity, and a tool.
    pub(super) fn new() -> Place {
        let place = Place { swarm: Swarm::empty() };
        let up = place.up();
        fs::create_dir(&up).unwrap();
        place.git(&up, &["init", "--quiet", "--initial-branch=main"]);
        place.git(&up, &["config", "uploadpack.allowFilter", "true"]);
        fs::write(up.join("README"), "start\n").unwrap();
        place.write_tool(&up.join("tool"));
        fs::write(up.join("swarm.toml"), place.settings("agent")).unwrap();
        place.commit(&up, "stranger");
        place
    }

    pub(super) fn up(&self) -> PathBuf {
        self.swarm.beside("up")
    }

    /// What programs of the stranger's write to.
    fn mark(&self) -> PathBuf {
        self.swarm.beside("ran")
    }

    /// Settings whose every program leaves a mark; the agent's says `word`.
    pub(super) fn settings(&self, word: &str) -> String {
        let ran = self.mark().display().to_string();
        format!(
            "agent = \"a\"\nagents = 1\ndurability = \"relaxed\"\ndrain_wait = \"0s\"\ntrust_repository = true\n\
             setup = \"echo setup >> {ran}\"\n\
             [agent.claude]\nkind = \"claude\"\nprogram = \"./tool\"\n\
             [agent.a]\nkind = \"command\"\nworktree = false\nargv = [\"sh\", \"-c\", \"echo {word} >> {ran}\"]\n"
        )
    }

    pub(super) fn write_tool(&self, path: &Path) {
        let text = format!(
            "#!/bin/sh\necho tool >> {}\necho '2.1.328 (Claude Code)'\n",
            self.mark().display()
        );
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[track_caller]
    pub(super) fn git(&self, dir: &Path, args: &[&str]) -> String {
        let who = [
            "-c",
            "user.name=S",
            "-c",
            "user.email=s@localhost",
            "-c",
            "protocol.file.allow=always",
        ];
        self.swarm.git_in(dir, &[&who, args].concat())
    }

    #[track_caller]
    pub(super) fn commit(&self, dir: &Path, message: &str) {
        self.git(dir, &["add", "--all"]);
        self.git(dir, &["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// Clones the stranger's repository to the root.
    #[track_caller]
    pub(super) fn clone(&self) -> PathBuf {
        self.clone_with(&[])
    }

    #[track_caller]
    pub(super) fn clone_with(&self, flags: &[&str]) -> PathBuf {
        let url = format!("file://{}", self.up().display());
        let root = self.swarm.root().to_owned();
        let all = [&["clone", "--quiet"], flags, &[&url, root.to_str().unwrap()]].concat();
        self.git(&self.swarm.beside(""), &all);
        root
    }

    /// `coordinator ARGS` in a directory.
    #[track_caller]
    pub(super) fn coordinator(&self, dir: &Path, args: &[&str]) -> crate::support::running::Done {
        self.swarm.start(self.swarm.command(COORDINATOR).current_dir(dir).args(args)).end()
    }

    /// Drops a file into the root's queue by hand.
    pub(super) fn drop(&self, root: &Path, name: &str) {
        let pending = root.join("queue/pending");
        fs::create_dir_all(&pending).unwrap();
        fs::write(pending.join(name), "do it\n").unwrap();
    }

    /// The programs of the stranger's that ran since the last question.
    pub(super) fn ran(&self) -> String {
        let text = fs::read_to_string(self.mark()).unwrap_or_default();
        fs::remove_file(self.mark()).ok();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Every command works, says once that the settings are not used, and runs nothing; what runs agents refuses.
    #[track_caller]
    pub(super) fn assert_untrusted(&self, root: &Path, kind: &str) {
        self.drop(root, "hand.md");
        let said = self.coordinator(root, &["config"]).exits(0);
        assert_eq!(said.err.matches("is not trusted").count(), 1, "{kind}: {}", said.err);
        assert!(
            said.err.contains("coordinator trust") && !said.out.contains("echo setup"),
            "{kind}"
        );
        for args in [&["init"][..], &["status"], &["doctor"], &["add", "-m", "x"], &["check"]] {
            let said = self.coordinator(root, args);
            assert!(said.err.contains("is not trusted"), "{kind} {args:?}: {}", said.err);
        }
        for (program, args) in
            [(COORDINATOR, ["--drain", "--quiet"]), (WORKER, ["--drain", "--color=never"])]
        {
            let mut command = self.swarm.command(program);
            let said = self.swarm.start(command.current_dir(root).args(args)).end().exits(77);
            let helps =
                said.err.contains("is not trusted") && said.err.contains("coordinator trust");
            assert!(helps, "{kind}: {}", said.err);
        }
        assert_eq!(self.ran(), "", "{kind}");
    }

    /// A dropped task is worked on by the settings' own agent, without a question.
    #[track_caller]
    pub(super) fn assert_in_force(&self, root: &Path, word: &str, kind: &str) {
        self.drop(root, "hand.md");
        let said = self.coordinator(root, &["--drain"]).exits(0);
        assert!(!said.err.contains("trust"), "{kind}: {}", said.err);
        assert_eq!(self.ran(), word, "{kind}");
    }
}
