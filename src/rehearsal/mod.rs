//! What stands in for an agent and its service: the scripted agent inside this very program, and the service that all of
//! them call. For trying things out and for tests: no account, no network.
//!
//! The agent is started like any other, reads its prompt from standard input and speaks stream-json. What it does stands
//! in the prompt: one directive a line, as the table in `script.rs` has them. It knows nothing of the swarm but its own
//! environment.
//!
//! Names: `domain`, `sys`.

use std::io::Write;

use crate::sys;

mod act;
mod script;
pub mod service;
mod step;
mod stream;

/// Plays the script in a prompt, talking to `out`, and gives the exit code.
pub fn main(prompt: &[u8], out: &mut dyn Write) -> u8 {
    let prompt = String::from_utf8_lossy(prompt);
    let attempt = sys::env::var("SWARMDIR_ATTEMPT").and_then(|n| n.parse().ok()).unwrap_or(1);
    let task = sys::env::var("SWARMDIR_TASK").unwrap_or_else(|| "task".into());
    let service = service::Service::enter(&task);
    let mut actor = act::Actor::new(stream::StreamWriter::new(out), service);
    match script::parse(&prompt, &task) {
        Ok(script) => actor.play(script.into_iter().filter(|line| line.acts_on(attempt))),
        Err(problems) => {
            let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
            actor.misunderstood(&format!("the demo script is wrong: {}", text.join("; ")))
        }
    }
}
