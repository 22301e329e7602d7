//! A worker's main thread (register, claim, work, close, retire) and its heart.

use super::label::{Call, End};
use super::promises::Sin;
use super::state::{At, Card, Place, State};
use super::table::Table;

impl Table<'_> {
    pub(super) fn worker(&mut self, s: &State, w: usize) {
        let me = s.workers[w];
        if !me.alive {
            return;
        }
        let actor = s.actors[w];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        match actor.at {
            At::Unborn => self.unborn(s, w),
            At::Idle => self.look_for_work(s, w),
            At::Open => {
                let there = s.tasks[t].is(Place::Ready, e);
                self.go(s, Call::Open, if there { At::Wanted } else { At::DropClaim });
            }
            At::DropClaim => self.step(s, Call::UnlinkClaim, |s, _| {
                s.tasks[t].set_claim(e, 0);
                s.actors[w] = Default::default();
            }),
            At::Wanted => self.step(s, Call::AskRequest, |s, config| {
                let wanted = s.wish_holds(t, config);
                s.actors[w].arg = End::Cancel as u8;
                s.actors[w].at = if wanted { At::Concluding } else { At::Enter };
            }),
            At::Enter => self.enter(s, w),
            At::Work => self.work(s, w),
            At::Closing => self.step(s, Call::Standing, |s, config| {
                let mine = s.tasks[t].claim(e) == w as u8 + 1;
                if mine && s.tasks[t].is(Place::Ready, e) && s.wish_holds(t, config) {
                    s.actors[w].arg = End::Cancel as u8;
                }
                s.actors[w].at = At::Concluding;
            }),
            At::Concluding => self.conclude(s, w),
            At::Check => self.step(s, Call::ListFor(end(s, w).place()), |s, _| {
                let won = is_mine(s, w);
                s.actors[w].named = u8::from(won && end(s, w) == End::Cancel);
                s.actors[w].at = At::EndClaim;
            }),
            At::EndClaim => self.step(s, Call::UnlinkClaim, |s, config| {
                s.tasks[t].set_claim(e, 0);
                let over = s.tasks[t].wishes_until(e, config);
                if s.actors[w].named == 1 && over != 0 {
                    s.actors[w].life = over;
                    s.actors[w].at = At::EndWish;
                } else {
                    s.actors[w] = Default::default();
                }
            }),
            At::EndWish => self.step(s, Call::UnlinkRequest, |s, _| {
                s.tasks[t].requests &= !s.actors[w].life;
                s.actors[w] = Default::default();
            }),
            At::Retiring => self.step(s, Call::UnlinkRetire, |s, config| {
                s.workers[w].retire = false;
                s.end_worker(w, config);
            }),
            _ => {}
        }
    }

    fn unborn(&mut self, s: &State, w: usize) {
        self.step(s, Call::Register, |s, _| {
            s.workers[w].card = Card::Registered;
            s.actors[w].at = if s.actors[w].arg == 1 { At::Open } else { At::Idle };
        });
        if !self.config.rules.register_first && s.actors[w].arg == 0 {
            self.links(s, w);
        }
    }

    fn look_for_work(&mut self, s: &State, w: usize) {
        let me = s.workers[w];
        if me.fenced {
            return self.ends_fenced(s, w);
        }
        if me.retire {
            let heart = self.config.heart(w);
            if !self.config.hearts || s.actors[heart].at == At::Idle {
                self.step(s, Call::UnlinkWorker, |s, _| {
                    s.workers[w].card = Card::Left;
                    s.actors[w].at = At::Retiring;
                });
            }
            return;
        }
        self.links(s, w);
    }

    /// One link for each name that some listing of `ready/` held.
    fn links(&mut self, s: &State, w: usize) {
        let card = s.workers[w].card;
        let owner = w as u8 + 1;
        for t in 0..usize::from(self.config.tasks) {
            let task = &s.tasks[t];
            let now = if task.place == Place::Ready { 1 << task.epoch } else { 0 };
            let seen = if self.config.old_listings { task.listed } else { now };
            for e in (0..16).filter(|e| seen & (1 << e) != 0) {
                let there = task.claim(e);
                let known = there == owner && self.config.rules.own_link_is_mine;
                if there != 0 && !known {
                    continue;
                }
                // A file that was moved to gone/ meanwhile may still be linked: its path was looked up before.
                let mut made = *s;
                made.tasks[t].set_claim(e, owner);
                let at = &mut made.actors[w];
                (at.task, at.epoch) = (t as u8, e);
                at.at = At::Open;
                if card == Card::None {
                    (at.at, at.arg) = (At::Unborn, 1);
                }
                self.push(Call::Link, t, e, made);
                if there == 0 {
                    let mine = self.config.rules.own_link_is_mine;
                    self.lost_reply(Call::Link, t, e, made, |s| {
                        if !mine {
                            s.actors[w] = Default::default();
                        }
                    });
                }
            }
        }
        if card == Card::Gone {
            self.ends_fenced(s, w);
        }
    }

    /// It leaves everything to the others.
    fn ends_fenced(&mut self, s: &State, w: usize) {
        self.step(s, Call::Beat, |s, config| {
            s.workers[w].agent = 0;
            s.end_worker(w, config);
        });
    }

    fn enter(&mut self, s: &State, w: usize) {
        let actor = s.actors[w];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        if s.workers[w].fenced {
            return self.ends_fenced(s, w);
        }
        let tree = actor.task + 1;
        let here = |other: usize| self.config.workers[other] == self.config.workers[w];
        let others = (0..self.config.workers.len()).filter(|other| *other != w && here(*other));
        let locked = others.clone().any(|other| s.workers[other].tree == tree);
        if locked && self.config.rules.tree_lock && s.left.busy == 0 {
            return;
        }
        let others: Vec<usize> = others.collect();
        self.step(s, Call::Enter, |s, config| {
            if !s.tasks[t].record {
                s.sin(Sin::NoRecord);
            }
            if config.is_wrong(actor.task) && config.rules.two_renames {
                s.actors[w].arg = End::Reject as u8;
                s.actors[w].at = At::Concluding;
                return;
            }
            if config.is_wrong(actor.task) || s.unfinished & (1 << t) != 0 {
                s.sin(Sin::WrongFile);
            }
            if locked && config.rules.tree_lock {
                s.left.busy -= 1;
                s.actors[w].arg = End::GiveBack as u8;
                s.actors[w].at = At::Closing;
                return;
            }
            for other in others.iter().filter(|_| config.rules.enter_kills) {
                if s.workers[*other].agent == tree && s.workers[*other].tree != tree {
                    s.workers[*other].agent = 0;
                }
            }
            let me = &mut s.workers[w];
            (me.tree, me.agent, me.agent_at) = (tree, tree, e);
            s.actors[w].at = At::Work;
        });
    }

    /// The agent ends by itself or was stopped; its tree is left before the outcome is published.
    fn work(&mut self, s: &State, w: usize) {
        let me = s.workers[w];
        if me.fenced {
            return self.ends_fenced(s, w);
        }
        let left = &s.left;
        for end in [End::Done, End::Failed, End::GiveBack] {
            let stopped = me.agent == 0;
            let may = match end {
                End::Done => !stopped,
                End::Failed => !stopped && self.config.failures,
                _ => stopped || left.give_backs > 0,
            };
            if may {
                self.step(s, Call::Ends(end), |s, _| {
                    s.left.give_backs -= u8::from(end == End::GiveBack && !stopped);
                    (s.workers[w].agent, s.workers[w].tree) = (0, 0);
                    s.actors[w].arg = end as u8;
                    s.actors[w].at = At::Closing;
                });
            }
        }
    }

    fn conclude(&mut self, s: &State, w: usize) {
        let actor = s.actors[w];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let ending = end(s, w);
        let call = Call::Rename(ending.place());
        if !s.tasks[t].is(Place::Ready, e) {
            let looks = self.config.rules.look_for_own_destination;
            return self.go(s, call, if looks { At::Check } else { At::EndClaim });
        }
        let keeps = ending == End::GiveBack && !self.config.rules.give_back_raises_epoch;
        let next = if ending == End::GiveBack && !keeps { e + 1 } else { e };
        let mut won = *s;
        let task = &mut won.tasks[t];
        task.rename(ending.place(), next);
        task.by = if matches!(ending, End::Done | End::Failed) { w as u8 + 1 } else { 0 };
        task.side_due = ending == End::GiveBack;
        if ending == End::Reject {
            won.reject(t, self.config);
        }
        won.actors[w].named = u8::from(ending == End::Cancel);
        won.actors[w].at = At::EndClaim;
        self.push(call, t, e, won);
        let looks = self.config.rules.look_for_own_destination;
        self.lost_reply(call, t, e, won, |s| {
            s.actors[w].named = 0;
            s.actors[w].at = if looks { At::Check } else { At::EndClaim };
        });
    }

    pub(super) fn heart(&mut self, s: &State, w: usize, h: usize) {
        let me = s.workers[w];
        if !me.alive || s.actors[w].at == At::Unborn {
            return;
        }
        let actor = s.actors[h];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        match actor.at {
            At::Idle if me.fenced || s.actors[w].at == At::Retiring => {}
            At::Idle => {
                if me.card == Card::Gone || me.card == Card::Left {
                    self.step(s, Call::Beat, |s, _| {
                        (s.workers[w].fenced, s.workers[w].agent) = (true, 0);
                    });
                }
                self.look_at_own(s, w);
                self.strangers(s, w);
            }
            At::Disown => {
                let there = s.tasks[t].is(Place::Ready, e);
                self.go(s, Call::LookReady, if there { At::DisownMove } else { At::DropClaim });
            }
            At::DisownMove => self.step(s, Call::Rename(Place::Ready), |s, _| {
                if s.tasks[t].is(Place::Ready, e) {
                    s.tasks[t].moved |= 1 << e;
                    s.tasks[t].rename(Place::Ready, e + 1);
                }
                s.actors[h].at = At::DropClaim;
            }),
            At::DropClaim => self.step(s, Call::UnlinkClaim, |s, _| {
                s.tasks[t].set_claim(e, 0);
                s.actors[h] = Default::default();
            }),
            _ => {}
        }
    }

    /// What a heartbeat finds about the claim in hand.
    fn look_at_own(&mut self, s: &State, w: usize) {
        let me = s.workers[w];
        let actor = s.actors[w];
        let (t, e) = (usize::from(actor.task), actor.epoch);
        let owner = s.tasks[t].claim(e);
        if !self.config.rules.one_inode && owner == w as u8 + 1 && actor.at == At::Work {
            // The file was replaced: the claim is a link of the one before.
            self.step(s, Call::ReplaceCard, |s, _| s.tasks[t].set_claim(e, owner | 8));
        }
        if actor.at != At::Work || me.agent == 0 || !self.config.rules.hearts_drop {
            return;
        }
        let gone = !s.tasks[t].is(Place::Ready, e) || owner != w as u8 + 1;
        if gone || s.wish_holds(t, self.config) {
            self.step(s, Call::StopAgent, |s, _| {
                if owner & 7 == w as u8 + 1 && owner & 8 != 0 && s.tasks[t].is(Place::Ready, e) {
                    s.sin(Sin::StoppedForNothing);
                }
                s.workers[w].agent = 0;
            });
        }
    }

    /// Claims with its own card that its main thread does not know of.
    fn strangers(&mut self, s: &State, w: usize) {
        let h = self.config.heart(w);
        if !self.config.rules.hearts_disown {
            return;
        }
        for t in 0..usize::from(self.config.tasks) {
            for e in 0..16 {
                let known = s.actors[w].at != At::Idle
                    && s.actors[w].task == t as u8
                    && s.actors[w].epoch == e;
                if s.tasks[t].claim(e) & 7 == w as u8 + 1 && !known {
                    self.begin(s, Call::ListClaims, h, t, e, At::Disown);
                }
            }
        }
    }
}

fn end(s: &State, w: usize) -> End {
    End::ALL[usize::from(s.actors[w].arg)]
}

/// Whether the destination of a worker's own rename is there.
fn is_mine(s: &State, w: usize) -> bool {
    let actor = s.actors[w];
    let task = &s.tasks[usize::from(actor.task)];
    match end(s, w) {
        End::GiveBack => task.is(Place::Due, actor.epoch + 1),
        End::Done | End::Failed => {
            task.is(end(s, w).place(), actor.epoch) && task.by == w as u8 + 1
        }
        other => task.is(other.place(), actor.epoch),
    }
}
