//! From the rename into `pending/` to the first line of the agent's `main`, with idle workers.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::lab::{Lab, Root, at, until};
use crate::table::Row;

/// What this program is called with when it is the agent.
pub(crate) const STAMP: &str = "--stamp";

/// The agent: notes the time, and ends.
pub(crate) fn stamp(file: &str) {
    let now = now_ns();
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{now}\n").as_bytes()).unwrap();
}

fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

pub(crate) fn drop_to_exec(lab: &Lab) -> Vec<Row> {
    let drops = lab.size(300, 5);
    let place = lab.place("latency");
    let stamps = place.join("stamps");
    std::fs::write(&stamps, "").unwrap();
    let own = std::env::current_exe().unwrap();
    let argv = [own.to_str().unwrap(), STAMP, stamps.to_str().unwrap()];
    let root = Root::new(place.clone(), "relaxed", &argv, false);
    let _coordinator = root.stay(2);
    until("two workers are there", || root.names("workers") == 2);
    std::thread::sleep(Duration::from_secs(1));
    let taken: Vec<f64> = (0..drops).map(|n| one(&root, &place, &stamps, n)).collect();
    let (p50, p99) = (at(&taken, 0.5), at(&taken, 0.99));
    let what = |which| format!("drop to exec, {which} of {drops} (agent's own start included)");
    vec![
        Row::value(&what("p50"), p50, "ms", "≤ 3 ms", Some(p50 <= 3.0)),
        Row::value(&what("p99"), p99, "ms", "", None),
    ]
}

/// Drops one task and sees it through; milliseconds to the stamp.
fn one(root: &Root, place: &Path, stamps: &Path, n: usize) -> f64 {
    let name = format!("t{n:04}");
    let staged = place.join(&name);
    std::fs::write(&staged, "do it\n").unwrap();
    let begun = now_ns();
    std::fs::rename(&staged, root.0.join("queue/pending").join(&name)).unwrap();
    until("it is done", || root.names("done") == n + 1 && root.names("claims") == 0);
    // Both workers are idle again before the next drop, at no beat of theirs.
    std::thread::sleep(Duration::from_millis(20 + (n as u64 * 7) % 50));
    let text = std::fs::read_to_string(stamps).unwrap();
    let stamp: u128 = text.lines().nth(n).unwrap().parse().unwrap();
    (stamp - begun) as f64 / 1e6
}
