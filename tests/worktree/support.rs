//! A temporary repository, the git command line, and short ways to say what a test is about.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use swarmdir::git::{GitError, Repo};
use swarmdir::worktree::{CollectOrder, Collected, Entered, Tree, TreePool, TreeRequest};

/// A repository with one commit, and room beside it.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) root: PathBuf,
}

/// Runs git and returns what it did, whatever that was.
pub(crate) fn try_git<A: AsRef<OsStr>>(dir: &Path, args: &[A]) -> Output {
    Command::new("git")
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_EDITOR", "true")
        .output()
        .unwrap()
}

/// Runs git, which has to succeed, and returns what it printed.
pub(crate) fn git<A: AsRef<OsStr> + std::fmt::Debug>(dir: &Path, args: &[A]) -> String {
    let out = try_git(dir, args);
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "git {args:?} in {dir:?}: {err}");
    String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
}

/// Writes a file, making its directories.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The content of a file, or nothing where there is none.
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

impl World {
    pub(crate) fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("project");
        std::fs::create_dir(&root).unwrap();
        let world = World { dir, root };
        git(&world.root, &["init", "-q", "-b", "main"]);
        // A commit's maintenance would go on beside the test, and use the tree that is to be removed.
        for (key, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.org"),
            ("maintenance.autoDetach", "false"),
            ("gc.autoDetach", "false"),
        ] {
            git(&world.root, &["config", key, value]);
        }
        world.file("README", "hello\n");
        world.file("src/a.txt", "one\n");
        world.file(".gitignore", "*.cache\n/build/\n.env\n");
        world.commit("start");
        world
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        write(&self.root.join(name), text);
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        git(&self.root, &["add", "-A"]);
        git(&self.root, &["commit", "-qm", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.root, args)
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn repo(&self) -> Repo {
        Repo::discover(&self.root).unwrap()
    }

    pub(crate) fn pool(&self) -> TreePool {
        TreePool::new(self.repo(), None, "box")
    }

    pub(crate) fn trees(&self) -> PathBuf {
        self.root.with_file_name("project.swarmdir")
    }

    pub(crate) fn intent(&self, task: &str) -> PathBuf {
        let dir = self.root.with_file_name("runs");
        std::fs::create_dir_all(&dir).unwrap();
        dir.join(format!("{task}.json"))
    }

    pub(crate) fn job(&self, task: &str) -> Job {
        Job {
            intent: self.intent(task),
            task: task.into(),
            token: "1.w".into(),
            branch: format!("swarm/{task}"),
            base: self.head(),
            fixed: false,
            fresh: false,
        }
    }

    pub(crate) fn enter(&self, task: &str) -> Tree {
        self.job(task).enter(&self.pool())
    }

    /// Notes the directory of a tree as the one that was made, as its maker does.
    pub(crate) fn note_made(&self, tree: &Path) {
        use std::os::unix::fs::MetadataExt;
        let inode = std::fs::metadata(tree).unwrap().ino();
        write(&tree.with_extension("made"), format!(r#"{{"inode":{inode},"born_ns":0}}"#));
    }

    /// The commit of the files that the only salvage holds.
    pub(crate) fn salvaged_files(&self) -> String {
        let all = self.pool().salvages().unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].salvage.files.clone().unwrap()
    }

    /// What git's own check says of the whole repository.
    pub(crate) fn fsck(&self) {
        let said = self.git(&["fsck", "--full", "--strict"]);
        assert!(!said.contains("missing") && !said.contains("broken"), "{said}");
    }
}

/// An order that owns its words.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) intent: PathBuf,
    pub(crate) task: String,
    pub(crate) token: String,
    pub(crate) branch: String,
    pub(crate) base: String,
    pub(crate) fixed: bool,
    pub(crate) fresh: bool,
}

impl Job {
    pub(crate) fn try_enter(&self, pool: &TreePool) -> Result<Entered, GitError> {
        pool.enter(&TreeRequest {
            task: &self.task,
            token: &self.token,
            queue: "q",
            branch: &self.branch,
            branch_is_fixed: self.fixed,
            base_oid: &self.base,
            intent: &self.intent,
            fresh: self.fresh,
            sync: false,
        })
    }

    pub(crate) fn enter(&self, pool: &TreePool) -> Tree {
        match self.try_enter(pool).unwrap() {
            Entered::Tree(tree) => *tree,
            Entered::Busy { holder } => panic!("held by {holder}"),
        }
    }

    pub(crate) fn trouble(&self, pool: &TreePool) -> GitError {
        match self.try_enter(pool) {
            Err(trouble) => trouble,
            Ok(Entered::Tree(tree)) => panic!("entered {:?}", tree.path()),
            Ok(Entered::Busy { holder }) => panic!("held by {holder}"),
        }
    }
}

/// Collects with an everyday message.
pub(crate) fn collect(tree: &mut Tree) -> Collected {
    tree.collect(&CollectOrder::plain("swarmdir: what was left")).unwrap()
}

/// Collects, and has no note to explain.
pub(crate) fn collect_quietly(tree: &mut Tree) -> Collected {
    let collected = collect(tree);
    assert_eq!(collected.notes, Vec::<String>::new());
    collected
}
