//! The verdicts one by one, and the words.

use super::*;

const LOOK: Look = Look {
    over_ms: 450_000,
    cpu_ms: 0,
    changed: Some(false),
    change_ago_ms: Some(1_860_000),
    processes: Processes { alive: 3, stopped: 0, stuck: 0 },
};

/// Silent for as long as it may be, and looked at.
const SILENT: Facts = Facts {
    limit_ms: 900_000,
    speaks: true,
    quiet_ms: 900_000,
    heard_ms: 900_000,
    news_ms: 900_000,
    wait_ms: 0,
    retries: 0,
    unanswered_ms: 0,
    idle_ms: 900_000,
    fruitless_ms: 900_000,
    still_ms: 0,
    look: Some(LOOK),
};

#[test]
fn each_fact_can_turn_the_verdict() {
    let look = |look| Facts { look: Some(look), ..SILENT };
    let worked = Facts { idle_ms: 0, ..SILENT };
    let computing = Look { cpu_ms: 4_501, ..LOOK };
    let stopped = Look { processes: Processes { stopped: 3, ..LOOK.processes }, ..LOOK };
    let gone = Look { processes: Processes::default(), ..LOOK };
    for (facts, verdict) in [
        (SILENT, Liveness::Stalled),
        (Facts { idle_ms: 899_999, ..SILENT }, Liveness::Quiet),
        (Facts { wait_ms: 1, ..SILENT }, Liveness::Waiting),
        (Facts { speaks: false, ..SILENT }, Liveness::Quiet),
        (Facts { speaks: false, still_ms: 900_000, ..look(stopped) }, Liveness::Stalled),
        (Facts { speaks: false, still_ms: 899_999, ..look(stopped) }, Liveness::Quiet),
        (Facts { look: Some(computing), ..worked }, Liveness::Busy),
        (Facts { look: Some(computing), fruitless_ms: 3_600_000, ..worked }, Liveness::Stalled),
        (Facts { quiet_ms: 449_999, look: None, ..worked }, Liveness::Busy),
        (Facts { quiet_ms: 450_000, look: None, ..worked }, Liveness::Quiet),
        (look(gone), Liveness::Dead),
    ] {
        assert_eq!(judge(&facts), verdict, "{facts:?}");
    }
}

#[test]
fn an_idle_trickle_is_no_work() {
    // Of seven and a half minutes four and a half seconds; of a short while six ticks.
    assert!(
        !Look { cpu_ms: 4_500, ..LOOK }.computes() && Look { cpu_ms: 4_501, ..LOOK }.computes()
    );
    assert!(!Look { over_ms: 100, cpu_ms: 60, ..LOOK }.computes());
    assert!(Look { over_ms: 100, cpu_ms: 70, ..LOOK }.computes());
    assert!(!Look { over_ms: 0, cpu_ms: 30_000, ..LOOK }.works());
    assert!(Look { changed: Some(true), ..LOOK }.works());
    assert!(!Look { changed: None, ..LOOK }.works());
    assert_eq!(Look { cpu_ms: 54_000, ..LOOK }.cpu_percent(), 12);
}

#[test]
fn the_evidence_reads_well() {
    let besides = Besides { tool: Some(("Bash", 910_000)), half_a_line: true, noise: false };
    assert_eq!(
        evidence(&SILENT, &besides),
        "no output for 15 min 0 s; its last line has no end; its tool Bash runs for 15 min 10 s; its 3 processes used \
         0 ms of CPU time in 7 min 30 s; no file of its directory changed (the last one 31 min 0 s ago)"
    );
    let processes = Processes { alive: 1, stopped: 1, stuck: 0 };
    let stopped = Facts { look: Some(Look { processes, ..LOOK }), ..SILENT };
    let words = evidence(&stopped, &Besides::default());
    assert!(words.contains("; its process is stopped (SIGSTOP); "), "{words}");
    let processes = Processes { alive: 2, stopped: 0, stuck: 1 };
    let stuck = Facts { look: Some(Look { processes, changed: None, ..LOOK }), ..SILENT };
    let words = evidence(&stuck, &Besides { noise: true, ..Besides::default() });
    assert!(words.starts_with("nothing but noise for 15 min"), "{words}");
    assert!(words.contains("1 waiting in the kernel for a disk"), "{words}");
    assert!(words.ends_with("whether its files changed could not be seen"), "{words}");
}
