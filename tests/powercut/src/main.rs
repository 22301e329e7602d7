//! Power cuts of real file systems at every flush, under the real programs: `powercut BIN_DIR [OPTION ...] [FS ...]`.
//!
//! A file system lies on a loop device over one logged file ([`disk`]). A workload runs on it; then every flush is a
//! power cut, with everything up to it, and with a random part of what was written since the last one ([`states`]).
//! Each is mounted, looked at, and now and then mended and worked off ([`swarm`]). Exit code 1: a promise was broken.

mod disk;
mod states;
mod swarm;
mod system;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use crate::disk::{Disk, Log};
use crate::states::{State, states};
use crate::swarm::{Programs, Wrong, drain, judge, mend};
use crate::system::{KINDS, Kind, Mounted, run};

/// Every so manieth state is mended and checked; every so manieth worked off.
const MENDED: usize = 5;
const DRAINED: usize = 20;

struct Plan {
    programs: Programs,
    subsets: usize,
    relaxed: bool,
    git_syncs: bool,
    scratch: PathBuf,
}

#[derive(Default)]
struct Counts {
    states: usize,
    acks: usize,
    wrong: Vec<(Wrong, String)>,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let bin = PathBuf::from(args.next().expect("the directory of the programs"));
    let memory = Path::new("/dev/shm");
    let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let scratch = above.join(format!("powercut-{}", std::process::id()));
    // Copies: a build meanwhile does not matter.
    let kept = above.join(format!("powercut-{}-bin", std::process::id()));
    std::fs::create_dir(&kept).unwrap();
    let copy = |name: &str| {
        std::fs::copy(bin.join(name), kept.join(name)).unwrap();
        kept.join(name)
    };
    let programs = Programs { coordinator: copy("coordinator"), worker: copy("worker") };
    let mut plan = Plan { programs, subsets: 1, relaxed: false, git_syncs: false, scratch };
    let mut kinds = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--git-syncs" => plan.git_syncs = true,
            "--relaxed" => plan.relaxed = true,
            "--subsets" => plan.subsets = args.next().and_then(|n| n.parse().ok()).expect("a number"),
            name => kinds.push(*KINDS.iter().find(|kind| kind.name == name).expect("a file system")),
        }
    }
    if kinds.is_empty() {
        kinds = KINDS.to_vec();
    }
    println!("{:<16}{:>8}{:>8}{:>8}{:>10}{:>8}{:>10}", "fs", "states", "acks", "lost", "doubled", "torn", "unsound");
    let mut broken = false;
    for kind in kinds {
        std::fs::create_dir_all(&plan.scratch).unwrap();
        let counts = try_out(kind, &plan);
        std::fs::remove_dir_all(&plan.scratch).unwrap();
        let count = |wrong: Wrong| counts.wrong.iter().filter(|(w, _)| *w == wrong).count();
        println!(
            "{:<16}{:>8}{:>8}{:>8}{:>10}{:>8}{:>10}",
            kind.name,
            counts.states,
            counts.acks,
            count(Wrong::Lost),
            count(Wrong::Doubled),
            count(Wrong::Torn),
            count(Wrong::Unsound),
        );
        for (wrong, what) in counts.wrong.iter().rev().step_by(1 + counts.wrong.len() / 12) {
            println!("    {wrong:?}: {what}");
        }
        broken |= !counts.wrong.is_empty();
    }
    std::fs::remove_dir_all(&kept).unwrap();
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Records the workload on a file system, then goes through its power cuts.
fn try_out(kind: Kind, plan: &Plan) -> Counts {
    let (log, from) = record(kind, plan);
    let threads = if kind.copies { 4 } else { 1 };
    let counts = Mutex::new(Counts::default());
    let (sender, receiver) = sync_channel::<State>(threads);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (counts, receiver) = (&counts, &receiver);
            scope.spawn(move || {
                let dir = plan.scratch.join(format!("t{thread}"));
                std::fs::create_dir(&dir).unwrap();
                while let Ok(state) = { receiver.lock().unwrap().recv() } {
                    let wrong = look_at(kind, plan, &state, &dir);
                    let mut counts = counts.lock().unwrap();
                    counts.states += 1;
                    counts.acks = counts.acks.max(state.acks.len());
                    let numbered = |(w, what)| (w, format!("state {}: {what}", state.number));
                    counts.wrong.extend(wrong.into_iter().map(numbered));
                }
            });
        }
        states(&log, from, plan.subsets, |state| sender.send(state).unwrap());
        drop(sender);
    });
    counts.into_inner().unwrap()
}

fn record(kind: Kind, plan: &Plan) -> (Log, usize) {
    let disk = Disk { log: Arc::default(), bytes: kind.bytes };
    let fuse = plan.scratch.join("fuse");
    std::fs::create_dir(&fuse).unwrap();
    let session = fuser::spawn_mount(disk.clone(), &fuse, &fuser::Config::default()).unwrap();
    let file = fuse.join("disk");
    kind.make(&file);
    let from = {
        let mounted = Mounted::new("loop", &file, &plan.scratch.join("mnt")).unwrap();
        let root = mounted.point.join("repo");
        swarm::prepare(&root, plan.relaxed, plan.git_syncs);
        run(Command::new("sync").arg("-f").arg(&root)).unwrap();
        let from = disk.log.lock().unwrap().records.len();
        swarm::work(&root, &plan.programs, &disk);
        from
    };
    session.umount_and_join().unwrap();
    let log = std::mem::take(&mut *disk.log.lock().unwrap());
    (log, from)
}

fn look_at(kind: Kind, plan: &Plan, state: &State, dir: &Path) -> Vec<(Wrong, String)> {
    let mounted = match kind.revive(&state.image, dir) {
        Ok(mounted) => mounted,
        Err(e) => return vec![(Wrong::Unsound, e)],
    };
    // The programs know the queue by one path: each state in turn is shown there to be mended.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let in_place = |act: &dyn Fn(&Path) -> Result<(), String>| {
        let _turn = ONE_AT_A_TIME.lock().unwrap();
        let shown = Mounted::new("bind", &mounted.point, &plan.scratch.join("mnt"));
        let acted = shown.and_then(|shown| act(&shown.point.join("repo")));
        acted.err().map(|e| (Wrong::Unsound, e))
    };
    let root = mounted.point.join("repo");
    // Without a journal two names are allowed, until the command that is there for it was run.
    let first = kind.name == "ext4-nojournal";
    let mut wrong = Vec::new();
    let mended = || in_place(&|root| mend(root, &plan.programs));
    let queue = !state.acks.is_empty();
    if queue && first {
        wrong.extend(mended());
    }
    wrong.extend(judge(&root, state));
    if queue && !first && state.number % MENDED == 0 {
        wrong.extend(mended());
        wrong.extend(judge(&root, state));
    }
    if queue && state.number % DRAINED == 0 {
        wrong.extend(in_place(&|root| drain(root, &plan.programs, state)));
    }
    wrong
}
