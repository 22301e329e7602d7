//! The workloads: every transition of the queue, each as a step with what it promises.
//!
//! What stands for a person (who drops a file and syncs it) is a step called `user`. Invariant: a promise is noted as
//! kept only after the call that makes it has returned.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use swarmdir::agent::program;
use swarmdir::domain::process::ProcessIdentity;
use swarmdir::domain::settings::agents::AgentProfile;
use swarmdir::domain::settings::choice::Durability;
use swarmdir::domain::settings::config::Config;
use swarmdir::domain::settings::problem::Problem;
use swarmdir::domain::settings::repositories::RigProfile;
use swarmdir::domain::task::id::{Epoch, WorkerId};
use swarmdir::domain::task::name::{Band, QueueName, TaskEpoch};
use swarmdir::domain::task::reason::{Reason, Wait};
use swarmdir::domain::task::record::{AttemptResult, AttemptStart, Lost};
use swarmdir::domain::time::UnixMs;
use swarmdir::housekeeping::Intake;
use swarmdir::queue::Queue;
use swarmdir::queue::claim::{Claim, ClaimResult};
use swarmdir::queue::finish::{FinalDir, Transition};
use swarmdir::queue::intake::IntakeResult;
use swarmdir::queue::register::{Card, Registration};
use swarmdir::queue::shift::EndedTask;
use swarmdir::site::Dir;
use swarmdir::sys::{fs, random, seam};

use super::promise::Must;
use super::tape::{Entry, Recorder, Site, Tape};

/// A task's text, told from all others by its content.
pub(crate) struct Text {
    pub(crate) name: &'static str,
    pub(crate) bytes: &'static str,
}

const fn text(name: &'static str, bytes: &'static str) -> Text {
    Text { name, bytes }
}

/// One workload.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) texts: &'static [Text],
    pub(crate) max_deaths: u32,
    play: fn(&Rig),
}

/// All of them.
pub(crate) const SCENARIOS: [Scenario; 7] = [
    Scenario { name: "adding", texts: ADDED, max_deaths: 5, play: adding },
    Scenario { name: "dropping", texts: DROPPED, max_deaths: 5, play: dropping },
    Scenario { name: "working", texts: TWO, max_deaths: 5, play: working },
    Scenario { name: "waiting", texts: TWO, max_deaths: 5, play: waiting },
    Scenario { name: "dying", texts: TWO, max_deaths: 2, play: dying },
    Scenario { name: "cancelling", texts: TWO, max_deaths: 5, play: cancelling },
    Scenario { name: "rejecting", texts: REJECTED, max_deaths: 5, play: rejecting },
];

const AWAY: &str = "---\nagent: tree\nrig: away\n---\nIts repository is away.\n";
const ADDED: &[Text] = &[
    text("Fix it.md", "Fix what is wrong with the login, and say how it came about.\n"),
    text("job.json", "{\"prompt\": \"Count the words of this text, all of them.\"}\n"),
    text("away.md", AWAY),
];
const DROPPED: &[Text] = &[
    text("a", "The plainest of them all, with a name that tells nothing new.\n"),
    text("Other.json", "{\"prompt\": \"Its name says how it is to be read, so that counts.\"}\n"),
    text("wrong.md", "---\nno_such_key: 1\n---\nThis one is wrong.\n"),
    text("away.md", AWAY),
    text("loose.md", "Its user did not sync it, and that is his own affair, for a while.\n"),
    text("later.md", "The last of them, dropped when the others had been taken in.\n"),
];
const TWO: &[Text] = &[
    text("One.md", "The first of two tasks, of which something will be done.\n"),
    text("Two.md", "The second of two tasks, and nothing comes of it at first.\n"),
];
const REJECTED: &[Text] = &[
    text("wrong.md", "---\nno_such_key: 1\n---\nThis one is wrong from the beginning.\n"),
    text("late.md", "This one is found wrong by whoever claims it.\n"),
];

/// A workload under way.
pub(crate) struct Rig {
    base: PathBuf,
    tape: Rc<RefCell<Tape>>,
    queue: Queue,
    intake: Intake,
    texts: &'static [Text],
}

impl Scenario {
    /// Plays it in `base`, one fsync left out where that is asked for; returns what was recorded.
    pub(crate) fn record(
        &self,
        base: &Path,
        durability: Durability,
        without: Option<Site>,
    ) -> Tape {
        let tape = Rc::new(RefCell::new(Tape::without(without)));
        let recorder = Recorder { base: base.to_owned(), tape: tape.clone() };
        seam::with(Box::new(recorder), || {
            tape.borrow_mut().step("make");
            let queue = Queue::open_or_make(&base.join("swarm/queue"), durability).unwrap();
            let identity = Entry::Identity(queue.id().to_owned());
            tape.borrow_mut().entries.push(identity);
            let tape = tape.clone();
            let rig =
                Rig { base: base.to_owned(), tape, queue, intake: intake(), texts: self.texts };
            (self.play)(&rig);
        });
        tape.take()
    }
}

/// The real admission: `sh` needs no repository, `tree` does, and the rig `away` has none.
pub(crate) fn intake() -> Intake {
    let root = PathBuf::from("/nonexistent/root");
    let mut config = Config::built_in(root.clone(), program::all());
    let kind = program::command(vec!["sh".into()]);
    for (name, worktree) in [("sh", false), ("tree", true)] {
        let profile = AgentProfile { worktree, ..AgentProfile::new(kind.clone()) };
        config.profiles.insert(name.into(), profile);
    }
    config.agent = "sh".into();
    config.rigs.insert("away".into(), RigProfile { path: root.join("away"), setup: None });
    Intake::new(&config)
}

impl Rig {
    fn step(&self, step: &'static str) {
        self.tape.borrow_mut().step(step);
    }

    fn note(&self, entry: Entry) {
        self.tape.borrow_mut().entries.push(entry);
    }

    fn begin(&self, text: usize, must: Must) {
        self.note(Entry::Begin { text, must });
    }

    fn kept(&self, text: usize, must: Must) {
        self.note(Entry::Kept { text, must });
    }

    /// `coordinator add`: the id is printed when this returns.
    fn add(&self, text: usize, becomes: Must) -> IntakeResult {
        self.step("add");
        self.begin(text, Must::Nothing);
        self.begin(text, becomes.clone());
        let Text { name, bytes } = self.texts[text];
        let taken = self.queue.enqueue(name.as_ref(), bytes.as_bytes(), &self.intake).unwrap();
        self.kept(text, becomes);
        taken
    }

    /// A task that waits, by its present name.
    fn added(&self, text: usize) -> QueueName {
        let IntakeResult::Ready(id) = self.add(text, Must::Waiting) else { panic!("it is ready") };
        self.name(&id)
    }

    fn name(&self, id: &swarmdir::domain::task::id::TaskId) -> QueueName {
        match self.queue.whereabouts(id).unwrap() {
            Some(swarmdir::queue::shift::TaskPlace::Waiting(name)) => name,
            other => panic!("{id} is {other:?}"),
        }
    }

    fn ended(&self, name: &QueueName) -> EndedTask {
        self.queue.ended(&name.at.id).unwrap().unwrap()
    }

    /// What a careful user does, or a careless one.
    fn drop_text(&self, text: usize, synced: bool, becomes: Must) {
        self.step("user");
        self.begin(text, Must::Nothing);
        self.begin(text, Must::Loose);
        let Text { name, bytes } = self.texts[text];
        let staged = self.base.join(format!("staged-{text}"));
        fs::write_synced(&staged, bytes.as_bytes(), synced).unwrap();
        let _moved = fs::rename(&staged, &self.queue.paths().file(Dir::Pending, name)).unwrap();
        if synced {
            fs::sync(&self.queue.paths().dir(Dir::Pending)).unwrap();
            self.kept(text, becomes);
        }
    }

    fn register(&self) -> Registration {
        self.step("register");
        let process = ProcessIdentity {
            host: "elsewhere".into(),
            boot_id: "another boot".into(),
            pid: 4242,
            start_ticks: 1,
            pid_namespace: 1,
            time_namespace: 1,
        };
        let id = WorkerId::from_bits(random::bits());
        let version = "0".to_owned();
        let card = Card {
            id,
            process,
            version,
            slot: None,
            started_at: UnixMs(0),
            file: None,
            has_claimed: false,
            copied: false,
            other_device: false,
        };
        self.queue.register(card).unwrap()
    }

    fn claim(&self, me: &Registration, name: &QueueName) -> Claim {
        self.step("claim");
        match self.queue.claim(me, name).unwrap() {
            ClaimResult::Won(claim) => claim,
            other => panic!("{other:?}"),
        }
    }

    /// Claims, and does what there is to do up to the result.
    fn work(&self, me: &Registration, name: &QueueName, charged: bool) -> Claim {
        let claim = self.begin_work(me, name);
        self.step("publish");
        self.queue.write_result(claim.attempt(), &result(charged)).unwrap();
        claim
    }

    fn begin_work(&self, me: &Registration, name: &QueueName) -> Claim {
        let claim = self.claim(me, name);
        self.step("read");
        claim.read(&self.queue, 1000).unwrap();
        self.queue.write_start(claim.attempt(), &start(me)).unwrap();
        let files = self.queue.paths().attempt(claim.attempt());
        let dir = files.dir();
        fs::write(&dir.join("events.jsonl"), b"{\"said\":\"this\"}\n{\"said\":\"that\"}\n")
            .unwrap();
        fs::write(&dir.join("stderr"), b"a complaint of some length\n").unwrap();
        self.step("heartbeat");
        me.beat(7).unwrap();
        claim
    }

    fn publish(&self, text: usize, claim: Claim, to: FinalDir) {
        let must = if to == FinalDir::Done { Must::Done } else { Must::Failed };
        self.step("publish");
        self.begin(text, must.clone());
        assert_eq!(self.queue.publish(claim, to).unwrap(), Transition::Won);
        self.kept(text, must);
    }

    fn retry(&self, text: usize, ended: &EndedTask, becomes: Must) -> QueueName {
        self.step("retry");
        self.begin(text, becomes.clone());
        self.note(Entry::Life { text, epoch: ended.at().epoch.0 + 1 });
        assert_eq!(self.queue.retry(ended).unwrap(), Transition::Won);
        self.kept(text, becomes);
        self.name(&ended.at().id)
    }

    /// Moves a waiting task by a command; returns its new name.
    fn shift(
        &self,
        text: usize,
        step: &'static str,
        must: Must,
        name: &QueueName,
        command: impl FnOnce(&QueueName) -> swarmdir::queue::Result<Transition>,
    ) -> QueueName {
        self.step(step);
        self.begin(text, must.clone());
        assert_eq!(command(name).unwrap(), Transition::Won);
        self.kept(text, must);
        self.name(&name.at.id)
    }
}

fn result(charged: bool) -> AttemptResult {
    AttemptResult {
        schema: 1,
        ended_at: UnixMs(2),
        outcome: if charged { "error" } else { "done" }.into(),
        reason: String::new(),
        charged,
        exit: Some("exit 0".into()),
        said: Some("It is done.".into()),
        usage: Default::default(),
        branch: None,
        head: None,
        commits: Vec::new(),
        denied_tools: Vec::new(),
        notes: Vec::new(),
        ..AttemptResult::default()
    }
}

fn start(me: &Registration) -> AttemptStart {
    AttemptStart {
        schema: 1,
        worker: me.id().clone(),
        host: "elsewhere".into(),
        process: None,
        agent: "sh".into(),
        program: None,
        started_at: UnixMs(1),
        cwd: "/somewhere".into(),
        branch: None,
        base: None,
        session: None,
        continued: false,
    }
}

/// `add`, and an intake that is put off and finished later.
fn adding(rig: &Rig) {
    rig.added(0);
    rig.added(1);
    let IntakeResult::Unfinished(id) = rig.add(2, Must::PutOff) else { panic!("it is put off") };
    rig.step("intake");
    let taken = rig.queue.finish_intake(&rig.name(&id), &rig.intake).unwrap();
    assert_eq!(taken, IntakeResult::Unfinished(id));
}

/// A batch of dropped files of every kind, and one that comes later.
fn dropping(rig: &Rig) {
    rig.drop_text(0, true, Must::Waiting);
    rig.drop_text(1, true, Must::Waiting);
    rig.drop_text(2, true, Must::Rejected);
    rig.drop_text(3, true, Must::PutOff);
    rig.drop_text(4, false, Must::Waiting);
    rig.step("intake");
    let names: Vec<_> = rig.texts[..5].iter().map(|text| text.name.into()).collect();
    let taken = rig.queue.take_in(&names, &rig.intake).unwrap();
    assert!(matches!(
        taken[..],
        [
            IntakeResult::Ready(_),
            IntakeResult::Ready(_),
            IntakeResult::Rejected(_),
            IntakeResult::Unfinished(_),
            IntakeResult::Ready(_)
        ]
    ));
    rig.kept(4, Must::Waiting);
    // Whatever else syncs `pending/` must not take a name away.
    rig.drop_text(5, true, Must::Waiting);
    rig.step("intake");
    rig.queue.take_in(&[rig.texts[5].name.into()], &rig.intake).unwrap();
}

/// Two attempts that are published, and a worker that leaves.
fn working(rig: &Rig) {
    let (one, two) = (rig.added(0), rig.added(1));
    let me = rig.register();
    let claim = rig.work(&me, &one, false);
    rig.publish(0, claim, FinalDir::Done);
    let claim = rig.work(&me, &two, true);
    rig.publish(1, claim, FinalDir::Failed);
    rig.step("deregister");
    rig.queue.deregister(me).unwrap();
}

/// An attempt that is given back, and what commands do to what waits.
fn waiting(rig: &Rig) {
    let one = rig.added(0);
    let me = rig.register();
    let claim = rig.work(&me, &one, true);
    rig.step("give back");
    let reason = Reason::until(Wait::Retry, UnixMs(4_000_000_000_000));
    assert_eq!(rig.queue.give_back_blocked(claim, reason).unwrap(), Transition::Won);
    // Whatever else syncs `ready/` must not take the name away, nor what syncs `blocked/`.
    let two = rig.added(1);
    let one = rig.name(&one.at.id);
    rig.shift(0, "unblock", Must::Waiting, &one, |name| rig.queue.unblock(name));
    let two = rig.shift(1, "hold", Must::Held, &two, |name| rig.queue.hold(name));
    let two = rig.shift(1, "release", Must::Waiting, &two, |name| rig.queue.unblock(name));
    let band = Band::new(2).unwrap();
    rig.shift(1, "priority", Must::Band(2), &two, |name| rig.queue.reprioritise(name, band));
}

/// Two workers die of one task, of which two are too many.
fn dying(rig: &Rig) {
    let one = rig.added(0);
    let me = rig.register();
    rig.begin_work(&me, &one).leave_to_reclaimer();
    reclaim(rig, me, Must::Waiting, 1);
    let me = rig.register();
    rig.begin(0, Must::Failed);
    rig.begin_work(&me, &rig.name(&one.at.id)).leave_to_reclaimer();
    reclaim(rig, me, Must::Failed, 2);
    rig.added(1);
}

fn reclaim(rig: &Rig, dead: Registration, becomes: Must, count: u32) {
    rig.step("declare dead");
    assert!(rig.queue.declare_dead(dead.id()).unwrap());
    rig.step("reclaim");
    let lost = Lost {
        worker: dead.id().clone(),
        noticed_at: UnixMs(3),
        evidence: "its process is dead".into(),
    };
    for claim in rig.queue.dead_claims().unwrap() {
        rig.queue.reclaim(&claim, &lost, 2).unwrap();
    }
    rig.kept(0, becomes);
    rig.note(Entry::Deaths { text: 0, count });
    rig.step("bury");
    rig.queue.bury(dead.id()).unwrap();
}

/// A request in a second life, one that its holder carries out, and a new life after that.
fn cancelling(rig: &Rig) {
    let one = rig.added(0);
    let me = rig.register();
    let claim = rig.work(&me, &one, true);
    rig.publish(0, claim, FinalDir::Failed);
    let one = rig.retry(0, &rig.ended(&one), Must::Waiting);
    let wished = request(rig, 0, &one);
    rig.step("cancel");
    rig.queue.carry_out(&wished).unwrap();
    rig.retry(0, &rig.ended(&one), Must::Waiting);
    let two = rig.added(1);
    let claim = rig.begin_work(&me, &two);
    let _the_holder_carries_it_out = request(rig, 1, &two);
    rig.step("cancel by its holder");
    assert_eq!(rig.queue.cancel_held(claim).unwrap(), Transition::Won);
}

fn request(rig: &Rig, text: usize, name: &QueueName) -> TaskEpoch {
    rig.step("cancel request");
    rig.begin(text, Must::Cancelled);
    let request = rig.queue.request_cancel(&name.at.id).unwrap();
    rig.kept(text, Must::Cancelled);
    request
}

/// What is wrong from the beginning, read once more; and what its holder finds wrong.
fn rejecting(rig: &Rig) {
    let IntakeResult::Rejected(id) = rig.add(0, Must::Rejected) else { panic!("it is wrong") };
    let ended = rig.queue.ended(&id).unwrap().unwrap();
    rig.step("retry");
    assert_eq!(ended.at().epoch, Epoch(0));
    assert_eq!(rig.queue.retry(&ended).unwrap(), Transition::Won);
    rig.step("intake");
    rig.queue.finish_intake(&rig.name(&id), &rig.intake).unwrap();
    let two = rig.added(1);
    let me = rig.register();
    let claim = rig.begin_work(&me, &two);
    rig.step("reject by its holder");
    rig.begin(1, Must::Rejected);
    let problems = [Problem::new("a mistake that was made later")];
    assert_eq!(
        rig.queue.reject(claim, "a mistake, and more about it\n", &problems).unwrap(),
        Transition::Won
    );
    rig.kept(1, Must::Rejected);
}
