//! The user's checkout: nothing of it is touched, and an agent that touches it is reported.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::swarm::Swarm;

/// What a swarm may make in a checkout and its repository.
const OURS: [&str; 9] = [
    "queue",
    ".swarmdir",
    "interrupt",
    "swarm.toml",
    ".git/objects",
    ".git/worktrees",
    ".git/refs/heads/swarm",
    ".git/logs/refs/heads/swarm",
    ".git/swarmdir.lock",
];

/// Every file's content, mode and (as an editor or a build would see it) time.
fn picture(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64, i64)> {
    let mut seen = BTreeMap::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(root.join(&dir)).unwrap().flatten() {
            let path = dir.join(entry.file_name());
            let meta = fs::symlink_metadata(root.join(&path)).unwrap();
            if OURS.iter().any(|ours| path == Path::new(ours)) {
                continue;
            }
            if meta.is_dir() {
                dirs.push(path);
            } else {
                let bytes = fs::read(root.join(&path)).unwrap_or_default();
                seen.insert(path, (bytes, meta.mode(), meta.mtime(), meta.mtime_nsec()));
            }
        }
    }
    seen
}

/// Staged, unstaged, untracked, ignored and stashed work, and a hook that would show itself.
fn work_in_progress(swarm: &Swarm) {
    for (file, text) in [
        ("staged", "1\n"),
        ("unstaged", "1\n"),
        ("both", "1\n"),
        ("gone", "1\n"),
        (".gitignore", "*.o\n"),
    ] {
        fs::write(swarm.at(file), text).unwrap();
    }
    swarm.git(&["add", "-A"]);
    swarm.git(&["commit", "--quiet", "-m", "files"]);
    fs::write(swarm.at("unstaged"), "stashed\n").unwrap();
    swarm.git(&["stash", "--quiet"]);
    for file in ["staged", "both"] {
        fs::write(swarm.at(file), "2\n").unwrap();
        swarm.git(&["add", file]);
    }
    fs::write(swarm.at("both"), "3\n").unwrap();
    fs::write(swarm.at("unstaged"), "2\n").unwrap();
    fs::write(swarm.at("untracked"), "mine\n").unwrap();
    fs::write(swarm.at("made.o"), "ignored\n").unwrap();
    swarm.git(&["rm", "--quiet", "gone"]);
    let shout = format!("#!/bin/sh\necho $0 >> {}\n", swarm.beside("hooked").display());
    for hook in [
        "pre-commit",
        "post-commit",
        "post-checkout",
        "prepare-commit-msg",
        "reference-transaction",
    ] {
        let path = swarm.at(".git/hooks").join(hook);
        fs::write(&path, &shout).unwrap();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_night_of_twenty_tasks_leaves_it_byte_for_byte_as_it_was() {
    let swarm = Swarm::with("durability = \"strict\"");
    work_in_progress(&swarm);
    let before = picture(swarm.root());
    let status = swarm.git(&["--no-optional-locks", "status", "--porcelain", "--branch"]);
    for n in 0..20 {
        let text = match n % 4 {
            0 => "echo task > unstaged; echo task > staged; echo new > untracked",
            1 => "git rm -q both staged; echo x > gone",
            2 => "echo x > made.o; exit 1",
            _ => "mkdir -p a/b; echo x > a/b/c; chmod +x unstaged",
        };
        swarm.drop(format!("t{n}"), text);
    }
    let done = swarm.coordinator(&["--drain", "--agents", "4"]).exits(1);
    assert_eq!(swarm.counts(), "done 15, failed 5");
    let after = picture(swarm.root());
    let differs = |path: &&PathBuf| before.get(*path) != after.get(*path);
    let changed: Vec<&PathBuf> = before.keys().chain(after.keys()).filter(differs).collect();
    assert!(changed.is_empty(), "{changed:?}\n{}", done.err);
    assert_eq!(swarm.git(&["--no-optional-locks", "status", "--porcelain", "--branch"]), status);
    assert_eq!(swarm.git(&["stash", "list"]).lines().count(), 1);
    assert_eq!(swarm.git(&["fsck", "--no-progress", "--no-dangling"]), "");
    for n in 0..20 {
        let task = swarm.show(&format!("t{n}"));
        let notes = task["attempts"][0]["result"]["notes"].to_string();
        assert!(!notes.contains("checkout changed"), "t{n}: {notes}");
    }
    assert!(
        !swarm.beside("hooked").exists(),
        "no hook ran: {}",
        fs::read_to_string(swarm.beside("hooked")).unwrap_or_default()
    );
    assert_eq!(swarm.git(&["branch", "--list", "swarm/*"]).lines().count(), 20);
}

#[test]
fn an_agent_that_touches_it_is_reported() {
    let swarm = Swarm::new();
    swarm.git(&["branch", "other"]);
    for (name, script, word) in [
        ("edits", "echo x >> $SWARMDIR_ROOT/README", "README"),
        ("stages", "git -C $SWARMDIR_ROOT add README", "index"),
        ("stashes", "git -C $SWARMDIR_ROOT stash -q", "stash"),
        ("switches", "git -C $SWARMDIR_ROOT checkout -q other", "HEAD"),
        ("commits", "git -C $SWARMDIR_ROOT commit -q --allow-empty -m x", "moved"),
        ("hooks", "echo true > $SWARMDIR_ROOT/.git/hooks/pre-commit", "hooks"),
        ("configures", "git -C $SWARMDIR_ROOT config user.name Mallory", "user.name"),
        ("ignores", "echo '*.log' >> $SWARMDIR_ROOT/.git/info/exclude", "info/exclude"),
    ] {
        swarm.drop(name, format!("{script}; echo x > x.txt"));
        swarm.drain();
        let notes = swarm.show(name)["attempts"][0]["result"]["notes"].to_string();
        assert!(
            notes.contains("changed during this attempt") && notes.contains(word),
            "{name}: {notes}"
        );
        let text = swarm.coordinator(&["show", name]).exits(0).out;
        assert!(text.contains("changed during this attempt"), "{name}: {text}");
    }
    swarm.drop("good", "echo x > x.txt");
    swarm.drain();
    let notes = swarm.show("good")["attempts"][0]["result"]["notes"].to_string();
    assert!(!notes.contains("checkout"), "what others did before is not its doing: {notes}");
}

#[test]
fn a_key_that_moves_the_checkout_stops_nobody() {
    for key in ["core.bare true", "core.worktree /"] {
        let swarm = Swarm::new();
        swarm.drop("sets", format!("echo x > x.txt; git -C $SWARMDIR_ROOT config {key}"));
        swarm.drain();
        swarm.drop("next", "echo y > y.txt");
        swarm.drain();
        assert_eq!(swarm.names("done").len(), 2, "{key}");
        assert!(!swarm.at(".git.swarmdir").exists(), "{key}");
    }
}
