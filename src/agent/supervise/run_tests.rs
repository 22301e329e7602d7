//! A job to take apart, for the tests of the adapters.

use std::path::PathBuf;

use crate::agent::job::{AttemptFiles, Bounds, Job, Request, RunPlace};
use crate::agent::program::{self, demo};
use crate::domain::settings::limits::Limits;
use crate::domain::settings::timeouts::Timeouts;

pub(in crate::agent) fn job(prompt: &str) -> Job {
    let dir = PathBuf::from("/nowhere");
    Job {
        kind: program::kind("demo").expect("it is there"),
        request: Request {
            prompt: prompt.to_owned(),
            session: "8f14e45f-ceea-467a-9575-6f3b0a1d2c3e".into(),
            max_turns: 50,
            max_budget_usd: 10.0,
            ..Request::default()
        },
        place: RunPlace {
            cwd: dir.clone(),
            env: Vec::new(),
            env_deny: Vec::new(),
            files: AttemptFiles {
                events: dir.join("events"),
                stderr: dir.join("stderr"),
                private: dir.join("private"),
            },
        },
        bounds: Bounds { limits: Limits::default(), timeouts: Timeouts::DEFAULT, group: None },
        rules: Vec::new(),
        demo_argv: demo::default_argv(),
    }
}
