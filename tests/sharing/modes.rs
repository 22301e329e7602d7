//! What is made is its owner's alone, whatever the umask; older directories are brought in line.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

/// What of ours lies below these directories, with its mode; trees, which are the agents', are left out.
fn ours(swarm: &Swarm) -> Vec<(PathBuf, u32)> {
    let mut todo = vec![swarm.at("queue"), swarm.at(".swarmdir"), swarm.beside("repo.swarmdir")];
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        found.push((path.clone(), meta.mode() & 0o7777));
        if meta.is_dir() && !path.join(".git").exists() {
            todo.extend(fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()));
        }
    }
    found
}

/// Runs one of the programs under a umask.
fn under(swarm: &Swarm, umask: &str, program: &str, args: &str) {
    let line = format!("umask {umask}; exec {program} {args}");
    let done = swarm.start(swarm.command("sh").args(["-c", &line])).end();
    assert!([0, 1, 2].contains(&done.code()), "{line}: {} {}", done.out, done.err);
}

/// Tasks of each kind: done, failed, rejected, in a scratch directory, waiting.
fn all_kinds(umask: &str, lines: &str) -> Swarm {
    let swarm = Swarm::with(lines);
    let program = |program: &str, args: &str| under(&swarm, umask, program, args);
    program(COORDINATOR, "init");
    program(
        COORDINATOR,
        "add --name good -m 'echo secret; echo x > x.txt; umask > umask.txt; mkdir d; touch d/f'",
    );
    program(COORDINATOR, "add --name bad -m 'echo secret >&2; exit 3'");
    swarm.drop("wrong.md", "---\nnothing: known\n---\nx");
    swarm.drop("alone.md", "---\nagent: scratch\n---\necho secret; echo x > x.txt");
    program(WORKER, "--drain");
    program(COORDINATOR, "--drain --agents 1");
    program(COORDINATOR, "add --name waits -m 'echo y'");
    assert_eq!(swarm.counts(), "ready 1, done 2, failed 1, rejected 1");
    swarm
}

#[test]
fn nothing_can_be_read_by_others_whatever_the_umask() {
    for umask in ["000", "002", "022", "077"] {
        let swarm = all_kinds(umask, "");
        let mut seen = 0;
        for (path, mode) in ours(&swarm) {
            let name = path.file_name().unwrap().to_string_lossy();
            // A dropped file keeps the mode that its owner gave it; it is in a directory that nobody enters.
            let dropped = ["wrong", "alone"].iter().any(|slug| name.contains(&format!("-{slug}-")));
            if !dropped || path.is_dir() {
                assert_eq!(mode & 0o077, 0, "umask {umask}: {mode:o} {path:?}");
                seen += 1;
            }
        }
        assert!(seen > 60, "{seen}");
        // The agent's files have the user's umask.
        let show = swarm.show("good");
        let said = swarm.git(&["show", &format!("{}:umask.txt", show["branch"].as_str().unwrap())]);
        assert_eq!(u32::from_str_radix(&said, 8), u32::from_str_radix(umask, 8));
        let made = fs::metadata(swarm.at(".git/info/exclude")).unwrap().mode();
        assert_ne!(made & 0o044, 0, "what belongs to git is as it was: {made:o}");
    }
}

#[test]
fn older_directories_are_brought_in_line_by_the_next_command() {
    let swarm = all_kinds("022", "");
    let opened = ["queue", ".swarmdir", "../repo.swarmdir"];
    for command in ["worker", "add", "init", "doctor"] {
        for dir in opened {
            swarm.start(swarm.command("chmod").args(["-R", "go+rX", dir])).end().exits(0);
        }
        match command {
            "worker" => swarm.worker(&["--drain"]).exits(0),
            "add" => swarm.coordinator(&["add", "-m", "echo z"]).exits(0),
            "init" => swarm.coordinator(&["init"]).exits(0),
            _ => swarm.coordinator(&["doctor"]),
        };
        let dirs = ["queue", "queue/done", "queue/runs", "queue/pending", "queue/log"];
        for dir in dirs {
            let mode = fs::metadata(swarm.at(dir)).unwrap().mode() & 0o7777;
            assert_eq!(mode, 0o700, "{command}: {dir} {mode:o}");
        }
        if command != "doctor" {
            for dir in opened {
                let mode = fs::metadata(swarm.at(dir)).unwrap().mode() & 0o7777;
                assert_eq!(mode, 0o700, "{command}: {dir} {mode:o}");
            }
        }
    }
    let said = swarm.coordinator(&["doctor"]).out;
    assert!(said.contains("others may read") || said.contains("other users may read"), "{said}");
    assert!(said.contains("chmod go= "), "{said}");
    swarm.coordinator(&["add", "-m", "echo z"]).exits(0);
    assert!(swarm.coordinator(&["doctor"]).out.contains("read by their owner alone"));
}

/// A specification of the protocol that git tracks in `queue/` stays what it is.
#[test]
fn a_tracked_file_in_the_queue_is_left_alone() {
    let swarm = Swarm::new();
    fs::create_dir(swarm.at("queue")).unwrap();
    fs::write(swarm.at("queue/README.md"), "the protocol\n").unwrap();
    swarm.git(&["add", "-f", "queue/README.md"]);
    swarm.git(&["commit", "-qm", "protocol"]);
    let before = fs::metadata(swarm.at("queue/README.md")).unwrap();
    swarm.coordinator(&["init"]).exits(0);
    swarm.drop("one", "echo x > x.txt");
    swarm.drain();
    let after = fs::metadata(swarm.at("queue/README.md")).unwrap();
    assert_eq!((before.mode(), before.mtime()), (after.mode(), after.mtime()));
    assert_eq!(swarm.git(&["status", "--porcelain"]), "");
    assert_eq!(fs::metadata(swarm.at("queue/done")).unwrap().mode() & 0o7777, 0o700);
}

/// By the setting, by the repository, by the root; whatever the umask.
#[test]
fn a_group_that_shares_it_may_read_and_write_and_the_umask_stays_the_agents() {
    type Way = (&'static str, &'static str, fn(&Swarm));
    let ways: [Way; 5] = [
        ("the setting", "share = \"group\"", |_| {}),
        ("core.sharedRepository", "", |swarm| {
            swarm.git(&["config", "core.sharedRepository", "group"]);
        }),
        ("a mode", "", |swarm| {
            swarm.git(&["config", "core.sharedRepository", "0660"]);
        }),
        ("everybody", "", |swarm| {
            swarm.git(&["config", "core.sharedRepository", "all"]);
        }),
        ("a setgid root", "", |swarm| {
            fs::set_permissions(swarm.root(), fs::Permissions::from_mode(0o2770)).unwrap();
        }),
    ];
    for (way, lines, arrange) in ways {
        let swarm = Swarm::with(lines);
        arrange(&swarm);
        let program = |program: &str, args: &str| under(&swarm, "077", program, args);
        program(COORDINATOR, "init");
        program(COORDINATOR, "add --name good -m 'umask > umask.txt'");
        program(WORKER, "--drain");
        for (path, mode) in ours(&swarm) {
            let tree = path.join(".git").exists();
            // What an agent's own program keeps to itself stays so.
            if tree || path.ends_with("private") || is_link(&path) {
                continue;
            }
            let wanted = if path.is_dir() { 0o2770 } else { 0o660 };
            assert_eq!(mode, wanted, "{way}: {mode:o} {path:?}");
        }
        let branch = swarm.show("good")["branch"].as_str().unwrap().to_owned();
        assert_eq!(swarm.git(&["show", &format!("{branch}:umask.txt")]), "0077", "{way}");
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

#[test]
fn who_says_private_means_it_also_in_a_shared_repository() {
    let swarm = Swarm::with("share = \"private\"");
    swarm.git(&["config", "core.sharedRepository", "group"]);
    swarm.drop("one", "echo x > x.txt");
    swarm.drain();
    assert!(ours(&swarm).iter().all(|(path, mode)| mode & 0o007 == 0 || path.is_file()));
    assert_eq!(fs::metadata(swarm.at("queue/done")).unwrap().mode() & 0o7777, 0o700);
    // A word that is none is a mistake with its place.
    swarm.settings("share = \"world\"");
    let done = swarm.coordinator(&["status"]).exits(2);
    assert!(done.err.contains("must be \"private\" or \"group\""), "{}", done.err);
    swarm.settings("");
}
