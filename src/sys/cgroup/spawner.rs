//! Version 1: a thread that lives in the group, so that what it starts is born there.
//!
//! To move a process into a group the kernel waits until nobody forks any more, some ten milliseconds where that was
//! not asked for lately. A thread is moved once. The memory that it touches stays on its process's account, and the
//! kernel, when it looks for somebody to kill for lack of memory, passes by a thread that leads no process.
//! Invariant: whoever asks waits for the answer, so what it lends lives as long as it is used.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};

use nix::sys::signal::SigSet;

use crate::sys::process::own_thread;

/// Something to do, on loan.
struct Loan(*mut (dyn FnMut() + 'static));

#[expect(
    unsafe_code,
    reason = "a loan crosses to another thread, and nothing in std lends to one that lives on"
)]
// SAFETY: [`Spawner::run`] takes only what may be sent, and keeps it alive until it was done.
unsafe impl Send for Loan {}

/// The thread; it ends with this, and with it what it started.
#[derive(Debug)]
pub(crate) struct Spawner {
    orders: Mutex<SyncSender<(Loan, SyncSender<()>)>>,
    thread: i32,
}

impl Spawner {
    pub(super) fn start() -> io::Result<Spawner> {
        let (orders, inbox) = sync_channel::<(Loan, SyncSender<()>)>(0);
        let (tell, told) = sync_channel(1);
        std::thread::Builder::new().name("spawner".into()).spawn(move || {
            // A handler of ours must not run on it while a child borrows our memory.
            SigSet::all().thread_block().ok();
            // Whoever started it waits for this.
            tell.send(own_thread()).ok();
            for (loan, done) in inbox {
                carry_out(&loan);
                // Whoever lent it waits for this.
                done.send(()).ok();
            }
        })?;
        let thread = told.recv().map_err(io::Error::other)?;
        Ok(Spawner { orders: Mutex::new(orders), thread })
    }

    pub(super) fn thread(&self) -> i32 {
        self.thread
    }

    /// Does something on that thread, and waits for it.
    #[expect(unsafe_code, reason = "the thread lives longer than what it is lent")]
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let mut work = Some(work);
        let mut result = None;
        let mut once = || result = work.take().map(|work| work());
        let lent: *mut (dyn FnMut() + '_) = &mut once;
        // SAFETY: only the lifetime changes; this function does not return before the thread is done with it.
        let loan = Loan(unsafe {
            std::mem::transmute::<*mut (dyn FnMut() + '_), *mut (dyn FnMut() + 'static)>(lent)
        });
        let (done, is_done) = sync_channel(1);
        let orders =
            self.orders.lock().expect("a panic ends the process, so nobody sees a poisoned lock");
        orders.send((loan, done)).expect("the thread takes orders as long as this lives");
        is_done.recv().expect("a panic over there ends the process");
        drop(orders);
        result.expect("it was done")
    }
}

#[expect(unsafe_code, reason = "what is lent is a pointer")]
fn carry_out(loan: &Loan) {
    // SAFETY: its owner waits in `Spawner::run` until it is told, and does not touch it meanwhile.
    unsafe { (*loan.0)() };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_asked_for_is_done_over_there_one_after_the_other() {
        let spawner = Spawner::start().unwrap();
        let mut count = 0;
        for _ in 0..100 {
            let thread = spawner.run(|| {
                count += 1;
                own_thread()
            });
            assert_eq!(thread, spawner.thread());
        }
        assert_eq!(count, 100);
        assert_ne!(own_thread(), spawner.thread());
    }
}
