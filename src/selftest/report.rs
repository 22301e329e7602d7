//! What came of it: figures, and which invariants broke.

use serde_json::{Value, json};

use super::Order;
use crate::shape::style::{Style, duration};

/// The invariants that are looked at here on top of I1 to I11 of `queue/README.md`.
const OURS: [(&str, &str); 16] = [
    ("S1", "every dropped file ends, and exactly once"),
    ("S2", "nothing is published twice"),
    ("S3", "no two agents work on one task at a time"),
    ("S4", "no name comes back: one attempt an epoch"),
    ("S5", "what kills its workers fails in the end, with the evidence"),
    ("S6", "the queue comes to its end by itself"),
    ("S7", "no process and no occupied tree is left"),
    ("S8", "what is done was done: its work is on its branch"),
    ("S9", "a full disk loses nothing, and with room all goes on"),
    ("N1", "in the morning each task is done, or ended as it had to, with the reason"),
    ("N2", "what is done is on its branch, each step once"),
    ("N3", "the swarm's bill is the service's own count"),
    ("N4", "nothing is paid twice but what was cut off"),
    ("N5", "while an account is closed nothing is claimed"),
    ("N6", "memory and descriptors do not grow"),
    ("N7", "the queue's directories stay bounded, and empty themselves"),
];

/// An invariant that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// `I1` to `I11` (see `queue/README.md`), `S1` to `S9`, `N1` to `N7`, or `FS`: the place cannot hold a queue.
    pub invariant: String,
    /// What was seen.
    pub what: String,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Report {
    order: Order,
    sections: Vec<(&'static str, Vec<(String, String)>)>,
    /// Which were looked at.
    looked_at: Vec<String>,
    /// What is wrong; empty: all is well.
    pub broken: Vec<Broken>,
}

impl Report {
    pub(super) fn new(order: &Order) -> Report {
        Report {
            order: order.clone(),
            sections: Vec::new(),
            looked_at: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// A figure, in the latest section.
    pub(super) fn tell(&mut self, what: impl Into<String>, figure: impl Into<String>) {
        if let Some((_, lines)) = self.sections.last_mut() {
            lines.push((what.into(), figure.into()));
        }
    }

    pub(super) fn section(&mut self, name: &'static str) {
        self.sections.push((name, Vec::new()));
    }

    /// An invariant was looked at, and this is what is wrong.
    pub(super) fn judge(&mut self, invariant: &str, wrong: Vec<String>) {
        if !self.looked_at.iter().any(|seen| seen == invariant) {
            self.looked_at.push(invariant.to_owned());
        }
        self.broken
            .extend(wrong.into_iter().map(|what| Broken { invariant: invariant.to_owned(), what }));
    }

    /// Whether nothing is wrong so far.
    pub fn is_sound(&self) -> bool {
        self.broken.is_empty()
    }

    /// How to do it again.
    pub fn again(&self) -> String {
        let Order { seed, storm_ms, tasks, workers, coordinators, .. } = &self.order;
        let Order { work_ms, every_ms, kills_only, .. } = &self.order;
        let only = if *kills_only { " --kills-only" } else { "" };
        if self.order.night {
            let minutes = minutes(*storm_ms);
            let alone = if *coordinators == 1 {
                String::new()
            } else {
                format!(" --coordinators {coordinators}")
            };
            return format!(
                "coordinator selftest --night --seed {seed} --minutes {minutes} --tasks {tasks} \
                 --workers {workers}{alone}"
            );
        }
        format!(
            "coordinator selftest --seed {seed} --minutes {} --tasks {tasks} --workers {workers} \
             --coordinators {coordinators} --work {work_ms}ms --every {every_ms}ms{only}",
            minutes(*storm_ms)
        )
    }

    /// Schema 1.
    pub fn json(&self) -> Value {
        let lines = |lines: &Vec<(String, String)>| -> Vec<Value> {
            lines.iter().map(|(what, figure)| json!({ "what": what, "figure": figure })).collect()
        };
        let section = |(name, all): &(&str, Vec<(String, String)>)| json!({ "name": name, "figures": lines(all) });
        let broken =
            |broken: &Broken| json!({ "invariant": broken.invariant, "what": broken.what });
        json!({
            "schema": 1,
            "seed": self.order.seed,
            "sound": self.is_sound(),
            "looked_at": self.looked_at,
            "broken": self.broken.iter().map(broken).collect::<Vec<_>>(),
            "sections": self.sections.iter().map(section).collect::<Vec<_>>(),
            "again": self.again(),
        })
    }

    /// For people.
    pub fn text(&self, style: Style) -> String {
        let mut out = String::new();
        for (name, lines) in &self.sections {
            out.push_str(&format!("{}\n", style.bold(name)));
            for (what, figure) in lines {
                out.push_str(&format!("  {what:<26} {figure}\n"));
            }
        }
        out.push_str(&format!("{}\n", style.bold("invariants")));
        let mut sound = Vec::new();
        for invariant in &self.looked_at {
            let wrong: Vec<&Broken> =
                self.broken.iter().filter(|b| b.invariant == *invariant).collect();
            if wrong.is_empty() {
                sound.push(invariant.as_str());
                continue;
            }
            let mark = style.paint("31", "BROKEN");
            out.push_str(&format!("  {mark} {invariant}  {}\n", meaning(invariant)));
            for broken in wrong.iter().take(MOST_SHOWN) {
                out.push_str(&format!("         {}\n", broken.what));
            }
            if wrong.len() > MOST_SHOWN {
                out.push_str(&format!("         and {} more\n", wrong.len() - MOST_SHOWN));
            }
        }
        out.push_str(&format!("  {} {}\n", style.paint("32", "hold"), sound.join(" ")));
        out.push_str(&format!("{}\n  {}\n", style.bold("again"), self.again()));
        out
    }
}

/// Of one invariant.
const MOST_SHOWN: usize = 5;

fn meaning(invariant: &str) -> &'static str {
    match OURS.iter().find(|(name, _)| *name == invariant) {
        Some((_, meaning)) => meaning,
        None if invariant == "FS" => "this place can hold a queue",
        None => "see queue/README.md",
    }
}

fn minutes(ms: u64) -> String {
    let text = format!("{:.2}", ms as f64 / 60_000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Milliseconds for a table: the middle one, the hundredth worst, the worst.
pub(super) fn quantiles(mut ms: Vec<u64>) -> String {
    if ms.is_empty() {
        return "–".into();
    }
    ms.sort_unstable();
    let at = |share: usize| ms[(ms.len() * share / 100).min(ms.len() - 1)];
    format!(
        "p50 {} · p99 {} · worst {} (of {})",
        duration(at(50)),
        duration(at(99)),
        duration(ms[ms.len() - 1]),
        ms.len()
    )
}
