//! What has to be true after every test of a swarm: a sound queue, and no process left.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::deadline::comes_within;
use super::running::{alive, processes_of};
use super::swarm::Swarm;

/// A process that was killed is given so long to be gone.
const GOING: Duration = Duration::from_secs(10);

impl Swarm {
    /// Living processes that this swarm started, directly or not.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let mut found = processes_of(
            &format!("SWARM_E2E={}", self.root().display()),
            self.root().parent().unwrap(),
        );
        found.retain(|(pid, _)| alive(*pid));
        found
    }

    fn kill_all(&self) {
        for (pid, _) in self.processes() {
            let _gone_already = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    fn assert_sound(&self) {
        if self.at("queue/FORMAT").exists() {
            assert_eq!(self.json(&["check"])["violations"], serde_json::json!([]));
        }
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        let well = !std::thread::panicking();
        let gone = well && comes_within(GOING, || self.processes().is_empty());
        let left = self.processes();
        self.kill_all();
        if well {
            assert!(gone, "left running: {left:?}");
            self.assert_sound();
        }
    }
}
