//! Wake-ups: something happened in a directory, or a process that is not our child has ended.
//!
//! The first are hints without content; a lost one costs latency only. The ends are heard at once and without looking: a
//! thread of its own waits on a descriptor for each (pidfd); a process that cannot be seen from here is left to whoever
//! looks now and then. It knows nothing of workers. Invariant: one end is told once; waiting costs nothing.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};

use super::process::{alive, descriptor};
use super::ready::{WakePipe, any};
use crate::domain::process::ProcessIdentity;

pub struct FileWatch {
    watcher: RecommendedWatcher,
}

impl FileWatch {
    /// Calls `hint` (from a thread of its own) when a name or content changes in a directory added later;
    /// `None` where the system has no watches left: the caller's slow timer then does the work.
    pub fn new(hint: impl Fn() + Send + 'static) -> Option<FileWatch> {
        let handler = move |event: notify::Result<notify::Event>| {
            // An error is an overflow or a vanished directory: look, too.
            if event.map_or(true, |event| changes(&event.kind)) {
                hint();
            }
        };
        // Reading is left out at the source: our own looks must not wake us.
        let kinds = EventKindMask::CORE | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(kinds);
        RecommendedWatcher::new(handler, config).ok().map(|watcher| FileWatch { watcher })
    }

    /// Adds one directory (not what is below it); false where the system refuses.
    pub fn add(&mut self, dir: &Path) -> bool {
        self.watcher.watch(dir, RecursiveMode::NonRecursive).is_ok()
    }
}

fn changes(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[derive(Debug)]
pub struct ProcessWatcher {
    shared: Arc<WatcherShared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct WatcherShared {
    bell: WakePipe,
    state: Mutex<WatcherState>,
}

#[derive(Debug, Default)]
struct WatcherState {
    /// `None` for one whose end was told (or that cannot be watched).
    watched: HashMap<ProcessIdentity, Option<Arc<OwnedFd>>>,
    /// One had ended before it could be watched.
    owed: bool,
    over: bool,
}

impl ProcessWatcher {
    /// Calls `ended` (from a thread of its own) as soon as a watched process ends.
    pub fn start(ended: impl Fn() + Send + 'static) -> io::Result<ProcessWatcher> {
        let shared = Arc::new(WatcherShared { bell: WakePipe::new()?, state: Mutex::default() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("lookout".into())
            .spawn(move || while theirs.wait(&ended) {})?;
        Ok(ProcessWatcher { shared, thread: Some(thread) })
    }

    /// Watches exactly these from now on. One that is dead already is told like any other.
    pub fn watch(&self, processes: &[ProcessIdentity]) {
        let mut state = self.shared.state();
        let before = state.watched.len();
        state.watched.retain(|process, _| processes.contains(process));
        let mut changed = state.watched.len() != before;
        for process in processes {
            if !state.watched.contains_key(process) {
                changed = true;
                // The number may be another's by now: then the one that was meant has ended.
                let watch = descriptor(process.pid).ok().filter(|_| alive(process));
                state.owed |= watch.is_none();
                state.watched.insert(process.clone(), watch.map(Arc::new));
            }
        }
        drop(state);
        if changed {
            self.shared.bell.ring();
        }
    }
}

impl Drop for ProcessWatcher {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.bell.ring();
        // A panic there has been printed; there is nothing to add to it.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl WatcherShared {
    fn wait(&self, ended: &impl Fn()) -> bool {
        let watched: Vec<Arc<OwnedFd>> = {
            let state = self.state();
            state.watched.values().flatten().map(Arc::clone).collect()
        };
        let mut fds = vec![self.bell.as_fd()];
        fds.extend(watched.iter().map(|fd| fd.as_fd()));
        // Where waiting itself fails, those who look now and then have to do.
        let Ok(ready) = any(&fds) else { return false };
        if ready[0] {
            self.bell.silence();
        }
        let mut state = self.state();
        let mut told = std::mem::take(&mut state.owed);
        for watch in state.watched.values_mut() {
            let at = watch.as_ref().and_then(|w| watched.iter().position(|fd| Arc::ptr_eq(fd, w)));
            if at.is_some_and(|at| ready[at + 1]) {
                *watch = None;
                told = true;
            }
        }
        let over = state.over;
        drop(state);
        if told && !over {
            ended();
        }
        !over
    }

    fn state(&self) -> MutexGuard<'_, WatcherState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::channel;

    use super::*;
    use crate::sys::identity;

    /// A process that ends when its standard input does.
    fn process() -> (Child, ProcessIdentity) {
        let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let start_ticks = identity::start_ticks(pid).unwrap();
        (child, ProcessIdentity { pid, start_ticks, ..identity::me() })
    }

    #[test]
    fn an_end_is_told_once() {
        let (sender, told) = channel();
        let lookout = ProcessWatcher::start(move || sender.send(()).unwrap()).unwrap();
        let (mut first, first_id) = process();
        let (mut second, second_id) = process();
        lookout.watch(&[first_id.clone(), second_id.clone()]);
        drop(first.stdin.take());
        told.recv().unwrap();
        // The same set again: the end that was told is not told again.
        lookout.watch(&[first_id, second_id]);
        assert!(told.try_recv().is_err());
        drop(second.stdin.take());
        told.recv().unwrap();
        first.wait().unwrap();
        second.wait().unwrap();
    }

    #[test]
    fn an_end_that_came_first_is_told_too() {
        let (sender, told) = channel();
        let lookout = ProcessWatcher::start(move || sender.send(()).unwrap()).unwrap();
        let (mut child, id) = process();
        drop(child.stdin.take());
        child.wait().unwrap();
        lookout.watch(&[id]);
        told.recv().unwrap();
    }

    #[test]
    fn who_is_not_watched_any_more_is_not_told_of() {
        let (sender, told) = channel();
        let lookout = ProcessWatcher::start(move || sender.send(()).unwrap()).unwrap();
        let (mut child, id) = process();
        lookout.watch(&[id]);
        lookout.watch(&[]);
        drop(child.stdin.take());
        child.wait().unwrap();
        drop(lookout);
        assert!(told.recv().is_err(), "its thread has ended without a word");
    }
}
