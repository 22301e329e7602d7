//! Memory and descriptors of long-lived processes, sampled from outside through the whole night.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::process::ProcessIdentity;
use crate::shape::style::duration;
use crate::sys::fs;

/// What a process takes at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sample {
    at_ms: u64,
    /// Memory that is its own, KiB: what is mapped from files is not counted.
    own_kib: u64,
    /// Without the next.
    descriptors: u64,
    /// By which it waits for the ends of others: one for each of them, with whoever tends at the time.
    pidfds: u64,
}

/// So many samples at the beginning of a process are its start, not its life.
const START: usize = 3;
/// A process with fewer has no quarters worth comparing.
const LEAST: usize = 16;
/// So much more is no growth: a worker at work has a few more descriptors and buffers than an idle one.
const KIB: u64 = 3 << 10;
const PERCENT: u64 = 25;
const DESCRIPTORS: u64 = 10;

/// Every process that was seen.
#[derive(Debug, Default)]
pub(super) struct Samples {
    seen: BTreeMap<(&'static str, i32, u64), Vec<Sample>>,
}

/// The middle of the first quarter and of the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Growth {
    kib: (u64, u64),
    descriptors: (u64, u64),
}

impl Samples {
    /// Looks at one process.
    pub(super) fn take(&mut self, at_ms: u64, role: &'static str, process: &ProcessIdentity) {
        let dir = PathBuf::from(format!("/proc/{}", process.pid));
        let Ok(status) = fs::read_text(&dir.join("status")) else { return };
        let Ok(open) = fs::list(&dir.join("fd")) else { return };
        let links = open.iter().filter_map(|name| fs::read_link(&dir.join("fd").join(name)).ok());
        let pidfds = links.filter(|to| to.to_string_lossy().contains("pidfd")).count() as u64;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let Some(own_kib) = kib else { return };
        let key = (role, process.pid, process.start_ticks);
        let descriptors = (open.len() as u64).saturating_sub(pidfds);
        let sample = Sample { at_ms, own_kib, descriptors, pidfds };
        self.seen.entry(key).or_default().push(sample);
    }

    /// Those of a role, the longest life first, and whether they grew.
    fn lives(&self, role: &str) -> Vec<(u64, Growth)> {
        let of_role = self.seen.iter().filter(|((of, ..), _)| *of == role);
        let mut lives: Vec<(u64, Growth)> = of_role
            .filter(|(_, samples)| samples.len() >= LEAST)
            .map(|(_, samples)| {
                let life = samples[samples.len() - 1].at_ms - samples[0].at_ms;
                (life, growth(&samples[START..]))
            })
            .collect();
        lives.sort_by_key(|(life, _)| std::cmp::Reverse(*life));
        lives
    }

    /// All processes of a role together: those of the first quarter of the night against those of the last.
    fn together(&self, role: &str) -> Option<Growth> {
        let of_role = self.seen.iter().filter(|((of, ..), _)| *of == role);
        let mut all: Vec<Sample> =
            of_role.flat_map(|(_, samples)| samples.iter().skip(START).copied()).collect();
        all.sort_by_key(|sample| sample.at_ms);
        (all.len() >= LEAST).then(|| growth(&all))
    }

    /// Figures for people, and what grew. Of `workers` workers each can be waited for by one descriptor, and those that
    /// were killed a moment ago.
    pub(super) fn judge(&self, workers: usize) -> (Vec<(String, String)>, Vec<String>) {
        let (mut told, mut wrong) = (Vec::new(), Vec::new());
        let most = self.seen.values().flatten().map(|sample| sample.pidfds).max().unwrap_or(0);
        if most > 3 * workers as u64 + 6 {
            wrong.push(format!(
                "somebody waited for {most} processes, and there are {workers} workers"
            ));
        }
        for role in ["coordinator", "worker"] {
            let lives = self.lives(role);
            for (life_ms, growth) in &lives {
                wrong.extend(growth.wrong(&format!("a {role} that lived {}", duration(*life_ms))));
            }
            if let Some((life_ms, growth)) = lives.first() {
                told.push((format!("{role}, {}", duration(*life_ms)), growth.text()));
            }
            if let Some(growth) = self.together(role) {
                wrong.extend(growth.wrong(&format!("the {role}s together")));
                told.push((format!("all {role}s, night"), growth.text()));
            }
        }
        (told, wrong)
    }

    /// How many processes of a role there were.
    pub(super) fn count(&self, role: &str) -> usize {
        self.seen.keys().filter(|(of, ..)| *of == role).count()
    }
}

impl Growth {
    fn text(&self) -> String {
        let ((kib, kib_then), (fds, fds_then)) = (self.kib, self.descriptors);
        format!("{kib} → {kib_then} KiB of its own, {fds} → {fds_then} descriptors")
    }

    fn wrong(&self, whose: &str) -> Option<String> {
        let ((kib, kib_then), (fds, fds_then)) = (self.kib, self.descriptors);
        let grew = kib_then > kib + KIB.max(kib * PERCENT / 100) || fds_then > fds + DESCRIPTORS;
        grew.then(|| format!("{whose}: {}", self.text()))
    }
}

fn growth(samples: &[Sample]) -> Growth {
    let quarter = (samples.len() / 4).max(1);
    let (first, last) = (&samples[..quarter], &samples[samples.len() - quarter..]);
    let of = |samples: &[Sample], what: fn(&Sample) -> u64| {
        let mut all: Vec<u64> = samples.iter().map(what).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    Growth {
        kib: (of(first, |s| s.own_kib), of(last, |s| s.own_kib)),
        descriptors: (of(first, |s| s.descriptors), of(last, |s| s.descriptors)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kib: impl Fn(u64) -> u64) -> Vec<Sample> {
        (0..100).map(|n| Sample { at_ms: n, own_kib: kib(n), descriptors: 20, pidfds: 0 }).collect()
    }

    #[test]
    fn growth_is_told_from_work() {
        assert_eq!(growth(&samples(|n| 2_000 + n % 500)).wrong("x"), None);
        assert!(growth(&samples(|n| 2_000 + n * 60)).wrong("x").is_some());
    }
}
