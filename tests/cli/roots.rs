//! Which directory is the root, and what a first run makes in it.

use std::fs;

use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

const SCRATCH: &str =
    "default_agent = \"s\"\n[agent.s]\nkind = \"command\"\nargv = [\"sh\"]\nworktree = false\n";

/// The root that `config` says is in force.
#[track_caller]
fn root_of(swarm: &Swarm, args: &[&str], cwd: &str, env: Option<&str>) -> String {
    let dir = swarm.beside(cwd);
    fs::create_dir_all(&dir).unwrap();
    let mut command = swarm.command(COORDINATOR);
    command.args(args).args(["config", "--json"]).current_dir(dir);
    if let Some(env) = env {
        command.env("SWARMDIR_ROOT", swarm.beside(env));
    }
    let done = swarm.start(&mut command).end().exits(0);
    let config: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let text = config.to_string();
    let root = text.split("\"root\"").nth(1).unwrap_or_else(|| panic!("{text}"));
    let base = swarm.beside("");
    let shown = root.split('"').find(|part| part.starts_with('/')).unwrap();
    shown
        .strip_prefix(base.to_str().unwrap().trim_end_matches('/'))
        .unwrap()
        .trim_matches('/')
        .to_owned()
}

#[test]
fn the_flag_wins_over_the_variable_over_the_nearest_mark_over_the_current_directory() {
    let swarm = Swarm::empty();
    for dir in ["flag", "env", "up/a/b", "formed/queue/x", "dropped/queue/pending/deep", "none"] {
        fs::create_dir_all(swarm.beside(dir)).unwrap();
    }
    fs::write(swarm.beside("up/swarm.toml"), "").unwrap();
    fs::write(swarm.beside("formed/queue/FORMAT"), "").unwrap();
    assert_eq!(root_of(&swarm, &["--root", "../flag"], "up", Some("env")), "flag");
    assert_eq!(root_of(&swarm, &[], "up/a", Some("env")), "env");
    assert_eq!(root_of(&swarm, &[], "up/a/b", None), "up");
    assert_eq!(root_of(&swarm, &[], "formed/queue/x", None), "formed");
    assert_eq!(root_of(&swarm, &[], "dropped/queue/pending/deep", None), "dropped");
    assert_eq!(root_of(&swarm, &[], "none", None), "none");
    // A directory that is merely called queue is no mark.
    fs::create_dir_all(swarm.beside("other/queue")).unwrap();
    assert_eq!(root_of(&swarm, &[], "other/queue", None), "other/queue");
}

#[test]
fn the_first_run_makes_what_is_missing() {
    let swarm = Swarm::empty();
    fs::write(swarm.at("swarm.toml"), SCRATCH).unwrap();
    swarm.worker(&["--drain"]).exits(0);
    for dir in ["pending", "ready", "blocked", "claims", "workers", "runs", "done", "failed", "tmp"]
    {
        assert!(swarm.at("queue").join(dir).is_dir(), "{dir}");
    }
    assert!(swarm.at("queue/FORMAT").is_file() && swarm.at(".swarmdir").is_dir());
    let format = fs::read_to_string(swarm.at("queue/FORMAT")).unwrap();
    fs::remove_dir_all(swarm.at("queue/done")).unwrap();
    swarm.drop("x", "true");
    swarm.coordinator(&["--drain", "--agents", "1"]).exits(0);
    assert_eq!(swarm.counts(), "done 1");
    assert_eq!(fs::read_to_string(swarm.at("queue/FORMAT")).unwrap(), format, "the same queue");
}

#[test]
fn a_drop_before_the_first_run_is_found_by_it() {
    let swarm = Swarm::empty();
    fs::write(swarm.at("swarm.toml"), SCRATCH).unwrap();
    swarm.drop("early", "true");
    let worker = swarm
        .command(WORKER)
        .args(["--once", "--root", "repo"])
        .current_dir(swarm.beside(""))
        .status();
    assert!(worker.unwrap().success());
    assert_eq!(swarm.counts(), "done 1");
}

#[test]
fn init_makes_queue_and_settings_and_hides_them_from_git() {
    let swarm = Swarm::new();
    fs::remove_file(swarm.at("swarm.toml")).unwrap();
    fs::write(swarm.at(".git/info/exclude"), "*.o\n").unwrap();
    let inner = swarm.at("sub/dir");
    let done = swarm.coordinator(&["init", inner.to_str().unwrap()]).exits(0);
    assert_eq!(done.out, "", "talk is on stderr");
    let exclude = || fs::read_to_string(swarm.at(".git/info/exclude")).unwrap();
    assert!(exclude().contains("/sub/dir/queue/") && exclude().contains("*.o"), "{}", exclude());
    swarm.coordinator(&["init"]).exits(0);
    let once = exclude();
    for line in ["/queue/", "/interrupt", "/.swarmdir/"] {
        assert!(once.lines().any(|l| l == line), "{line} in {once}");
    }
    swarm.coordinator(&["init"]).exits(0);
    assert_eq!(exclude(), once, "a second init adds nothing");
    swarm.drop("precious", "x");
    let written = fs::read_to_string(swarm.at("swarm.toml")).unwrap();
    assert!(written.contains("agents"), "{written}");
    swarm.git(&["clean", "-fdq", "-e", "swarm.toml"]);
    fs::write(swarm.at("README"), "changed\n").unwrap();
    swarm.git(&["stash", "-u", "--quiet"]);
    assert_eq!(swarm.names("pending"), ["precious"], "git clean and git stash -u leave the queue");
}

#[test]
fn the_first_run_hides_the_queue_from_git() {
    let swarm = Swarm::new();
    std::fs::write(swarm.at(".git/info/exclude"), "/swarm.toml\n").unwrap();
    swarm.drain();
    std::fs::write(swarm.at("interrupt"), "").unwrap();
    assert_eq!(swarm.git(&["status", "--porcelain"]), "");
    std::fs::remove_file(swarm.at("interrupt")).unwrap();
}

#[test]
fn below_the_top_of_a_repository_nobody_gets_a_queue_by_accident() {
    let swarm = Swarm::new();
    fs::remove_file(swarm.at("swarm.toml")).unwrap();
    let below = swarm.at("src/deep");
    fs::create_dir_all(&below).unwrap();
    let run = |args: &[&str]| {
        swarm.start(swarm.command(COORDINATOR).args(args).current_dir(&below)).end()
    };
    for args in [&["add", "-m", "x"][..], &["init"], &["--drain"], &["status"]] {
        let done = run(args);
        assert!(done.err.contains("hint:") && done.code() != 0, "{args:?}: {done:?}");
        assert!(!below.join("queue").exists() && !below.join("swarm.toml").exists(), "{args:?}");
    }
    let said = run(&["add", "-m", "x"]).exits(2).err;
    let top = swarm.root().display();
    assert!(said.contains(&format!("coordinator init {top}")), "{said}");
    swarm.coordinator(&["init"]).exits(0);
    run(&["add", "-m", "x"]).exits(0);
    assert_eq!(swarm.names("ready").len(), 1, "it is found from below");
    run(&["init", "."]).exits(0);
    assert!(below.join("queue/FORMAT").is_file(), "who says so gets one");
}

#[test]
fn a_current_directory_that_is_gone_is_needed_only_where_no_root_is_given() {
    let swarm = Swarm::with(SCRATCH);
    swarm.coordinator(&["init"]).exits(0);
    let line = r#"mkdir "$D" && cd "$D" && rmdir "$D" && exec "$C" $A status"#;
    let run = |args: String| {
        let mut command = swarm.command("bash");
        command.args(["-c", line]).env("C", COORDINATOR).env("D", swarm.beside("gone"));
        swarm.start(command.env("A", args)).end()
    };
    run(format!("--root {}", swarm.root().display())).exits(0);
    let said = run(String::new()).exits(2).err;
    assert!(said.contains("current directory"), "{said}");
    assert!(said.contains("give an absolute --root") && !said.contains("edit"), "{said}");
}

#[test]
fn a_path_that_is_no_utf8_works_and_a_variable_that_is_none_is_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let swarm = Swarm::new();
    let old = swarm.beside("").join(OsStr::from_bytes(b"caf\xe9"));
    fs::rename(swarm.root(), &old).unwrap();
    let run =
        |args: &[&str]| swarm.start(swarm.command(COORDINATOR).args(args).current_dir(&old)).end();
    run(&["add", "-m", "echo x > x.txt", "--name", "x"]).exits(0);
    run(&["--drain", "--agents", "1"]).exits(0);
    assert_eq!(fs::read_dir(old.join("queue/done")).unwrap().count(), 1);
    let mut command = swarm.command(COORDINATOR);
    command.arg("status").current_dir(&old).env("SWARMDIR_ROOT", OsStr::from_bytes(b"no\xffwhere"));
    let said = swarm.start(&mut command).end().exits(2).err;
    assert!(said.contains("SWARMDIR_ROOT") && said.contains("no UTF-8 text"), "{said}");
    fs::rename(&old, swarm.root()).unwrap();
}

#[test]
fn a_misspelt_variable_is_a_mistake_with_a_suggestion() {
    let swarm = Swarm::new();
    let mut command = swarm.command(COORDINATOR);
    let said = swarm.start(command.arg("config").env("SWARMDIR_AGNETS", "9")).end().exits(2).err;
    assert!(said.contains("did you mean `SWARMDIR_AGENTS`?") && !said.contains("edit"), "{said}");
    let mut command = swarm.command(COORDINATOR);
    swarm.start(command.arg("config").env("SWARMDIR_NOBODYS", "9")).end().exits(0);
}

#[test]
fn who_only_looks_or_stands_outside_of_repositories_makes_no_queue() {
    let swarm = Swarm::empty();
    let names = || {
        let entries = fs::read_dir(swarm.root()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    let seen = swarm.coordinator(&["doctor"]).out;
    assert!(seen.contains("there is no queue yet: coordinator init"), "{seen}");
    for args in [&["status"][..], &["add", "-m", "x"], &["--drain"], &["doctor", "--json"]] {
        swarm.coordinator(args);
        assert_eq!(names(), Vec::<std::ffi::OsString>::new(), "{args:?}");
    }
    let said = swarm.coordinator(&["add", "-m", "x"]).exits(2).err;
    assert!(said.contains("is in no repository") && said.contains("coordinator init"), "{said}");
    swarm.coordinator(&["init"]).exits(0);
    assert!(swarm.at("queue/FORMAT").is_file());
    let seen = swarm.coordinator(&["doctor"]).out;
    assert!(seen.contains("links and renames work in queue/"), "{seen}");
}
