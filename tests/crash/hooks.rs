//! Hooks for the seam: what is done is listed, and one call of it is met with a fate.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use swarmdir::sys::seam::{self, Call, CallFate, Hook, Op};

/// Which calls are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Calls {
    /// Those that change something.
    Changing,
    /// Reading ones as well.
    All,
}

/// A call that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) op: Op,
    /// The last two parts of its path.
    pub(crate) path: String,
}

struct Recorder {
    calls: Calls,
    seen: Rc<RefCell<Vec<Seen>>>,
    fate: Box<dyn Fn(usize, Op) -> CallFate>,
}

impl Hook for Recorder {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        if self.calls == Calls::Changing && !call.op.mutates() {
            return CallFate::Go;
        }
        let mut seen = self.seen.borrow_mut();
        seen.push(Seen { op: call.op, path: tail(call.path) });
        (self.fate)(seen.len(), call.op)
    }
}

fn tail(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

/// Runs `body` on this thread; `fate` is asked about each call by its number, from 1. Returns the calls too.
pub(crate) fn meeting<T>(
    calls: Calls,
    fate: impl Fn(usize, Op) -> CallFate + 'static,
    body: impl FnOnce() -> T,
) -> (T, Vec<Seen>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let hook = Recorder { calls, seen: seen.clone(), fate: Box::new(fate) };
    let value = seam::with(Box::new(hook), body);
    let seen = seen.borrow().clone();
    (value, seen)
}

/// Runs `body` as it is, and lists its calls.
pub(crate) fn listing<T>(calls: Calls, body: impl FnOnce() -> T) -> (T, Vec<Seen>) {
    meeting(calls, |_, _| CallFate::Go, body)
}

/// Runs `body`; its call number `at` meets `fate`, the others are made.
pub(crate) fn at<T>(
    calls: Calls,
    at: usize,
    fate: CallFate,
    body: impl FnOnce() -> T,
) -> (T, Vec<Seen>) {
    meeting(calls, move |n, _| if n == at { fate.clone() } else { CallFate::Go }, body)
}
