//! A night without anybody: limits, overloads, a refused log-in, hung agents, kills, a full disk, a reboot.
//!
//! The scripted agent stands in for the real one, and all agents call one service that keeps its own ledger. In the
//! morning every task is done or failed as its kind must, and the swarm's bill is the service's count. What happens
//! is chosen by a seed, before it begins.
//!
//! Names: `order`, `processes`, `report`, `stuck`, `test_bed`, `verdict`, `witness`.

mod accounts;
mod acts;
mod ask;
mod bill;
mod crowd;
mod facts;
mod people;
mod plan;
mod samples;
mod service;
mod tasks;
mod verdict;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::processes::SwarmProcesses;
use super::report::Report;
use super::stuck::StuckCheck;
use super::test_bed::TestBed;
use super::{Observer, Order};
use crate::domain::settings::choice::Durability;
use crate::queue::{QueueError, Result};
use crate::rehearsal::service::DIR;
use crate::shape::style::duration;
use crate::site::Dir;
use crate::sys::{clock, disk, fs, process, signal, tool};
use facts::Facts;
use plan::{Act, Plan};
use samples::Samples;
use service::Owner;

/// The disk that is filled, bytes; in memory, and nobody else's.
const DISK: u64 = 192 << 20;
/// The night's own step, milliseconds.
const STEP_MS: u64 = 25;
/// A fault that found nobody is tried again after so long, milliseconds.
const AGAIN_MS: u64 = 200;
/// A swarm in which nothing ends for so long is stuck, milliseconds: longer than the longest wait that is announced to
/// a task of a night, with its doubling.
const STUCK_MS: u64 = 240_000;
/// Something is said so often, milliseconds.
const NEWS_MS: u64 = 60_000;

/// What is planned, for people.
pub fn plan_text(order: &Order) -> String {
    plan::plan(order.seed, order.storm_ms, order.tasks, order.workers).text()
}

/// A night under way.
struct Night<'a> {
    bed: &'a TestBed,
    plan: Plan,
    service: Owner,
    processes: SwarmProcesses,
    facts: Facts,
    samples: Samples,
    began_ms: u64,
    next_task: usize,
    next_act: usize,
    next_sample_ms: u64,
    next_news_ms: u64,
    sample_every_ms: u64,
    /// What ends later, and when.
    ends: Vec<(u64, plan::LaterEnd)>,
    /// What found nobody, and is tried again.
    postponed: Vec<Act>,
    next_try_ms: u64,
    /// Nobody starts a coordinator before.
    down_until_ms: u64,
    ballast: Option<PathBuf>,
    /// The disk is our own: it may be filled.
    own_disk: bool,
    /// The user has seen enough.
    told_to_end: Arc<AtomicBool>,
    highest: crowd::Highest,
}

/// A night, and the morning after.
pub(super) fn run(order: &Order, observer: &mut dyn Observer, report: &mut Report) -> Result<()> {
    let disk = order.dir.join("disk");
    fs::mkdirs(&disk)?;
    // Before any thread is made: what follows sees the disk, and nobody else.
    let own = disk::own_disk(&disk, DISK);
    let told_to_end = Arc::new(AtomicBool::new(false));
    let told = told_to_end.clone();
    signal::listen(&signal::ORDERS, move |_| told.store(true, Ordering::Relaxed))
        .map_err(QueueError::machine("listen for signals"))?;
    let plan = plan::plan(order.seed, order.storm_ms, order.tasks, order.workers);
    announce(order, &plan, own.as_ref().err(), observer, report);
    let dir = order.dir.join("night");
    let bed = TestBed::lay(order, &dir, &disk, |bed| settings(bed, order, &plan))?;
    let now = clock::mono_ms();
    let mut night = Night {
        bed: &bed,
        service: Owner::open(&bed.witness)?,
        processes: SwarmProcesses::new(order),
        facts: Facts::default(),
        samples: Samples::default(),
        began_ms: now,
        next_task: 0,
        next_act: 0,
        next_sample_ms: now,
        next_news_ms: now + NEWS_MS,
        sample_every_ms: (order.storm_ms / 400).clamp(250, 5_000),
        ends: Vec::new(),
        postponed: Vec::new(),
        next_try_ms: 0,
        down_until_ms: 0,
        ballast: None,
        own_disk: own.is_ok(),
        told_to_end,
        highest: crowd::Highest::default(),
        plan,
    };
    night.plan.tasks.sort_by_key(|task| task.at_ms);
    while night.elapsed_ms() < order.storm_ms && !night.is_over() {
        night.step(observer)?;
    }
    observer.say("morning: waiting for the swarm to finish by itself");
    let stuck = night.stuck_check(observer)?;
    if night.is_over() {
        observer.say("told to end: ending the swarm");
        report.judge("S7", night.processes.end(&bed)?);
        report.judge("N1", vec!["the night was ended early: there is no verdict".into()]);
    } else {
        let left = night.left_behind()?;
        night.judge(order, stuck, left, report)?;
    }
    if own.is_ok() {
        keep(order, &disk, report.is_sound() && !order.keep)?;
    }
    Ok(())
}

/// The disk ends with this process: what is to be looked at is copied to where it stays.
fn keep(order: &Order, disk: &Path, nothing: bool) -> Result<()> {
    if !nothing {
        let kept = order.dir.join("kept").to_string_lossy().into_owned();
        let from = disk.to_string_lossy().into_owned();
        tool::run("cp", &["-a", &from, &kept]).map_err(QueueError::machine("keep a copy"))?;
    }
    disk::drop_disk(disk).map_err(QueueError::machine("let the disk go"))
}

fn announce(
    order: &Order,
    plan: &Plan,
    no_disk: Option<&std::io::Error>,
    observer: &mut dyn Observer,
    report: &mut Report,
) {
    let (tasks, workers) = (order.tasks, order.workers);
    let root = order.dir.join("disk").join("repository");
    let (pid, root) = (process::own_pid(), root.display());
    observer.say(&format!("meanwhile: coordinator status --root /proc/{pid}/root{root}"));
    let (night, faults) = (duration(order.storm_ms), plan.acts.len());
    observer.say(&format!("a night of {night}: {tasks} tasks, {workers} workers, {faults} faults"));
    report.section("night");
    report.tell("planned", format!("{night}, {tasks} tasks, {workers} workers, {faults} faults"));
    if let Some(why) = no_disk {
        let line = format!("THE FULL DISK IS LEFT OUT: no disk of our own here: {why}");
        observer.say(&line);
        report.tell("left out", line);
    }
    if !plan.left_out.is_empty() {
        let line = format!("too short for {}", plan.left_out.join(", "));
        observer.say(&line);
        report.tell("left out", line);
    }
}

fn settings(bed: &TestBed, order: &Order, plan: &Plan) -> Result<String> {
    let quoted = |path: &Path| serde_json::to_string(&path.to_string_lossy()).expect("text");
    let durability = match order.durability {
        Durability::Strict => "strict",
        Durability::Relaxed => "relaxed",
    };
    let silence_ms = plan.pace.silence_ms;
    Ok(format!(
        "default_agent = \"demo\"\ndefault_rig = \"test\"\ndurability = \"{durability}\"\n\
         max_attempts = 2\nmax_worker_deaths = 5\n\
         [rig.test]\npath = {}\n\
         [timeouts]\nstartup = \"20s\"\nsilence = \"{silence_ms}ms\"\nafter_result = \"2s\"\n\
         interrupt_grace = \"500ms\"\nterminate_grace = \"500ms\"\n\
         [agent.demo]\nenv = {{ {DIR} = {} }}\n",
        quoted(bed.repository()),
        quoted(&bed.witness),
    ))
}

impl Night<'_> {
    fn elapsed_ms(&self) -> u64 {
        clock::mono_ms() - self.began_ms
    }

    fn is_over(&self) -> bool {
        self.told_to_end.load(Ordering::Relaxed)
    }

    fn step(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let now = self.elapsed_ms();
        self.drop_due(now)?;
        while self.next_act < self.plan.acts.len() && self.plan.acts[self.next_act].0 <= now {
            let (_, act) = self.plan.acts[self.next_act];
            self.next_act += 1;
            self.begin(act, observer)?;
        }
        if now >= self.next_try_ms && !self.postponed.is_empty() {
            self.next_try_ms = now + AGAIN_MS;
            for act in std::mem::take(&mut self.postponed) {
                self.begin(act, observer)?;
            }
        }
        self.go_on(observer)?;
        clock::pause_ms(STEP_MS);
        Ok(())
    }

    /// What goes on in the night and in the morning.
    fn go_on(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let now = clock::mono_ms();
        if now >= self.down_until_ms {
            self.processes.keep(self.bed)?;
        }
        self.end_due(now)?;
        self.keep_full();
        if now >= self.next_sample_ms {
            self.next_sample_ms = now + self.sample_every_ms;
            self.sample()?;
        }
        if now >= self.next_news_ms {
            self.next_news_ms = now + NEWS_MS;
            let seen = self.bed.queue.scan()?;
            let (ended, running) = (seen.ended.len(), seen.claims.len());
            let at = plan::clock(self.elapsed_ms());
            observer.say(&format!(
                "{at}  {ended} ended, {running} running, {} ready, {} blocked",
                seen.ready.len().saturating_sub(running),
                seen.blocked.len()
            ));
        }
        Ok(())
    }

    fn drop_due(&mut self, now: u64) -> Result<()> {
        while let Some(task) = self.plan.tasks.get(self.next_task).filter(|t| t.at_ms <= now) {
            let staged = self.bed.repository().with_file_name("staged");
            let text = task.file(&self.plan.pace);
            match fs::write(&staged, text.as_bytes()) {
                // It is dropped as soon as there is room.
                Err(e) if e.disk_full() => return Ok(()),
                written => written?,
            }
            let pending = self.bed.queue.paths().file(Dir::Pending, task.name());
            // Nobody else moves the staged file, so this rename loses no race.
            let _ = fs::rename(&staged, &pending)?;
            self.next_task += 1;
        }
        Ok(())
    }

    fn sample(&mut self) -> Result<()> {
        let at_ms = self.elapsed_ms();
        for coordinator in self.processes.coordinators() {
            self.samples.take(at_ms, "coordinator", &coordinator);
        }
        for card in super::processes::workers_here(self.bed)? {
            self.samples.take(at_ms, "worker", &card.process);
        }
        self.highest.look(&self.bed.queue)
    }

    /// Ends all trouble and waits until all is done; people retry what failed only because its agent was killed.
    fn stuck_check(&mut self, observer: &mut dyn Observer) -> Result<Vec<String>> {
        self.end_due(u64::MAX)?;
        self.drop_due(u64::MAX)?;
        let mut stuck_check = StuckCheck::after(STUCK_MS);
        while !self.is_over() {
            self.go_on(observer)?;
            self.release_all()?;
            self.retry_the_killed()?;
            if let Some(left) = stuck_check.look(&self.bed.queue)? {
                return Ok(left);
            }
            clock::pause_ms(8 * STEP_MS);
        }
        Ok(Vec::new())
    }

    /// What is there although all is done; then the swarm is told to end.
    fn left_behind(&mut self) -> Result<Vec<String>> {
        let mut left = self.agents_at_work()?;
        self.sample()?;
        left.extend(self.processes.end(self.bed)?);
        Ok(left)
    }
}
