//! Actors on stage: each runs the program's own code on a thread of its own, and stops before every call that
//! another actor could notice, until it is told to go on, to be lied to, or to die.
//!
//! It knows no protocol. Invariant: between two cues at most one thread of all runs.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use swarmdir::sys::seam::{self, Call, CallFate, Hook, Op};

use crate::model::machine::label::{Call as Named, End};
use crate::model::machine::state::Place;

/// What a waiting actor is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cue {
    Go,
    /// To go on, the attempt ending so.
    End(End),
    /// The call is made, and the actor is told that it was not.
    Lost,
    /// The process is killed here: the thread unwinds, and nothing of it is used again.
    Die,
}

/// What an actor says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// It is about to make this call.
    At(Named),
    Done,
}

/// One actor's thread, from the director's side.
pub(super) struct Player {
    cues: Sender<Cue>,
    news: Receiver<News>,
    thread: JoinHandle<()>,
    /// What it said last.
    pub(super) at: News,
}

impl Player {
    /// Starts it, and waits for its first word.
    pub(super) fn enter(play: impl FnOnce(&StepBarrier) + Send + 'static) -> Player {
        let (cues, heard) = channel();
        let (says, news) = channel();
        let thread = std::thread::spawn(move || {
            let end = says.clone();
            let barrier = StepBarrier(Rc::new(Door { heard, says, last: Cell::new(None) }));
            let hook = Watcher { barrier: barrier.clone(), looked: false };
            seam::with(Box::new(hook), || play(&barrier));
            // Nobody listens any more to one that dies.
            let _listening = end.send(News::Done);
        });
        let mut player = Player { cues, news, thread, at: News::Done };
        player.hear();
        player
    }

    /// Lets it go on, and waits until it stands again.
    pub(super) fn cue(&mut self, cue: Cue) {
        self.cues.send(cue).expect("it waits");
        self.hear();
    }

    fn hear(&mut self) {
        self.at = self.news.recv().expect("an actor panicked; its words are above");
    }

    /// Waits for the end of its thread, and with it of all that it held.
    pub(super) fn leave(self) {
        self.thread.join().expect("it said that it was done");
    }

    /// Kills it where it stands.
    pub(super) fn die(self) {
        if self.cues.send(Cue::Die).is_ok() {
            let _unwound = self.thread.join();
        }
    }
}

/// Where an actor waits.
#[derive(Clone)]
pub(super) struct StepBarrier(Rc<Door>);

struct Door {
    heard: Receiver<Cue>,
    says: Sender<News>,
    /// What it stood before last.
    last: Cell<Option<Named>>,
}

struct Died;

impl StepBarrier {
    /// Stands before something that is no call on a file, or before reads that belong together.
    pub(super) fn wait(&self, call: Named) -> Cue {
        self.0.last.set(Some(call));
        let heard = self.0.says.send(News::At(call)).ok().and_then(|()| self.0.heard.recv().ok());
        match heard {
            None | Some(Cue::Die) => resume_unwind(Box::new(Died)),
            Some(cue) => cue,
        }
    }
}

/// Sees the calls of one thread.
struct Watcher {
    barrier: StepBarrier,
    /// Whether it looked for the name that it is about: one look, however many bands there are.
    looked: bool,
}

impl Hook for Watcher {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        let Some(named) = self.name(call) else { return CallFate::Go };
        match self.barrier.wait(named) {
            Cue::Lost if named == Named::Link => CallFate::Lost(nix::libc::EEXIST),
            Cue::Lost => CallFate::Lost(nix::libc::ENOENT),
            _ => CallFate::Go,
        }
    }
}

impl Watcher {
    /// The model's name of a call; `None` for one that nobody else can notice, or that belongs to the one before.
    /// A change that the model does not know is a panic.
    fn name(&mut self, call: &Call<'_>) -> Option<Named> {
        let last = self.barrier.0.last.get();
        let named = self.known(last, call);
        assert!(named.is_some() || !changes_names(call), "the model does not know {call:?}");
        // Several requests of one task go in one step.
        named.filter(|named| (last, *named) != (Some(Named::UnlinkRequest), Named::UnlinkRequest))
    }

    fn known(&mut self, last: Option<Named>, call: &Call<'_>) -> Option<Named> {
        let (dir, to) = (dir_of(call.path), call.to.map(dir_of).unwrap_or_default());
        Some(match (call.op, dir, to) {
            (Op::Link, "workers", "claims") => Named::Link,
            (Op::Link, "tmp", "runs") => Named::LinkRecord,
            (Op::Open, "ready", _) => Named::Open,
            (Op::Unlink, "claims", _) => Named::UnlinkClaim,
            (Op::Unlink, "cancel", _) => Named::UnlinkRequest,
            (Op::Unlink, "workers", _) => Named::UnlinkWorker,
            (Op::Unlink, "retire", _) => Named::UnlinkRetire,
            (Op::Unlink, "gone", _) => Named::UnlinkGone,
            (Op::Rename, "tmp", "workers") => Named::Register,
            (Op::Rename, "workers", "gone") => Named::Declare,
            (Op::Rename, _, _) => Named::Rename(place(to, call.to?)?),
            (Op::Create, "cancel", _) => Named::PlaceRequest,
            (Op::Create, "runs", _) => match name_of(call.path) {
                "lost" => Named::WriteLost,
                name if name.starts_with("retry.") => Named::WriteRetry,
                _ => return None,
            },
            (Op::Look, "ready", _) if last != Some(Named::Standing) => {
                self.once(Named::LookReady)?
            }
            (Op::Look, "workers", _) if last == Some(Named::ListClaims) => Named::LookWorker,
            (Op::Look, "blocked", _) => Named::LookIntake,
            (Op::List, _, _) => listing(last, name_of(call.path), dir == "runs")?,
            _ => return None,
        })
    }

    fn once(&mut self, named: Named) -> Option<Named> {
        (!std::mem::replace(&mut self.looked, true)).then_some(named)
    }
}

/// Whether a call changes what others go by: not what is staged, the files of a run, or why a file was rejected.
fn changes_names(call: &Call<'_>) -> bool {
    let own = |path: &Path| {
        matches!(dir_of(path), "tmp" | "runs") || name_of(path).ends_with(".error.txt")
    };
    let own = own(call.path) && call.to.is_none_or(own);
    // What is written to a request that was just made is nothing.
    let empty = call.op == Op::Write && call.bytes.is_empty();
    // The claim mark within a worker's own card: only its coordinator reads it, when the worker is gone.
    let mark = call.op == Op::Write && dir_of(call.path) == "workers" && call.offset.is_some();
    call.op.mutates() && !own && !empty && !mark
}

/// A listing is a step of its own after these; all others belong to what was read or decided before.
fn listing(last: Option<Named>, name: &str, of_a_run: bool) -> Option<Named> {
    use Named::{ListBlocked, ListEnded, ListReady, ListRequests, PlaceRequest};
    Some(match (last, name) {
        (Some(Named::Rename(place)), _) if place_dir(place) == name => Named::ListFor(place),
        (None, "claims") => Named::ListClaims,
        (None, "gone") => Named::ListGone,
        (None, "cancel") => ListRequests,
        (None, "blocked") => ListBlocked,
        (Some(ListRequests | PlaceRequest), "ready") => ListReady,
        (Some(ListReady), "blocked") => ListBlocked,
        (Some(ListBlocked), "done") => ListEnded,
        (None | Some(ListReady | ListBlocked), _) if of_a_run => Named::ListLife,
        _ => return None,
    })
}

/// The queue's directory that a path lies in, however deep.
fn dir_of(path: &Path) -> &str {
    let mut parts = path.components().rev().filter_map(|part| part.as_os_str().to_str());
    let known = |part: &&str| swarmdir::site::Dir::ALL.iter().any(|dir| dir.name() == *part);
    let _own = parts.next();
    parts.find(known).unwrap_or_default()
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn place_dir(place: Place) -> &'static str {
    match place {
        Place::Ready => "ready",
        Place::Intake | Place::Due | Place::Hold => "blocked",
        Place::Done => "done",
        Place::Failed => "failed",
        Place::Cancelled => "cancelled",
        Place::Rejected => "rejected",
        _ => "",
    }
}

/// The place that a destination is.
fn place(dir: &str, to: &Path) -> Option<Place> {
    Some(match dir {
        "blocked" => match name_of(to).split_once('~')?.1 {
            "intake" => Place::Intake,
            "hold" => Place::Hold,
            _ => Place::Due,
        },
        "ready" => Place::Ready,
        "done" => Place::Done,
        "failed" => Place::Failed,
        "cancelled" => Place::Cancelled,
        "rejected" => Place::Rejected,
        _ => return None,
    })
}
