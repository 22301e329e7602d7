//! `coordinator status` over very many tasks, half of them ready and half done.

use std::process::Stdio;
use std::time::Instant;

use crate::lab::{Lab, Root, median};
use crate::table::Row;

pub(crate) fn hundred_thousand(lab: &Lab) -> Vec<Row> {
    let count = lab.size(100_000, 500);
    let root = Root::new(lab.place("many"), "relaxed", &["/bin/true"], false);
    // A queue of so many tasks has run: its settings are known.
    run(&root, &["--drain", "--quiet"]);
    fill(&root, count);
    let mut rows = Vec::new();
    for (what, args) in [("text", &["status"][..]), ("--json", &["status", "--json"][..])] {
        let took: Vec<f64> = (0..lab.size(7, 1)).map(|_| time(&root, args)).collect();
        let (ms, what) = (median(&took), format!("status {what} over {count} tasks"));
        rows.push(Row::value(&what, ms, "ms", "≤ 200 ms", Some(ms <= 200.0)));
    }
    rows
}

/// As intake and a worker would leave them.
fn fill(root: &Root, count: usize) {
    let queue = root.0.join("queue");
    let worker = "0123456789abcdef0123456789abcdef";
    for n in 0..count {
        let id = format!("20260101T{:09}-task-{n:06}-aaaa", n % 1_000_000_000);
        let run = queue.join("runs").join(&id);
        std::fs::create_dir(&run).unwrap();
        let record = format!(
            "{{\"schema\":1,\"id\":\"{id}\",\"name\":\"task-{n:06}\",\"taken_at\":1795172864007,\
             \"title\":null,\"agent\":null,\"priority\":5,\"labels\":[],\"origin\":null}}\n"
        );
        std::fs::write(run.join("task.json"), record).unwrap();
        let name =
            if n % 2 == 0 { format!("ready/5-{id}.1") } else { format!("done/{id}.1.{worker}") };
        std::fs::write(queue.join(name), "do it\n").unwrap();
    }
}

fn time(root: &Root, args: &[&str]) -> f64 {
    let begun = Instant::now();
    run(root, args);
    begun.elapsed().as_secs_f64() * 1e3
}

fn run(root: &Root, args: &[&str]) {
    let mut command = root.coordinator();
    assert!(command.args(args).stdout(Stdio::null()).status().unwrap().success());
}
