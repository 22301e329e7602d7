//! The acts of a night: each finds its victim by the plan's dice, and its end is noted.

use super::Night;
use super::plan::{Act, LaterEnd, clock as since};
use crate::domain::process::ProcessIdentity;
use crate::domain::task::id::TaskId;
use crate::queue::Result;
use crate::queue::reclaim::DeadClaim;
use crate::rehearsal::service::Room;
use crate::selftest::Observer;
use crate::selftest::night::facts::Span;
use crate::selftest::night::tasks::Kind;
use crate::selftest::processes::workers_here;
use crate::selftest::witness::PLACE;
use crate::site::Site;
use crate::sys::grace::Grace;
use crate::sys::process::Signal;
use crate::sys::{clock, fs, identity, process, sweep};

/// A worker that sleeps longer than its lease is judged dead and killed within this, milliseconds.
const LEASE_MS: u64 = 20_000;
/// From there to the last word of what it left, milliseconds.
const JUDGED_MS: u64 = 15_000;
/// So many of the oldest workers are spared, that some live through the night.
const VETERANS: usize = 2;
/// The disk is filled in pieces of so many bytes, then of so many.
const PIECES: [usize; 3] = [1 << 20, 64 << 10, 4 << 10];
/// The account of the agents of a night.
pub(super) const ACCOUNT: &str = "demo";

impl Night<'_> {
    pub(super) fn begin(&mut self, act: Act, observer: &mut dyn Observer) -> Result<()> {
        let hit = match act {
            Act::Limit { tokens, for_ms } => {
                let resets_at_ms = clock::now().plus_ms(for_ms);
                self.service.state.window = Some(Room { tokens, resets_at_ms });
                self.service.publish()?;
                Some("usage windows")
            }
            Act::Overload { for_ms } => {
                self.service.state.overloaded = true;
                self.service.publish()?;
                self.later(for_ms, LaterEnd::Overload);
                Some("overloads")
            }
            Act::Logout { for_ms } => {
                self.service.state.unauthorised = true;
                self.service.publish()?;
                self.later(for_ms, LaterEnd::Logout);
                Some("log-ins revoked")
            }
            Act::FullDisk { for_ms } => self.fill_the_disk(for_ms),
            Act::Pause { for_ms } => self.pause("somebody looks at the machine\n", for_ms)?,
            Act::PauseNow { for_ms } => self.pause("now\nthe machine is needed\n", for_ms)?,
            Act::Reboot { for_ms } => self.reboot(for_ms)?,
            Act::KillCoordinator { for_ms } => self.kill_coordinator(for_ms),
            Act::KillWorker { dice } => self.kill_worker(dice)?,
            Act::KillAgent { dice } => self.kill_agent(dice)?,
            Act::Freeze { dice, for_ms } => self.freeze(dice, for_ms)?,
            Act::Meddle { dice } => self.meddle(dice)?,
        };
        if hit.is_none() && act.needs_a_victim() {
            self.postponed.push(act);
        }
        if let Some(hit) = hit {
            self.facts.count(hit);
            if !matches!(act, Act::Meddle { .. }) {
                observer.say(&format!("{}  {}", since(self.elapsed_ms()), act.text()));
            }
        }
        Ok(())
    }

    pub(super) fn later(&mut self, for_ms: u64, end: LaterEnd) {
        self.ends.push((clock::mono_ms() + for_ms, end));
    }

    /// Ends what is over by now.
    pub(super) fn end_due(&mut self, now: u64) -> Result<()> {
        let due: Vec<LaterEnd> =
            self.ends.extract_if(.., |(at, _)| *at <= now).map(|(_, end)| end).collect();
        for end in due {
            match end {
                LaterEnd::Overload => {
                    self.service.state.overloaded = false;
                    self.service.publish()?;
                }
                LaterEnd::Logout => self.log_in()?,
                LaterEnd::FullDisk => self.make_room()?,
                LaterEnd::Pause => {
                    fs::unlink(&Site::at(self.bed.repository()).interrupt())?;
                }
                LaterEnd::Freeze(process) if process::alive(&process) => {
                    process::signal(process.pid, Signal::SIGCONT);
                }
                LaterEnd::Freeze(_) => {}
            }
        }
        Ok(())
    }

    fn fill_the_disk(&mut self, for_ms: u64) -> Option<&'static str> {
        if !self.own_disk {
            return None;
        }
        self.ballast = Some(self.bed.repository().with_file_name("ballast"));
        self.keep_full();
        self.facts.full.push(Span { from: clock::now(), until: clock::now().plus_ms(for_ms) });
        self.later(for_ms, LaterEnd::FullDisk);
        Some("full disks")
    }

    /// Takes what has become free meanwhile.
    pub(super) fn keep_full(&self) {
        let Some(ballast) = &self.ballast else { return };
        let Ok(file) = fs::open_append(ballast) else { return };
        for size in PIECES {
            let piece = vec![b'x'; size];
            while fs::write_all(&file, ballast, &piece).is_ok() {}
        }
    }

    fn make_room(&mut self) -> Result<()> {
        if let Some(ballast) = self.ballast.take() {
            fs::unlink(&ballast)?;
        }
        if let Some(span) = self.facts.full.last_mut() {
            // What could not be written down just before may be missing just after.
            span.until = clock::now().plus_ms(3_000);
        }
        Ok(())
    }

    fn reboot(&mut self, for_ms: u64) -> Result<Option<&'static str>> {
        for claim in self.bed.queue.claims()? {
            self.facts.cut(&claim.at.id, 0);
        }
        // Nobody lives to see the others die, as when the power goes: the death of an agent would be told as its own.
        let workers = workers_here(self.bed)?.into_iter().map(|card| card.process);
        for process in self.processes.coordinators().into_iter().chain(workers) {
            process::signal(process.pid, Signal::SIGKILL);
        }
        sweep::marked(PLACE, &self.bed.witness.to_string_lossy(), &mut Grace::none(), 5_000);
        self.down_until_ms = clock::mono_ms() + for_ms;
        Ok(Some("reboots"))
    }

    fn kill_coordinator(&mut self, for_ms: u64) -> Option<&'static str> {
        let coordinator = self.processes.coordinators().into_iter().next()?;
        process::signal(coordinator.pid, Signal::SIGKILL);
        self.down_until_ms = clock::mono_ms() + for_ms;
        Some("coordinators killed")
    }

    fn kill_worker(&mut self, dice: u64) -> Result<Option<&'static str>> {
        let Some(claim) = self.victim(dice, |_| true)? else { return Ok(None) };
        self.facts.cut(&claim.at.id, 0);
        process::signal(claim.card.process.pid, Signal::SIGKILL);
        Ok(Some("workers killed"))
    }

    fn freeze(&mut self, dice: u64, for_ms: u64) -> Result<Option<&'static str>> {
        let Some(claim) = self.victim(dice, |_| true)? else { return Ok(None) };
        let process = claim.card.process;
        process::signal(process.pid, Signal::SIGSTOP);
        self.later(for_ms, LaterEnd::Freeze(process));
        if for_ms < LEASE_MS {
            return Ok(Some("workers stopped"));
        }
        self.facts.cut(&claim.at.id, for_ms + JUDGED_MS);
        Ok(Some("workers stopped beyond their lease"))
    }

    fn kill_agent(&mut self, dice: u64) -> Result<Option<&'static str>> {
        let facts = &self.facts;
        let spared = |id: &TaskId| {
            !facts.agents_killed.contains(id.as_str())
                && kind(id).is_some_and(Kind::may_lose_its_agent)
        };
        let Some(claim) = self.victim(dice, spared)? else { return Ok(None) };
        let Some(agent) = agents_of(claim.card.process.pid).into_iter().next() else {
            return Ok(None);
        };
        self.facts.cut(&claim.at.id, 0);
        self.facts.agents_killed.insert(claim.at.id.to_string());
        process::signal(agent, Signal::SIGKILL);
        Ok(Some("agents killed"))
    }

    /// A claim whose task may be hit, of a worker that is none of the oldest.
    fn victim(&self, dice: u64, may: impl Fn(&TaskId) -> bool) -> Result<Option<DeadClaim>> {
        let mut workers = workers_here(self.bed)?;
        workers.sort_by_key(|card| card.started_at);
        let asleep = |process: &ProcessIdentity| {
            self.ends
                .iter()
                .any(|(_, end)| matches!(end, LaterEnd::Freeze(other) if other == process))
        };
        let mut claims = self.bed.queue.claims()?;
        claims.retain(|claim| {
            let id = &claim.card.id;
            workers.iter().skip(VETERANS).any(|card| card.id == *id)
                && !asleep(&claim.card.process)
                && self.facts.may_hit(&claim.at.id)
                && kind(&claim.at.id) != Some(Kind::Poison)
                && may(&claim.at.id)
        });
        if claims.is_empty() {
            return Ok(None);
        }
        Ok(Some(claims.swap_remove((dice % claims.len() as u64) as usize)))
    }

    /// Agents' processes that are there although all is done.
    pub(super) fn agents_at_work(&self) -> Result<Vec<String>> {
        let ours: Vec<i32> = workers_here(self.bed)?.iter().map(|card| card.process.pid).collect();
        let coordinators: Vec<i32> =
            self.processes.coordinators().iter().map(|process| process.pid).collect();
        let bearing = sweep::bearing(PLACE, &self.bed.witness.to_string_lossy());
        let left =
            bearing.into_iter().filter(|pid| !ours.contains(pid) && !coordinators.contains(pid));
        // A worker that begins or ends this instant is not registered.
        let left = left.filter(|pid| !command(*pid).contains("swarmdir-worker"));
        Ok(left
            .map(|pid| format!("all is done, and process {pid} works: {}", command(pid)))
            .collect())
    }
}

/// What a task's name says.
pub(super) fn kind(id: &TaskId) -> Option<Kind> {
    Kind::of(id.slug())
}

fn agents_of(worker: i32) -> Vec<i32> {
    let mut children = sweep::children_of(worker);
    children.retain(|pid| {
        command(*pid).contains("demo-agent") && identity::parent(*pid) == Some(worker)
    });
    children
}

fn command(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline").as_ref()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}
