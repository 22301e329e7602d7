//! Where every call on files can be counted, failed, lied about, or made the last one of this process.
//!
//! In a build with debug assertions a [`Hook`] (of this thread, or of the whole process) is asked before each call
//! of [`super::fs`]; without them nothing of this exists and a call is only a call. It knows no directory of the
//! queue. Invariant: without a hook nothing changes, and no call of `super::fs` goes around it.

use std::path::Path;

/// What is about to be done to a file.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Which call.
    pub op: Op,
    /// The (first) path.
    pub path: &'a Path,
    /// The second path of a link, a rename, a copy, a symbolic link (then: what it points to).
    pub to: Option<&'a Path>,
    /// What is written.
    pub bytes: &'a [u8],
    /// Where it is written, bytes; `None`: where the last write ended.
    pub offset: Option<u64>,
}

/// The calls, as the queue's table names them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// `link(path → to)`
    Link,
    /// `rename(path → to)`
    Rename,
    /// `unlink(path)`
    Unlink,
    /// `rmdir(path)`
    Rmdir,
    /// A directory with all it holds, in one.
    RemoveTree,
    /// `mkdir(path)`
    Mkdir,
    /// `open(path, O_CREAT | …)`: made, or emptied, or opened to be written to.
    Create,
    /// `write` or `pwrite`
    Write,
    /// `ftruncate`
    Truncate,
    /// `fsync` of a file or a directory.
    Sync,
    /// `utimensat(path)`
    Touch,
    /// `symlink(to, path)`
    Symlink,
    /// A whole file, with its permissions.
    Copy,
    /// The end of a process is brought about, and waited for; the path is the process's in `/proc`.
    Kill,
    /// `open` for reading.
    Open,
    /// `readdir`
    List,
    /// `lstat`
    Look,
    /// `read`
    Read,
}

impl Op {
    /// Whether it changes anything (or makes a change last).
    pub fn mutates(self) -> bool {
        !matches!(self, Op::Open | Op::List | Op::Look | Op::Read)
    }
}

impl<'a> Call<'a> {
    pub(super) fn on(op: Op, path: &'a Path) -> Call<'a> {
        Call { op, path, to: None, bytes: &[], offset: None }
    }

    pub(super) fn between(op: Op, path: &'a Path, to: &'a Path) -> Call<'a> {
        Call { to: Some(to), ..Call::on(op, path) }
    }

    pub(super) fn write(path: &'a Path, bytes: &'a [u8], offset: Option<u64>) -> Call<'a> {
        Call { bytes, offset, ..Call::on(Op::Write, path) }
    }
}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub(super) fn through<T>(
    call: Call<'_>,
    run: impl FnOnce(&Call<'_>) -> std::io::Result<T>,
) -> std::io::Result<T> {
    run(&call)
}

#[cfg(debug_assertions)]
pub(super) use hooked::through;
#[cfg(debug_assertions)]
pub use hooked::{CallFate, Hook, errno, install, with};

#[cfg(debug_assertions)]
mod hooked {
    use std::cell::RefCell;
    use std::io;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use super::Call;

    /// What becomes of a call.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub enum CallFate {
        /// It is made.
        Go,
        /// It is not made, and fails with this errno.
        Fail(i32),
        /// It is made, and its reply is lost: it fails with this errno all the same.
        Lost(i32),
        /// It is not made, and succeeds all the same; only for calls that return nothing.
        Skip,
        /// It is made with this second path instead.
        To(PathBuf),
        /// The process dies before it.
        KillBefore,
        /// The process dies after it.
        KillAfter,
    }

    /// Decides about calls. It may wait as long as it likes: that is a process that was stopped.
    pub trait Hook {
        /// Before the call.
        fn before(&mut self, call: &Call<'_>) -> CallFate;
        /// After it; `errno` is what the caller is told.
        fn after(&mut self, call: &Call<'_>, errno: Option<i32>) {
            // A hook need not look.
            let _ = (call, errno);
        }
    }

    thread_local! {
        static OURS: RefCell<Option<Box<dyn Hook>>> = const { RefCell::new(None) };
    }
    static EVERYBODYS: Mutex<Option<Box<dyn Hook + Send>>> = Mutex::new(None);

    /// Runs `body` under a hook of this thread.
    pub fn with<T>(hook: Box<dyn Hook>, body: impl FnOnce() -> T) -> T {
        OURS.with(|ours| *ours.borrow_mut() = Some(hook));
        let result = body();
        OURS.with(|ours| *ours.borrow_mut() = None);
        result
    }

    /// From now on all threads of this process are under this hook (a thread's own one comes first).
    pub fn install(hook: Box<dyn Hook + Send>) {
        *EVERYBODYS.lock().expect("a hook does not panic") = Some(hook);
    }

    /// The number of an error by its name, for those that calls on files have.
    pub fn errno(name: &str) -> Option<i32> {
        use nix::errno::Errno::*;
        let known =
            [EACCES, EDQUOT, EEXIST, EINTR, EIO, EMFILE, EMLINK, ENOENT, ENOSPC, EROFS, ESTALE];
        known.into_iter().find(|errno| format!("{errno:?}") == name).map(|errno| errno as i32)
    }

    pub(in crate::sys) fn through<T: 'static>(
        call: Call<'_>,
        run: impl FnOnce(&Call<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let fate = ask(|hook| hook.before(&call)).unwrap_or(CallFate::Go);
        let result = meet(&fate, &call, run);
        let errno = result.as_ref().err().and_then(io::Error::raw_os_error);
        ask(|hook| hook.after(&call, errno));
        result
    }

    fn meet<T: 'static>(
        fate: &CallFate,
        call: &Call<'_>,
        run: impl FnOnce(&Call<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        match fate {
            CallFate::Go => run(call),
            CallFate::Fail(errno) => Err(io::Error::from_raw_os_error(*errno)),
            CallFate::Lost(errno) => run(call).and(Err(io::Error::from_raw_os_error(*errno))),
            CallFate::Skip => nothing().map_or_else(|| run(call), Ok),
            CallFate::To(path) => run(&Call { to: Some(path), ..*call }),
            CallFate::KillBefore => die(),
            CallFate::KillAfter => {
                // The process dies next.
                drop(run(call));
                die()
            }
        }
    }

    /// The only value of `()`, where that is what is asked for.
    fn nothing<T: 'static>() -> Option<T> {
        let unit: Box<dyn std::any::Any> = Box::new(());
        unit.downcast::<T>().ok().map(|unit| *unit)
    }

    fn die() -> ! {
        // A signal to oneself may take a moment to arrive, and cannot be refused.
        nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::Signal::SIGKILL).ok();
        loop {
            std::thread::park();
        }
    }

    /// The thread's own hook, else the process's. Taken out while it is asked: what it does to files itself
    /// is not asked about.
    fn ask<T>(question: impl FnOnce(&mut dyn Hook) -> T) -> Option<T> {
        match OURS.with(|ours| ours.borrow_mut().take()) {
            Some(mut hook) => {
                let answer = question(hook.as_mut());
                OURS.with(|ours| *ours.borrow_mut() = Some(hook));
                Some(answer)
            }
            None => {
                let mut everybodys = EVERYBODYS.lock().expect("a hook does not panic");
                everybodys.as_mut().map(|hook| question(hook.as_mut()))
            }
        }
    }
}
