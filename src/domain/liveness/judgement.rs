//! Whether an agent that says nothing works, waits, hangs or is dead: a verdict, and its evidence in words.
//!
//! Pure. Silence alone proves nothing: what counts is silence together with processes that use no CPU time and
//! files that do not change. Invariant: a wait that was announced and work that was seen are never a stall before
//! [`PATIENCE`] silences have gone by; without work, one silence is one.

use serde::{Deserialize, Serialize};

use crate::domain::settings::quantity::say_duration;

/// What shows life but brings nothing forth (CPU time without a word or a file, heartbeats without news, retries
/// without an answer) counts for so many silences.
pub const PATIENCE: u64 = 4;

/// An idle program wakes up now and then: CPU time up to this, and up to one part in so many of the time, is none.
/// Measured, an agent uses 0.1 to 0.4 % of the time while its stream is silent or pings (0.7 % at 50 pings a second), and
/// 2.4 % while an answer comes in at 50 pieces a second, of which it prints nothing before a block is complete.
const TRICKLE_MS: u64 = 60;
const TRICKLE_PART: u64 = 100;

/// An agent's processes, and those of them that cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Processes {
    /// All that have not ended.
    pub alive: u32,
    /// Stopped by a signal.
    pub stopped: u32,
    /// Waiting in the kernel, for a disk as a rule: they cannot be killed.
    pub stuck: u32,
}

/// What one look at an agent's processes and files found, compared with the look before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Look {
    /// Since the look before, milliseconds; 0: there was none in this silence.
    pub over_ms: u64,
    /// CPU time of all processes since then, milliseconds.
    pub cpu_ms: u64,
    /// Something in its directory changed since then; `None`: that could not be seen.
    pub changed: Option<bool>,
    /// So long ago something there changed last, milliseconds.
    pub change_ago_ms: Option<u64>,
    /// Its processes.
    pub processes: Processes,
}

impl Look {
    /// More CPU time was used than an idle program does.
    pub fn computes(&self) -> bool {
        self.over_ms > 0 && self.cpu_ms > TRICKLE_MS.max(self.over_ms / TRICKLE_PART)
    }

    /// It works, whatever it says.
    pub fn works(&self) -> bool {
        self.computes() || self.changed == Some(true)
    }

    /// CPU time in percent of one processor.
    pub fn cpu_percent(&self) -> u64 {
        self.cpu_ms.saturating_mul(100) / self.over_ms.max(1)
    }

    /// Nothing can go on until somebody wakes it.
    pub fn stands_still(&self) -> bool {
        self.processes.alive > 0 && self.processes.stopped == self.processes.alive
    }
}

/// All that a verdict depends on. Times are durations until now, milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Silence beyond this needs an excuse.
    pub limit_ms: u64,
    /// It is one that speaks, so its silence means something.
    pub speaks: bool,
    /// Since the last that counts as a word.
    pub quiet_ms: u64,
    /// Since the last sign of any kind.
    pub heard_ms: u64,
    /// Since it last said something new.
    pub news_ms: u64,
    /// What is left of a wait that it announced.
    pub wait_ms: u64,
    /// Retries without an answer in between.
    pub retries: u32,
    /// Since the first of them.
    pub unanswered_ms: u64,
    /// Since it last spoke or was seen at work.
    pub idle_ms: u64,
    /// Since it last spoke or changed a file.
    pub fruitless_ms: u64,
    /// Since the first of the latest looks that found all its processes stopped.
    pub still_ms: u64,
    /// The latest look in this silence.
    pub look: Option<Look>,
}

/// What an agent is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// It speaks, or works in silence.
    Busy,
    /// It says nothing and was not seen at work, which means nothing yet.
    Quiet,
    /// It said that it waits, and for how long.
    Waiting,
    /// It hangs.
    Stalled,
    /// None of its processes is left.
    Dead,
}

/// The verdict.
pub fn judge(facts: &Facts) -> Liveness {
    let look = facts.look.unwrap_or_default();
    if facts.look.is_some() && look.processes.alive == 0 {
        return Liveness::Dead;
    }
    if facts.wait_ms > 0 {
        return Liveness::Waiting;
    }
    if facts.speaks && facts.idle_ms >= facts.limit_ms {
        return Liveness::Stalled;
    }
    if look.stands_still() && facts.still_ms >= facts.limit_ms {
        return Liveness::Stalled;
    }
    if facts.speaks && facts.fruitless_ms >= facts.limit_ms.saturating_mul(PATIENCE) {
        return Liveness::Stalled;
    }
    if facts.quiet_ms < facts.limit_ms.div_ceil(2) || look.works() {
        Liveness::Busy
    } else {
        Liveness::Quiet
    }
}

/// What is known besides, for the words only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Besides<'a> {
    /// A tool that runs, and for how long, milliseconds.
    pub tool: Option<(&'a str, u64)>,
    /// The last line that it wrote has no end.
    pub half_a_line: bool,
    /// Lines that it wrote of late are none that it should write.
    pub noise: bool,
}

/// The evidence, as one line for people.
pub fn evidence(facts: &Facts, besides: &Besides<'_>) -> String {
    let mut parts = vec![silence(facts, besides)];
    if besides.half_a_line {
        parts.push("its last line has no end".into());
    }
    if let Some((tool, ms)) = besides.tool {
        parts.push(format!("its tool {tool} runs for {}", say_duration(ms)));
    }
    if let Some(look) = &facts.look {
        parts.push(processes(look));
        parts.push(files(look));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

fn silence(facts: &Facts, besides: &Besides<'_>) -> String {
    if facts.retries > 0 {
        let since = say_duration(facts.unanswered_ms);
        let (count, many) = (facts.retries, if facts.retries == 1 { "retry" } else { "retries" });
        return format!("no answer of the service for {since}, {count} {many} announced");
    }
    // What was heard of late and did not count any more.
    if facts.heard_ms < facts.quiet_ms && !besides.noise {
        return format!("only heartbeats and nothing new for {}", say_duration(facts.news_ms));
    }
    if facts.quiet_ms < facts.limit_ms.div_ceil(2) {
        return format!("its last word came {} ago", say_duration(facts.heard_ms));
    }
    let what = if besides.noise { "nothing but noise" } else { "no output" };
    format!("{what} for {}", say_duration(facts.quiet_ms))
}

fn processes(look: &Look) -> String {
    let Processes { alive, stopped, stuck } = look.processes;
    let (its, are) = if alive == 1 {
        ("its process".to_owned(), "is")
    } else {
        (format!("its {alive} processes"), "are")
    };
    let mut said = match look.over_ms {
        0 => String::new(),
        over => {
            let (cpu, over) = (say_duration(look.cpu_ms), say_duration(over));
            format!("{its} used {cpu} of CPU time in {over}")
        }
    };
    if look.stands_still() {
        said = format!("{its} {are} stopped (SIGSTOP)");
    } else if stopped > 0 {
        said.push_str(&format!(", {stopped} stopped (SIGSTOP)"));
    }
    if stuck > 0 {
        let wait = "in the kernel for a disk that does not answer (state D) and cannot be killed";
        said.push_str(&format!(", {stuck} waiting {wait}"));
    }
    said.trim_start_matches(", ").to_owned()
}

fn files(look: &Look) -> String {
    let last = look.change_ago_ms.map(|ms| format!(" (the last one {} ago)", say_duration(ms)));
    match (look.over_ms, look.changed) {
        (0, _) => String::new(),
        (_, Some(true)) => format!("files changed{}", last.unwrap_or_default()),
        (_, Some(false)) => format!("no file of its directory changed{}", last.unwrap_or_default()),
        (_, None) => "whether its files changed could not be seen".into(),
    }
}

#[cfg(test)]
#[path = "judgement_tests.rs"]
mod tests;
