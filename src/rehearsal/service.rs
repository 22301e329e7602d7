//! What stands in for the agents' service: a directory with the state, a ledger and a list of who is there.
//!
//! Every scripted agent that finds the directory in [`DIR`] calls the same service. What it would refuse it refuses to
//! whoever calls; what it answers it writes down first, and only then says so. It knows nothing of the swarm: its
//! ledger is a count of its own, to be compared with anybody's bill.
//! Invariant: a call is one line of the ledger, whatever becomes of the agent that made it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::process::ProcessIdentity;
use crate::domain::time::UnixMs;
use crate::sys::lock::Lock;
use crate::sys::{clock, env, fs, identity, process};

/// The variable that leads to the service.
pub const DIR: &str = "DEMO_SERVICE";

/// What a token of input costs, US dollars: as an estimate would have it for a model that nobody knows.
pub const USD_PER_TOKEN: f64 = 4.0 / 1e6;

/// From this part of a window on the service tells how full it is.
const NEWS_FROM: f64 = 0.85;
/// From this part on it warns.
const WARNS_FROM: f64 = 0.9;

/// What the service does at present; the file `state`, replaced by whoever makes it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceState {
    /// Every call meets 529.
    pub overloaded: bool,
    /// Every call meets 401.
    pub unauthorised: bool,
    /// A usage window that is nearly full.
    pub window: Option<Room>,
}

/// What is left of a usage window, from 85 % of it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Room {
    /// Tokens that are still answered.
    pub tokens: u64,
    /// Then it starts anew.
    pub resets_at_ms: UnixMs,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was answered, and is to be paid.
    Served,
    /// 529.
    Overload,
    /// 401.
    Auth,
    /// The window is used up; the reset in seconds.
    Limit {
        /// Unix seconds.
        resets_at_secs: u64,
    },
}

/// A line of the file `ledger`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at_ms: UnixMs,
    /// The task, as the agent knows it.
    pub task: String,
    /// The agent's process.
    pub pid: i32,
    /// Which piece of work.
    pub step: String,
    /// What is to be paid; 0 where it was refused.
    pub tokens: u64,
    /// What came of it.
    pub answer: Answer,
}

/// How full the window is, for those who are told.
pub(super) struct News {
    pub(super) utilization: f64,
    pub(super) warns: bool,
    pub(super) resets_at_secs: u64,
}

/// Used since the window began; the file `meter`.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Meter {
    resets_at_ms: UnixMs,
    tokens: u64,
}

/// The service as a caller reaches it.
pub(super) struct Service {
    dir: PathBuf,
    task: String,
}

impl Service {
    /// The service that the environment names. Whoever comes leaves a name there.
    pub(super) fn enter(task: &str) -> Option<Service> {
        let service = Service { dir: PathBuf::from(env::var(DIR)?), task: task.to_owned() };
        // One who cannot leave a name is served all the same.
        // The record is evidence only.
        drop(service.arrive());
        Some(service)
    }

    /// Leaves a name, then looks: of two agents of one task at least one sees the other.
    fn arrive(&self) -> fs::Result<()> {
        let me = identity::me();
        let dir = self.dir.join("here").join(&self.task);
        fs::mkdirs(&dir)?;
        let name = format!("{}-{}", me.pid, me.start_ticks);
        let staged = dir.join(format!(".{name}"));
        fs::write(&staged, &serde_json::to_vec(&me).expect("an identity is plain data"))?;
        // Nobody else moves the staged file, so this rename loses no race.
        let _ = fs::rename(&staged, &dir.join(name))?;
        for name in fs::list(&dir)? {
            let Some(bytes) = fs::read_if_any(&dir.join(&name))? else { continue };
            let Ok(other) = serde_json::from_slice::<ProcessIdentity>(&bytes) else { continue };
            if other != me && process::works(&other) {
                let seen = self.dir.join("overlaps");
                fs::mkdirs(&seen)?;
                fs::write(&seen.join(format!("{}.{}.{}", self.task, other.pid, me.pid)), b"")?;
            }
        }
        Ok(())
    }

    /// Whether a call would be answered now. A refusal is written down.
    pub(super) fn ask(&self, step: &str) -> fs::Result<Answer> {
        let _held = Lock::take(&self.dir.join("lock"))?;
        let answer = self.would_answer();
        if answer != Answer::Served {
            self.write_down(step, 0, answer)?;
        }
        Ok(answer)
    }

    /// The answer: paid from here on, whether anybody hears it or not.
    pub(super) fn answer(&self, step: &str, tokens: u64) -> fs::Result<Option<News>> {
        let _held = Lock::take(&self.dir.join("lock"))?;
        self.write_down(step, tokens, Answer::Served)?;
        let Some(room) = self.state().window.filter(is_open) else { return Ok(None) };
        let mut meter = self.meter(&room);
        meter.tokens += tokens;
        fs::write(&self.dir.join("meter"), &json(&meter))?;
        let part = (meter.tokens as f64 / room.tokens.max(1) as f64).min(1.0);
        let utilization = NEWS_FROM + (1.0 - NEWS_FROM) * part;
        let resets_at_secs = room.resets_at_ms.secs_ceil();
        Ok(Some(News { utilization, warns: utilization >= WARNS_FROM, resets_at_secs }))
    }

    fn would_answer(&self) -> Answer {
        let state = self.state();
        if state.unauthorised {
            return Answer::Auth;
        }
        if state.overloaded {
            return Answer::Overload;
        }
        match state.window.filter(is_open) {
            Some(room) if self.meter(&room).tokens >= room.tokens => {
                Answer::Limit { resets_at_secs: room.resets_at_ms.secs_ceil() }
            }
            _ => Answer::Served,
        }
    }

    fn state(&self) -> ServiceState {
        read(&self.dir.join("state")).unwrap_or_default()
    }

    fn meter(&self, room: &Room) -> Meter {
        let known: Option<Meter> = read(&self.dir.join("meter"));
        let fresh = Meter { resets_at_ms: room.resets_at_ms, tokens: 0 };
        known.filter(|meter| meter.resets_at_ms == room.resets_at_ms).unwrap_or(fresh)
    }

    fn write_down(&self, step: &str, tokens: u64, answer: Answer) -> fs::Result<()> {
        let entry = Entry {
            at_ms: clock::now(),
            task: self.task.clone(),
            pid: process::own_pid(),
            step: step.to_owned(),
            tokens,
            answer,
        };
        let path = self.dir.join("ledger");
        let mut line = json(&entry);
        line.push(b'\n');
        fs::write_all(&fs::open_append(&path)?, &path, &line)
    }
}

fn is_open(room: &Room) -> bool {
    clock::now() < room.resets_at_ms
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read_if_any(path).ok()??).ok()
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data")
}
