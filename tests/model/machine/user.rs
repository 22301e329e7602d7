//! People: they drop files, and their commands write requests, hold, release, re-prioritise, retry, remove and retire.
//!
//! A command that is not continued is one that was killed; nothing relies on it.

use super::label::Call;
use super::promises::Sin;
use super::rules::Act;
use super::state::{Actor, At, Place, State};
use super::table::Table;

impl Table<'_> {
    pub(super) fn user(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        match actor.at {
            At::Idle if s.left.commands > 0 => {
                for act in self.config.acts {
                    self.begins(s, *act);
                }
            }
            At::RequestWrite => self.step(s, Call::PlaceRequest, |s, _| {
                let task = &mut s.tasks[t];
                assert!(actor.life < 8, "a configuration with fewer retries");
                task.requests |= 1 << actor.life;
                task.wanted = actor.life >= task.born && (task.place.waits());
                if actor.named != 0 && actor.named != actor.task + 1 {
                    s.sin(Sin::OtherFile);
                }
                s.actors[me].at = At::RequestReady;
            }),
            At::RetryWrite => self.step(s, Call::WriteRetry, |s, _| {
                s.tasks[t].life = s.tasks[t].life.max(e + 1);
                s.actors[me].at = At::RetryMove;
            }),
            At::RetryMove => self.retries(s),
            At::ShiftMove => self.shifts(s),
            At::NamedTake => self.takes_up(s),
            At::TakeCheck | At::TakeLook | At::Record | At::TakeMove => self.taking(s),
            At::NamedCheck => {
                // The new name's file, wherever intake put it, is compared with the one that was seen.
                let same = actor.named == actor.task + 1 || !self.config.rules.compare_inode;
                self.step(s, Call::LookNamed, |s, _| {
                    s.actors[me].at = if same { At::RequestWrite } else { At::Idle };
                });
            }
            At::Idle => {}
            _ => self.request(s),
        }
    }

    fn begins(&mut self, s: &State, act: Act) {
        let me = self.me();
        match act {
            Act::Drop => self.drops(s),
            Act::Retire => {
                for w in (0..self.config.workers.len()).filter(|w| !s.workers[*w].retire) {
                    let mut to = *s;
                    to.left.commands -= 1;
                    to.workers[w].retire = true;
                    self.push(Call::AskRetire, w, 0, to);
                }
            }
            Act::CancelNamed if s.pending != 0 => {
                self.decides(
                    s,
                    Call::LookPending,
                    0,
                    0,
                    Actor { at: At::NamedTake, named: s.pending, ..Actor::default() },
                );
            }
            _ => {
                for t in 0..usize::from(self.config.tasks) {
                    self.begins_with(s, act, t);
                }
            }
        }
        debug_assert!(s.actors[me].at == At::Idle);
    }

    fn begins_with(&mut self, s: &State, act: Act, t: usize) {
        let task = &s.tasks[t];
        let e = task.epoch;
        let free = task.claim(e) == 0 || !self.config.rules.only_unclaimed;
        let actor = |at, arg| Actor { at, task: t as u8, epoch: e, arg, ..Actor::default() };
        match (act, task.place) {
            (Act::Cancel, place) if place.waits() => {
                let actor = Actor { life: task.life, epoch: 0, ..actor(At::RequestWrite, 0) };
                self.decides(s, Call::ListLife, t, e, actor);
            }
            (Act::Retry, Place::Failed | Place::Cancelled | Place::Rejected) => {
                self.decides(s, Call::Decide, t, e, actor(At::RetryWrite, task.place as u8));
            }
            (Act::Hold, Place::Ready) if free => {
                self.decides(s, Call::Decide, t, e, actor(At::ShiftMove, Place::Hold as u8));
            }
            (Act::Hold, Place::Due) => {
                self.decides(s, Call::Decide, t, e, actor(At::ShiftMove, Place::Hold as u8));
            }
            (Act::Release, Place::Hold) => {
                self.decides(s, Call::Decide, t, e, actor(At::ShiftMove, Place::Ready as u8));
            }
            (Act::Priority, Place::Ready) if free => {
                self.decides(s, Call::Decide, t, e, actor(At::ShiftMove, Place::Ready as u8));
            }
            (Act::Remove, Place::Ready) => {
                let mut to = *s;
                to.left.commands -= 1;
                to.tasks[t].place = Place::Removed;
                to.tasks[t].wanted = false;
                self.push(Call::Remove, t, e, to);
            }
            _ => {}
        }
    }

    fn decides(&mut self, s: &State, call: Call, t: usize, e: u8, actor: Actor) {
        let mut to = *s;
        to.left.commands -= 1;
        to.actors[self.me()] = actor;
        self.push(call, t, e, to);
    }

    /// The next file, under the one name. What lies there is its user's to overwrite.
    fn drops(&mut self, s: &State) {
        let next = s
            .tasks
            .iter()
            .take(usize::from(self.config.tasks))
            .position(|t| t.place == Place::Nowhere);
        let Some(t) = next else { return };
        let mut to = *s;
        to.left.commands -= 1;
        if let Some(over) = usize::from(s.pending).checked_sub(1) {
            to.tasks[over].place = Place::Removed;
            to.unfinished &= !(1 << over);
        }
        to.pending = t as u8 + 1;
        to.tasks[t].place = Place::Pending;
        if self.config.slow {
            to.unfinished |= 1 << t;
        }
        self.push(Call::DropFile, t, 0, to);
    }

    fn retries(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let mut to = *s;
        to.actors[me] = Actor::default();
        let next = if s.tasks[t].record { Place::Ready } else { Place::Intake };
        let call = Call::Rename(next);
        if s.tasks[t].place as u8 == actor.arg && s.tasks[t].epoch == e {
            let task = &mut to.tasks[t];
            if next == Place::Ready {
                task.moved |= 1 << e;
            }
            if !self.config.rules.deaths_are_files {
                task.lost = 0;
            }
            (task.born, task.deaths, task.outcomes, task.by) = (e + 1, 0, 0, 0);
            task.rename(next, e + 1);
            self.lost_reply(call, t, e, to, |_| {});
        }
        self.push(call, t, e, to);
    }

    /// Hold, release, priority.
    fn shifts(&mut self, s: &State) {
        let me = self.me();
        let actor = s.actors[me];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let holds = actor.arg == Place::Hold as u8;
        let call = Call::Rename(if holds { Place::Hold } else { Place::Ready });
        let mut to = *s;
        to.actors[me] = Actor::default();
        let task = &mut to.tasks[t];
        if holds && !self.config.rules.reason_in_name {
            task.side_due = false;
        }
        if task.epoch == e && matches!(task.place, Place::Ready | Place::Due | Place::Hold) {
            task.held = false;
            if task.place == Place::Ready && !holds {
                task.moved |= 1 << e;
            }
            task.rename(if holds { Place::Hold } else { Place::Ready }, e + 1);
            self.lost_reply(call, t, e, to, |_| {});
        }
        self.push(call, t, e, to);
    }
}
