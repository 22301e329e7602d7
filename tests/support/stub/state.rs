//! What the threads of the stub share: scripts, the progress of each session, the record of
//! calls and the open connections. The only place with a lock.
//!
//! Invariant: a call is recorded and given its step in one go, so that what a test sees
//! recorded is also counted.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::request::Request;
use super::scenario::{Scenario, Served};
use super::script::{Pause, Step};

/// The deadline came before the calls did.
#[derive(Debug)]
pub(crate) struct TooFew {
    /// The scenario that was waited for.
    pub(crate) scenario: String,
    /// How many calls were expected.
    pub(crate) wanted: usize,
    /// How many came.
    pub(crate) seen: usize,
}

#[derive(Debug, Default)]
struct Inner {
    closing: bool,
    scenarios: HashMap<String, Scenario>,
    requests: Vec<Arc<Request>>,
    problems: Vec<String>,
    connections: HashMap<u64, Arc<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
}

/// The shared state. Every method takes the lock once.
#[derive(Debug)]
pub(super) struct State {
    started: Instant,
    inner: Mutex<Inner>,
    /// Rings for a new call, for a release and for the end.
    changed: Condvar,
}

impl State {
    pub(super) fn new() -> Self {
        let (inner, changed) = (Mutex::default(), Condvar::new());
        Self {
            started: Instant::now(),
            inner,
            changed,
        }
    }

    /// A panic elsewhere leaves nothing half done in here, so a poisoned lock is as good.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self, scenario: &str, scripts: Vec<Vec<Step>>) {
        let fresh = Scenario::new(scripts);
        self.lock().scenarios.insert(scenario.to_owned(), fresh);
    }

    pub(super) fn release(&self, scenario: &str) {
        if let Some(known) = self.lock().scenarios.get_mut(scenario) {
            known.released = true;
        }
        self.changed.notify_all();
    }

    /// Records a call and takes the step that answers it; completes what the caller cannot
    /// know: the number, the time and the step.
    pub(super) fn arrive(&self, mut request: Request) -> (Arc<Request>, Option<Step>) {
        let mut inner = self.lock();
        request.number = inner.requests.len();
        request.at = self.started.elapsed();
        let taken = inner.take_step(&request);
        request.step = taken.as_ref().map(|(index, _)| *index);
        let request = Arc::new(request);
        inner.requests.push(Arc::clone(&request));
        drop(inner);
        self.changed.notify_all();
        (request, taken.map(|(_, step)| step))
    }

    /// Counts a message that is sent to its end.
    pub(super) fn sent(&self, scenario: &str, step: &Step) {
        if let Some(known) = self.lock().scenarios.get_mut(scenario) {
            known.served.add(step);
        }
    }

    /// Waits as a step demands. False: the stub is closing, there is nobody to answer.
    pub(super) fn pause(&self, scenario: &str, pause: Pause) -> bool {
        let (inner, changed) = (self.lock(), &self.changed);
        let inner = match pause {
            Pause::None => inner,
            Pause::For(time) => {
                let waited = changed.wait_timeout_while(inner, time, |inner| !inner.closing);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            Pause::UntilReleased => {
                let waited = changed.wait_while(inner, |inner| inner.holds(scenario));
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        !inner.closing
    }

    /// The calls so far, of one scenario or of all.
    pub(super) fn requests(&self, scenario: Option<&str>) -> Vec<Arc<Request>> {
        self.lock().requests_of(scenario)
    }

    pub(super) fn wait_for(
        &self,
        scenario: &str,
        wanted: usize,
        deadline: Instant,
    ) -> Result<Vec<Arc<Request>>, TooFew> {
        let time = deadline.saturating_duration_since(Instant::now());
        let few = |inner: &mut Inner| inner.requests_of(Some(scenario)).len() < wanted;
        let waited = self.changed.wait_timeout_while(self.lock(), time, few);
        let inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        let calls = inner.requests_of(Some(scenario));
        if calls.len() < wanted {
            return Err(TooFew {
                scenario: scenario.to_owned(),
                wanted,
                seen: calls.len(),
            });
        }
        Ok(calls)
    }

    pub(super) fn served(&self, scenario: &str) -> Served {
        let inner = self.lock();
        let known = inner.scenarios.get(scenario);
        known.map(|known| known.served).unwrap_or_default()
    }

    pub(super) fn problem(&self, what: String) {
        self.lock().problems.push(what);
    }

    pub(super) fn problems(&self) -> Vec<String> {
        self.lock().problems.clone()
    }

    pub(super) fn closing(&self) -> bool {
        self.lock().closing
    }

    /// Ends every wait and lets the acceptor know that no connection is wanted any more.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    pub(super) fn connected(&self, id: u64, stream: Arc<TcpStream>) {
        self.lock().connections.insert(id, stream);
    }

    /// Forgets a connection, so that its owner holds the last handle and closes the socket.
    pub(super) fn disconnected(&self, id: u64) {
        self.lock().connections.remove(&id);
    }

    pub(super) fn spawned(&self, thread: JoinHandle<()>) {
        self.lock().threads.push(thread);
    }

    /// Breaks every connection off and waits for the threads; true if one of them panicked.
    pub(super) fn disconnect(&self) -> bool {
        let mut inner = self.lock();
        for stream in inner.connections.values() {
            // A peer that is gone already is what is wanted.
            let _ = stream.shutdown(Shutdown::Both);
        }
        let threads = std::mem::take(&mut inner.threads);
        drop(inner);
        threads
            .into_iter()
            .fold(false, |crashed, thread| thread.join().is_err() | crashed)
    }
}

impl Inner {
    fn take_step(&mut self, request: &Request) -> Option<(usize, Step)> {
        let (name, session) = (&request.scenario, &request.session);
        let step = self
            .scenarios
            .get_mut(name)
            .and_then(|known| known.next(session));
        if step.is_none() {
            let what = format!("the script `{name}` has no step left for session `{session}`");
            self.problems.push(what);
        }
        step
    }

    /// Whether held answers of a scenario have to wait.
    fn holds(&self, scenario: &str) -> bool {
        let released = |known: &Scenario| known.released;
        !self.closing && !self.scenarios.get(scenario).is_some_and(released)
    }

    fn requests_of(&self, scenario: Option<&str>) -> Vec<Arc<Request>> {
        let wanted = |call: &&Arc<Request>| scenario.is_none_or(|name| call.scenario == name);
        self.requests.iter().filter(wanted).cloned().collect()
    }
}
