//! What earlier attempts of a task came to: the session to go on with, what they spent, and where things stand.
//!
//! It reads records, transcripts and the branch, and trusts a session only where everything about it is as it was:
//! agent, tree, branch and base. Invariant: nothing is paid twice, so what was spent in this run of the task counts.

use std::path::Path;

use super::workplace::{PlaceFacts, Workplace};
use crate::agent::program::RecordedOutput;
use crate::agent::transcript::{self, Summary};
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Disposition;
use crate::domain::process::ProcessIdentity;
use crate::domain::task::name::AttemptName;
use crate::domain::task::record::CommitRecord;
use crate::queue::runs::AttemptFiles;
use crate::queue::{Queue, Result};
use crate::sys::{fs, process};
use crate::worker::shared::WorkerContext;

/// A session is not gone on with after these: it is broken, was never begun, or led nowhere.
const FRESH_AFTER: [Fault; 4] = [Fault::Error, Fault::NoResult, Fault::Setup, Fault::Missing];
/// The last lines of a transcript that are told to the next attempt.
const LAST_LINES: usize = 12;
/// Each of them is cut, characters.
const LINE_CHARS: usize = 300;
/// A transcript is read to the end, but not one that is longer, bytes: then only its end.
const TRANSCRIPT_MAX: u64 = 64 << 20;

/// What came before, in this run of the task.
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
    /// What is on the branch, oldest first.
    commits: Vec<CommitRecord>,
}

/// Looks back at the earlier attempts of this run of the task.
pub(super) fn look_back(
    context: &WorkerContext,
    attempt: &AttemptName,
    agent: &str,
    place: &Workplace,
    facts: &PlaceFacts,
) -> Result<Earlier> {
    let queue = &context.shared.queue;
    let began = queue.run_epoch(&attempt.at.id)?;
    let mut attempts = queue.attempts(&attempt.at.id)?;
    attempts.retain(|files| files.name != *attempt && files.name.at.epoch >= began);
    let Some(latest) = attempts.last() else { return Ok(Earlier::default()) };
    let mut earlier =
        Earlier { attempts: attempts.len(), commits: place.commits(), ..Earlier::default() };
    for files in &attempts {
        let is_latest = files.name == latest.name;
        let needed = is_latest || files.result.is_none();
        let program = files.start.as_ref().and_then(|start| start.program.as_deref());
        let told =
            if needed { transcript_of(queue, &files.name, program) } else { Told::of(b"", None) };
        earlier.spent_usd += match &files.result {
            Some(result) => result.usage.cost_usd,
            None => told.summary.usage().cost_usd,
        };
        if is_latest {
            earlier.ended = ended(files);
            let me = &context.shared.registration.card().process;
            let gone = |process: &ProcessIdentity| !process::out_of_reach(me, process);
            earlier.session =
                session_to_resume(files, agent, facts, gone).filter(|_| told.has_begun());
            earlier.last_lines = told.last_lines;
        }
    }
    let text = earlier.summary(facts.branch());
    queue.write_context(&attempt.at.id, &text)?;
    Ok(earlier)
}

/// Writes down where the task stands, now that this attempt of it is over and another one follows.
pub(super) fn write_context(
    context: &WorkerContext,
    attempt: &AttemptName,
    agent: &str,
    disposition: &Disposition,
    commits: &[CommitRecord],
    branch: Option<&str>,
) {
    let queue = &context.shared.queue;
    let program = context.config.profiles.get(agent).map(|profile| profile.kind.word());
    let stands = Earlier {
        attempts: queue.attempt_count(&attempt.at.id).map_or(1, |count| count as usize),
        ended: outcome(&disposition.outcome, &disposition.reason),
        last_lines: transcript_of(queue, attempt, program).last_lines,
        commits: commits.to_vec(),
        ..Earlier::default()
    };
    // The same can be read from the attempts' files: it is not worth an outcome.
    if let Err(e) = queue.write_context(&attempt.at.id, &stands.summary(branch)) {
        context.log(&format!("{}: {e}", attempt.at.id));
    }
}

/// The latest attempt's session, where another one can go on in it: everything is as it was, and whoever kept it can
/// be seen from here to have ended.
fn session_to_resume(
    files: &AttemptFiles,
    agent: &str,
    place: &PlaceFacts,
    has_ended: impl Fn(&ProcessIdentity) -> bool,
) -> Option<String> {
    let start = files.start.as_ref()?;
    let word = files.result.as_ref().map(|result| result.outcome.as_str());
    let broken = FRESH_AFTER.iter().any(|fault| Some(fault.word()) == word);
    let same_place = place.continued
        && Path::new(&start.cwd) == place.path
        && start.branch.as_deref() == place.branch()
        && start.base == place.base;
    let over = start.process.as_ref().is_some_and(has_ended);
    (start.agent == agent && same_place && !broken && over).then(|| start.session.clone())?
}

fn transcript_of(queue: &Queue, name: &AttemptName, program: Option<&str>) -> Told {
    let path = queue.paths().attempt(name).events();
    Told::of(&fs::read_tail(&path, TRANSCRIPT_MAX).unwrap_or_default(), program)
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
#[derive(Clone, Debug)]
struct Told {
    summary: Summary,
    last_lines: Vec<String>,
}

impl Told {
    fn of(bytes: &[u8], program: Option<&str>) -> Told {
        let output = RecordedOutput::of(program);
        let mut told = Told { summary: output.summary(), last_lines: Vec::new() };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = output.line(line);
            told.summary.feed(&line);
            if let Some(text) = transcript::render(&line) {
                told.last_lines.push(crate::domain::text::one_line(&text, LINE_CHARS));
            }
            if told.last_lines.len() > LAST_LINES {
                told.last_lines.remove(0);
            }
        }
        told
    }

    /// The agent's own program had begun the session.
    fn has_begun(&self) -> bool {
        self.summary.session.is_some()
    }
}

impl Earlier {
    /// The task, and where it stands.
    pub(super) fn prompt_with_summary(&self, prompt: &str, branch: Option<&str>) -> String {
        format!("{prompt}\n\n---\n\n{}", self.summary(branch))
    }

    /// What is said to an agent that goes on in its own session.
    pub(super) fn resume_prompt(&self, branch: Option<&str>) -> String {
        format!(
            "You were interrupted in the middle of this task ({}). The session goes on; the directory is as you \
             left it, except that what was uncommitted may have been committed for you.\n\n{}\n\
             A command that was running when you were interrupted has ended, with an unknown outcome. Look at what \
             is there (git status, git log), then go on with the task where you left off. Do not start over.\n",
            self.ended,
            stand(&self.commits, branch)
        )
    }

    /// Where the task stands, for people and for a fresh session.
    fn summary(&self, branch: Option<&str>) -> String {
        let mut text = format!(
            "# Where this task stands\n\nAttempts so far: {}. The latest ended so: {}.\n\n{}",
            self.attempts,
            self.ended,
            stand(&self.commits, branch)
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
    use crate::domain::task::id::WorkerId;
    use crate::domain::task::record::{AttemptResult, AttemptStart};
    use crate::domain::time::UnixMs;

    #[test]
    fn a_transcript_that_was_cut_off_still_tells_session_and_last_words() {
        let text = concat!(
            "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"m\"}\n",
            "{\"type\":\"assistant\",\"message\":{\"id\":\"1\",\"content\":[{\"type\":\"text\",\"text\":\"half way\"}]}}\n",
            "{\"type\":\"assis"
        );
        let told = Told::of(text.as_bytes(), None);
        assert!(told.has_begun());
        assert!(told.last_lines.iter().any(|line| line == "half way"), "{:?}", told.last_lines);
        assert!(!Told::of(b"claude: command not found\n", None).has_begun());
    }

    #[test]
    fn a_session_goes_on_only_where_everything_is_as_it_was() {
        let name =
            AttemptName::parse("20261120T113012123-fix-k3f9.1.0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
        let me = crate::sys::identity::me();
        let place = PlaceFacts {
            path: "/trees/a".into(),
            branch: Some("swarm/x".into()),
            base: Some("b".into()),
            continued: true,
            lacks_identity: false,
        };
        let start = AttemptStart {
            schema: 1,
            worker: WorkerId::from_bits([1; 16]),
            host: "h".into(),
            process: Some(me),
            agent: "claude".into(),
            program: None,
            started_at: UnixMs(1),
            cwd: "/trees/a".into(),
            branch: Some("swarm/x".into()),
            base: Some("b".into()),
            session: Some("s".into()),
            continued: false,
        };
        let ended_with =
            |word: &str| Some(AttemptResult { outcome: word.into(), ..AttemptResult::default() });
        let files = |start: AttemptStart, result| AttemptFiles {
            name: name.clone().expect("a name"),
            start: Some(start),
            result,
            lost: None,
        };
        let same = || start.clone();
        for (start, result, agent, over, resumes, case) in [
            (same(), None, "claude", true, true, "it was cut off"),
            (same(), ended_with("limit"), "claude", true, true, "its account was full"),
            (same(), ended_with("error"), "claude", true, false, "it led nowhere"),
            (same(), ended_with("setup"), "claude", true, false, "it was never begun"),
            (same(), None, "other", true, false, "another agent"),
            (same(), None, "claude", false, false, "it may still run where nobody sees it"),
            (AttemptStart { process: None, ..same() }, None, "claude", true, false, "unknown"),
            (AttemptStart { cwd: "/b".into(), ..same() }, None, "claude", true, false, "elsewhere"),
            (AttemptStart { base: None, ..same() }, None, "claude", true, false, "another base"),
            (AttemptStart { branch: None, ..same() }, None, "claude", true, false, "no branch"),
            (AttemptStart { session: None, ..same() }, None, "claude", true, false, "none"),
        ] {
            let session = session_to_resume(&files(start, result), agent, &place, |_| over);
            assert_eq!(session.is_some(), resumes, "{case}");
        }
        let fresh = PlaceFacts { continued: false, ..place };
        assert_eq!(session_to_resume(&files(same(), None), "claude", &fresh, |_| true), None);
    }

    #[test]
    fn what_was_done_is_told_once_and_in_order() {
        let commit = |id: &str, subject: &str| CommitRecord {
            id: id.into(),
            subject: subject.into(),
            leftover: false,
        };
        let fresh = Earlier { attempts: 1, ended: "limit: full".into(), ..Earlier::default() };
        assert!(fresh.resume_prompt(Some("swarm/x")).contains("no commit on `swarm/x` yet"));
        let commits =
            vec![commit("aaaaaaaaaaaaaaaa", "First"), commit("bbbbbbbbbbbbbbbb", "Second")];
        let text = Earlier { commits, ..fresh }.summary(Some("swarm/x"));
        assert!(text.contains("- aaaaaaaaaa First\n- bbbbbbbbbb Second\n"), "{text}");
        assert!(text.contains("limit: full"));
    }
}
