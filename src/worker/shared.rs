//! What the threads of one worker share, and what its main thread has at hand. Nothing is decided here.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::control::Control;
use super::holding::Holding;
use super::options::WorkerOptions;
use crate::capacity::CapacitySettings;
use crate::domain::settings::config::Config;
use crate::housekeeping::Housekeeper;
use crate::queue::Queue;
use crate::queue::journal::Journal;
use crate::queue::register::Registration;
use crate::sys::cgroup::Cgroup;
use crate::sys::clock;

/// What the threads of one worker share; each field is safe by itself.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) registration: Arc<Registration>,
    pub(super) journal: Arc<Journal>,
    pub(super) housekeeper: Arc<Mutex<Housekeeper>>,
    pub(super) holding: Holding,
    pub(super) control: Control,
    /// While this file exists, nobody claims.
    pub(super) interrupt: PathBuf,
    /// The disks that must not become full.
    pub(super) capacity: Arc<Mutex<CapacitySettings>>,
}

impl Shared {
    pub(super) fn capacity(&self) -> CapacitySettings {
        self.capacity.lock().expect("nothing panics while it holds this lock").clone()
    }

    pub(super) fn watch(&self, settings: CapacitySettings) {
        *self.capacity.lock().expect("nothing panics while it holds this lock") = settings;
    }

    pub(super) fn housekeeper(&self) -> MutexGuard<'_, Housekeeper> {
        self.housekeeper.lock().expect("a panic ends the process, so nobody sees a poisoned lock")
    }
}

/// What the main thread has at hand, whatever it is doing.
pub(super) struct WorkerContext {
    pub(super) shared: Shared,
    pub(super) config: Config,
    pub(super) options: WorkerOptions,
    /// The control group of whatever runs.
    pub(super) group: Option<Arc<Cgroup>>,
    pub(super) wake_ups: Receiver<()>,
}

impl WorkerContext {
    /// A line for people.
    pub(super) fn log(&self, line: &str) {
        (self.options.log)(line);
    }

    /// Waits until another thread (or a hint) wakes this one, at most so long. Whether it was woken.
    pub(super) fn pause(&self, ms: u64) -> bool {
        self.wake_ups.recv_timeout(Duration::from_millis(ms)).is_ok()
    }

    /// Waits so long, also while hints come; not where the worker is told something. Whether hints came.
    pub(super) fn rest(&self, ms: u64) -> bool {
        let until_ms = clock::mono_ms() + ms;
        let mut hinted = false;
        while let Some(left_ms) = until_ms.checked_sub(clock::mono_ms()).filter(|left| *left > 0) {
            hinted |= self.pause(left_ms);
            if self.shared.control.has_news() {
                break;
            }
        }
        hinted
    }
}
