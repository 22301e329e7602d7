//! How a running agent and a registered worker stand, in words and in JSON: what was seen, and what time has passed
//! since.

use serde_json::{Value, json};

use crate::domain::liveness::judgement::Liveness;
use crate::domain::liveness::lease::{HEARTBEAT_EVERY_MS, JUDGED_DEAD_AFTER_MS};
use crate::domain::liveness::report::Live;
use crate::domain::text::one_line;
use crate::domain::time::UnixMs;
use crate::shape::style::duration;
use crate::sys::clock;

const DOING_CHARS: usize = 60;
const TOOL_CHARS: usize = 40;
const WHY_CHARS: usize = 500;

/// `tool Bash runs for 31 s`, `quiet for 4 min 0 s (CPU 12 %, a file changed 10 s ago)`, `waits for the service until
/// 15:50`.
pub fn words(live: &Live, now: UnixMs) -> String {
    if let Some(why) = &live.stopping {
        return format!("is being stopped: {}", one_line(why, WHY_CHARS));
    }
    let tool = live.tool.as_ref().map(|tool| {
        let (name, since) = (one_line(&tool.name, TOOL_CHARS), duration(now.since(tool.since)));
        format!("tool {name} runs for {since}")
    });
    match (live.verdict(now), live.waits_until) {
        (Liveness::Waiting, Some(until)) => {
            format!("waits for the service until {}", clock::local_short(until))
        }
        (Liveness::Dead, _) => "its process has ended".to_owned(),
        _ if live.quiet_ms(now) >= QUIET_MS || live.look.is_some() => {
            let quiet = format!("quiet for {}{}", duration(live.quiet_ms(now)), seen(live, now));
            [tool, Some(quiet)].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        _ => tool.unwrap_or_else(|| {
            let doing = live.doing.as_deref().map(|doing| one_line(doing, DOING_CHARS));
            doing.filter(|doing| !doing.is_empty()).unwrap_or_else(|| "at work".into())
        }),
    }
}

/// Silence up to this is not spoken of, milliseconds: a running tool gives a sign of life every 30 s.
const QUIET_MS: u64 = 45_000;

/// What the latest look found.
fn seen(live: &Live, now: UnixMs) -> String {
    let Some(look) = &live.look else { return String::new() };
    let found = &look.found;
    let mut parts = Vec::new();
    if found.stands_still() {
        parts.push("all its processes are stopped".to_owned());
    } else if found.over_ms > 0 {
        parts.push(format!("CPU {} %", found.cpu_percent()));
    }
    if found.processes.stuck > 0 {
        parts.push(format!("{} waiting for a disk", found.processes.stuck));
    }
    let changed = found.change_ago_ms.map(|ms| duration(ms + now.since(look.at)));
    parts.extend(changed.map(|ago| format!("files changed {ago} ago")));
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// More of it, a line each: what it depends on.
pub fn details(live: &Live, now: UnixMs) -> Vec<String> {
    let mut lines = vec![format!("  now: {}", words(live, now))];
    if let (Some(limit), None) = (live.silence_ms, &live.stopping) {
        lines.push(format!("  it is stopped when it is silent and idle for {}", duration(limit)));
    }
    lines
}

/// `live` of a task in `status --json`.
pub fn json(live: &Live, now: UnixMs) -> Value {
    json!({
        "verdict": live.verdict(now),
        "words": words(live, now),
        "pid": live.pid,
        "seen_at_ms": live.at,
        "answered_at_ms": live.answered_at,
        "quiet_ms": live.quiet_ms(now),
        "doing": live.doing,
        "tool": live.tool,
        "waits_until_ms": live.waits_until,
        "silence_ms": live.silence_ms,
        "look": live.look,
        "stopping": live.stopping,
    })
}

/// How a worker stands: `beats`, `late` (not yet a reason for anything), `suspect` (about to be judged dead), `dead`. On
/// another machine clocks may differ, so only a long silence of the heart says something there.
pub fn worker_word(alive: Option<bool>, beat_ago_ms: u64) -> &'static str {
    match alive {
        Some(false) => "dead",
        Some(true) if beat_ago_ms >= JUDGED_DEAD_AFTER_MS => "suspect",
        Some(true) if beat_ago_ms >= LATE_MS => "late",
        None if beat_ago_ms >= FAR_MS => "suspect",
        Some(true) | None => "beats",
    }
}

/// Three heartbeats.
const LATE_MS: u64 = 3 * HEARTBEAT_EVERY_MS;
/// More than clocks of machines differ that are set at all.
const FAR_MS: u64 = 3 * JUDGED_DEAD_AFTER_MS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::liveness::judgement::{Look, Processes};
    use crate::domain::liveness::report::{LookedAt, Tool};

    fn live() -> Live {
        Live {
            schema: 1,
            at: UnixMs(100_000),
            pid: 7,
            verdict: Liveness::Busy,
            answered_at: UnixMs(100_000),
            doing: Some("Bash cargo test".into()),
            tool: None,
            waits_until: None,
            silence_ms: Some(900_000),
            look: None,
            stopping: None,
        }
    }

    #[test]
    fn each_way_to_stand_has_its_words() {
        let at = |secs: u64| UnixMs(100_000 + secs * 1_000);
        let mut live = live();
        assert_eq!(words(&live, at(5)), "Bash cargo test");
        assert_eq!(words(&live, at(240)), "quiet for 4 min 0 s");
        live.tool = Some(Tool { name: "Bash".into(), since: UnixMs(99_000) });
        assert_eq!(words(&live, at(30)), "tool Bash runs for 31 s");
        assert_eq!(words(&live, at(60)), "tool Bash runs for 1 min 1 s, quiet for 1 min 0 s");
        live.tool = None;
        let processes = Processes { alive: 2, stopped: 0, stuck: 0 };
        let found = Look {
            over_ms: 1_000,
            cpu_ms: 120,
            change_ago_ms: Some(4_000),
            processes,
            ..Look::default()
        };
        live.look = Some(LookedAt { at: at(234), found });
        assert_eq!(words(&live, at(240)), "quiet for 4 min 0 s (CPU 12 %, files changed 10 s ago)");
        let stopped = Look { processes: Processes { stopped: 2, ..processes }, ..found };
        live.look = Some(LookedAt { at: at(234), found: stopped });
        assert!(words(&live, at(240)).contains("(all its processes are stopped, "));
        live.waits_until = Some(at(600));
        assert!(words(&live, at(240)).starts_with("waits for the service until "));
        live.stopping = Some("no output\u{1b}[2J for 15 min".into());
        assert!(!words(&live, at(240)).contains('\u{1b}'));
        assert_eq!(json(&live, at(240))["look"]["cpu_ms"], 120);
    }

    #[test]
    fn a_late_worker_is_not_yet_a_dead_one() {
        assert_eq!(worker_word(Some(true), 2_000), "beats");
        assert_eq!(worker_word(Some(true), 6_000), "late");
        assert_eq!(worker_word(Some(true), 20_000), "suspect");
        assert_eq!(worker_word(Some(false), 0), "dead");
        assert_eq!(worker_word(None, 20_000), "beats");
        assert_eq!(worker_word(None, 60_000), "suspect");
    }
}
