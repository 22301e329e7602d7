//! The workload, by the real programs; and what must be left of it after a power cut.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::disk::{Ack, Disk};
use crate::states::State;
use crate::system::run;

/// Tasks of a workload; every third one makes commits on a branch.
pub(crate) const TASKS: usize = 18;

/// The real programs.
#[derive(Clone)]
pub(crate) struct Programs {
    pub(crate) coordinator: PathBuf,
    pub(crate) worker: PathBuf,
}

/// What is wrong with a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    Lost,
    Doubled,
    Torn,
    Unsound,
}

fn has_branch(text: usize) -> bool {
    text % 3 == 0
}

fn text_of(text: usize) -> String {
    if has_branch(text) {
        format!(
            "---\nagent: tree\n---\nmkdir -p d{text} && echo {text} > d{text}/f && git add -A && {{ git commit -qm {text} || true; }} && echo {text} > late\n"
        )
    } else {
        format!("echo task {text} says this; echo and complains >&2\n")
    }
}

fn command(program: &Path, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).env("HOME", root).stdin(Stdio::null());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

fn git(root: &Path, args: &[&str]) -> Result<String, String> {
    run(command(Path::new("git"), root).args(args))
}

/// A repository and its settings.
pub(crate) fn prepare(root: &Path, relaxed: bool, git_syncs: bool) {
    fs::create_dir(root).unwrap();
    git(root, &["init", "-q", "-b", "main"]).unwrap();
    git(root, &["config", "user.name", "Tess"]).unwrap();
    git(root, &["config", "user.email", "tess@localhost"]).unwrap();
    if git_syncs {
        git(root, &["config", "core.fsync", "committed"]).unwrap();
        git(root, &["config", "core.fsyncObjectFiles", "true"]).unwrap();
    }
    fs::write(root.join(".gitignore"), "*\n").unwrap();
    git(root, &["commit", "-q", "--allow-empty", "-m", "start"]).unwrap();
    let durability = if relaxed { "relaxed" } else { "strict" };
    let settings = format!(
        "default_agent = \"sh\"\ndurability = \"{durability}\"\ndrain_wait = \"0s\"\n\
         [agent.sh]\nkind = \"command\"\nargv = [\"sh\"]\nworktree = false\n\
         [agent.tree]\nkind = \"command\"\nargv = [\"sh\"]\n"
    );
    fs::write(root.join("swarm.toml"), settings).unwrap();
}

/// Adds the tasks one by one while two workers work them off; notes each promise once it was made.
pub(crate) fn work(root: &Path, programs: &Programs, disk: &Disk) {
    let mut done = HashSet::new();
    for round in 0..3 {
        for text in (0..TASKS).filter(|text| text % 3 == round) {
            let mut add = command(&programs.coordinator, root);
            let name = format!("Task {text}.md");
            let id = run(add.args(["add", "--name", &name]).arg(format!("-m={}", text_of(text)))).unwrap();
            disk.ack(Ack::Added { id, text });
        }
        let drain = || {
            let mut worker = command(&programs.worker, root);
            worker.arg("--drain").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let mut workers = [drain(), drain()];
        while workers.iter_mut().any(|worker| worker.try_wait().unwrap().is_none()) {
            acknowledge_done(root, disk, &mut done);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        acknowledge_done(root, disk, &mut done);
    }
    assert_eq!(done.len(), TASKS, "the workload did not come to its end");
}

/// A worker notes in its journal what it has published, after the last fsync of that.
fn acknowledge_done(root: &Path, disk: &Disk, done: &mut HashSet<String>) {
    for journal in fs::read_dir(root.join("queue/log")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(journal.path()).unwrap_or_default();
        for line in text.lines() {
            let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
            if entry["event"] == "attempt_closed"
                && entry["disposition"] == "done"
                && let Some(id) = entry["task"].as_str()
                && done.insert(id.to_owned())
            {
                disk.ack(Ack::Done { id: id.to_owned() });
            }
        }
    }
}

/// Looks at a queue after a power cut; every promise that is broken.
pub(crate) fn judge(root: &Path, state: &State) -> Vec<(Wrong, String)> {
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for dir in ["ready", "blocked", "done", "failed", "cancelled", "rejected"] {
        for entry in fs::read_dir(root.join("queue").join(dir)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push((dir, name, fs::read(entry.path()).unwrap_or_default()));
            }
        }
    }
    let texts: HashSet<Vec<u8>> = (0..TASKS).map(|text| text_of(text).into_bytes()).collect();
    for (dir, name, bytes) in &names {
        if !texts.contains(bytes) {
            wrong.push((Wrong::Torn, format!("{dir}/{name} holds {} bytes", bytes.len())));
        }
    }
    let done: HashSet<&str> = state
        .acks
        .iter()
        .filter_map(|ack| if let Ack::Done { id } = ack { Some(id.as_str()) } else { None })
        .collect();
    for ack in &state.acks {
        let Ack::Added { id, text } = ack else { continue };
        let places: Vec<_> = names.iter().filter(|(_, name, _)| name.contains(id.as_str())).collect();
        match places[..] {
            [] => wrong.push((Wrong::Lost, format!("{id} has no name"))),
            [(dir, _, bytes)] => {
                let whole = *bytes == text_of(*text).into_bytes();
                if !whole || !is_json(&root.join("queue/runs").join(id).join("task.json")) {
                    wrong.push((Wrong::Torn, format!("{id} in {dir}/")));
                }
                if done.contains(id.as_str()) && *dir != "done" {
                    wrong.push((Wrong::Lost, format!("{id} was done and is in {dir}/")));
                }
            }
            _ => wrong.push((Wrong::Doubled, format!("{id} has {} names", places.len()))),
        }
        if let Some((_, name, _)) = places.iter().find(|(dir, ..)| *dir == "done")
            && let Err(torn) = outcome_is_whole(root, id, name, *text)
        {
            wrong.push((Wrong::Torn, torn));
        }
    }
    wrong
}

fn is_json(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    serde_json::from_slice::<Value>(&bytes).is_ok()
}

/// Of a task in `done/`: its attempt's files, and its branch with what is on it.
fn outcome_is_whole(root: &Path, id: &str, name: &str, text: usize) -> Result<(), String> {
    let attempt = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('.'));
    let dir = root.join("queue/runs").join(id).join(attempt.unwrap_or_default());
    let read = |file: &str| fs::read(dir.join(file)).map_err(|e| format!("{id} {file}: {e}"));
    let result: Value =
        serde_json::from_slice(&read("result.json")?).map_err(|e| format!("{id} result: {e}"))?;
    serde_json::from_slice::<Value>(&read("attempt.json")?).map_err(|e| format!("{id} start: {e}"))?;
    if read("task")? != text_of(text).into_bytes() {
        return Err(format!("{id}: the copy that was worked from"));
    }
    if !has_branch(text) {
        let said = read("events.jsonl")?;
        let complained = read("stderr")?;
        let both = [said, complained].concat();
        let has = |word: &str| String::from_utf8_lossy(&both).contains(word);
        return if has("says this") && has("complains") { Ok(()) } else { Err(format!("{id} said")) };
    }
    let head = result["head"].as_str().unwrap_or_default();
    let branch = format!("refs/heads/{}", result["branch"].as_str().unwrap_or_default());
    let same = git(root, &["rev-parse", &branch])? == head;
    let early = git(root, &["show", &format!("{head}:d{text}/f")])? == text.to_string();
    let late = git(root, &["show", &format!("{head}:late")])? == text.to_string();
    if same && early && late { Ok(()) } else { Err(format!("{id}: its branch")) }
}

/// Mends what crashes leave by the program's own command; then nothing is wrong.
pub(crate) fn mend(root: &Path, programs: &Programs) -> Result<(), String> {
    run(command(&programs.coordinator, root).args(["check", "--fix"]))?;
    run(command(&programs.coordinator, root).arg("check")).map(drop)
}

/// Works off what is left; then all that was added is done, once.
pub(crate) fn drain(root: &Path, programs: &Programs, state: &State) -> Result<(), String> {
    if let Err(e) = run(command(&programs.worker, root).arg("--drain")) {
        let unfinished = ["ready", "blocked", "failed"].iter().flat_map(|dir| {
            fs::read_dir(root.join("queue").join(dir)).into_iter().flatten().flatten()
        });
        let explained = unfinished.map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let tail = name.split('.').next().and_then(|id| id.rsplit('-').next().map(str::to_owned));
            let mut explain = command(&programs.coordinator, root);
            run(explain.args(["explain", &tail.unwrap_or_default()])).unwrap_or_else(|e| e)
        });
        return Err(format!("{e} {}", explained.collect::<Vec<_>>().join(" / ")));
    }
    let names = fs::read_dir(root.join("queue/done")).unwrap().flatten();
    let names: Vec<String> = names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    for ack in &state.acks {
        if let Ack::Added { id, .. } = ack
            && names.iter().filter(|name| name.contains(id.as_str())).count() != 1
        {
            return Err(format!("{id} is not done after a drain"));
        }
    }
    Ok(())
}
