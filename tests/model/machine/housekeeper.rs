//! Whoever tends: takes in, unblocks, declares dead, reclaims, buries, carries out requests. Coordinators,
//! workers' housekeepers and (for requests and intakes) commands do the same steps.

use super::label::Call;
use super::promises::Sin;
use super::state::{Actor, At, Card, Place, State};
use super::table::Table;

/// The first step of carrying out a request.
pub(super) const REQUEST: Actor =
    Actor { at: At::RequestReady, task: 0, epoch: 0, arg: 0, named: 0, life: 0 };

impl Table<'_> {
    pub(super) fn housekeeper(&mut self, s: &State, machine: u8) {
        let me = self.me();
        match s.actors[me].at {
            At::Idle => {
                self.takes_up(s);
                self.looks_after_tasks(s);
                self.looks_after_workers(s, machine);
            }
            At::TakeCheck | At::TakeLook | At::Record | At::TakeMove => self.taking(s),
            At::Unblock => self.unblocks(s),
            at if (At::RequestReady as u8..=At::RequestDrop as u8).contains(&(at as u8)) => {
                self.request(s)
            }
            _ => self.reclaim(s, machine),
        }
    }

    /// The first rename of an intake takes whatever bears the name now.
    pub(super) fn takes_up(&mut self, s: &State) {
        if s.pending == 0 {
            return;
        }
        let me = self.me();
        let t = usize::from(s.pending) - 1;
        if !self.config.rules.two_renames {
            // Judged where it lies; what is moved later is whatever lies there then.
            let good = !self.config.is_wrong(t as u8) && s.unfinished & (1 << t) == 0;
            if good {
                self.begin(s, Call::LookPending, me, t, 0, At::TakeMove);
            }
            return;
        }
        let mut to = *s;
        to.pending = 0;
        to.tasks[t].place = Place::Intake;
        let named = to.actors[me].named;
        to.actors[me] =
            super::state::Actor { at: At::TakeLook, task: t as u8, named, ..Default::default() };
        self.push(Call::Rename(Place::Intake), t, 0, to);
        self.lost_reply(Call::Rename(Place::Intake), t, 0, to, |s| {
            s.actors[me].at = At::TakeCheck;
        });
    }

    /// Under `~intake`: anybody may do this, and several may at once.
    pub(super) fn taking(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let over = if actor.named != 0 { At::NamedCheck } else { At::Idle };
        let there = s.tasks[t].is(Place::Intake, e);
        match actor.at {
            At::TakeCheck => {
                self.go(s, Call::ListFor(Place::Intake), if there { At::TakeLook } else { over });
            }
            At::TakeLook if !there || s.unfinished & (1 << t) != 0 => {
                self.go(s, Call::LookIntake, over)
            }
            At::TakeLook => {
                let recorded = s.tasks[t].record || self.config.is_wrong(actor.task);
                self.go(s, Call::LookIntake, if recorded { At::TakeMove } else { At::Record });
            }
            At::Record => self.step(s, Call::LinkRecord, |s, config| {
                s.tasks[t].record = true;
                s.actors[me].at = if config.rules.two_renames { At::TakeMove } else { At::Idle };
            }),
            _ if !self.config.rules.two_renames => self.takes_in_one(s),
            _ => {
                let wrong = self.config.is_wrong(actor.task);
                let to = if wrong { Place::Rejected } else { Place::Ready };
                self.step(s, Call::Rename(to), |s, config| {
                    if there {
                        s.tasks[t].rename(to, if wrong { e } else { e + 1 });
                        if wrong {
                            s.reject(t, config);
                        }
                    }
                    s.actors[me].at = over;
                });
            }
        }
    }

    /// Only in a variant: the one rename, and the record after it.
    fn takes_in_one(&mut self, s: &State) {
        let me = self.me();
        let Some(t) = usize::from(s.pending).checked_sub(1) else {
            return self.rest(s, Call::Rename(Place::Ready));
        };
        let mut to = *s;
        to.pending = 0;
        to.tasks[t].rename(Place::Ready, 1);
        let recorded = self.config.rules.record_first;
        to.tasks[t].record = recorded;
        let at = if recorded { At::Idle } else { At::Record };
        to.actors[me] = Actor { at, task: t as u8, ..Actor::default() };
        self.push(Call::Rename(Place::Ready), t, 1, to);
    }

    fn looks_after_tasks(&mut self, s: &State) {
        let me = self.me();
        for t in 0..usize::from(self.config.tasks) {
            let task = &s.tasks[t];
            let due = match (task.place, self.config.rules.reason_in_name) {
                (Place::Due, true) => true,
                (Place::Due | Place::Hold, false) => task.side_due,
                _ => false,
            };
            if due {
                self.begin(s, Call::ListBlocked, me, t, task.epoch, At::Unblock);
            }
            if task.place == Place::Intake {
                self.begin(s, Call::ListBlocked, me, t, task.epoch, At::TakeLook);
            }
            for life in (0..8).filter(|life| task.requests & (1 << life) != 0) {
                let mut to = *s;
                to.actors[me] = Actor { task: t as u8, life, ..REQUEST };
                let blind = self.config.rules.request_for_a_run && task.life > life;
                if blind && !self.config.rules.life_after_name {
                    to.actors[me].at = At::RequestDrop;
                }
                self.push(Call::ListRequests, t, 0, to);
            }
            if self.config.rules.sweep_ready_first {
                for e in (1..=task.epoch + 1).filter(|e| !task.is(Place::Ready, *e)) {
                    self.begin(s, Call::ListReady, me, t, e, At::SeenReady);
                }
            }
        }
    }

    fn unblocks(&mut self, s: &State) {
        let me = self.me();
        let (t, e) = (usize::from(s.actors[me].task), s.actors[me].epoch);
        let there = s.tasks[t].epoch == e && matches!(s.tasks[t].place, Place::Due | Place::Hold);
        let mut to = *s;
        to.actors[me] = Default::default();
        if there {
            if to.tasks[t].held {
                to.sin(Sin::HeldRuns);
            }
            to.tasks[t].rename(Place::Ready, e + 1);
            self.lost_reply(Call::Rename(Place::Ready), t, e, to, |_| {});
        }
        self.push(Call::Rename(Place::Ready), t, e, to);
    }

    /// Carrying out a request: once round, from reading it to removing it.
    pub(super) fn request(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let t = usize::from(actor.task);
        let task = s.tasks[t];
        let rules = &self.config.rules;
        let end = if rules.request_lasts { At::Idle } else { At::RequestDrop };
        match actor.at {
            At::RequestReady => {
                self.request_found(
                    s,
                    Call::ListReady,
                    task.place == Place::Ready,
                    At::RequestBlocked,
                );
            }
            At::RequestBlocked => {
                self.request_found(s, Call::ListBlocked, task.place.blocked(), At::RequestEnded);
            }
            At::RequestEnded => {
                let next = if task.place.ended() { At::RequestDrop } else { end };
                self.go(s, Call::ListEnded, next);
            }
            At::RequestLife => {
                let over = rules.request_for_a_run && task.life > actor.life;
                self.go(s, Call::ListLife, if over { At::RequestDrop } else { At::RequestMove });
            }
            At::RequestMove => self.request_moves(s),
            At::RequestCheck => {
                let there = task.is(Place::Cancelled, actor.epoch);
                self.go(
                    s,
                    Call::ListFor(Place::Cancelled),
                    if there { At::RequestDrop } else { end },
                );
            }
            _ => self.step(s, Call::UnlinkRequest, |s, config| {
                let named = config.rules.request_named_by_run;
                s.tasks[t].requests &= if named { !(1 << actor.life) } else { 0 };
                s.actors[me] = Default::default();
            }),
        }
    }

    fn request_found(&mut self, s: &State, call: Call, found: bool, otherwise: At) {
        let me = self.me();
        let t = usize::from(s.actors[me].task);
        self.step(s, call, |s, config| {
            s.actors[me].at = match (found, config.rules.life_after_name) {
                (false, _) => otherwise,
                (true, true) => At::RequestLife,
                (true, false) => At::RequestMove,
            };
            if found {
                s.actors[me].epoch = s.tasks[t].epoch;
            }
        });
    }

    fn request_moves(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let call = Call::Rename(Place::Cancelled);
        if !s.tasks[t].place.waits() || s.tasks[t].epoch != e {
            return self.go(s, call, At::RequestCheck);
        }
        let mut to = *s;
        if actor.life < to.tasks[t].born {
            to.sin(Sin::OtherLife);
        }
        to.tasks[t].rename(Place::Cancelled, e);
        to.actors[me].at = At::RequestDrop;
        self.push(call, t, e, to);
        self.lost_reply(call, t, e, to, |s| s.actors[me].at = At::RequestCheck);
    }

    fn looks_after_workers(&mut self, s: &State, machine: u8) {
        let me = self.me();
        let rules = &self.config.rules;
        for w in 0..self.config.workers.len() {
            let worker = s.workers[w];
            let suspects = worker.alive && s.left.suspicions > 0;
            if worker.card == Card::Registered && (!worker.alive || suspects) {
                let mut to = *s;
                to.left.suspicions -= u8::from(worker.alive);
                to.workers[w].card = Card::Gone;
                if !rules.anyone_kills {
                    to.actors[me].at = At::DeclarerKills;
                }
                to.actors[me].arg = if rules.anyone_kills { 0 } else { w as u8 };
                let fair = std::mem::replace(&mut self.fair, !worker.alive);
                self.push(Call::Declare, w, 0, to);
                self.fair = fair;
            }
            if worker.card == Card::Gone && self.config.workers[w] == machine {
                self.see_worker(s, Call::ListGone, At::BuryKill, w);
            }
            if !rules.claims_first && worker.card != Card::Registered {
                self.see_worker(s, Call::LookWorker, At::SeenAbsent, w);
            }
            if rules.claims_first {
                self.see_claims(s, w, At::SeenClaim);
            }
        }
    }

    fn see_worker(&mut self, s: &State, call: Call, at: At, w: usize) {
        let mut to = *s;
        let actor = &mut to.actors[self.me()];
        (actor.at, actor.arg) = (at, w as u8);
        self.push(call, w, 0, to);
    }

    /// A listing of `claims/`: one step for each claim of that worker that it may hold.
    pub(super) fn see_claims(&mut self, s: &State, w: usize, at: At) {
        for t in 0..usize::from(self.config.tasks) {
            for e in (0..16).filter(|e| s.tasks[t].claim(*e) & 7 == w as u8 + 1) {
                let mut to = *s;
                let actor = &mut to.actors[self.me()];
                (actor.at, actor.task, actor.epoch, actor.arg) = (at, t as u8, e, w as u8);
                self.push(Call::ListClaims, t, e, to);
            }
        }
    }
}
