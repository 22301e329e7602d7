//! The thin shell around the pure parts: descriptors become events, actions become signals.
//!
//! It decides nothing. One thread, no polling: it sleeps until the agent speaks or ends, an order comes or
//! a deadline passes. Invariant: the agent's status is taken before anything that waits for any child.

use crate::agent::failures::ApplicableRules;
use crate::agent::job::{Job, Refusal};
use crate::agent::program::adapter::Launch;
use crate::agent::program::{self, MARK};
use crate::agent::report::{MAX_SAID_BYTES, Progress, Report};
use crate::agent::supervise::look::Looker;
use crate::agent::supervise::outcome::{Evidence, judge};
use crate::agent::supervise::output::{OutputReader, sign};
use crate::agent::supervise::record::{LOOK_MS, Recorder};
use crate::agent::supervise::remote::Remote;
use crate::agent::supervise::state::{Action, Event, Phase, State, step};
use crate::agent::supervise::watch::Watch;
use crate::agent::supervise::{group, interpreter};
use crate::agent::transcript::{Line, Splitter, brief};
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::task::record::RuleMatch;
use crate::sys;
use crate::sys::clock::mono_ms;
use crate::sys::grace::Grace;
use crate::sys::process::Signal;
use crate::sys::spawn::{Child, Exit, SpawnError, SpawnStep};

/// After its end no more of the output is read.
const MAX_REST_BYTES: u64 = 256 << 20;
/// How long a sweep may take.
const SWEEP_MS: u64 = 10_000;
/// How often orders are looked for where there is no bell.
const NO_BELL_MS: u64 = 200;
const READ_BYTES: usize = 64 << 10;

/// Runs a job to its end.
pub(in crate::agent) fn run(orders: &Remote, job: &Job, seen: &mut dyn FnMut(&Progress)) -> Report {
    let started_ms = mono_ms();
    let early = orders.take();
    if !early.is_empty() {
        let refusal = Refusal::new(Fault::Stopped, "stopped before it was started");
        return refused(refusal, started_ms);
    }
    match program::prepare(job).and_then(|launch| start(job, launch, started_ms)) {
        Ok(mut shell) => {
            seen(&Progress::Started { pid: shell.child.pid() });
            shell.supervise(orders, seen);
            shell.report(job)
        }
        Err(refusal) => refused(refusal, started_ms),
    }
}

fn refused(refusal: Refusal, started_ms: u64) -> Report {
    let elapsed_ms = mono_ms().saturating_sub(started_ms);
    Report { elapsed_ms, ..Report::not_started(refusal.fault, refusal.detail) }
}

fn start(job: &Job, launch: Launch, started_ms: u64) -> Result<Shell<'_>, Refusal> {
    let stderr = sys::fs::open_append(&job.place.files.stderr)?;
    let (rlimits, mut notes) = sys::rlimit::plan(&job.bounds.limits);
    let order = sys::spawn::SpawnRequest {
        program: &launch.program,
        argv0: &launch.argv0,
        args: &launch.args,
        env: &launch.env,
        cwd: &job.place.cwd,
        stdin: launch.input.as_ref().unwrap_or(&job.request.prompt).as_bytes(),
        stderr,
        death_signal: launch.death_signal,
        rlimits: &rlimits,
    };
    let child = group::start(job, &order, &mut notes)?;
    let child = child.map_err(|error| not_started(&launch, &error))?;
    Ok(Shell {
        watch: Watch::new(child.pid(), Looker::new(&job.place.cwd), started_ms),
        state: State::new(launch.deadlines, started_ms),
        job,
        launch,
        child,
        exit: None,
        recorder: Recorder::new(&job.place.files, job.bounds.limits.output_bytes),
        splitter: Splitter::default(),
        output: OutputReader::new(program::adapter(job.kind.word())),
        started_ms,
        swept: 0,
        notes,
    })
}

fn not_started(launch: &Launch, error: &SpawnError) -> Refusal {
    let fault = match error.at {
        SpawnStep::Program => Fault::Missing,
        SpawnStep::Arguments => Fault::Error,
        SpawnStep::Directory | SpawnStep::Input | SpawnStep::Cgroup | SpawnStep::System => {
            Fault::Machine
        }
    };
    let why = (fault == Fault::Missing).then(|| interpreter::trouble(&launch.program)).flatten();
    let why = why.unwrap_or_else(|| error.to_string());
    Refusal::new(fault, format!("cannot start {:?}: {why}", launch.program))
}

/// An agent at work.
struct Shell<'a> {
    job: &'a Job,
    launch: Launch,
    child: Child,
    exit: Option<Exit>,
    state: State,
    watch: Watch,
    recorder: Recorder<'a>,
    splitter: Splitter,
    output: OutputReader,
    started_ms: u64,
    swept: u32,
    notes: Vec<String>,
}

impl Shell<'_> {
    fn supervise(&mut self, orders: &Remote, seen: &mut dyn FnMut(&Progress)) {
        let mut buffer = vec![0; READ_BYTES];
        while self.state.phase != Phase::Ended {
            let [stdout, ended, bell] = self.wait(orders);
            if bell || orders.bell().is_none() {
                orders.take().into_iter().for_each(|order| self.event(order, seen));
            }
            if stdout {
                self.read(&mut buffer, seen);
            }
            if self.recorder.stderr_too_long() {
                self.event(Event::Runaway, seen);
            }
            if ended && self.exit.is_none() {
                self.exit = self.child.reap();
                self.event(Event::Exited, seen);
            }
            if self.state.deadline().is_some_and(|at| at <= mono_ms()) {
                self.event(Event::Tick, seen);
            }
            if self.watch.due().is_some_and(|at| at <= mono_ms()) {
                seen(&Progress::Live(Box::new(self.watch.tell(&self.state, mono_ms()))));
            }
        }
        self.read_rest(&mut buffer, seen);
    }

    /// Sleeps until something happens to the output, the process or the orders.
    fn wait(&self, orders: &Remote) -> [bool; 3] {
        let bell = orders.bell();
        let next = self.state.deadline().into_iter().chain(self.watch.due()).min();
        let left = next.map(|at| at.saturating_sub(mono_ms()).min(LOOK_MS));
        let left = if bell.is_some() { left } else { left.map(|ms| ms.min(NO_BELL_MS)) };
        let ended = self.exit.is_none().then(|| self.child.ended());
        sys::ready::wait([self.child.stdout(), ended, bell], left).unwrap_or_else(|_| {
            // The kernel has no memory for the wait itself: look at the clock only, and slowly.
            sys::clock::pause_ms(NO_BELL_MS);
            [false; 3]
        })
    }

    fn read(&mut self, buffer: &mut [u8], seen: &mut dyn FnMut(&Progress)) {
        let count = self.child.read(buffer);
        if count == 0 {
            self.last_line(seen);
            return self.event(Event::StdoutClosed, seen);
        }
        if let Some(event) = self.recorder.record(&buffer[..count], &mut self.notes) {
            self.event(event, seen);
        }
        self.event(Event::Bytes, seen);
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.feed(&buffer[..count], &mut |line| self.line(line, seen));
        self.watch.bytes(splitter.unfinished());
        self.splitter = splitter;
    }

    /// What is still in the pipe when it is given up: written by the agent before its end.
    fn read_rest(&mut self, buffer: &mut [u8], seen: &mut dyn FnMut(&Progress)) {
        let mut left = MAX_REST_BYTES;
        while self.child.stdout().is_some() && left > 0 {
            if sys::ready::wait([self.child.stdout()], Some(0)).ok() != Some([true]) {
                break;
            }
            left = left.saturating_sub(READ_BYTES as u64);
            self.read(buffer, seen);
        }
        self.last_line(seen);
    }

    fn last_line(&mut self, seen: &mut dyn FnMut(&Progress)) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.finish(&mut |line| self.line(line, seen));
        self.splitter = splitter;
    }

    fn line(&mut self, bytes: &[u8], seen: &mut dyn FnMut(&Progress)) {
        let line = self.output.read(bytes);
        match &line {
            Line::Assistant(message) if message.error.is_none() => seen(&Progress::Answered),
            Line::RateLimit(limit) => seen(&Progress::Limit(limit.clone())),
            _ => {}
        }
        let doing = brief(&line);
        self.watch.line(&line, doing.as_ref(), mono_ms());
        seen(&doing.map_or(Progress::Alive, Progress::Doing));
        self.event(Event::Line(sign(&line)), seen);
    }

    fn event(&mut self, event: Event, seen: &mut dyn FnMut(&Progress)) {
        let before = self.state.phase;
        let (state, actions) = step(self.state, event, mono_ms());
        self.state = state;
        let stopping = |phase| matches!(phase, Phase::Stopping { .. });
        if stopping(state.phase) && !stopping(before) {
            self.watch.stopping(&state, mono_ms());
            seen(&Progress::Stopping);
        }
        for action in actions {
            self.act(action, seen);
        }
    }

    fn act(&mut self, action: Action, seen: &mut dyn FnMut(&Progress)) {
        match action {
            Action::Look { first } => {
                let look = self.watch.look(first);
                self.event(Event::Looked(look), seen);
            }
            Action::Interrupt => self.signal(Signal::SIGINT),
            Action::Terminate => self.signal(Signal::SIGTERM),
            Action::Kill => self.kill(),
            Action::Sweep => self.sweep(),
            Action::Finish => {}
        }
    }

    /// Only while its status is not taken: until then its number cannot be another's.
    fn signal(&self, signal: Signal) {
        if self.exit.is_none() {
            sys::process::tell(self.child.pid(), self.launch.group, signal);
        }
    }

    /// Itself alone: what it started is asked first, by the sweep after its end.
    fn kill(&self) {
        if self.exit.is_none() {
            sys::process::tell(self.child.pid(), false, Signal::SIGKILL);
        }
    }

    fn sweep(&mut self) {
        let all_below = sys::sweep::is_subreaper() && self.exit.is_some();
        let mut grace = if all_below { sys::sweep::grace_below() } else { Grace::new() };
        let (caged, _still_there) = group::empty(self.job, &mut grace, SWEEP_MS);
        let swept = if all_below {
            sys::sweep::descendants(caged, &mut grace, SWEEP_MS)
        } else {
            let free = sys::sweep::marked(MARK, &self.job.request.session, &mut grace, SWEEP_MS);
            let caged = u32::try_from(caged.len()).unwrap_or(u32::MAX);
            sys::sweep::Swept { killed: caged.saturating_add(free.killed), ..free }
        };
        self.swept += swept.killed;
        if swept.left > 0 {
            self.notes
                .push(format!("{} processes that it started could not be killed", swept.left));
        }
    }

    fn report(mut self, job: &Job) -> Report {
        let tail =
            sys::fs::read_tail(&job.place.files.stderr, MAX_SAID_BYTES as u64).unwrap_or_default();
        let stderr = String::from_utf8_lossy(&tail).into_owned();
        let summary = &self.output.summary;
        let (judged, rule_match) = judge(&Evidence {
            success: self.launch.success,
            why: self.state.why,
            exit: self.exit,
            output: &self.output,
            stderr: &stderr,
            timeouts: &job.bounds.timeouts,
            rules: ApplicableRules::of(job),
            output_bytes: job.bounds.limits.output_bytes,
            now: sys::clock::now(),
        });
        let mut ending = judged.clone();
        if let Outcome::Failure { detail, .. } = &mut ending {
            *detail = self.watch.with_evidence(self.state.why, detail);
        }
        if self.exit.is_none() {
            self.notes.extend(self.watch.why_it_stays());
        }
        let (ending, seen) = group::explained(job, ending);
        self.notes.extend(seen);
        let rule_match = shown_by(&judged, &ending, rule_match);
        self.recorder.cut_stderr(&mut self.notes);
        if self.splitter.cut_lines > 0 {
            self.notes.push(format!("{} lines were too long and cut", self.splitter.cut_lines));
        }
        let first = self.state.first_event_ms;
        Report {
            said: self.output.last_words(&ending, &stderr),
            ending,
            rule_match,
            exit: self.exit.map(|exit| exit.to_string()),
            usage: summary.usage(),
            denied_tools: summary.denied.clone(),
            session: summary.session.clone(),
            refused_at_once: summary.refused_at_once(),
            rate_limit: summary.rate_limit.clone(),
            first_event_ms: first.map(|at| at.saturating_sub(self.started_ms)),
            elapsed_ms: mono_ms().saturating_sub(self.started_ms),
            swept: self.swept,
            notes: self.notes,
        }
    }
}

/// Where what we saw of its processes and its group says more than the judgement did, that is what shows it.
fn shown_by(
    judged: &Outcome,
    ending: &Outcome,
    rule_match: Option<RuleMatch>,
) -> Option<RuleMatch> {
    match ending {
        Outcome::Failure { fault, detail } if ending != judged => {
            Some(RuleMatch::ours(fault.word(), "supervisor", detail))
        }
        Outcome::Failure { .. } | Outcome::Success => rule_match,
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
pub(in crate::agent) mod tests;
