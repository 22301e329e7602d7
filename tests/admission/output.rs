//! An agent that writes without end is stopped, whichever of the two it writes to.

use std::fs;

use super::{outcomes, proof};
use crate::support::swarm::Swarm;

#[test]
fn endless_output_is_stopped_as_a_runaway() {
    let swarm = Swarm::with("limits.output = \"64KiB\"");
    swarm.drop("loud.md", "while :; do head -c 10000 /dev/zero | tr '\\0' 'x'; echo; done");
    swarm.drop("upset.md", "while :; do head -c 40000 /dev/zero >&2; sleep 0.05; done");
    swarm.drop("modest.md", "head -c 60000 /dev/zero; head -c 60000 /dev/zero >&2; echo > one");
    let low = "---\nlimits: { output: 1KiB }\n---\nhead -c 2000 /dev/zero; sleep 1000";
    swarm.drop("lower.md", low);
    swarm.drain_to(1);
    for slug in ["loud", "upset", "lower"] {
        assert_eq!(outcomes(&swarm, slug), ["output!"], "{slug}");
        let why = swarm.coordinator(&["explain", slug]).exits(0).out;
        assert!(why.contains("of output that an attempt may"), "{why}");
    }
    assert_eq!(outcomes(&swarm, "modest"), ["done"]);
    let kept = |slug: &str, file: &str| {
        let (_, name) = swarm.place(slug).unwrap();
        let (task, attempt) = name.split_once('.').unwrap();
        let path = swarm.at("queue/runs").join(task).join(attempt).join(file);
        fs::metadata(path).unwrap().len()
    };
    assert_eq!(kept("loud", "events.jsonl"), 64 << 10);
    assert_eq!(kept("upset", "stderr"), 64 << 10);
    assert_eq!(kept("lower", "events.jsonl"), 1 << 10);
    assert_eq!((kept("modest", "events.jsonl"), kept("modest", "stderr")), (60_000, 60_000));
    proof("runaways stopped by what they wrote", 3);
}
