//! A repository and a queue to be tested on, and the real programs that work there.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::witness::PLACE;
use super::{Order, task_kinds::TaskKind};
use crate::domain::process::ProcessIdentity;
use crate::domain::settings::choice::Durability;
use crate::git::sample;
use crate::queue::{Queue, QueueError, Result};
use crate::site::{Dir, Site};
use crate::sys::grace::Grace;
use crate::sys::{daemon, env, fs, identity, sweep};

/// Names a rule of the protocol to break, in builds that know it.
const PLANT: &str = "SWARMDIR_PLANT";

/// One queue with all that belongs to it.
#[derive(Debug)]
pub(super) struct TestBed {
    dir: PathBuf,
    /// The root of the first coordinator; the second has its own, with the same queue.
    roots: [PathBuf; 2],
    /// Where the agents leave their names.
    pub(super) witness: PathBuf,
    pub(super) queue: Queue,
    durability: Durability,
    work_ms: u64,
}

impl TestBed {
    /// Makes one.
    pub(super) fn make(order: &Order, name: &str, max_worker_deaths: u32) -> Result<TestBed> {
        let dir = order.dir.join(name);
        TestBed::lay(order, &dir, &dir, |bed| bed.settings(max_worker_deaths))
    }

    /// Makes one: what is worked on lies on `disk`, what is told of it in `dir`.
    pub(super) fn lay(
        order: &Order,
        dir: &Path,
        disk: &Path,
        settings: impl Fn(&TestBed) -> Result<String>,
    ) -> Result<TestBed> {
        let dir = dir.to_owned();
        let roots = ["repository", "second"].map(|name| disk.join(name));
        let witness = dir.join("witness");
        for made in [&roots[0], &roots[1], &witness, &dir.join("log")] {
            fs::mkdirs(made)?;
        }
        sample::repository(&roots[0]).map_err(QueueError::machine("make a repository"))?;
        let queue = Queue::open_or_make(&Site::at(&roots[0]).queue(), order.durability)?;
        fs::symlink(&Site::at(&roots[0]).queue(), &Site::at(&roots[1]).queue())?;
        let durability = order.durability;
        let work_ms = order.work_ms;
        let bed = TestBed { dir, roots, witness, queue, durability, work_ms };
        for root in &bed.roots {
            let text = settings(&bed)?;
            fs::write(&Site::at(root).settings(), text.as_bytes())?;
        }
        Ok(bed)
    }

    fn settings(&self, max_worker_deaths: u32) -> Result<String> {
        // A JSON text is a TOML text, too.
        let quoted = |text: &str| serde_json::to_string(text).expect("text");
        let exe = quoted(
            &env::current_exe()
                .map_err(QueueError::machine("find this program"))?
                .to_string_lossy(),
        );
        let repository = quoted(&self.roots[0].to_string_lossy());
        let durability = match self.durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        let agent = format!("kind = \"command\"\nargv = [{exe}, \"selftest-agent\"]");
        Ok(format!(
            "default_agent = \"witness\"\ndefault_rig = \"test\"\ndurability = \"{durability}\"\n\
             drain_wait = \"30s\"\nmax_worker_deaths = {max_worker_deaths}\n\
             [rig.test]\npath = {repository}\n\
             [timeouts]\ninterrupt_grace = \"300ms\"\nterminate_grace = \"300ms\"\n\
             [agent.witness]\n{agent}\nworktree = false\n[agent.tree]\n{agent}\n"
        ))
    }

    /// The repository that trees are of.
    pub(super) fn repository(&self) -> &Path {
        &self.roots[0]
    }

    /// Drops a task's file, as anybody would.
    pub(super) fn drop_task(
        &self,
        kind: TaskKind,
        number: usize,
        rng: &mut fastrand::Rng,
    ) -> Result<()> {
        let (name, text) = kind.file(number, self.work_ms, rng);
        let staged = self.dir.join("staged");
        fs::write(&staged, text.as_bytes())?;
        // Nobody else moves the staged file, so this rename loses no race.
        let _ = fs::rename(&staged, &self.queue.paths().file(Dir::Pending, name))?;
        Ok(())
    }

    /// Begins to write a task's file where it is dropped, as a slow copy would; the rest is the caller's.
    pub(super) fn begin_to_drop(
        &self,
        number: usize,
        rng: &mut fastrand::Rng,
    ) -> Result<(File, PathBuf, String)> {
        let (name, text) = TaskKind::Late.file(number, self.work_ms, rng);
        let path = self.queue.paths().file(Dir::Pending, name);
        let file = fs::create_new(&path)?;
        let (first, rest) = text.split_at(text.len() / 2);
        fs::write_all(&file, &path, first.as_bytes())?;
        Ok((file, path, rest.to_owned()))
    }

    /// Starts a coordinator: the first or the second.
    pub(super) fn coordinator(&self, which: usize, agents: usize) -> Result<ProcessIdentity> {
        let agents = agents.to_string();
        self.start(which, &format!("coordinator-{which}"), &["run", "--quiet", "--agents", &agents])
    }

    /// Starts a coordinator that ends when all is done.
    pub(super) fn drain(&self, agents: usize) -> Result<ProcessIdentity> {
        let agents = agents.to_string();
        self.start(0, "drain", &["run", "--quiet", "--drain", "--agents", &agents])
    }

    /// Starts a worker alone.
    pub(super) fn worker(&self) -> Result<ProcessIdentity> {
        self.start(0, "worker", &["work"])
    }

    fn start(&self, root: usize, name: &str, args: &[&str]) -> Result<ProcessIdentity> {
        let mut argv: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        argv.extend(["--root".into(), self.roots[root].to_string_lossy().into_owned()]);
        let place = self.witness.to_string_lossy().into_owned();
        // Settings of the user's own swarm say nothing here: an empty variable is none.
        let own = env::all();
        let own = own.iter().filter_map(|(name, _)| name.to_str());
        let mut vars: Vec<(&str, &str)> = own
            .filter(|name| name.starts_with("SWARMDIR_") && *name != PLANT)
            .map(|name| (name, ""))
            .collect();
        vars.push((PLACE, &place));
        let pid = daemon::spawn(&argv, &vars, &self.dir.join("log").join(format!("{name}.log")))
            .map_err(QueueError::machine("start a program"))?;
        let start_ticks = identity::start_ticks(pid).unwrap_or(0);
        Ok(ProcessIdentity { pid, start_ticks, ..identity::me() })
    }
}

/// Kills whatever works on a test bed of this self-test: it could not go on.
pub(super) fn end_everything(dir: &Path) {
    for name in fs::list_if_any(dir).unwrap_or_default() {
        let mark = dir.join(name).join("witness");
        sweep::marked(PLACE, &mark.to_string_lossy(), &mut Grace::none(), 2_000);
    }
}
