//! A queue in memory that is killed, failed and lied to: its names as one line, its recovery, its end.
//!
//! A line holds everything that the protocol calls state: `ready/5-a.1 claims/a.1=W1 workers/W1`. Tasks go by
//! their slug, workers by the order of their cards. Invariant: [`Lab::recover`] knows nothing that a process
//! started after the crash would not know, and [`Lab::drive`] publishes only what it claimed.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use swarmdir::agent::program;
use swarmdir::domain::account::usage::Usage;
use swarmdir::domain::process::ProcessIdentity;
use swarmdir::domain::settings::agents::AgentProfile;
use swarmdir::domain::settings::choice::Durability;
use swarmdir::domain::settings::config::Config;
use swarmdir::domain::settings::problem::Problem;
use swarmdir::domain::task::id::{TaskId, WorkerId};
use swarmdir::domain::task::name::{AttemptName, Band, QueueName, TaskEpoch};
use swarmdir::domain::task::reason::Wait;
use swarmdir::domain::task::record::{AttemptResult, TaskRecord};
use swarmdir::domain::time::UnixMs;
use swarmdir::housekeeping::Housekeeper;
use swarmdir::queue::claim::{Claim, ClaimResult};
use swarmdir::queue::finish::{FinalDir, Transition};
use swarmdir::queue::intake::{Dropped, IntakeCheck, IntakeDecision, IntakeResult};
use swarmdir::queue::register::{Card, Registration};
use swarmdir::queue::shift::TaskPlace;
use swarmdir::queue::{Queue, Result};
use swarmdir::site::Dir;
use swarmdir::sys::{identity, random};
use tempfile::TempDir;

use crate::support::deadline::wait_for;
use crate::support::settled::write_settled;

/// Directories whose names are state, in the order in which a line holds them.
const STATE: [Dir; 12] = [
    Dir::Pending,
    Dir::Ready,
    Dir::Blocked,
    Dir::Done,
    Dir::Failed,
    Dir::Cancelled,
    Dir::Rejected,
    Dir::Claims,
    Dir::Workers,
    Dir::Gone,
    Dir::Retire,
    Dir::Cancel,
];

/// A queue of its own.
pub(crate) struct Lab {
    dir: TempDir,
    cards: RefCell<Vec<WorkerId>>,
}

/// A directory in memory, where there is such a thing.
pub(crate) fn fast_dir() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// A task that says so is admitted, blocked, rejected or put off; a digit is its band.
pub(crate) struct Judge;

impl IntakeCheck for Judge {
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision {
        let text = String::from_utf8_lossy(dropped.bytes).into_owned();
        let digit = text.chars().find_map(|c| c.to_digit(10)).and_then(|d| u8::try_from(d).ok());
        let record = Box::new(TaskRecord {
            schema: 1,
            id: dropped.id.clone(),
            name: dropped.name.to_string_lossy().into_owned(),
            taken_at: UnixMs(0),
            title: None,
            agent: None,
            priority: digit.and_then(Band::new).unwrap_or_default(),
            labels: Vec::new(),
            origin: None,
        });
        match () {
            () if text.starts_with("---") => IntakeDecision::Rejected {
                problems: vec![Problem::new("it is wrong")],
                report: "it is wrong\n".into(),
            },
            () if text.starts_with("away") => {
                IntakeDecision::NotNow("its repository is away".into())
            }
            () => IntakeDecision::Ready(record),
        }
    }
}

/// What both the [`Judge`] and the real intake reject.
pub(crate) const WRONG: &str = "---\nno such key: 1\n---\n";

impl Lab {
    /// An empty directory; no queue in it yet.
    pub(crate) fn bare() -> Lab {
        let dir = tempfile::Builder::new().prefix("crash-").tempdir_in(fast_dir()).unwrap();
        Lab { dir, cards: RefCell::default() }
    }

    /// A new queue.
    pub(crate) fn new() -> Lab {
        let lab = Lab::bare();
        Queue::open_or_make(&lab.path(), Durability::Strict).unwrap();
        lab
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("queue")
    }

    pub(crate) fn queue(&self) -> Queue {
        Queue::open(&self.path(), Durability::Strict).unwrap()
    }

    /// Settings under which the real intake admits any text.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::built_in(self.dir.path().to_owned(), program::all());
        let kind = program::command(vec!["true".into()]);
        let profile = AgentProfile { worktree: false, ..AgentProfile::new(kind) };
        config.profiles.insert("sh".into(), profile);
        config.agent = "sh".into();
        config.max_worker_deaths = 2;
        config
    }

    /// Drops a file.
    pub(crate) fn drop(&self, name: &str, text: &str) {
        write_settled(&self.path().join("pending").join(name), text);
    }

    /// Adds a task, which has to be taken in; its id. One whose text is `held` is held then.
    pub(crate) fn add(&self, name: &str, text: &str) -> TaskId {
        let id = match self.queue().enqueue(name.as_ref(), text.as_bytes(), &Judge).unwrap() {
            IntakeResult::Ready(id) | IntakeResult::Rejected(id) | IntakeResult::Unfinished(id) => {
                id
            }
            other => panic!("{name}: {other:?}"),
        };
        if text == "held" {
            assert_eq!(self.queue().hold(&self.name(&id)).unwrap(), Transition::Won);
        }
        id
    }

    /// Where a task waits.
    pub(crate) fn name(&self, id: &TaskId) -> QueueName {
        match self.queue().whereabouts(id).unwrap() {
            Some(TaskPlace::Waiting(name)) => name,
            other => panic!("{id}: {other:?}"),
        }
    }

    /// A card of a process that is dead by the time anybody looks: nobody ever had this start time.
    pub(crate) fn card(&self) -> Card {
        let id = WorkerId::from_bits(random::bits());
        self.cards.borrow_mut().push(id.clone());
        let process = ProcessIdentity { start_ticks: 1, ..identity::me() };
        Card {
            id,
            process,
            version: "0".into(),
            slot: None,
            started_at: UnixMs(0),
            file: None,
            has_claimed: false,
            copied: false,
            other_device: false,
        }
    }

    /// A registered worker.
    pub(crate) fn worker(&self) -> Registration {
        self.queue().register(self.card()).unwrap()
    }

    /// A claim of a task by a worker, read.
    pub(crate) fn claim(&self, worker: &Registration, id: &TaskId) -> Claim {
        let queue = self.queue();
        match queue.claim(worker, &self.name(id)).unwrap() {
            ClaimResult::Won(claim) => {
                claim.read(&queue, 1000).unwrap();
                claim
            }
            other => panic!("{id}: {other:?}"),
        }
    }

    /// All that is state, as one line.
    pub(crate) fn line(&self) -> String {
        if !self.path().join("FORMAT").exists() {
            return "no-queue".into();
        }
        let mut words = Vec::new();
        for dir in STATE {
            for name in names(&self.path().join(dir.name())) {
                words.push(self.word(dir, &name));
            }
        }
        words.extend(
            names(&self.path().join("accounts")).iter().map(|agent| format!("accounts/{agent}")),
        );
        words.extend(self.lives());
        words.join(" ")
    }

    fn word(&self, dir: Dir, name: &str) -> String {
        if let (Dir::Rejected, Some(at)) = (dir, name.strip_suffix(".error.txt")) {
            return format!("report/{}", self.short(at));
        }
        let holder = match dir {
            Dir::Claims => {
                let path = self.path().join("claims").join(name);
                let text = std::fs::read_to_string(path).unwrap();
                let card = text.split_once('\n').map(|(_, json)| json);
                let card = card.and_then(|json| serde_json::from_str::<Card>(json).ok());
                card.map_or("=torn".into(), |card| format!("={}", self.short(card.id.as_str())))
            }
            _ => String::new(),
        };
        format!("{}/{}{holder}", dir.name(), self.short(name))
    }

    /// A name with slugs for tasks and numbers for workers.
    fn short(&self, name: &str) -> String {
        let mut short = name.to_owned();
        for (n, id) in (1..).zip(self.cards.borrow().iter()) {
            short = short.replace(id.as_str(), &format!("W{n}"));
        }
        let id = |text: &str| TaskId::parse(text).filter(|id| id.as_str().len() > 20);
        let (band, rest) = match QueueName::parse(&short) {
            Some(_) => short.split_at(2),
            None => ("", short.as_str()),
        };
        let (task, tail) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        match id(task) {
            Some(id) => format!("{band}{}{tail}", id.slug()),
            None => short,
        }
    }

    /// Every file with its length, and what is random in its name left out.
    pub(crate) fn tree(&self) -> Vec<String> {
        let shown = |path: &PathBuf| {
            let part = |part: std::path::Component<'_>| {
                self.short(&part.as_os_str().to_string_lossy()).replace(char::is_numeric, "#")
            };
            let below = path.strip_prefix(self.path()).unwrap();
            let staged = below.starts_with("tmp");
            let parts: Vec<String> = below.components().map(part).collect();
            let name = if staged { "tmp".into() } else { parts.join("/") };
            format!(
                "{name} {}",
                path.metadata().map_or(0, |meta| if meta.is_dir() { 0 } else { meta.len() })
            )
        };
        let mut tree: Vec<String> = walk(&self.path()).iter().map(shown).collect();
        tree.push(self.line());
        tree.sort();
        tree
    }

    /// Lives that a retry began.
    fn lives(&self) -> Vec<String> {
        let tasks = names(&self.path().join("runs"));
        let tasks = tasks.iter().filter_map(|name| TaskId::parse(name));
        let queue = self.queue();
        let lives =
            tasks.map(|id| (queue.run_epoch(&id).unwrap(), id)).filter(|(life, _)| life.0 > 0);
        lives.map(|(life, id)| format!("life/{}={life}", id.slug())).collect()
    }

    /// What a new process does first: it makes what is missing of the queue.
    pub(crate) fn open(&self) -> Result<Queue> {
        if self.path().join("FORMAT").exists() {
            Queue::open(&self.path(), Durability::Strict)
        } else {
            Queue::open_or_make(&self.path(), Durability::Strict)
        }
    }

    /// What the next process does: a whole pass of housekeeping, what another one began to take up, and the
    /// sweep. Intakes are finished at once; that a housekeeper waits first is seen elsewhere.
    pub(crate) fn recover(&self) -> Result<()> {
        let queue = self.open()?;
        let journal = queue.journal("recovery")?;
        Housekeeper::new(queue.clone(), &self.config()).pass(&journal)?;
        for name in queue.blocked()?.iter().filter(|name| is_taking(name)) {
            finish_intake(&queue, name, &Judge)?;
        }
        queue.sweep()?;
        Ok(())
    }

    /// As `check --fix` does it: second names are set aside first.
    pub(crate) fn mend(&self) {
        let queue = self.open().unwrap();
        let snapshot = queue.scan().unwrap();
        let ended = snapshot.ended.iter().map(|ended| &ended.at().id);
        let ended: Vec<&TaskId> = ended.collect();
        let listed = names(&self.path().join("ready"));
        let ready = listed.iter().filter_map(|name| QueueName::parse(name));
        if !ready.map(|name| name.at.id).any(|id| ended.contains(&&id)) {
            return;
        }
        for violation in queue.check().unwrap().iter().filter(|found| found.invariant == "I1") {
            queue.set_aside(violation).unwrap();
        }
    }

    /// After recovery: nothing is wrong, nobody is registered, and no claim or request is left.
    pub(crate) fn assert_sound(&self, context: &str) {
        let violations = self.queue().check().unwrap();
        assert!(violations.is_empty(), "{context}: {violations:?}");
        for dir in ["claims", "workers", "gone", "retire", "cancel"] {
            let left = names(&self.path().join(dir));
            assert!(left.is_empty(), "{context}: {dir}/ holds {left:?}");
        }
    }

    /// Works the queue off: whatever waits is let go, claimed and published, until nothing waits.
    pub(crate) fn drive(&self) -> Result<()> {
        let queue = self.queue();
        let worker = queue.register(Card { process: identity::me(), ..self.card() })?;
        loop {
            for name in queue.blocked()? {
                if is_taking(&name) {
                    finish_intake(&queue, &name, &Willing)?;
                } else {
                    assert_eq!(queue.unblock(&name)?, Transition::Won, "{name}");
                }
            }
            let ready = queue.scan()?.ready;
            for name in &ready {
                let ClaimResult::Won(claim) = queue.claim(&worker, name)? else { panic!("{name}") };
                claim.read(&queue, 1000)?;
                queue.write_result(claim.attempt(), &result())?;
                assert_eq!(queue.publish(claim, FinalDir::Done)?, Transition::Won, "{name}");
            }
            if ready.is_empty() && queue.blocked()?.is_empty() {
                return queue.deregister(worker);
            }
        }
    }

    /// How each task ended: `a done, b failed`. A task with two names shows twice.
    pub(crate) fn ends(&self) -> String {
        let mut ends = Vec::new();
        for dir in [Dir::Done, Dir::Failed, Dir::Cancelled, Dir::Rejected] {
            for name in names(&self.path().join(dir.name())) {
                let id = AttemptName::parse(&name).map(|name| name.at.id);
                let id = id.or_else(|| TaskEpoch::parse(&name).map(|at| at.id));
                ends.extend(id.map(|id| format!("{} {}", id.slug(), dir.name())));
            }
        }
        ends.sort();
        ends.join(", ")
    }

    /// Makes everything that was written two hours older.
    pub(crate) fn age(&self) {
        for path in walk(&self.path()) {
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
            std::fs::File::open(path).unwrap().set_modified(old).unwrap();
        }
    }

    /// Two hours later a sweep leaves no staging file, no trial file, no reservation, no probe and no request that
    /// nobody needs.
    pub(crate) fn assert_swept(&self, context: &str) {
        self.age();
        let queue = self.queue();
        queue.sweep().unwrap();
        assert_eq!(names(&self.path().join("tmp")), Vec::<String>::new(), "{context}");
        let probes =
            walk(&self.path()).into_iter().filter(|p| p.to_string_lossy().contains(".probe-"));
        assert_eq!(probes.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "{context}");
        for name in names(&self.path().join("runs")) {
            let id = TaskId::parse(&name).unwrap();
            let place = queue.whereabouts(&id).unwrap();
            assert!(place.is_some(), "{context}: runs/{name} is of no task");
        }
        for left in names(&self.path().join("accounts")) {
            assert!(!left.ends_with(".probe"), "{context}: accounts/{left}");
        }
        for request in queue.cancel_requests().unwrap() {
            let place = queue.whereabouts(&request.id).unwrap();
            assert!(place.is_some(), "{context}: cancel/{request} is of no task");
        }
        let reports = names(&self.path().join("rejected"));
        for report in reports.iter().filter_map(|name| name.strip_suffix(".error.txt")) {
            assert!(reports.iter().any(|name| name == report), "{context}: a report of nothing");
        }
    }
}

/// Admits what the [`Judge`] puts off or holds.
struct Willing;

impl IntakeCheck for Willing {
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision {
        match Judge.admit(dropped) {
            IntakeDecision::NotNow(_) => Judge.admit(&Dropped { bytes: b"now", ..*dropped }),
            other => other,
        }
    }
}

/// A plain success.
pub(crate) fn result() -> AttemptResult {
    AttemptResult {
        schema: 1,
        ended_at: UnixMs(0),
        outcome: "done".into(),
        reason: String::new(),
        charged: false,
        exit: None,
        said: None,
        usage: Usage::default(),
        branch: None,
        head: None,
        commits: Vec::new(),
        denied_tools: Vec::new(),
        notes: Vec::new(),
        ..AttemptResult::default()
    }
}

/// Ends an intake that somebody began. Who died in it wrote the file in this process: see
/// [`crate::support::settled`].
fn finish_intake(queue: &Queue, name: &QueueName, admission: &dyn IntakeCheck) -> Result<()> {
    wait_for("nobody writes to it", || match queue.finish_intake(name, admission) {
        Ok(IntakeResult::Unfinished(id)) if !queue.is_put_off(&id) => None,
        other => Some(other.map(drop)),
    })
}

fn is_taking(name: &QueueName) -> bool {
    name.reason.as_ref().is_some_and(|reason| reason.wait == Wait::Intake)
}

/// The names in a directory, in order; no dot-files.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Every file and directory below.
fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}
