//! The pool: starts, asks and counts worker processes. The thin shell around [`super::decide`].

use std::collections::HashSet;

use super::decide::{PoolAction, PoolSlot, RespawnBackoff, WorkerExit, scale_to};
use super::members::{PoolMember, card_of, live_members};
use super::{CoordinatorOptions, PoolObserver};
use crate::domain::process::ProcessIdentity;
use crate::queue::{Queue, Result};
use crate::sys::daemon::{self, Reaped};
use crate::sys::grace::{GRACE_MS, Grace};
use crate::sys::signal::Signal;
use crate::sys::{clock, fs, identity, process, sweep};

pub(super) struct Pool {
    slots: Vec<PoolSlot>,
    members: Vec<Option<PoolMember>>,
    wanted: usize,
    drain: bool,
    backoff: RespawnBackoff,
    said_tripped: bool,
    /// What dead workers left was asked to end, and is killed then.
    orphans_until_ms: Option<u64>,
}

impl Pool {
    /// A pool with the live workers that an earlier coordinator left.
    pub(super) fn adopt(queue: &Queue, options: &CoordinatorOptions, wanted: u32) -> Result<Pool> {
        let mut pool = Pool {
            slots: Vec::new(),
            members: Vec::new(),
            wanted: 0,
            drain: options.drain,
            backoff: RespawnBackoff::default(),
            said_tripped: false,
            orphans_until_ms: None,
        };
        pool.scale(wanted);
        for (slot, member) in live_members(queue)? {
            // Two coordinators in turn may have given one slot to two workers.
            let free = pool.members.get(slot).is_some_and(Option::is_none);
            let slot = if free { slot } else { pool.members.len() };
            pool.make_slots(slot + 1);
            pool.members[slot] = Some(member);
            pool.slots[slot] = PoolSlot::Running;
        }
        Ok(pool)
    }

    pub(super) fn running(&self) -> usize {
        self.members.iter().flatten().count()
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    pub(super) fn scale(&mut self, wanted: u32) {
        self.wanted = wanted as usize;
        self.make_slots(self.wanted);
    }

    fn make_slots(&mut self, slots: usize) {
        while self.slots.len() < slots {
            self.slots.push(PoolSlot::Empty { not_before_ms: 0 });
            self.members.push(None);
        }
    }

    /// In a drain: every wanted slot's worker has found nothing left.
    pub(super) fn all_finished(&self) -> bool {
        self.running() == 0 && self.slots.iter().take(self.wanted).all(|s| *s == PoolSlot::Finished)
    }

    /// In a drain: something turned up after all.
    pub(super) fn restart(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| **slot == PoolSlot::Finished) {
            *slot = PoolSlot::Empty { not_before_ms: 0 };
        }
    }

    /// Workers die before they do anything.
    pub(super) fn broken(&self) -> bool {
        self.backoff.is_tripped() && self.running() == 0
    }

    /// Notices ends: of children by the kernel's report, of adopted ones by looking.
    pub(super) fn reap(&mut self, queue: &Queue, observer: &mut dyn PoolObserver) {
        for Reaped { pid, how } in daemon::reap() {
            let index = self.index_of(|member| member.child && member.process.pid == pid);
            if let Some(index) = index {
                let exit = match how {
                    daemon::ChildEnd::Clean => WorkerExit::Finished,
                    daemon::ChildEnd::Recycled => WorkerExit::Recycled,
                    daemon::ChildEnd::Killed => WorkerExit::Killed,
                    daemon::ChildEnd::Crashed => self.early_or_not(queue, pid),
                };
                self.ended(index, exit, observer);
            }
        }
        while let Some(index) = self.index_of(|m| !m.child && !process::alive(&m.process)) {
            self.ended(index, WorkerExit::DiedWorking, observer);
        }
        if self.orphans_until_ms.is_some_and(|until| until <= clock::mono_ms()) {
            self.end_orphans(process::Signal::SIGKILL);
            self.orphans_until_ms = None;
        }
    }

    fn index_of(&self, test: impl Fn(&PoolMember) -> bool) -> Option<usize> {
        self.members.iter().position(|member| member.as_ref().is_some_and(&test))
    }

    fn early_or_not(&self, queue: &Queue, pid: i32) -> WorkerExit {
        let claimed = card_of(queue, pid).is_some_and(|card| card.has_claimed);
        if claimed { WorkerExit::DiedWorking } else { WorkerExit::DiedEarly }
    }

    fn ended(&mut self, index: usize, exit: WorkerExit, observer: &mut dyn PoolObserver) {
        let member = self.members[index].take();
        self.backoff = self.backoff.after(exit);
        self.slots[index] = self.backoff.slot_after(exit, self.drain, clock::mono_ms());
        if let (Some(member), true) =
            (member, !matches!(exit, WorkerExit::Finished | WorkerExit::Recycled))
        {
            observer.say(&format!("worker {index} (process {}) died", member.process.pid));
            self.end_orphans(Signal::Terminate.number());
            self.orphans_until_ms = Some(clock::mono_ms() + GRACE_MS);
        }
    }

    /// What a dead worker's agents started comes to us, as the subreaper: every child that is no worker.
    /// It is asked first.
    fn end_orphans(&self, signal: process::Signal) {
        for pid in sweep::own_children() {
            if self.index_of(|member| member.process.pid == pid).is_none() {
                process::tell(pid, false, signal);
            }
        }
    }

    /// Nobody of the pool is left, and this process is about to end: what workers left must not outlive it.
    pub(super) fn sweep_orphans(&mut self) {
        if self.orphans_until_ms.take().is_some() && self.running() == 0 {
            sweep::descendants(HashSet::new(), &mut Grace::new(), GRACE_MS);
        }
    }

    /// Starts and retires as decided.
    pub(super) fn keep(
        &mut self,
        queue: &Queue,
        options: &CoordinatorOptions,
        observer: &mut dyn PoolObserver,
    ) -> Result<()> {
        if self.backoff.is_tripped() && !self.said_tripped {
            self.said_tripped = true;
            let log = options.log_dir.display();
            observer.say(&format!(
                "workers die before their first task; see {log}; trying once a minute"
            ));
        }
        for action in scale_to(&self.slots, self.wanted, clock::mono_ms()) {
            match action {
                PoolAction::Spawn(index) => self.spawn(index, options, observer)?,
                PoolAction::Retire(index) => self.retire(index, queue)?,
            }
        }
        Ok(())
    }

    fn spawn(
        &mut self,
        index: usize,
        options: &CoordinatorOptions,
        observer: &mut dyn PoolObserver,
    ) -> Result<()> {
        fs::mkdirs(&options.log_dir)?;
        let log = options.log_dir.join(format!("worker-{index}.log"));
        let mut argv = options.worker_argv.clone();
        argv.extend(["--slot".into(), index.to_string().into()]);
        match daemon::spawn(&argv, &[], &log) {
            Ok(pid) => {
                let start_ticks = identity::start_ticks(pid).unwrap_or(0);
                let process = ProcessIdentity { pid, start_ticks, ..identity::me() };
                self.members[index] = Some(PoolMember { process, child: true, retiring: false });
                self.slots[index] = PoolSlot::Running;
            }
            Err(e) => {
                observer.say(&format!("worker {index} could not be started: {e}"));
                self.backoff = self.backoff.after(WorkerExit::DiedEarly);
                self.slots[index] =
                    self.backoff.slot_after(WorkerExit::DiedEarly, self.drain, clock::mono_ms());
            }
        }
        Ok(())
    }

    fn retire(&mut self, index: usize, queue: &Queue) -> Result<()> {
        let Some(member) = self.members[index].as_mut().filter(|member| !member.retiring) else {
            return Ok(());
        };
        // One that has not registered yet is asked at the next look.
        if let Some(card) = card_of(queue, member.process.pid) {
            queue.ask_to_retire(&card.id)?;
            member.retiring = true;
        }
        Ok(())
    }

    /// In a drain: workers that an earlier coordinator started to stay end after their tasks, and are replaced.
    pub(super) fn retire_stayers(&mut self, queue: &Queue) -> Result<()> {
        let adopted = |member: &Option<PoolMember>| member.as_ref().is_some_and(|m| !m.child);
        let stayers = (0..self.members.len()).filter(|index| adopted(&self.members[*index]));
        for index in stayers.collect::<Vec<_>>() {
            self.retire(index, queue)?;
        }
        Ok(())
    }

    /// Passes a signal on to every worker of the pool.
    pub(super) fn signal(&self, signal: Signal) {
        for member in self.members.iter().flatten() {
            if process::alive(&member.process) {
                process::signal(member.process.pid, signal.number());
            }
        }
    }

    /// Kills every worker of the pool.
    pub(super) fn kill(&self) {
        for member in self.members.iter().flatten() {
            process::kill_and_see_dead(&member.process, 2_000);
        }
    }
}
