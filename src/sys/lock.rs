//! Advisory locks between processes of one machine. A courtesy or a local fence, never the queue's truth.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs2::FileExt;

use super::fs::{self, FsError, Result};
use super::random;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockMode {
    /// Beside any number of others who share it.
    Shared,
    Alone,
}

/// A lock, held until dropped or until this process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock on `path` (made if missing); `None` where somebody else holds it.
    pub fn try_take(path: &Path) -> Result<Option<Lock>> {
        Lock::try_mode(path, LockMode::Alone)
    }

    fn try_mode(path: &Path, mode: LockMode) -> Result<Option<Lock>> {
        let file = fs::open_in_place(path)?;
        let taken = match mode {
            LockMode::Alone => FileExt::try_lock_exclusive(&file),
            LockMode::Shared => FileExt::try_lock_shared(&file),
        };
        match taken {
            Ok(()) => Ok(Some(Lock { file })),
            Err(e) if e.kind() == fs2::lock_contended_error().kind() => Ok(None),
            Err(source) => Err(FsError { doing: "lock", path: path.to_owned(), source }),
        }
    }

    pub fn take(path: &Path) -> Result<Lock> {
        Lock::wait(path, LockMode::Alone)
    }

    fn wait(path: &Path, mode: LockMode) -> Result<Lock> {
        let file = fs::open_in_place(path)?;
        let taken = match mode {
            LockMode::Alone => FileExt::lock_exclusive(&file),
            LockMode::Shared => FileExt::lock_shared(&file),
        };
        taken.map_err(|source| FsError { doing: "lock", path: path.to_owned(), source })?;
        Ok(Lock { file })
    }

    /// Writes who holds it, for whoever is turned away.
    pub fn note(&self, path: &Path, text: &str) -> Result<()> {
        fs::cut(&self.file, path)?;
        fs::write_at(&self.file, path, text.as_bytes(), 0)
    }
}

/// Given back in so many words: a child between fork and exec shares the lock, and closing ours would leave it held.
impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be given back ends with the last copy of the descriptor, at the latest with the process.
        drop(FileExt::unlock(&self.file));
    }
}

/// A lock that is waited for beside other work: a thread blocks for it, and calls back when it is there.
///
/// Nothing ends a wait for a lock but the lock: a thread whose lock is not wanted any more stays until then, and is the
/// one that waits when the same lock is asked for again.
pub struct LockWaiter {
    granted: Arc<dyn Fn() + Send + Sync>,
    pending: Option<Pending>,
}

struct Pending {
    path: PathBuf,
    mode: LockMode,
    wait: Arc<Mutex<LockWait>>,
}

/// What the thread and who asked it know of each other.
#[derive(Default)]
struct LockWait {
    wanted: bool,
    lock: Option<Result<Lock>>,
    ended: bool,
}

impl Pending {
    fn wait(&self) -> MutexGuard<'_, LockWait> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LockWaiter {
    /// Calls `granted` (from another thread) as soon as a lock that was asked for is there: ask again.
    pub fn new(granted: Arc<dyn Fn() + Send + Sync>) -> LockWaiter {
        LockWaiter { granted, pending: None }
    }

    /// The lock; `None` where somebody else holds it: then it is waited for from now on.
    pub fn take(&mut self, path: &Path, mode: LockMode) -> Result<Option<Lock>> {
        if let Some(pending) = self.pending.take_if(|p| p.path == path && p.mode == mode) {
            let mut wait = pending.wait();
            if let Some(lock) = wait.lock.take() {
                return lock.map(Some);
            }
            // A thread that could not be started, or whose lock was not wanted, has ended: begin again.
            if !wait.ended {
                wait.wanted = true;
                drop(wait);
                self.pending = Some(pending);
                return Ok(None);
            }
        }
        self.stop();
        let lock = Lock::try_mode(path, mode)?;
        if lock.is_none() {
            self.pending = Some(self.wait_for(path.to_owned(), mode));
        }
        Ok(lock)
    }

    /// Any of these locks that is free, else one of them that is waited for from now on: one at random, so that about
    /// as many wait for each.
    pub fn take_any(&mut self, paths: &[PathBuf]) -> Result<Option<Lock>> {
        let waited_for = self.pending.as_ref().map(|pending| pending.path.clone());
        if let Some(path) = waited_for {
            return self.take(&path, LockMode::Alone);
        }
        for path in paths {
            if let Some(lock) = Lock::try_take(path)? {
                return Ok(Some(lock));
            }
        }
        let any = usize::try_from(random::below(paths.len().max(1) as u64)).unwrap_or(0);
        paths.get(any).map_or(Ok(None), |path| self.take(path, LockMode::Alone))
    }

    fn wait_for(&self, path: PathBuf, mode: LockMode) -> Pending {
        let wait = Arc::new(Mutex::new(LockWait { wanted: true, ..LockWait::default() }));
        let pending = Pending { path: path.clone(), mode, wait: wait.clone() };
        let theirs = Pending { path, mode, wait };
        let granted = self.granted.clone();
        let block = move || {
            let lock = Lock::wait(&theirs.path, mode);
            let mut wait = theirs.wait();
            wait.ended = true;
            if wait.wanted {
                wait.lock = Some(lock);
                drop(wait);
                granted();
            }
        };
        // Without a thread nobody calls: who asks at an interval finds the lock free all the same.
        if std::thread::Builder::new().name("lock".into()).spawn(block).is_err() {
            pending.wait().ended = true;
        }
        pending
    }

    pub fn is_waiting(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.wait().wanted)
    }

    /// Waits no longer: a lock that is there, or comes later, is given back at once.
    pub fn stop(&mut self) {
        if let Some(pending) = &self.pending {
            let mut wait = pending.wait();
            wait.wanted = false;
            wait.lock = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_lock_that_is_held_is_waited_for_and_one_that_nobody_asks_for_any_more_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (call, called) = channel();
        let mut waiter = LockWaiter::new(Arc::new(move || call.send(()).unwrap()));
        let held = waiter.take(&path, LockMode::Alone).unwrap().expect("it is free");
        assert!(waiter.take(&path, LockMode::Shared).unwrap().is_none());
        assert!(waiter.take(&path, LockMode::Shared).unwrap().is_none() && waiter.is_waiting());
        drop(held);
        called.recv().unwrap();
        let shared = waiter.take(&path, LockMode::Shared).unwrap().expect("it was granted");
        assert!(!waiter.is_waiting());
        assert!(waiter.take(&path, LockMode::Alone).unwrap().is_none());
        waiter.stop();
        assert!(!waiter.is_waiting());
        // Asked for again it is waited for by the same thread.
        let before = waiter.pending.as_ref().map(|pending| Arc::as_ptr(&pending.wait));
        assert!(waiter.take(&path, LockMode::Alone).unwrap().is_none() && waiter.is_waiting());
        assert_eq!(waiter.pending.as_ref().map(|pending| Arc::as_ptr(&pending.wait)), before);
        waiter.stop();
        drop(shared);
        // The thread that still waited gives it back as soon as it has it.
        drop(Lock::take(&path).unwrap());
    }
}
