//! `gc` and `restore`, end to end: what is shown, what goes, what never does, and that the queue stays sound.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use swarmdir::domain::settings::choice::Durability;
use swarmdir::queue::Queue;
use swarmdir::queue::finish::Transition;
use swarmdir::sys::seam::{self, Call, CallFate, Hook, Op};

use crate::support::swarm::Swarm;

/// A task that leaves a commit and a build directory.
const BUILDS: &str = "mkdir target; echo object > target/x.o; echo text > \"$SWARMDIR_TASK.txt\"\n";

/// Every file below a directory, with its content.
fn everything(dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let (path, meta) = (entry.path(), entry.metadata().unwrap());
        if meta.is_dir() {
            found.insert(path.display().to_string(), Vec::new());
            everything(&path, found);
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap_or_default());
        }
    }
}

fn with_builds() -> Swarm {
    let swarm = Swarm::new();
    fs::write(swarm.at(".gitignore"), "/target/\n").unwrap();
    swarm.git(&["add", "-A"]);
    swarm.git(&["commit", "-qm", "ignore"]);
    swarm
}

fn items<'a>(told: &'a Value, kind: &str) -> Vec<&'a Value> {
    told["items"].as_array().unwrap().iter().filter(|item| item["kind"] == kind).collect()
}

fn going(told: &Value, kind: &str) -> usize {
    items(told, kind).iter().filter(|item| item["goes"] == true).count()
}

fn is_sound(swarm: &Swarm) {
    swarm.coordinator(&["check"]).exits(0);
    swarm.git(&["fsck", "--strict"]);
}

#[test]
fn a_dry_run_is_the_default_and_changes_nothing() {
    let swarm = with_builds();
    for name in ["a", "b"] {
        swarm.drop(name, BUILDS);
    }
    swarm.drain();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    everything(swarm.root().parent().unwrap(), &mut before);
    let all = swarm.coordinator(&["gc", "--keep-days", "0", "--orphans", "--salvages"]).exits(0);
    swarm.coordinator(&["gc", "--dry-run", "--json"]).exits(0);
    everything(swarm.root().parent().unwrap(), &mut after);
    let ours = |name: &String| !name.contains("/p2.") && !name.contains("/p3.");
    before.retain(|name, _| ours(name));
    after.retain(|name, _| ours(name));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "some content changed");
    for word in ["WHAT", "ended tasks", "idle trees", "build directories", "together", "KiB"] {
        assert!(all.out.contains(word), "{word} in\n{}", all.out);
    }
    let does_it = "gc --yes --keep-days 0 --orphans --salvages";
    assert!(all.err.contains(does_it), "{}", all.err);
}

#[test]
fn by_default_what_is_young_stays() {
    let swarm = with_builds();
    swarm.drop("a", BUILDS);
    swarm.drain();
    let done = swarm.coordinator(&["gc", "--yes"]).exits(0);
    assert!(done.err.contains("nothing goes"), "{}", done.err);
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn by_age_all_goes_that_is_over_and_nothing_else() {
    let swarm = with_builds();
    swarm.drop("good", BUILDS);
    swarm.drop("bad", "exit 3");
    swarm.drop("wrong.md", "---\nmodel: [\n---\nx");
    swarm.drain_to(1);
    swarm.drop("runs", format!("{}{BUILDS}", swarm.holds("runs")));
    let worker = swarm.start_worker(&["--drain"]);
    swarm.wait_held("runs");
    swarm.coordinator(&["add", "--name", "waits", "-m", "true"]).exits(0);
    swarm.coordinator(&["hold", "waits"]).exits(0);
    let waits = swarm.wait_in("blocked", "waits");
    let branches = swarm.git(&["for-each-ref", "--format=%(refname)", "refs/heads/swarm"]);
    let told = swarm.json(&["gc", "--keep-days", "0", "--yes"]);
    assert_eq!(going(&told, "task"), 3, "{told:#}");
    let live: Vec<&str> =
        items(&told, "live").iter().map(|item| item["name"].as_str().unwrap()).collect();
    for part in ["-runs-", "-waits-", ".swarmdir/"] {
        assert!(live.iter().any(|name| name.contains(part)), "{part} in {live:?}");
    }
    assert_eq!(swarm.names("done").len() + swarm.names("failed").len(), 0);
    assert_eq!(swarm.names("rejected"), Vec::<String>::new(), "with its reasons");
    assert_eq!(swarm.names("runs").len(), 2, "what runs and what waits");
    assert!(swarm.names("log").iter().any(|name| name.len() > 30), "the running worker's journal");
    is_sound(&swarm);
    // What is not merged stays.
    let left = swarm.git(&["for-each-ref", "--format=%(refname)", "refs/heads/swarm"]);
    assert!(left.contains("/good-") && left.contains("/runs-"), "{branches}\n{left}");
    swarm.let_go("runs");
    worker.end().exits(75);
    assert_eq!(swarm.place("runs").unwrap().0, "done");
    assert_eq!(swarm.place("waits").unwrap(), ("blocked", waits));
    is_sound(&swarm);
}

#[test]
fn by_count_the_newest_stay_and_by_bytes_build_directories_go_first() {
    let swarm = with_builds();
    for name in ["one", "two", "three"] {
        swarm.drop(name, BUILDS);
        swarm.drain();
    }
    let tree = swarm.beside("repo.swarmdir");
    let build = || {
        let trees = fs::read_dir(&tree).unwrap().flatten().map(|entry| entry.path());
        trees.filter(|path| path.join("target").exists()).count()
    };
    assert_eq!(build(), 1);
    let told = swarm.json(&["gc", "--yes", "--keep-count", "2"]);
    assert_eq!((going(&told, "task"), going(&told, "build")), (1, 0), "{told:#}");
    assert!(swarm.place("one").is_none() && swarm.place("two").is_some());
    let all = told["bytes"].as_u64().unwrap() - told["goes_bytes"].as_u64().unwrap();
    let told = swarm.json(&["gc", "--yes", "--keep-bytes", &(all - 1).to_string()]);
    assert_eq!((going(&told, "task"), going(&told, "build")), (0, 1), "{told:#}");
    assert_eq!((build(), swarm.names("done").len()), (0, 2));
    let told = swarm.json(&["gc", "--yes", "--keep-bytes", "0"]);
    assert_eq!((going(&told, "task"), going(&told, "tree")), (2, 1), "{told:#}");
    is_sound(&swarm);
    // And work goes on.
    swarm.drop("four", BUILDS);
    swarm.drain();
    assert_eq!((build(), swarm.counts().as_str()), (1, "done 1"));
}

#[test]
fn merged_branches_go_and_restore_brings_back_what_was_saved() {
    let swarm = with_builds();
    for name in ["merged", "squashed", "loose"] {
        swarm.drop(name, BUILDS);
    }
    swarm.drain();
    let branch = |slug: &str| {
        let all = swarm.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/swarm"]);
        all.lines().find(|name| name.contains(slug)).map(str::to_owned)
    };
    swarm.git(&["merge", "-q", "--no-edit", &branch("/merged-").unwrap()]);
    swarm.git(&["merge", "-q", "--squash", &branch("/squashed-").unwrap()]);
    swarm.git(&["commit", "-qm", "squash"]);
    let squashed = branch("/squashed-").unwrap();
    let tip = swarm.git(&["rev-parse", &squashed]);
    // Somebody works by hand in a tree that is idle.
    let tree = fs::read_dir(swarm.beside("repo.swarmdir")).unwrap().flatten();
    let tree = tree.map(|e| e.path()).find(|path| path.join(".git").exists()).unwrap();
    fs::write(tree.join("by hand"), "precious\0bytes").unwrap();
    let told = swarm.json(&["gc", "--yes", "--keep-days", "0"]);
    assert_eq!((going(&told, "branch"), items(&told, "branch").len()), (2, 3), "{told:#}");
    assert_eq!((branch("/merged-"), branch("/squashed-")), (None, None));
    assert!(branch("/loose-").is_some());
    assert!(!tree.exists());
    is_sound(&swarm);
    let back = swarm.json(&["restore", "squashed"]);
    assert_eq!(back["restored"][0]["branch"], squashed, "{back:#}");
    assert_eq!(swarm.git(&["rev-parse", &squashed]), tip);
    let place = tree.file_name().unwrap().to_str().unwrap();
    let text = swarm.coordinator(&["restore", place, "--branch", "mine"]).exits(0);
    assert!(text.out.contains("uncommitted again"), "{}", text.out);
    let shown = swarm.command("git").args(["show", "mine:by hand"]).output().unwrap();
    assert_eq!(shown.stdout, b"precious\0bytes");
    swarm.coordinator(&["restore", place, "--branch", "main"]).exits(2);
    let none = swarm.coordinator(&["restore", "nonesuch"]).exits(2);
    assert!(none.err.contains("nothing was saved"), "{}", none.err);
    // A salvage goes by its own flag only.
    let told = swarm.json(&["gc", "--yes", "--keep-days", "0", "--orphans"]);
    assert_eq!((items(&told, "salvage").len(), going(&told, "salvage")), (2, 0), "{told:#}");
    let told = swarm.json(&["gc", "--yes", "--keep-days", "0", "--salvages"]);
    assert!(going(&told, "salvage") >= 2, "{told:#}");
    is_sound(&swarm);
}

#[test]
fn what_belongs_to_nobody_is_explained_and_goes_with_its_flag_only() {
    let swarm = with_builds();
    swarm.drop("lost", BUILDS);
    swarm.drain();
    // The task is pruned; its unmerged branch is then nobody's.
    swarm.coordinator(&["gc", "--yes", "--keep-days", "0"]).exits(0);
    swarm.git(&["branch", "swarm/by-hand"]);
    let shown = swarm.coordinator(&["gc", "--keep-days", "0"]).exits(0);
    for word in ["which is nowhere", "no log says whose", "goes with --orphans"] {
        assert!(shown.out.contains(word), "{word} in\n{}", shown.out);
    }
    let branch =
        swarm.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/swarm/lost-*"]);
    let tip = swarm.git(&["rev-parse", &branch]);
    let told = swarm.json(&["gc", "--yes", "--keep-days", "0", "--orphans"]);
    assert_eq!(going(&told, "orphan_branch"), 2, "{told:#}");
    assert_eq!(swarm.git(&["for-each-ref", "refs/heads/swarm"]), "");
    swarm.coordinator(&["restore", "lost"]).exits(0);
    assert_eq!(swarm.git(&["rev-parse", &branch]), tip);
    is_sound(&swarm);
}

#[test]
fn a_prune_that_was_cut_short_is_gone_on_with_and_a_retried_task_is_not_touched() {
    let swarm = Swarm::new();
    for name in ["cut", "early", "retried"] {
        swarm.drop(name, "exit 3");
    }
    swarm.drain_to(1);
    let id = |slug: &str| {
        let (dir, name) = swarm.place(slug).unwrap();
        (
            name.split('.').next().unwrap().to_owned(),
            name.split('.').nth(1).unwrap().to_owned(),
            dir,
            name.clone(),
        )
    };
    let mark = |slug: &str| {
        let (id, epoch, dir, name) = id(slug);
        fs::write(swarm.at("queue/runs").join(&id).join("pruned"), epoch).unwrap();
        (id, swarm.at("queue").join(dir).join(name))
    };
    // Killed after the name went; before it; and before it, but the task was retried since.
    let (cut, name) = mark("cut");
    fs::remove_file(name).unwrap();
    mark("early");
    mark("retried");
    swarm.coordinator(&["retry", "retried"]).exits(0);
    is_sound(&swarm);
    swarm.coordinator(&["gc", "--yes"]).exits(0);
    assert!(!swarm.at("queue/runs").join(cut).exists());
    assert_eq!(swarm.place("early").unwrap().0, "failed");
    assert_eq!(swarm.place("retried").unwrap().0, "ready");
    assert_eq!(swarm.names("runs").len(), 2);
    is_sound(&swarm);
    swarm.coordinator(&["retry", "early"]).exits(0);
    swarm.drain_to(1);
    assert_eq!(swarm.counts(), "failed 2");
}

#[test]
fn beside_workers_it_takes_nothing_that_they_need() {
    const TASKS: usize = 30;
    let swarm = with_builds();
    for n in 0..TASKS {
        swarm.drop(format!("task-{n:02}"), BUILDS);
    }
    swarm.coordinator(&["init"]).exits(0);
    let mut workers: Vec<_> = (0..2).map(|_| swarm.start_worker(&["--drain"])).collect();
    let mut rounds = 0;
    while !workers.is_empty() {
        swarm.coordinator(&["gc", "--yes", "--keep-days", "0", "--orphans"]).exits(0);
        rounds += 1;
        workers.retain_mut(|worker| worker.runs());
    }
    swarm.coordinator(&["gc", "--yes", "--keep-days", "0", "--orphans"]).exits(0);
    is_sound(&swarm);
    assert_eq!(swarm.names("done").len() + swarm.names("failed").len(), 0, "{rounds} rounds");
    // A branch was nobody's once its task was forgotten; then what was in it is saved.
    let branches = || swarm.git(&["for-each-ref", "--format=%(refname)", "refs/heads/swarm"]);
    let there = branches();
    for n in 0..TASKS {
        let name = format!("task-{n:02}");
        if !there.contains(&name) {
            swarm.coordinator(&["restore", &name]).exits(0);
        }
    }
    let all = branches();
    for branch in all.lines() {
        assert_ne!(swarm.git(&["diff", "--name-only", "main", branch]), "", "{branch}");
    }
    assert!(all.lines().count() >= TASKS, "{all}");
}

/// From some call on nothing is written any more, as if the process had died there.
struct Cut(u32);

impl Hook for Cut {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        match self.0 {
            _ if !call.op.mutates() => CallFate::Go,
            0 => CallFate::Fail(5),
            // A directory that is removed as a whole may be half removed.
            _ if call.op == Op::RemoveTree && self.0 == 1 => {
                let some = fs::read_dir(call.path).unwrap().flatten().next();
                let _any = some.map(|entry| fs::remove_file(entry.path()));
                CallFate::Fail(5)
            }
            _ => {
                self.0 -= 1;
                CallFate::Go
            }
        }
    }
}

#[test]
fn wherever_a_prune_is_cut_short_the_queue_is_sound_and_the_next_one_ends_it() {
    const TASKS: usize = 44;
    let swarm = Swarm::with("durability = \"strict\"");
    for n in 0..TASKS {
        swarm.drop(format!("task-{n}"), if n % 2 == 0 { "echo x > x.txt" } else { "exit 3" });
    }
    swarm.drain_to(1);
    let queue = Queue::open(&swarm.at("queue"), Durability::Strict).unwrap();
    let mut whole = 0;
    for (calls, ended) in (0..).zip(queue.all_ended().unwrap()) {
        let cut = seam::with(Box::new(Cut(calls / 2)), || queue.prune(&ended));
        assert_eq!(queue.check().unwrap(), Vec::new(), "after {} calls", calls / 2);
        whole += usize::from(cut.is_ok_and(|closed| closed == Transition::Won));
        queue.clear_pruned().unwrap();
        if queue.ended(&ended.at().id).unwrap().is_some() {
            assert_eq!(queue.prune(&ended).unwrap(), Transition::Won, "after {} calls", calls / 2);
        }
        let id = &ended.at().id;
        // An empty directory is a reservation that came to nothing: swept when it is an hour old.
        let left = fs::read_dir(queue.paths().run(id).dir()).map_or(0, Iterator::count);
        assert_eq!(left, 0, "after {} calls", calls / 2);
        assert_eq!(queue.check().unwrap(), Vec::new());
    }
    assert!(whole > 0 && whole < TASKS, "{whole} of {TASKS} went at once");
    assert!(swarm.names("runs").len() <= 2, "{:?}", swarm.names("runs"));
}
