//! One run of one agent: it runs on one thread, its remote control works from any other.

use crate::agent::job::Job;
use crate::agent::report::{Progress, Report};
use crate::agent::supervise::remote::Remote;
use crate::agent::supervise::run;

/// One run of one agent.
#[derive(Debug)]
pub struct Session {
    orders: Remote,
}

impl Default for Session {
    fn default() -> Session {
        Session::new()
    }
}

impl Session {
    /// A session that has not begun.
    pub fn new() -> Session {
        Session { orders: Remote::new() }
    }

    /// A remote control for other threads.
    pub fn remote(&self) -> Remote {
        self.orders.clone()
    }

    /// Runs the agent on this thread, to which its life is tied by the kernel, until it has ended and
    /// everything it left is gone. In a process that is a subreaper (see [`crate::sys::sweep`]) that is
    /// every child of the process; elsewhere, everything that carries the session's mark.
    pub fn run(self, job: &Job, seen: &mut dyn FnMut(&Progress)) -> Report {
        run::run(&self.orders, job, seen)
    }
}
