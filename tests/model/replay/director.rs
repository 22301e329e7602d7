//! Walks through the model at random, and makes the program take every step of the way.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use swarmdir::domain::task::id::{Epoch, TaskId};
use swarmdir::domain::task::name::{Band, QueueName, TaskEpoch};
use swarmdir::queue::claim::ClaimState;
use swarmdir::queue::register::{Beat, Registration};

use super::disk::Seen;
use super::stage::{Cue, News, Player};
use super::world::{DROPPED, World};
use crate::model::machine::explore::{Model, Step};
use crate::model::machine::label::{Call, End, Label};
use crate::model::machine::rules::Config;
use crate::model::machine::state::{ACTORS, At, Card, Place, State, TASKS};
use crate::support::settled::write_settled;

/// A walk ends after so many steps.
const LONGEST: usize = 60;

/// How much was compared.
#[derive(Clone, Copy, Default)]
pub(in crate::model) struct Played {
    pub(in crate::model) traces: usize,
    pub(in crate::model) steps: usize,
}

/// One walk: prefers the steps of `guide` in their order, takes any other by `dice`.
pub(in crate::model) fn walk(config: &Config, seed: u64, guide: &[Label], played: &mut Played) {
    let mut director = Director::new(config);
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut state = config.start();
    let mut done: Vec<Label> = Vec::new();
    let mut guide = guide.iter();
    let mut steps = Vec::new();
    director.compare(&state, &done);
    loop {
        config.steps(&state, &mut steps);
        steps.retain(|step| step.to != state && can_be_staged(&state, &step.label));
        if steps.is_empty() || done.len() == LONGEST {
            break;
        }
        let wanted = guide.by_ref().find_map(|label| steps.iter().position(|s| s.label == *label));
        let choice = wanted.unwrap_or_else(|| dice.below(steps.len()));
        let step = steps[choice];
        steps.clear();
        done.push(step.label);
        director.play(&state, &step, &done);
        state = step.to;
        director.compare(&state, &done);
    }
    played.traces += 1;
    played.steps += done.len();
}

/// A link whose path the kernel looked up before the file was moved away cannot be had at will.
fn can_be_staged(s: &State, label: &Label) -> bool {
    label.call != Call::Link || s.workers[usize::from(label.role.1)].card == Card::Registered
}

/// Xorshift: the same walk for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

struct Director<'a> {
    config: &'a Config,
    dir: tempfile::TempDir,
    world: World,
    players: [Option<Player>; ACTORS],
    registrations: Vec<Option<Arc<Registration>>>,
    workers: Vec<String>,
    ids: HashMap<String, usize>,
    beats: u64,
}

impl<'a> Director<'a> {
    fn new(config: &'a Config) -> Director<'a> {
        let shm = PathBuf::from("/dev/shm");
        let dir =
            if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let world = World::new(dir.path().join("queue"), config.max_deaths);
        let workers = (1..=config.workers.len()).map(|w| format!("{w:032x}")).collect();
        let registrations = config.workers.iter().map(|_| None).collect();
        let director = Director {
            config,
            dir,
            world,
            players: Default::default(),
            registrations,
            workers,
            ids: HashMap::new(),
            beats: 0,
        };
        let start = config.start();
        for t in 0..TASKS {
            match start.tasks[t].place {
                Place::Ready => drop(director.world.add(&director.content(t))),
                Place::Pending => director.drop_file(t),
                _ => {}
            }
        }
        director
    }

    fn content(&self, t: usize) -> String {
        format!("{t}{} a task\n", if self.config.is_wrong(t as u8) { '!' } else { '.' })
    }

    fn path(&self, name: impl AsRef<std::path::Path>) -> PathBuf {
        self.dir.path().join("queue").join(name)
    }

    /// As a careful user does: written elsewhere, renamed into place.
    fn drop_file(&self, t: usize) {
        let staged = self.dir.path().join("staged");
        write_settled(&staged, self.content(t));
        fs::rename(staged, self.path("pending").join(DROPPED)).unwrap();
    }

    fn id(&self, t: u8) -> TaskId {
        let found = self.ids.iter().find(|(_, task)| **task == usize::from(t)).unwrap();
        TaskId::parse(found.0).unwrap()
    }

    fn at(&self, t: u8, e: u8) -> TaskEpoch {
        TaskEpoch { id: self.id(t), epoch: Epoch(u32::from(e)) }
    }

    fn name(&self, t: u8, e: u8) -> QueueName {
        QueueName { band: Band::DEFAULT, at: self.at(t, e), reason: None }
    }

    fn compare(&mut self, s: &State, done: &[Label]) {
        let seen = Seen::on_disk(&self.path(""), &self.workers, &mut self.ids);
        let expected = Seen::expected(s);
        assert_eq!(seen, expected, "disk beside model, {}", told(self.config, done));
    }

    /// One step of the model, done by the program.
    fn play(&mut self, before: &State, step: &Step<Label, State>, done: &[Label]) {
        let Label { actor, call, .. } = step.label;
        let actor = usize::from(actor);
        if step.label.role.0 == 'F' || call == Call::Crash || !self.offstage(before, step) {
            // A fault or something that is no thread's: done already, or done here.
            self.fault(step);
        } else {
            if self.players[actor].is_none() {
                self.players[actor] = Some(self.enter(before, step));
            }
            self.cue(actor, before, step, done);
        }
        self.bury_players(&step.to);
    }

    /// Whether the step needs a thread; what does not is done at once.
    fn offstage(&mut self, before: &State, step: &Step<Label, State>) -> bool {
        let Label { role, call, task, .. } = step.label;
        let w = usize::from(role.1);
        match call {
            Call::Register => {
                let registration = self.world.register(&self.workers[w]);
                self.registrations[w] = Some(Arc::new(registration));
            }
            Call::Beat => {
                self.beats += 1;
                let me = self.registrations[w].as_ref().unwrap();
                let beat = me.beat(self.beats).unwrap();
                // The main thread learns it from its heart, not from a beat of its own.
                assert_eq!(beat, Beat::Buried, "{:?}", before.workers[w]);
            }
            Call::StopAgent => {
                let actor = before.actors[w];
                let me = self.registrations[w].as_ref().unwrap();
                let name = self.name(actor.task, actor.epoch);
                let standing = self.world.queue.standing(me, &name).unwrap();
                assert_ne!(standing, ClaimState::Holds);
            }
            Call::Declare => self.world.declare(&self.workers[usize::from(task)]),
            Call::AskRetire => {
                let id =
                    swarmdir::domain::task::id::WorkerId::parse(&self.workers[usize::from(task)]);
                self.world.queue.ask_to_retire(&id.unwrap()).unwrap();
            }
            Call::DropFile => self.drop_file(usize::from(task)),
            Call::Remove => {
                let name = self.name(task, step.label.epoch).to_string();
                fs::remove_file(self.path("ready").join(name)).unwrap();
            }
            _ => return true,
        }
        false
    }

    fn fault(&mut self, step: &Step<Label, State>) {
        let Label { call, task, epoch, role, .. } = step.label;
        match call {
            Call::DeleteClaim => {
                let name = self.at(task, epoch).to_string();
                fs::remove_file(self.path("claims").join(name)).unwrap();
            }
            Call::Crash if role.0 == 'R' => {
                let player = self.players[self.config.housekeeper(usize::from(role.1))].take();
                player.expect("it was at work").die();
            }
            _ => {}
        }
    }

    /// The thread that does what begins with this step.
    fn enter(&mut self, before: &State, step: &Step<Label, State>) -> Player {
        let Label { role, call, task, epoch, .. } = step.label;
        let world = self.world.clone();
        let after = step.to.actors[usize::from(step.label.actor)];
        let worker = self.workers.get(usize::from(after.arg)).cloned().unwrap_or_default();
        match (role.0, call) {
            ('W', Call::Link) => {
                let me = self.registrations[usize::from(role.1)].clone().unwrap();
                let (name, wrong) = (self.name(task, epoch), self.config.is_wrong(task));
                Player::enter(move |barrier| world.attempt(barrier, &me, &name, wrong))
            }
            ('W', Call::UnlinkWorker) => {
                let me = self.registrations[usize::from(role.1)].take().unwrap();
                Player::enter(move |_| world.leave(me))
            }
            ('H', Call::ListClaims) => {
                let at = self.at(task, epoch);
                Player::enter(move |_| world.disown(&at))
            }
            ('R', Call::Rename(Place::Intake)) => Player::enter(move |_| world.take_in()),
            ('R', Call::ListBlocked) => {
                let id = self.id(task);
                Player::enter(move |_| world.looks_after(&id))
            }
            ('R', Call::ListClaims) => {
                let at = self.at(task, epoch);
                Player::enter(move |_| world.reclaim(&at, &worker))
            }
            ('R', Call::ListGone) => Player::enter(move |barrier| world.bury(barrier, &worker)),
            ('R', Call::ListRequests) => {
                let request = self.at(task, after.life);
                Player::enter(move |_| world.carry_out(&request))
            }
            ('U', Call::ListLife) => {
                let id = self.id(task);
                Player::enter(move |_| world.cancel(&id))
            }
            ('U', Call::Decide) => {
                let id = self.id(task);
                match after.at {
                    At::RetryWrite => Player::enter(move |barrier| world.retry(barrier, &id)),
                    _ => {
                        let hold = after.arg == Place::Hold as u8;
                        Player::enter(move |barrier| world.shift(barrier, &id, hold))
                    }
                }
            }
            _ => panic!("nothing begins with {} in {:?}", step.label, before.actors),
        }
    }

    /// The actor stands before this very call: it makes it, and goes on to the next.
    fn cue(&mut self, actor: usize, before: &State, step: &Step<Label, State>, done: &[Label]) {
        let player = self.players[actor].as_mut().unwrap();
        let stands = News::At(known_as(step.label.call, before.actors[actor].at));
        assert_eq!(player.at, stands, "program beside model, {}", told(self.config, done));
        let cue = match step.label.call {
            _ if step.label.lost => Cue::Lost,
            Call::Ends(end) => Cue::End(end),
            Call::Enter if step.to.actors[actor].at == At::Closing => Cue::End(End::GiveBack),
            _ => Cue::Go,
        };
        player.cue(cue);
        let after = step.to.actors[actor];
        // Nothing follows from this listing, so it is no step.
        let looks_in_vain = matches!(player.at, News::At(Call::ListFor(_)));
        if looks_in_vain
            && !matches!(after.at, At::Check | At::ReclaimCheck | At::RequestCheck | At::TakeCheck)
        {
            player.cue(Cue::Go);
        }
        let ended = matches!(after.at, At::Idle | At::Ended) || after == before.actors[actor];
        assert_eq!(
            player.at == News::Done,
            ended,
            "{:?} but {after:?}, {}",
            player.at,
            told(self.config, done)
        );
        if ended {
            self.players[actor].take().expect("it just played").leave();
        }
    }

    /// What was killed with its process.
    fn bury_players(&mut self, after: &State) {
        for w in (0..self.config.workers.len()).filter(|w| !after.workers[*w].alive) {
            let heart = self.config.hearts.then(|| self.config.heart(w));
            for actor in std::iter::once(w).chain(heart) {
                if let Some(player) = self.players[actor].take() {
                    player.die();
                }
            }
        }
    }
}

impl Drop for Director<'_> {
    fn drop(&mut self) {
        for player in self.players.iter_mut().filter_map(Option::take) {
            player.die();
        }
    }
}

/// How a step is called where the program cannot know yet what it will come to.
fn known_as(call: Call, at: At) -> Call {
    match (call, at) {
        (Call::Ends(_), _) => Call::Ends(End::Done),
        (Call::Kill, At::SeenClaim) => Call::LookWorker,
        (other, _) => other,
    }
}

fn told(config: &Config, done: &[Label]) -> String {
    let steps: Vec<String> = done.iter().map(|label| format!("  {label}")).collect();
    format!("in {:?}, after\n{}", config.name, steps.join("\n"))
}
