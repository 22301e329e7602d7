//! A loopback stand-in for the Anthropic Messages API, which the real `claude` talks to.
//!
//! A test registers a script under a name and gives the agent `stub.url(name)` as its
//! `ANTHROPIC_BASE_URL`: the path prefix selects the script. Every session (the header
//! `x-claude-code-session-id`) walks through the script at its own pace, one step for each
//! call, so any number of agents may share a scenario. A resumed session goes on where it
//! stopped; sub-agents share the progress of their session.
//!
//! Invariant: nothing here waits for time alone. Whatever holds an answer back ends at once
//! when the stub is dropped, and whatever a test waits for has a deadline.
//!
//! ```ignore
//! let stub = Stub::start();
//! stub.script("hello", [
//!     Step::overloaded().times(2),
//!     Step::bash("echo hi > a && git add a && git commit -qm a"),
//!     Step::text("done").tokens(3000, 20),
//! ]);
//! run_claude(&stub.url("hello"));
//! assert_eq!(stub.served("hello").calls, 4);
//! assert_eq!(stub.problems(), Vec::<String>::new());
//! ```

mod block;
mod failures;
mod http;
mod perform;
mod request;
mod scenario;
mod script;
mod server;
mod state;
mod wire;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

pub(crate) use block::Block;
pub(crate) use request::Request;
pub(crate) use scenario::Served;
pub(crate) use script::{Close, Step};
use state::State;
pub(crate) use state::TooFew;

/// A running stub. Dropping it closes every connection and joins every thread.
pub(crate) struct Stub {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

impl Stub {
    /// Binds a free port of the loopback interface and starts to serve it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface is there");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let state = Arc::new(State::new());
        let served = Arc::clone(&state);
        let acceptor = thread::spawn(move || server::accept(&listener, &served));
        Self {
            address,
            state,
            acceptor: Some(acceptor),
        }
    }

    /// The base URL under which the API follows the script of this name.
    pub(crate) fn url(&self, scenario: &str) -> String {
        format!("http://{}/{scenario}", self.address)
    }

    /// Registers what every session of a scenario is answered, call by call. A call beyond
    /// the last step is refused and noted as a problem. A name registered again starts afresh.
    pub(crate) fn script(&self, scenario: &str, steps: impl IntoIterator<Item = Step>) {
        self.scripts(scenario, [steps]);
    }

    /// Registers a script for each session in the order in which they first call: the second
    /// attempt at a task can fare better than the first. Later sessions repeat the last one.
    pub(crate) fn scripts<S>(&self, scenario: &str, sessions: impl IntoIterator<Item = S>)
    where
        S: IntoIterator<Item = Step>,
    {
        let scripts = sessions
            .into_iter()
            .map(|steps| steps.into_iter().collect())
            .collect();
        self.state.register(scenario, scripts);
    }

    /// Lets the calls of a scenario which a [`Step::held`] keeps waiting go on, now and later.
    pub(crate) fn release(&self, scenario: &str) {
        self.state.release(scenario);
    }

    /// Every call so far, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Arc<Request>> {
        self.state.requests(None)
    }

    /// Blocks until a scenario was called `count` times and returns its calls.
    pub(crate) fn wait_for_requests(
        &self,
        scenario: &str,
        count: usize,
        deadline: Instant,
    ) -> Result<Vec<Arc<Request>>, TooFew> {
        self.state.wait_for(scenario, count, deadline)
    }

    /// How often a scenario was called and what its complete answers amount to.
    pub(crate) fn served(&self, scenario: &str) -> Served {
        self.state.served(scenario)
    }

    /// What went wrong on the stub's side: an unknown scenario, a script that is too short, a
    /// request that is not understood. A test that passes leaves this empty.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.state.problems()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.state.close();
        // A blocked `accept` only returns for a connection: this one.
        let woken = TcpStream::connect(self.address).is_ok();
        let acceptor = self.acceptor.take().filter(|_| woken);
        let crashed = acceptor.is_some_and(|thread| thread.join().is_err());
        let crashed = self.state.disconnect() | crashed;
        if !thread::panicking() {
            assert!(!crashed, "a thread of the stub panicked");
        }
    }
}
