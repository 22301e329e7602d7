//! What earlier attempts of a task came to: the session to go on with, what they spent, and where things stand.
//!
//! It reads records, transcripts and the branch, and trusts a session only where everything about it is as it was:
//! agent, tree, branch and base. Invariant: nothing is paid twice, so what was spent in this life counts.

use std::path::Path;

use super::workplace::{Left, Workplace};
use crate::agent::transcript::{self, Summary};
use crate::agent::{Job, Report, Request};
use crate::domain::outcome::disposition::{Disposition, Fault, Outcome};
use crate::domain::task::name::AttemptName;
use crate::domain::task::record::{AttemptStart, CommitRecord};
use crate::domain::task::spec::TaskSpec;
use crate::queue::runs::AttemptFiles;
use crate::sys::{fs, process, random};
use crate::worker::Worker;

/// A session is not gone on with after these: it is broken, was never begun, or led nowhere.
const FRESH_AFTER: [Fault; 4] = [Fault::Error, Fault::NoResult, Fault::Setup, Fault::Missing];
/// The last lines of a transcript that are told to the next attempt.
const LAST_LINES: usize = 12;
/// Each of them is cut, characters.
const LINE_CHARS: usize = 300;
/// A transcript is read to the end, but not one that is longer, bytes: then only its end.
const TRANSCRIPT_MAX: u64 = 64 << 20;

/// What came before, in this life of the task.
#[derive(Clone, Debug, Default)]
pub(super) struct Earlier {
    /// Attempts.
    pub(super) attempts: usize,
    /// The session to go on with.
    pub(super) session: Option<String>,
    /// US dollars; estimated where an attempt left no account.
    pub(super) spent_usd: f64,
    /// How the latest one ended, one line.
    pub(super) ended: String,
    /// Its last lines.
    last_lines: Vec<String>,
}

impl Worker {
    /// Looks back.
    pub(super) fn earlier(
        &self,
        attempt: &AttemptName,
        agent: &str,
        place: &Workplace,
    ) -> crate::queue::Result<Earlier> {
        let queue = &self.shared.queue;
        let life = queue.run_epoch(&attempt.at.id)?;
        let mut attempts = queue.attempts(&attempt.at.id)?;
        attempts.retain(|files| files.name != *attempt && files.name.at.epoch >= life);
        let mut earlier = Earlier { attempts: attempts.len(), ..Earlier::default() };
        for (index, files) in attempts.iter().enumerate() {
            let latest = index + 1 == attempts.len();
            let needed = latest || files.result.is_none();
            let heard = if needed { self.heard(&files.name) } else { Heard::default() };
            earlier.spent_usd += match &files.result {
                Some(result) => result.usage.cost_usd,
                None => heard.summary.usage().cost_usd,
            };
            if latest {
                earlier.ended = ended(files);
                earlier.session = self.session(files, agent, place).filter(|_| heard.begun());
                earlier.last_lines = heard.last_lines;
            }
        }
        if earlier.attempts > 0 {
            let text = earlier.summary(&place.commits(), place.branch());
            queue.write_context(&attempt.at.id, &text)?;
        }
        Ok(earlier)
    }

    /// Writes down where the task stands, now that this attempt of it is over and another one follows.
    pub(super) fn write_context(
        &self,
        attempt: &AttemptName,
        verdict: &Disposition,
        left: &Left,
        branch: Option<&str>,
    ) {
        let queue = &self.shared.queue;
        let stands = Earlier {
            attempts: queue.attempt_count(&attempt.at.id).map_or(1, |count| count as usize),
            ended: outcome(&verdict.outcome, &verdict.reason),
            last_lines: self.heard(attempt).last_lines,
            ..Earlier::default()
        };
        let text = stands.summary(&left.commits, branch);
        // The same can be read from the attempts' files: it is not worth an outcome.
        if let Err(e) = queue.write_context(&attempt.at.id, &text) {
            (self.options.log)(&format!("{}: {e}", attempt.at.id));
        }
    }

    /// The latest attempt's session, where this attempt can go on with it.
    fn session(&self, files: &AttemptFiles, agent: &str, place: &Workplace) -> Option<String> {
        let start = files.start.as_ref()?;
        let word = files.result.as_ref().map(|result| result.outcome.as_str());
        let broken = FRESH_AFTER.iter().any(|fault| Some(fault.word()) == word);
        let same = start.agent == agent && same_place(start, place);
        let me = &self.shared.registration.card().process;
        let elsewhere = |start: &AttemptStart| {
            start.process.as_ref().is_none_or(|p| process::out_of_reach(me, p))
        };
        (same && !broken && !elsewhere(start)).then(|| start.session.clone())?
    }

    fn heard(&self, name: &AttemptName) -> Heard {
        let path = self.shared.queue.paths().attempt(name).events();
        Heard::of(&fs::read_tail(&path, TRANSCRIPT_MAX).unwrap_or_default())
    }
}

fn same_place(start: &AttemptStart, place: &Workplace) -> bool {
    place.continued()
        && Path::new(&start.cwd) == place.path()
        && start.branch.as_deref() == place.branch()
        && start.base.as_deref() == place.base()
}

fn ended(files: &AttemptFiles) -> String {
    match (&files.lost, &files.result) {
        (Some(_), _) => "the worker died".into(),
        (None, Some(result)) => outcome(&result.outcome, &result.reason),
        (None, None) => "it was cut off".into(),
    }
}

fn outcome(word: &str, reason: &str) -> String {
    if reason.is_empty() { word.to_owned() } else { format!("{word}: {reason}") }
}

/// What a transcript says.
#[derive(Clone, Debug, Default)]
struct Heard {
    summary: Summary,
    last_lines: Vec<String>,
}

impl Heard {
    fn of(bytes: &[u8]) -> Heard {
        let mut heard = Heard::default();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = transcript::parse_line(line);
            heard.summary.feed(&line);
            if let Some(text) = transcript::render(&line) {
                heard.last_lines.push(crate::domain::text::one_line(&text, LINE_CHARS));
            }
            if heard.last_lines.len() > LAST_LINES {
                heard.last_lines.remove(0);
            }
        }
        heard
    }

    /// The agent's own program had begun the session.
    fn begun(&self) -> bool {
        self.summary.session.is_some()
    }
}

/// Why the agent could not go on with its session, where a fresh one may: its own program does not know it (any more), or
/// the service refuses what was said in it. Neither did anything yet, and neither is the task's doing.
pub(super) fn cannot_go_on(resumed: bool, budget_usd: f64, report: &Report) -> Option<String> {
    let Outcome::Failure { fault: Fault::Error, detail } = &report.ending else { return None };
    // What a refusal may cost is what claude tried to make of it.
    if !resumed || report.usage.cost_usd >= budget_usd {
        return None;
    }
    if report.session.is_none() {
        return Some("its earlier session was not there any more: a fresh one was told".into());
    }
    let refused =
        || format!("the service refused its earlier session ({detail}): a fresh one was told");
    report.refused_at_once.then(refused)
}

/// The report of an attempt of which the first try came to nothing: what that cost counts too.
pub(super) fn after(first: Report, second: Report) -> Report {
    let mut usage = first.usage;
    usage.add(&second.usage);
    let notes = [first.notes, second.notes].concat();
    let elapsed_ms = first.elapsed_ms.saturating_add(second.elapsed_ms);
    Report { usage, notes, elapsed_ms, swept: first.swept + second.swept, ..second }
}

impl Earlier {
    /// The same order in a fresh session, which is told where things stand; of its budget so much is spent already.
    pub(super) fn begin_anew(
        &self,
        job: Job,
        spent_usd: f64,
        spec: &TaskSpec,
        place: &Workplace,
    ) -> Job {
        let prompt = self.prompt_with_summary(spec, place);
        let max_budget_usd = job.request.max_budget_usd - spent_usd;
        let session = random::uuid();
        let request = Request { resume: false, session, prompt, max_budget_usd, ..job.request };
        Job { request, ..job }
    }

    /// The task, and where it stands.
    pub(super) fn prompt_with_summary(&self, spec: &TaskSpec, place: &Workplace) -> String {
        let stands = self.summary(&place.commits(), place.branch());
        format!("{}\n\n---\n\n{stands}", spec.prompt)
    }

    /// What is said to an agent that goes on in its own session.
    pub(super) fn resume_prompt(&self, commits: &[CommitRecord], branch: Option<&str>) -> String {
        format!(
            "You were interrupted in the middle of this task ({}). The session goes on; the directory is as you \
             left it, except that what was uncommitted may have been committed for you.\n\n{}\n\
             A command that was running when you were interrupted has ended, with an unknown outcome. Look at what \
             is there (git status, git log), then go on with the task where you left off. Do not start over.\n",
            self.ended,
            stand(commits, branch)
        )
    }

    /// Where the task stands, for people and for a fresh session.
    pub(super) fn summary(&self, commits: &[CommitRecord], branch: Option<&str>) -> String {
        let mut text = format!(
            "# Where this task stands\n\nAttempts so far: {}. The latest ended so: {}.\n\n{}",
            self.attempts,
            self.ended,
            stand(commits, branch)
        );
        if !self.last_lines.is_empty() {
            text.push_str("\nThe end of its transcript:\n\n");
            for line in &self.last_lines {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text.push_str("\nGo on from there; do not do again what is done.\n");
        text
    }
}

fn stand(commits: &[CommitRecord], branch: Option<&str>) -> String {
    let Some(branch) = branch else { return String::new() };
    if commits.is_empty() {
        return format!("There is no commit on `{branch}` yet beyond its base.\n");
    }
    let lines: String = commits
        .iter()
        .map(|c| format!("- {} {}\n", &c.id[..c.id.len().min(10)], c.subject))
        .collect();
    format!("Commits on `{branch}` so far, oldest first:\n\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::usage::Usage;

    #[test]
    fn a_transcript_that_was_cut_off_still_tells_session_and_last_words() {
        let text = concat!(
            "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"m\"}\n",
            "{\"type\":\"assistant\",\"message\":{\"id\":\"1\",\"content\":[{\"type\":\"text\",\"text\":\"half way\"}]}}\n",
            "{\"type\":\"assis"
        );
        let heard = Heard::of(text.as_bytes());
        assert!(heard.begun());
        assert!(heard.last_lines.iter().any(|line| line == "half way"), "{:?}", heard.last_lines);
        assert!(!Heard::of(b"claude: command not found\n").begun());
    }

    fn report(ending: Outcome, session: Option<&str>, refused_at_once: bool) -> Report {
        let usage = Usage { cost_usd: 0.25, turns: 1, ..Usage::default() };
        Report {
            ending,
            ground: None,
            exit: None,
            said: None,
            usage,
            denied_tools: Vec::new(),
            session: session.map(str::to_owned),
            refused_at_once,
            rate_limit: None,
            first_event_ms: None,
            elapsed_ms: 5,
            swept: 1,
            notes: vec!["a note".into()],
        }
    }

    #[test]
    fn only_a_resumption_that_came_to_nothing_is_tried_in_a_fresh_session() {
        let failed = |fault| Outcome::Failure { fault, detail: "API Error: 400 x".into() };
        let tried = |report: &Report| cannot_go_on(true, 10.0, report).is_some();
        assert!(tried(&report(failed(Fault::Error), None, false)));
        let refused = report(failed(Fault::Error), Some("s"), true);
        let why = cannot_go_on(true, 10.0, &refused).expect("another try");
        assert!(why.contains("API Error: 400 x") && why.contains("a fresh one was told"), "{why}");
        assert!(!tried(&report(failed(Fault::Error), Some("s"), false)), "it did something");
        assert!(!tried(&report(failed(Fault::Spend), Some("s"), true)), "no credit");
        assert!(!tried(&report(failed(Fault::Stopped), None, false)), "we stopped it");
        assert!(!tried(&report(Outcome::Success, Some("s"), false)));
        assert_eq!(cannot_go_on(false, 10.0, &refused), None, "a fresh one is the last");
        assert_eq!(cannot_go_on(true, 0.25, &refused), None, "nothing is left to spend");
    }

    #[test]
    fn what_the_first_try_cost_is_on_the_bill() {
        let both =
            after(report(Outcome::Success, None, true), report(Outcome::Success, Some("s"), false));
        assert!((both.usage.cost_usd - 0.5).abs() < 1e-9 && both.usage.turns == 2);
        assert_eq!((both.session.as_deref(), both.elapsed_ms, both.swept), (Some("s"), 10, 2));
        assert_eq!(both.notes.len(), 2);
    }

    #[test]
    fn what_was_done_is_told_once_and_in_order() {
        let commit = |id: &str, subject: &str| CommitRecord {
            id: id.into(),
            subject: subject.into(),
            leftover: false,
        };
        let earlier = Earlier { attempts: 1, ended: "limit: full".into(), ..Earlier::default() };
        let commits = [commit("aaaaaaaaaaaaaaaa", "First"), commit("bbbbbbbbbbbbbbbb", "Second")];
        let text = earlier.summary(&commits, Some("swarm/x"));
        assert!(text.contains("- aaaaaaaaaa First\n- bbbbbbbbbb Second\n"), "{text}");
        assert!(text.contains("limit: full"));
        assert!(earlier.resume_prompt(&[], Some("swarm/x")).contains("no commit on `swarm/x` yet"));
    }
}
