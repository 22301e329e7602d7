//! The real `claude` against the stub of its service, through the same door as any other agent.
//!
//! Every test runs in a process of its own, as a worker does: a subreaper that has no other child.

mod accounts;
mod failures;
mod hostile;
mod limits;
mod liveness;
mod night;
mod refusal;
mod resume;
mod stopping;
mod swarm;
mod tour;
mod trust;
mod work;

use std::path::PathBuf;

use swarmdir::agent::program::{self, RecordedOutput};
use swarmdir::agent::transcript::Line;
use swarmdir::agent::{Job, Report};
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::domain::settings::programs::ProgramValue;
use swarmdir::sys::{process, sweep};

use crate::support::claude;
use crate::support::jobs::{Place, run};
use crate::support::stub::{Step, Stub};

/// A place, a stub with one script, and a job whose claude talks to it.
struct Stage {
    place: Place,
    stub: Stub,
    program: PathBuf,
}

impl Stage {
    /// `None` where there is no claude, which `claude::required` says loudly.
    fn set(steps: impl IntoIterator<Item = Step>) -> Option<Stage> {
        let program = claude::required()?;
        sweep::become_subreaper().unwrap();
        let stub = Stub::start();
        stub.script("it", steps);
        let place = Place::new();
        place.repository();
        Some(Stage { place, stub, program })
    }

    fn job(&self) -> Job {
        let mut kind = program::kind("claude").expect("it is there");
        for (key, path) in
            [("program", self.program.clone()), ("config_dir", self.place.beside("config"))]
        {
            kind.settings.insert(key, ProgramValue::Path(path));
        }
        let mut job = self.place.job(kind, "Do the task of this test.");
        for (name, value) in [
            ("ANTHROPIC_BASE_URL", self.stub.url("it").as_str()),
            ("ANTHROPIC_API_KEY", "dummy"),
            ("CLAUDE_CODE_MAX_RETRIES", "1"),
            ("HOME", self.place.beside("home").to_str().unwrap()),
            ("CLAUDE_CODE_TMPDIR", self.place.beside("tmp").to_str().unwrap()),
        ] {
            job.place.env.push((name.into(), value.into()));
        }
        job
    }

    fn run(&self) -> Report {
        run(&self.job())
    }
}

fn fault(report: &Report) -> Fault {
    match &report.ending {
        Outcome::Failure { fault, .. } => *fault,
        Outcome::Success => panic!("it succeeded: {report:?}"),
    }
}

/// No process is left: this one's children are all there can be.
fn assert_nothing_left() {
    assert_eq!(sweep::children_of(process::own_pid()), Vec::<i32>::new());
}

/// A line that claude printed.
fn parsed(line: &[u8]) -> Line {
    RecordedOutput::of(Some("claude")).line(line)
}
