//! What becomes of a dead worker's claims and remains.

use super::label::Call;
use super::promises::Sin;
use super::rules::Config;
use super::state::{At, Card, Place, State};
use super::table::Table;

impl Table<'_> {
    pub(super) fn reclaim(&mut self, s: &State, machine: u8) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e, w) = (usize::from(actor.task), actor.epoch, usize::from(actor.arg));
        match actor.at {
            At::SeenClaim if s.registered(w) => self.rest(s, Call::LookWorker),
            At::SeenClaim => self.kills(s, w, machine, At::ReclaimLook),
            At::SeenAbsent => {
                self.see_claims(s, w, At::ReclaimLook);
                self.rest(s, Call::ListClaims);
            }
            At::SeenReady => self.step(s, Call::UnlinkClaim, |s, _| {
                s.tasks[t].set_claim(e, 0);
                s.actors[me] = Default::default();
            }),
            At::ReclaimLook => self.reclaim_looks(s),
            At::ReclaimMove => self.reclaim_moves(s),
            At::ReclaimCheck => {
                let (to, next) = self.reclaims_to(s);
                let task = &s.tasks[t];
                let there =
                    task.is(to, next) && (to != Place::Failed || usize::from(task.by) == w % 8 + 1);
                self.go(
                    s,
                    Call::ListFor(to),
                    if there { At::ReclaimLost } else { At::ReclaimDrop },
                );
            }
            At::ReclaimLost => self.step(s, Call::WriteLost, |s, config| {
                let task = &mut s.tasks[t];
                task.lost |= 1 << e;
                if task.moved & (1 << e) != 0 {
                    task.moved &= !(1 << e);
                    task.reclaimed |= 1 << e;
                    task.deaths += u8::from(e >= task.born);
                }
                let first = !config.rules.lost_after_winning;
                s.actors[me].at = if first { At::ReclaimMove } else { At::ReclaimDrop };
            }),
            At::ReclaimDrop => self.step(s, Call::UnlinkClaim, |s, _| {
                s.tasks[t].set_claim(e, 0);
                s.actors[me] = Default::default();
            }),
            At::BuryKill => self.kills(s, w, machine, At::BuryGone),
            At::BuryGone => self.step(s, Call::UnlinkGone, |s, _| {
                s.workers[w].card = Card::Left;
                s.actors[me].at = At::BuryRetire;
            }),
            At::BuryRetire => self.step(s, Call::UnlinkRetire, |s, _| {
                s.workers[w].retire = false;
                s.actors[me] = Default::default();
            }),
            At::DeclarerKills => self.step(s, Call::Kill, |s, config| {
                s.kill(w, config);
                s.actors[me] = Default::default();
            }),
            _ => {}
        }
    }

    /// The worker and what it started, where this machine can; elsewhere nothing can be done.
    fn kills(&mut self, s: &State, w: usize, machine: u8, then: At) {
        let me = self.me();
        let rules = &self.config.rules;
        let dead = !s.workers[w].alive && s.workers[w].agent == 0;
        if !rules.anyone_kills && !dead {
            return self.rest(s, Call::LookWorker);
        }
        self.step(s, Call::Kill, |s, config| {
            if config.workers[w] == machine
                && config.rules.reclaim_kills
                && config.rules.anyone_kills
            {
                s.kill(w, config);
            }
            s.actors[me].at = then;
        });
    }

    fn reclaim_looks(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let t = usize::from(actor.task);
        let there = s.tasks[t].is(Place::Ready, actor.epoch);
        let rules = &self.config.rules;
        let next = match (there && rules.reclaim_raises_epoch, rules.lost_after_winning) {
            (false, _) => At::ReclaimDrop,
            (true, true) => At::ReclaimMove,
            (true, false) => At::ReclaimLost,
        };
        self.step(s, Call::LookReady, |s, config| {
            let w = usize::from(actor.arg);
            if s.registered(w) || s.workers[w].card == Card::None {
                s.sin(Sin::LivingReclaimed);
            }
            // `last` is decided here, from the deaths that are written down now.
            let this_life = config.rules.deaths_of_this_life && config.rules.deaths_are_files;
            let from = if this_life { s.tasks[t].life } else { 0 };
            let last = s.tasks[t].counted_deaths(from) + 1 >= config.max_deaths;
            s.actors[me].arg |= if last { 8 } else { 0 };
            if !config.rules.reason_in_name {
                // The reason beside the name is written before the rename is tried.
                s.tasks[t].side_due = true;
            }
            s.actors[me].at = next;
        });
    }

    fn reclaims_to(&self, s: &State) -> (Place, u8) {
        let actor = s.actors[self.me()];
        match (actor.arg & 8 != 0, self.config.rules.reason_in_name) {
            (true, _) => (Place::Failed, actor.epoch),
            (false, true) => (Place::Ready, actor.epoch + 1),
            (false, false) => (Place::Due, actor.epoch + 1),
        }
    }

    fn reclaim_moves(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let (place, next) = self.reclaims_to(s);
        let call = Call::Rename(place);
        let after = self.config.rules.lost_after_winning;
        if !s.tasks[t].is(Place::Ready, e) {
            return self.go(s, call, if after { At::ReclaimCheck } else { At::ReclaimDrop });
        }
        let mut to = *s;
        let task = &mut to.tasks[t];
        task.deaths += 1;
        task.reclaimed |= 1 << e;
        let early = place == Place::Failed && task.deaths < self.config.max_deaths;
        task.rename(place, next);
        task.by = if place == Place::Failed { (actor.arg & 7) + 1 } else { 0 };
        if early {
            to.sin(Sin::FailedEarly);
        }
        to.actors[me].at = if after { At::ReclaimLost } else { At::ReclaimDrop };
        self.push(call, t, e, to);
        self.lost_reply(call, t, e, to, |s| {
            s.actors[me].at = if after { At::ReclaimCheck } else { At::ReclaimDrop };
        });
    }
}

impl State {
    /// The process and its agents are dead, and seen to be.
    fn kill(&mut self, w: usize, config: &Config) {
        if self.registered(w) {
            self.sin(Sin::LivingReclaimed);
        }
        self.workers[w].agent = 0;
        self.end_worker(w, config);
    }
}
