//! What a control group saw of an attempt, and what that means for how it ended.
//!
//! Pure. Its own limit is the task's affair; that the machine ran out of memory is only told, for nobody knows whose
//! memory that was. Invariant: an attempt that ended well ended well; what was seen becomes a note.

use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::quantity::show_size;

/// What the kernel counted during one attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Overuse {
    /// Processes that it killed for lack of memory.
    pub oom_kills: u64,
    /// The tree met its own limit of memory.
    pub at_memory_limit: bool,
    /// How often it was refused a process more.
    pub forks_refused: u64,
}

/// The ending with its cause where that was seen, and what people should know besides.
pub fn explain(ending: Outcome, seen: Overuse, limits: &Limits) -> (Outcome, Vec<String>) {
    let mut notes = Vec::new();
    let own_limit = limits.tree_memory_bytes.filter(|_| seen.at_memory_limit).map(show_size);
    let ending = match (seen.oom_kills, &own_limit) {
        (0, _) => ending,
        (kills, Some(limit)) => {
            notes.push(format!(
                "its processes used more than {limit} of memory together (limits.tree_memory): {kills} killed"
            ));
            caused(ending, true, &format!("killed: it used more than {limit} of memory"))
        }
        (kills, None) => {
            notes.push(format!("the machine ran out of memory: {kills} of its processes killed"));
            caused(ending, false, "killed by the system: the machine ran out of memory")
        }
    };
    if seen.forks_refused > 0 {
        let limit = limits.tree_processes.map_or("the machine's limit".into(), |n| n.to_string());
        notes.push(format!(
            "it was refused a process or thread {} times: {limit} at once (limits.tree_processes)",
            seen.forks_refused
        ));
    }
    (ending, notes)
}

fn caused(ending: Outcome, own_limit: bool, words: &str) -> Outcome {
    match ending {
        // Killed before its first word by its own limit: that is no trouble with the start.
        Outcome::Failure { fault: Fault::Startup, .. } if own_limit => {
            Outcome::Failure { fault: Fault::Crashed, detail: words.to_owned() }
        }
        Outcome::Failure {
            fault: fault @ (Fault::Crashed | Fault::NoResult | Fault::Error),
            detail,
        } => Outcome::Failure { fault, detail: format!("{words} ({detail})") },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { tree_memory_bytes: Some(2 << 30), tree_processes: Some(9), ..Limits::DEFAULT };

    fn failed(fault: Fault) -> Outcome {
        Outcome::Failure { fault, detail: "signal 9".into() }
    }

    #[test]
    fn its_own_limit_is_named_with_its_size() {
        let seen = Overuse { oom_kills: 1, at_memory_limit: true, forks_refused: 0 };
        let (ending, notes) = explain(failed(Fault::Crashed), seen, &LIMITS);
        let detail = "killed: it used more than 2GiB of memory (signal 9)".to_owned();
        assert_eq!(ending, Outcome::Failure { fault: Fault::Crashed, detail });
        assert_eq!(notes.len(), 1);
        let (ending, _) = explain(failed(Fault::Startup), seen, &LIMITS);
        assert!(matches!(ending, Outcome::Failure { fault: Fault::Crashed, .. }), "it is charged");
    }

    #[test]
    fn the_machines_lack_of_memory_is_not_called_the_tasks_limit() {
        let seen = Overuse { oom_kills: 1, ..Overuse::default() };
        let (ending, notes) = explain(failed(Fault::Startup), seen, &LIMITS);
        assert_eq!(ending, failed(Fault::Startup), "not charged, as before");
        assert!(notes[0].contains("the machine ran out of memory"));
    }

    #[test]
    fn a_success_and_what_we_stopped_stay_what_they_were() {
        let seen = Overuse { oom_kills: 2, at_memory_limit: true, forks_refused: 3 };
        for ending in [Outcome::Success, failed(Fault::Timeout), failed(Fault::Stopped)] {
            let (after, notes) = explain(ending.clone(), seen, &LIMITS);
            assert_eq!((after, notes.len()), (ending, 2));
        }
        assert_eq!(explain(Outcome::Success, Overuse::default(), &LIMITS).1, Vec::<String>::new());
    }
}
