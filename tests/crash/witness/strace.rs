//! strace's log, read: which changing calls a process's own threads made below a directory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use super::{Calls, Case, under_strace};

/// Everything that changes a file system, and what tells threads from children.
pub(super) const TRACED: &str = "trace=link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,openat,\
    creat,open,write,writev,pwrite64,fsync,fdatasync,utimensat,ftruncate,truncate,symlink,symlinkat,rmdir,\
    copy_file_range,sendfile,fallocate,clone,clone3,fork,vfork";

/// The calls at which programs are killed.
const KILLED_AT: [&str; 9] =
    ["link", "linkat", "rename", "renameat", "renameat2", "unlink", "mkdir", "mkdirat", "fsync"];

/// Whether strace is there; without it a test fails on CI, and says elsewhere that it is skipped.
pub(super) fn required() -> bool {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&search).any(|dir| dir.join("strace").is_file());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "strace is absent: apt-get install strace");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("\n*** SKIPPED {test}: strace is absent: apt-get install strace ***\n");
        // A terminal that is gone is no reason to fail.
        let _ = io::stderr().write_all(line.as_bytes());
    }
    found
}

/// A line of the log: thread, name, arguments, result.
struct Line {
    thread: i32,
    name: String,
    args: String,
    result: String,
}

/// The log's calls in the order in which they began; what was interrupted by another thread's line is joined.
fn lines(log: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open: HashMap<i32, usize> = HashMap::new();
    for text in log.lines() {
        let Some((thread, rest)) = text.split_once(' ') else { continue };
        let (thread, rest) = (thread.parse::<i32>().unwrap(), rest.trim_start());
        // It was let go of before strace had seen a call of it.
        if rest.starts_with("???(") {
            continue;
        }
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            let (name, args) = begun.split_once('(').unwrap();
            open.insert(thread, lines.len());
            let (name, args, result) = (name.to_owned(), args.to_owned(), String::new());
            lines.push(Line { thread, name, args, result });
        } else if rest.starts_with("<... ") {
            let line = &mut lines[open.remove(&thread).expect("it began")];
            let (args, result) =
                rest.split_once(" resumed>").unwrap().1.rsplit_once(" = ").unwrap();
            line.args.push_str(args);
            line.result = result.to_owned();
        } else if let (Some((name, rest)), false) =
            (rest.split_once('('), rest.starts_with(['+', '-']))
        {
            let (args, result) = rest.rsplit_once(" = ").unwrap();
            let (name, args, result) = (name.to_owned(), args.to_owned(), result.to_owned());
            lines.push(Line { thread, name, args, result });
        }
    }
    lines
}

/// The threads of the first process in the log.
fn own_threads(lines: &[Line]) -> HashSet<i32> {
    let mut own: HashSet<i32> = lines.first().map(|line| line.thread).into_iter().collect();
    for line in lines {
        if own.contains(&line.thread) && line.args.contains("CLONE_THREAD") {
            let made: Option<i32> =
                line.result.split(['<', ' ']).next().and_then(|pid| pid.parse().ok());
            own.extend(made);
        }
    }
    own
}

/// What strace saw below a directory.
pub(super) fn calls(log: &str, under: &Path) -> Calls {
    let lines = lines(log);
    let own = own_threads(&lines);
    let under = format!("{}", under.display());
    let mut calls = Calls::new();
    for line in lines.iter().filter(|line| own.contains(&line.thread)) {
        let Some((op, paths)) = changing(line) else { continue };
        let below = |path: &String| Path::new(path).starts_with(&under);
        if paths.iter().any(below) {
            calls.entry(line.thread).or_default().push(format!("{op} {}", paths.join(" ")));
        }
    }
    calls
}

/// The seam's word for a call, and its paths.
fn changing(line: &Line) -> Option<(&'static str, Vec<String>)> {
    let op = match line.name.as_str() {
        "link" | "linkat" => "Link",
        "rename" | "renameat" | "renameat2" => "Rename",
        "unlinkat" if line.args.contains("AT_REMOVEDIR") => "Rmdir",
        "unlink" | "unlinkat" => "Unlink",
        "mkdir" | "mkdirat" => "Mkdir",
        "rmdir" => "Rmdir",
        "openat" | "open" | "creat" => {
            let reads =
                !["O_CREAT", "O_TRUNC", "O_WRONLY", "O_RDWR"].iter().any(|f| line.args.contains(f));
            return (!reads).then(|| ("Create", quoted(&line.args)));
        }
        "write" | "writev" | "pwrite64" => return Some(("Write", descriptor(&line.args))),
        "fsync" | "fdatasync" => return Some(("Sync", descriptor(&line.args))),
        "ftruncate" | "fallocate" => return Some(("Truncate", descriptor(&line.args))),
        "utimensat" => "Touch",
        "symlink" | "symlinkat" => "Symlink",
        "clone" | "clone3" | "fork" | "vfork" => return None,
        // Nothing of ours does this: whatever it is, it is shown.
        _ => "?",
    };
    Some((op, quoted(&line.args)))
}

/// The paths that are given by name.
fn quoted(args: &str) -> Vec<String> {
    args.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The path of the descriptor that comes first.
fn descriptor(args: &str) -> Vec<String> {
    let path =
        args.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path);
    path.map(|path| path.trim_end_matches(" (deleted)").to_owned()).into_iter().collect()
}

/// How often each call that programs are killed at comes, by the thread that makes it most often: strace counts
/// each thread's own.
pub(super) fn counts(case: &Case) -> Vec<(String, usize)> {
    let swarm = (case.arrange)();
    let log = swarm.beside("counted");
    let mut program = swarm.command(case.argv[0]);
    program.args(&case.argv[1..]);
    swarm.start(&mut under_strace(&program, &["-e", TRACED], &log)).end().exits(0);
    (case.finish)(&swarm, case.name);
    let lines = lines(&std::fs::read_to_string(log).unwrap());
    let own = own_threads(&lines);
    let mut counts: BTreeMap<(String, i32), usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| own.contains(&line.thread)) {
        *counts.entry((line.name.clone(), line.thread)).or_default() += 1;
    }
    let most = |name: &str| {
        let of = counts.iter().filter(|((known, _), _)| known == name).map(|(_, times)| *times);
        of.max().unwrap_or(0)
    };
    KILLED_AT.iter().map(|name| ((*name).to_owned(), most(name))).collect()
}
