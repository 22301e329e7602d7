//! All steps from one state: every actor's next call, and every fault that may still come.

use super::explore::{Model, Step};
use super::label::{Call, Label};
use super::promises::{self, Sin};
use super::rules::{Act, Config};
use super::state::{At, Card, Place, State};

/// Collects the steps of one state.
pub(super) struct Table<'a> {
    pub(super) config: &'a Config,
    out: &'a mut Vec<Step<Label, State>>,
    actor: usize,
    role: (char, u8),
    pub(super) fair: bool,
}

impl Model for Config {
    type State = State;
    type Label = Label;

    fn starts(&self) -> Vec<State> {
        vec![self.start()]
    }

    fn steps(&self, s: &State, out: &mut Vec<Step<Label, State>>) {
        let mut table = Table { config: self, out, actor: 0, role: ('F', 0), fair: true };
        for w in 0..self.workers.len() {
            table.as_actor(w, ('W', w), true).worker(s, w);
            if self.hearts {
                table.as_actor(self.heart(w), ('H', w), true).heart(s, w, self.heart(w));
            }
        }
        for r in 0..self.tenders.len() {
            table.as_actor(self.housekeeper(r), ('R', r), true).housekeeper(s, self.tenders[r]);
        }
        for u in 0..usize::from(self.users) {
            table.as_actor(self.user(u), ('U', u), false).user(s);
        }
        table.as_actor(0, ('F', 0), false).faults(s);
    }

    fn broken(&self, s: &State) -> Option<&'static str> {
        promises::broken(self, s)
    }

    fn over(&self, s: &State) -> bool {
        promises::over(self, s)
    }
}

impl Config {
    /// Tasks that begin in `ready/`, workers that begin unregistered where that matters.
    pub(crate) fn start(&self) -> State {
        let mut s = State::default();
        for t in 0..usize::from(self.tasks) {
            if t < usize::from(self.tasks - self.dropped) {
                s.tasks[t].rename(Place::Ready, 1);
                s.tasks[t].record = true;
            } else if self.acts.contains(&Act::Drop) {
                s.tasks[t].place = Place::Nowhere;
            } else {
                s.tasks[t].place = Place::Pending;
                s.pending = t as u8 + 1;
            }
            if self.slow && s.tasks[t].place == Place::Pending {
                s.unfinished |= 1 << t;
            }
        }
        for w in 0..self.workers.len() {
            s.workers[w].alive = true;
            s.actors[w].at = At::Unborn;
        }
        s.left.crashes = self.crashes;
        s.left.suspicions = self.suspicions;
        s.left.lost_replies = self.lost_replies;
        s.left.deleted_claims = self.deleted_claims;
        s.left.give_backs = self.give_backs;
        s.left.busy = self.busy;
        s.left.commands = self.commands;
        s
    }
}

impl Table<'_> {
    fn as_actor(&mut self, actor: usize, role: (char, usize), fair: bool) -> &mut Self {
        (self.actor, self.role, self.fair) = (actor, (role.0, role.1 as u8), fair);
        self
    }

    pub(super) fn me(&self) -> usize {
        self.actor
    }

    /// A step to a state that is made already.
    pub(super) fn push(&mut self, call: Call, task: usize, epoch: u8, to: State) {
        self.add(call, task, epoch, false, self.fair, to);
    }

    fn add(&mut self, call: Call, task: usize, epoch: u8, lost: bool, fair: bool, to: State) {
        let (actor, role) = (self.actor as u8, self.role);
        let label = Label { actor, role, call, task: task as u8, epoch, lost };
        self.out.push(Step { label, fair, to });
    }

    /// A step of this actor about the task in its memory.
    pub(super) fn step(&mut self, s: &State, call: Call, act: impl FnOnce(&mut State, &Config)) {
        let mut to = *s;
        act(&mut to, self.config);
        let actor = s.actors[self.actor];
        self.push(call, usize::from(actor.task), actor.epoch, to);
    }

    /// A step that only moves this actor on.
    pub(super) fn go(&mut self, s: &State, call: Call, at: At) {
        let me = self.actor;
        self.step(s, call, |s, _| s.actors[me].at = at);
    }

    /// A step that only ends what this actor was doing.
    pub(super) fn rest(&mut self, s: &State, call: Call) {
        let me = self.actor;
        self.step(s, call, |s, _| s.actors[me] = Default::default());
    }

    /// This actor begins something with a task.
    pub(super) fn begin(&mut self, s: &State, call: Call, me: usize, t: usize, e: u8, at: At) {
        let mut to = *s;
        let actor = &mut to.actors[me];
        (actor.at, actor.task, actor.epoch) = (at, t as u8, e);
        self.push(call, t, e, to);
    }

    /// The call was made (`made` is what it came to), and its caller is told that it was not.
    pub(super) fn lost_reply(
        &mut self,
        call: Call,
        task: usize,
        epoch: u8,
        mut made: State,
        told: impl FnOnce(&mut State),
    ) {
        if made.left.lost_replies > 0 {
            made.left.lost_replies -= 1;
            told(&mut made);
            self.add(call, task, epoch, true, false, made);
        }
    }

    fn faults(&mut self, s: &State) {
        if s.left.crashes > 0 {
            for w in (0..self.config.workers.len()).filter(|w| s.workers[*w].alive) {
                let mut to = *s;
                to.left.crashes -= 1;
                to.end_worker(w, self.config);
                let role = self.role;
                self.role = ('W', w as u8);
                self.push(Call::Crash, 0, 0, to);
                self.role = role;
            }
            for r in 0..self.config.tenders.len() {
                let at = self.config.housekeeper(r);
                if self.config.tender_crashes && s.actors[at].at != At::Idle {
                    let mut to = *s;
                    to.left.crashes -= 1;
                    to.actors[at] = Default::default();
                    self.role = ('R', r as u8);
                    self.push(Call::Crash, 0, 0, to);
                }
            }
        }
        if s.left.deleted_claims > 0 {
            for t in 0..usize::from(self.config.tasks) {
                for e in (0..16).filter(|e| s.tasks[t].claim(*e) != 0) {
                    let mut to = *s;
                    to.left.deleted_claims -= 1;
                    to.tasks[t].set_claim(e, 0);
                    self.role = ('F', 0);
                    self.push(Call::DeleteClaim, t, e, to);
                }
            }
        }
        if s.unfinished != 0 {
            let mut to = *s;
            to.unfinished = 0;
            self.fair = true;
            self.role = ('F', 0);
            self.push(Call::FinishWriting, 0, 0, to);
        }
    }
}

impl super::state::Task {
    /// The requests that end with a life that ends at this epoch.
    pub(super) fn wishes_until(&self, epoch: u8, config: &Config) -> u8 {
        let named = config.rules.request_named_by_run && epoch < 7;
        if named { self.requests & ((2 << epoch) - 1) } else { self.requests }
    }
}

impl State {
    /// Its process is gone: its locks and its memory with it. What it started may live on.
    pub(super) fn end_worker(&mut self, w: usize, config: &Config) {
        self.workers[w].alive = false;
        self.workers[w].fenced = false;
        self.workers[w].tree = 0;
        self.actors[w] = Default::default();
        self.actors[w].at = At::Ended;
        if config.hearts {
            self.actors[config.heart(w)] = Default::default();
        }
    }

    pub(super) fn sin(&mut self, sin: Sin) {
        if self.sin == 0 {
            self.sin = sin as u8 + 1;
        }
    }

    /// Whether there is a cancel request the task, in what `runs/T` says is its present life.
    pub(super) fn wish_holds(&self, t: usize, config: &Config) -> bool {
        let task = &self.tasks[t];
        let life = if config.rules.request_for_a_run { task.life } else { 0 };
        task.requests >> life != 0
    }

    /// A task just moved to `rejected/`; under the dropped name it may meet another.
    pub(super) fn reject(&mut self, t: usize, config: &Config) {
        if !config.rules.rejected_by_id {
            for other in (0..self.tasks.len()).filter(|other| *other != t) {
                if self.tasks[other].place == Place::Rejected {
                    self.tasks[other].place = Place::Lost;
                }
            }
        }
    }

    pub(super) fn registered(&self, w: usize) -> bool {
        self.workers[w].card == Card::Registered
    }
}
