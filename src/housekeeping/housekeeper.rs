//! One process's housekeeping: whose turn it is, and a pass with all that is due in it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::domain::event::Event;
use crate::domain::liveness::lease::SELF_STOP_AFTER_MS;
use crate::domain::process::ProcessIdentity;
use crate::domain::settings::config::Config;
use crate::domain::task::id::WorkerId;
use crate::domain::task::name::QueueName;
use crate::queue::cancel::Cancelled;
use crate::queue::finish::Transition;
use crate::queue::intake::IntakeResult;
use crate::queue::journal::Journal;
use crate::queue::pending::{DropZone, Sightings};
use crate::queue::{Queue, QueueError, Result};
use crate::site::{self, Dir};
use crate::sys::lock::Lock;
use crate::sys::{clock, identity, random};
use crate::trust::TaskOrigins;

use super::heartbeats::Heartbeats;
use super::intake::Intake;
use super::leader::{Leadership, leaves_it_to_another, suspicion_ms};
use super::reclaim::Reclaimer;
use super::trees::clear_trees;
use super::waits::Waits;

/// Garbage is swept so often, milliseconds.
const SWEEP_EVERY_MS: u64 = 3_600_000;
/// Files taken in in one go, so that a stop is heard in between and the first of many starts early.
const BATCH: usize = 64;

/// What a pass did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pass {
    /// Files that became tasks (or were rejected).
    pub taken: usize,
    /// Files that are still being written; look again soon.
    pub unsettled: usize,
    /// Tasks that became eligible.
    pub unblocked: usize,
    /// Claims of dead workers that were moved on.
    pub reclaimed: usize,
}

/// One process's housekeeping: what it remembers between passes.
pub struct Housekeeper {
    queue: Queue,
    intake: Intake,
    max_worker_deaths: u32,
    scratch_dir: PathBuf,
    trees: Option<PathBuf>,
    repositories: Vec<PathBuf>,
    me: ProcessIdentity,
    drops: DropZone,
    tasks: TaskOrigins,
    half_done: Sightings,
    heartbeats: Heartbeats,
    waits: Waits,
    lead: Leadership,
    last_round_ms: u64,
    /// When it last rested: whoever leads does so for a second at a time.
    rested_ms: u64,
    next_suspicion_ms: u64,
    next_sweep_ms: u64,
    rejected: usize,
    /// What was said of files that may not be moved.
    stuck: HashSet<String>,
    torn_looked_for: bool,
    /// The latest pass found nothing that a pass moves on.
    calm: bool,
}

impl Housekeeper {
    /// For one queue. The first sweep comes at a random time within the interval.
    pub fn new(queue: Queue, config: &Config) -> Housekeeper {
        Housekeeper {
            intake: Intake::new(config),
            max_worker_deaths: config.max_worker_deaths,
            scratch_dir: site::scratch_dir(config),
            trees: config.trees.clone(),
            repositories: config.repositories(),
            me: identity::me(),
            drops: DropZone::default(),
            tasks: TaskOrigins::default(),
            half_done: Sightings::default(),
            heartbeats: Heartbeats::default(),
            waits: Waits::default(),
            lead: Leadership::default(),
            last_round_ms: clock::mono_ms(),
            rested_ms: clock::mono_ms(),
            next_suspicion_ms: 0,
            next_sweep_ms: clock::mono_ms() + random::below(SWEEP_EVERY_MS),
            rejected: 0,
            stuck: HashSet::new(),
            torn_looked_for: false,
            calm: false,
            queue,
        }
    }

    /// Files that this process rejected at intake, since it began.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// New settings.
    pub fn configure(&mut self, config: &Config) {
        self.intake = Intake::new(config);
        self.max_worker_deaths = config.max_worker_deaths;
        self.scratch_dir = site::scratch_dir(config);
        self.trees.clone_from(&config.trees);
        self.repositories = config.repositories();
    }

    /// A pass, if it is this process's turn: it holds the lock, or distrusts the one who does.
    pub fn pass_in_turn(&mut self, journal: &Journal) -> Result<Pass> {
        self.lead.take(&self.queue, &self.me)?;
        let now = clock::mono_ms();
        if self.lead.is_mine() && now - self.rested_ms > SELF_STOP_AFTER_MS {
            self.heartbeats.look_anew(now);
        }
        let tended = self.pass_at(now, journal);
        self.rested_ms = clock::mono_ms();
        tended
    }

    fn pass_at(&mut self, now: u64, journal: &Journal) -> Result<Pass> {
        let leaves_it = leaves_it_to_another(self.lead.is_mine(), now - self.last_round_ms);
        if leaves_it && !self.suspects(now)? {
            return Ok(Pass::default());
        }
        self.last_round_ms = now;
        self.pass(journal)
    }

    /// Now and then: whether some worker is dead, and nobody has said so.
    fn suspects(&mut self, now: u64) -> Result<bool> {
        if now < self.next_suspicion_ms {
            return Ok(false);
        }
        let anybody = !self.heartbeats.dead(&self.queue, &self.me)?.is_empty();
        self.next_suspicion_ms = now + suspicion_ms(self.heartbeats.count(), random::below);
        Ok(anybody)
    }

    /// The processes whose end this process should hear of at once: the leader all workers', the others his.
    pub fn watched(&self) -> Vec<ProcessIdentity> {
        match self.lead.other() {
            Some(leader) => vec![leader.clone()],
            None if self.lead.is_mine() => self.heartbeats.processes(&self.me),
            None => Vec::new(),
        }
    }

    /// When to tend again if nothing happens, milliseconds.
    pub fn next_look_ms(&self) -> u64 {
        self.lead.next_look_ms(self.calm)
    }

    /// A whole pass, whoever else may be at it.
    pub fn pass(&mut self, journal: &Journal) -> Result<Pass> {
        self.calm = false;
        let mut pass = self.intake(journal)?;
        self.finish_intakes(journal)?;
        let cancels = self.carry_out_cancel_requests(journal)?;
        if !self.torn_looked_for {
            // Only a power cut leaves them, and every process begins after it.
            self.torn_looked_for = true;
            self.queue.sweep_torn()?;
        }
        pass.reclaimed = self.reclaim(journal)?;
        let blocked = self.queue.blocked()?;
        self.calm = pass == Pass::default() && !cancels && blocked.is_empty();
        pass.unblocked = self.unblock(blocked, journal)?;
        let mut over = cancels;
        if clock::mono_ms() >= self.next_sweep_ms {
            self.next_sweep_ms = clock::mono_ms() + SWEEP_EVERY_MS;
            self.queue.sweep()?;
            self.queue.trim_journals()?;
            // Said again once in a while, rather than remembered for ever.
            self.stuck.clear();
            over = true;
        }
        if over || pass.reclaimed > 0 {
            clear_trees(&self.queue, &self.repositories, self.trees.as_deref())?;
        }
        Ok(pass)
    }

    /// Takes up what is settled, a batch at a time; of several processes one does it, and the others find the
    /// result in `ready/`.
    pub fn intake(&mut self, journal: &Journal) -> Result<Pass> {
        let waiting = self.drops.waiting(&self.queue)?;
        if waiting == 0 {
            return Ok(Pass::default());
        }
        // Who is turned away leaves it to the one who is at it. If that one was stopped there, the leader
        // of the housekeeping goes on all the same.
        let turn = Lock::try_take(&self.queue.paths().intake_lock())?;
        if turn.is_none() && !self.lead.is_mine() {
            return Ok(Pass { unsettled: waiting, ..Pass::default() });
        }
        let mut pass = Pass::default();
        let mut names = self.drops.settled(&self.queue, BATCH)?;
        self.leave_untrusted(&mut names, journal);
        for taken in self.queue.take_in(&names, &self.intake)? {
            pass.taken += usize::from(taken != IntakeResult::Lost);
            self.note_intake(journal, &taken);
        }
        pass.unsettled = self.drops.left();
        Ok(pass)
    }

    /// What came with a clone stays in the drop zone until the user has said that it may run.
    fn leave_untrusted(&mut self, names: &mut Vec<OsString>, journal: &Journal) {
        let untrusted = self.tasks.untrusted(&self.queue.paths().dir(Dir::Pending), names);
        for task in untrusted {
            names.retain(|name| *name != task.name);
            self.drops.set_aside(&task.name);
            let name = task.name.to_string_lossy().into_owned();
            // Said once: it is found again at every look.
            if self.stuck.insert(format!("{name}: {}", task.sha256)) {
                let why = task.why.to_string();
                journal.record(Event::TaskUntrusted { name, why });
            }
        }
    }

    fn finish_intakes(&mut self, journal: &Journal) -> Result<()> {
        for name in self.queue.unfinished_intakes(&mut self.half_done)? {
            let taken = self.queue.finish_intake(&name, &self.intake);
            if let Some(taken) = self.spared(taken, journal)? {
                self.note_intake(journal, &taken);
            }
        }
        Ok(())
    }

    /// Whether there were any.
    fn carry_out_cancel_requests(&mut self, journal: &Journal) -> Result<bool> {
        let requests = self.queue.cancel_requests()?;
        for request in &requests {
            let came_to = self.queue.carry_out(request);
            match self.spared(came_to, journal)? {
                // Found again at every pass, for as long as the request lies there.
                None | Some(Cancelled::NotSeen) => {}
                Some(came_to) => journal.record(Event::CancelRequestClosed {
                    task: request.id.clone(),
                    cancelled: came_to == Cancelled::Now,
                }),
            }
        }
        Ok(!requests.is_empty())
    }

    /// Declares lost workers lost and moves their tasks on. Returns how many claims went.
    pub fn reclaim(&mut self, journal: &Journal) -> Result<usize> {
        for (id, evidence) in self.heartbeats.dead(&self.queue, &self.me)? {
            if self.queue.declare_dead(&id)? {
                journal.record(Event::WorkerLost { worker: id, evidence: evidence.to_owned() });
            }
        }
        let gone = self.queue.gone_since()?;
        let mut claims = self.queue.dead_claims()?;
        if gone.is_empty() && claims.is_empty() {
            return Ok(0);
        }
        let queue = self.queue.clone();
        let (me, scratch_dir) = (self.me.clone(), self.scratch_dir.clone());
        let max_worker_deaths = self.max_worker_deaths;
        let reclaimer =
            Reclaimer { queue: &queue, me: &me, scratch_dir: &scratch_dir, max_worker_deaths };
        let mut ended: HashSet<WorkerId> = HashSet::new();
        let cards = gone.iter().map(|(card, _)| card);
        for card in cards.chain(claims.iter().map(|claim| &claim.card)) {
            if !ended.contains(&card.id) && reclaimer.end(card) {
                ended.insert(card.id.clone());
            }
        }
        claims.retain(|claim| ended.contains(&claim.card.id));
        for claim in &claims {
            self.spared(reclaimer.reclaim(claim, journal), journal)?;
        }
        for (card, beaten_at) in gone.iter().filter(|(card, _)| ended.contains(&card.id)) {
            reclaimer.bury(card, *beaten_at)?;
        }
        Ok(claims.len())
    }

    fn unblock(&mut self, blocked: Vec<QueueName>, journal: &Journal) -> Result<usize> {
        let mut unblocked = 0;
        for name in self.waits.over(&self.queue, blocked, clock::now(), clock::mono_ms())? {
            let closed = self.queue.unblock(&name);
            if self.spared(closed, journal)? == Some(Transition::Won) {
                let (task, epoch) = (name.at.id, name.at.epoch);
                journal.record(Event::TaskUnblocked { task, epoch });
                unblocked += 1;
            }
        }
        Ok(unblocked)
    }

    /// `None` where only something that lies in the way of one task kept it from moving: the others go on.
    fn spared<T>(&mut self, moved: Result<T>, journal: &Journal) -> Result<Option<T>> {
        match moved {
            Err(QueueError::Fs(e)) if e.in_the_way() => {
                self.note_intake(journal, &IntakeResult::Stuck(e.to_string()));
                Ok(None)
            }
            moved => moved.map(Some),
        }
    }

    fn note_intake(&mut self, journal: &Journal, taken: &IntakeResult) {
        let event = match taken.clone() {
            IntakeResult::Ready(task) => Event::TaskReady { task },
            IntakeResult::Rejected(task) => Event::TaskRejected { task, epoch: None },
            IntakeResult::Stuck(why) => {
                // Said once: it is found again at every look.
                if self.stuck.insert(why.clone()) {
                    journal.record(Event::MoveObstructed { why });
                }
                return;
            }
            IntakeResult::Unfinished(_) | IntakeResult::Lost => return,
        };
        self.rejected += usize::from(matches!(taken, IntakeResult::Rejected(_)));
        journal.record(event);
    }
}
