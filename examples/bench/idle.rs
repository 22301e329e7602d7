//! What a coordinator with ten workers costs while there is nothing to do.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, Root, Stopped, median, program, until};
use crate::table::Row;

const WORKERS: usize = 10;

/// Running time (ns), voluntary switches, of all threads of some processes.
#[derive(Clone, Copy)]
struct Cost(u64, u64);

pub(crate) fn idle(lab: &Lab) -> Vec<Row> {
    let mut rows = measured(lab, "inotify", 0.1, |root| root.stay(WORKERS));
    if without_inotify("true").status().is_ok_and(|status| status.success()) {
        let mut polling = measured(lab, "no inotify left", 0.5, |root| {
            let args = format!("--root '{}' --agents {WORKERS}", root.0.display());
            let line = format!("exec '{}' {args}", program("coordinator").display());
            Stopped(without_inotify(&line).spawn().unwrap())
        });
        polling.truncate(2);
        rows.extend(polling);
    } else {
        rows.push(Row::skipped("idle without inotify", "a user namespace"));
    }
    rows
}

/// A shell in a user namespace of its own, which gets no inotify instance.
fn without_inotify(line: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("echo 0 > /proc/sys/user/max_inotify_instances && {line}");
    command.args(["--user", "--map-root-user", "sh", "-c", &script]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn measured(lab: &Lab, how: &str, percent: f64, start: impl Fn(&Root) -> Stopped) -> Vec<Row> {
    let root = Root::new(lab.place("idle"), "strict", &["/bin/true"], false);
    let coordinator = start(&root);
    until("all workers are there", || root.names("workers") == WORKERS);
    std::thread::sleep(Duration::from_secs(lab.size(3, 1) as u64));
    let mut pids = children(coordinator.0.id());
    assert_eq!(pids.len(), WORKERS, "an idle swarm has its workers and nothing else");
    pids.push(coordinator.0.id());
    let (begun, before, forks) = (Instant::now(), cost(&pids), forked());
    std::thread::sleep(Duration::from_secs(lab.size(30, 2) as u64));
    let (after, secs) = (cost(&pids), begun.elapsed().as_secs_f64());
    let cpu = (after.0 - before.0) as f64 / 1e9 / secs * 100.0;
    let wakes = (after.1 - before.1) as f64 / secs;
    eprintln!("    {} processes were started on the whole machine meanwhile", forked() - forks);
    assert_eq!(children(coordinator.0.id()).len(), WORKERS);
    let pss: Vec<f64> = pids[..WORKERS].iter().map(|pid| pss_mb(*pid)).collect();
    let what = |what: &str| format!("{what}, coordinator + {WORKERS} workers, {how}");
    let pss = median(&pss);
    vec![
        Row::value(
            &what("idle CPU"),
            cpu,
            "% of a core",
            &format!("≤ {percent} %"),
            Some(cpu <= percent),
        ),
        Row::value(&what("wake-ups"), wakes, "/s", "", None),
        Row::value("PSS of an idle worker", pss, "MB", "≤ 10 MB", Some(pss <= 10.0)),
    ]
}

fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let direct: Vec<u32> = list.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    direct
}

fn cost(pids: &[u32]) -> Cost {
    let mut sum = Cost(0, 0);
    for pid in pids {
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let ran = std::fs::read_to_string(thread.path().join("schedstat")).unwrap();
            sum.0 += ran.split(' ').next().unwrap().parse::<u64>().unwrap();
            sum.1 += field(&thread.path().join("status"), "voluntary_ctxt_switches:");
        }
    }
    sum
}

fn field(path: &Path, name: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn forked() -> u64 {
    field(Path::new("/proc/stat"), "processes")
}

fn pss_mb(pid: u32) -> f64 {
    field(Path::new(&format!("/proc/{pid}/smaps_rollup")), "Pss:") as f64 / 1024.0
}
