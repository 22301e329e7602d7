//! What is seen of a running agent, put together for people: its tool, its words, looks, and why it is stopped.
//!
//! It decides nothing. Invariant: it is told at most once in [`TELL_MS`], the last news are never withheld for
//! longer, and of an agent with which nothing happens nothing is told.

use crate::agent::supervise::look::Looker;
use crate::agent::supervise::sign::{StopReason, Why};
use crate::agent::supervise::state::State;
use crate::agent::transcript::{Block, Line};
use crate::domain::liveness::judgement::{Besides, Liveness, Look, evidence};
use crate::domain::liveness::report::{Live, LookedAt, Tool};
use crate::domain::text::one_line;
use crate::domain::time::UnixMs;
use crate::sys::{activity, clock};

/// Between two tellings, and from the start to the first, milliseconds: most short tasks need none.
const TELL_MS: u64 = 1_000;
/// A judgement with its evidence is so long at most, characters.
const DETAIL_CHARS: usize = 500;
const NAME_CHARS: usize = 40;

pub(in crate::agent) struct Watch {
    pid: i32,
    looker: Looker,
    /// When the latest look was.
    looked_ms: u64,
    tool: Option<OpenTool>,
    doing: Option<String>,
    /// The last line was none that it should write; the one that it writes now has no end yet.
    noise: bool,
    half_a_line: bool,
    stopping: Option<String>,
    /// No news are told before this.
    next_ms: u64,
    news: bool,
}

struct OpenTool {
    name: String,
    since_ms: u64,
    /// Calls without an answer.
    open: u32,
}

impl Watch {
    pub(in crate::agent) fn new(pid: i32, looker: Looker, now_ms: u64) -> Watch {
        Watch {
            pid,
            looker,
            looked_ms: now_ms,
            tool: None,
            doing: None,
            noise: false,
            half_a_line: false,
            stopping: None,
            next_ms: now_ms.saturating_add(TELL_MS),
            news: true,
        }
    }

    /// Bytes came; the last line of them has an end or not.
    pub(in crate::agent) fn bytes(&mut self, half_a_line: bool) {
        self.half_a_line = half_a_line;
        self.news = true;
    }

    pub(in crate::agent) fn line(&mut self, line: &Line, doing: Option<&String>, now_ms: u64) {
        self.noise = matches!(line, Line::Unknown(_));
        if let Some(doing) = doing {
            self.doing = Some(doing.clone());
        }
        match line {
            Line::Assistant(message) => message.blocks.iter().for_each(|block| {
                if let Block::Call { name, .. } = block {
                    self.called(name, now_ms);
                }
            }),
            Line::User(message) => {
                let answers = |block: &&Block| matches!(block, Block::Answer { .. });
                let answers = message.blocks.iter().filter(answers).count();
                self.answered(u32::try_from(answers).unwrap_or(u32::MAX));
            }
            Line::Init { .. } | Line::Result(_) => self.tool = None,
            Line::Retry { .. }
            | Line::RateLimit(_)
            | Line::Progress { .. }
            | Line::Denied { .. }
            | Line::Other(_)
            | Line::Unknown(_) => {}
        }
    }

    fn called(&mut self, name: &str, now_ms: u64) {
        let name = one_line(name, NAME_CHARS);
        let fresh = OpenTool { name: name.clone(), since_ms: now_ms, open: 0 };
        let tool = self.tool.get_or_insert(fresh);
        tool.open = tool.open.saturating_add(1);
    }

    fn answered(&mut self, answers: u32) {
        if let Some(tool) = &mut self.tool {
            tool.open = tool.open.saturating_sub(answers);
        }
        // What it said that it does is done; what comes next it has not said.
        if self.tool.take_if(|tool| tool.open == 0).is_some() {
            self.doing = None;
        }
    }

    /// Looks at its processes and files.
    pub(in crate::agent) fn look(&mut self, first: bool) -> Look {
        let look = self.looker.look(self.pid, first);
        self.looked_ms = clock::mono_ms();
        self.news = true;
        look
    }

    /// It is being stopped: from here on it is known why. To be told at once.
    pub(in crate::agent) fn stopping(&mut self, state: &State, now_ms: u64) {
        let words = match state.why {
            Some(Why::Asked(reason)) => asked(reason).to_owned(),
            Some(Why::Killed) => "it was killed on request".into(),
            Some(Why::DiskFull) => "no space is left to record what it says".into(),
            Some(Why::Runaway) => "it writes more than it may".into(),
            Some(Why::Lingering) => "its result came and it does not end".into(),
            Some(Why::Timeout) => {
                format!("it took too long; {}", self.evidence(state, now_ms).unwrap_or_default())
            }
            Some(Why::Silent | Why::Unanswered | Why::Startup) | None => {
                self.evidence(state, now_ms).unwrap_or_default()
            }
        };
        self.stopping = Some(one_line(&words, DETAIL_CHARS));
        self.next_ms = now_ms;
        self.news = true;
    }

    fn evidence(&self, state: &State, now_ms: u64) -> Option<String> {
        let tool = self.tool.as_ref();
        let besides = Besides {
            tool: tool.map(|tool| (tool.name.as_str(), now_ms.saturating_sub(tool.since_ms))),
            half_a_line: self.half_a_line,
            noise: self.noise,
        };
        state.facts.map(|facts| evidence(&facts, &besides))
    }

    /// A judgement, with the evidence of a stop that was ours.
    pub(in crate::agent) fn with_evidence(&self, why: Option<Why>, detail: &str) -> String {
        let told = match (why, &self.stopping) {
            (Some(Why::Silent), Some(seen)) => format!("it hangs: {seen}"),
            (Some(Why::Startup | Why::Unanswered), Some(seen)) => format!("{detail}: {seen}"),
            (Some(Why::Timeout), Some(seen)) => {
                format!("{detail}; {}", seen.trim_start_matches("it took too long; "))
            }
            _ => return detail.to_owned(),
        };
        one_line(&told, DETAIL_CHARS)
    }

    /// What may keep a process from ending that was killed.
    pub(in crate::agent) fn why_it_stays(&self) -> Option<String> {
        let process = activity::process(self.pid).filter(|process| process.state == 'D')?;
        let pid = process.pid;
        Some(format!(
            "process {pid} waits in the kernel (state D, a disk that does not answer): nobody can kill it"
        ))
    }

    /// When the news have to be told; `None` while there are none.
    pub(in crate::agent) fn due(&self) -> Option<u64> {
        self.news.then_some(self.next_ms)
    }

    /// The news.
    pub(in crate::agent) fn tell(&mut self, state: &State, now_ms: u64) -> Live {
        self.news = false;
        self.next_ms = now_ms.saturating_add(TELL_MS);
        let now = clock::now();
        let at = |ms: u64| UnixMs(now.0.saturating_sub(now_ms.saturating_sub(ms)));
        let silence = state.silence();
        let facts = silence.facts(now_ms);
        let stalled = self.stopping.is_some() && state.facts.is_some();
        Live {
            schema: 1,
            at: now,
            pid: self.pid,
            verdict: if stalled { Liveness::Stalled } else { silence.verdict(now_ms) },
            answered_at: at(now_ms.saturating_sub(facts.heard_ms)),
            doing: self.doing.clone(),
            tool: self
                .tool
                .as_ref()
                .map(|tool| Tool { name: tool.name.clone(), since: at(tool.since_ms) }),
            waits_until: (facts.wait_ms > 0).then(|| now.plus_ms(facts.wait_ms)),
            silence_ms: silence.limit_of_one_that_speaks(),
            look: facts.look.map(|found| LookedAt { at: at(self.looked_ms), found }),
            stopping: self.stopping.clone(),
        }
    }
}

fn asked(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Operator => "its worker was told to stop",
        StopReason::Cancelled => "its task was cancelled",
        StopReason::LostClaim => "its task is somebody else's now",
        StopReason::NoRoom => "the disk is nearly full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::program::claude::parse::parse_line;

    #[test]
    fn a_tool_runs_from_its_call_to_its_answer() {
        let looker = Looker::new(std::path::Path::new("/nowhere"));
        let mut watch = Watch::new(7, looker, 0);
        let mut hear = |line: &str, at: u64| {
            watch.line(&parse_line(line.as_bytes()), None, at);
            watch.tool.as_ref().map(|tool| (tool.name.clone(), tool.since_ms))
        };
        let call = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{}}]}}"#;
        let answer =
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"x"}]}}"#;
        assert_eq!(hear(call, 5), Some(("Bash".into(), 5)));
        // Two at once: it is at work until both have answered.
        assert_eq!(hear(call, 6), Some(("Bash".into(), 5)));
        assert_eq!(hear(answer, 7), Some(("Bash".into(), 5)));
        assert_eq!(hear(r#"{"type":"tool_progress","tool_name":"Bash"}"#, 8).unwrap().1, 5);
        assert_eq!(hear(answer, 9), None);
        assert_eq!(hear(answer, 10), None);
        hear(call, 11);
        assert_eq!(hear(r#"{"type":"result"}"#, 12), None);
    }

    #[test]
    fn news_are_told_once_a_second_at_most_and_silence_not_at_all() {
        let looker = Looker::new(std::path::Path::new("/nowhere"));
        let mut watch = Watch::new(7, looker, 0);
        assert_eq!(watch.due(), Some(TELL_MS));
        let job = crate::agent::supervise::run::tests::job("x");
        let plan = crate::agent::program::adapter::Deadlines::speaking(&job);
        let state = State::new(plan, 0);
        assert_eq!(watch.tell(&state, 1_500).pid, 7);
        assert_eq!(watch.due(), None);
        watch.bytes(false);
        assert_eq!(watch.due(), Some(2_500));
        // A stop is told at once, also by a process that is younger than that.
        let mut young = Watch::new(7, Looker::new(std::path::Path::new("/nowhere")), 0);
        young.stopping(&state, 3);
        assert_eq!(young.due(), Some(3));
    }
}
