//! How far upward a root is looked for.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::Place;
use crate::support::swarm::COORDINATOR;

const NOBODY: u32 = 65_534;

/// The root that is in force in a directory.
#[track_caller]
fn root_at(place: &Place, dir: &Path, env: &[(&str, &Path)]) -> PathBuf {
    let mut command = place.swarm.command(COORDINATOR);
    command.args(["config", "--json"]).current_dir(dir).envs(env.iter().copied());
    let said = place.swarm.start(&mut command).end().exits(0);
    let config: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    PathBuf::from(config["root"].as_str().unwrap())
}

fn dirs(place: &Place, path: &str) -> PathBuf {
    let dir = place.swarm.beside(path);
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn the_search_ends_at_the_top_of_the_repository() {
    let place = Place::new();
    let deep = dirs(&place, "above/repo/a/b");
    let above = place.swarm.beside("above");
    fs::write(above.join("swarm.toml"), "agents = 7\n").unwrap();
    assert_eq!(root_at(&place, &deep, &[]), above, "no repository");
    place.git(&place.swarm.beside("above/repo"), &["init", "--quiet"]);
    assert_eq!(root_at(&place, &deep, &[]), deep, "nothing up to the top");
    fs::create_dir_all(above.join("repo/queue/pending")).unwrap();
    assert_eq!(root_at(&place, &deep, &[]), above.join("repo"), "the top itself");
    // A submodule, whose `.git` is a file.
    let module = dirs(&place, "above/repo/module/x");
    fs::write(above.join("repo/module/.git"), "gitdir: ../.git/modules/module\n").unwrap();
    assert_eq!(root_at(&place, &module, &[]), module);
}

#[test]
fn the_search_ends_at_home() {
    let place = Place::new();
    let deep = dirs(&place, "homes/me/work/x");
    fs::write(place.swarm.beside("homes/swarm.toml"), "").unwrap();
    let home = place.swarm.beside("homes/me");
    assert_eq!(root_at(&place, &deep, &[("HOME", &home)]), deep);
    fs::create_dir_all(home.join("queue/pending")).unwrap();
    assert_eq!(root_at(&place, &deep, &[("HOME", &home)]), home, "what lies in home is one's own");
    fs::remove_dir_all(home.join("queue")).unwrap();
    // HOME by another name.
    let link = place.swarm.beside("me");
    std::os::unix::fs::symlink(&home, &link).unwrap();
    assert_eq!(root_at(&place, &deep, &[("HOME", &link)]), deep);
}

#[test]
fn the_search_ends_at_what_another_user_owns() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let place = Place::new();
    let mine = dirs(&place, "shared/mine/deep");
    let shared = place.swarm.beside("shared");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(shared.join("swarm.toml"), "agents = 9\n").unwrap();
    assert_eq!(root_at(&place, &mine, &[]), shared);
    // Their file, or their queue, in a directory of one's own that all may write to.
    chown(shared.join("swarm.toml"), Some(NOBODY), None).unwrap();
    assert_eq!(root_at(&place, &mine, &[]), mine);
    place.coordinator(&mine, &["doctor"]);
    let made = [&shared, &mine].map(|dir| dir.join("queue").exists());
    assert_eq!(made, [false, false], "no queue is made there, nor by who only looks");
    fs::remove_file(shared.join("swarm.toml")).unwrap();
    fs::create_dir_all(shared.join("queue/pending")).unwrap();
    assert_eq!(root_at(&place, &mine, &[]), shared);
    chown(shared.join("queue"), Some(NOBODY), None).unwrap();
    assert_eq!(root_at(&place, &mine, &[]), mine);
    // Their directory.
    chown(shared.join("queue"), Some(0), None).unwrap();
    chown(&shared, Some(NOBODY), None).unwrap();
    assert_eq!(root_at(&place, &mine, &[]), mine);
    // Nor anything above it.
    fs::remove_dir_all(shared.join("queue")).unwrap();
    fs::write(place.swarm.beside("swarm.toml"), "").unwrap();
    assert_eq!(root_at(&place, &mine, &[]), mine);
    // Who stands in it has chosen it.
    fs::create_dir_all(shared.join("queue/pending")).unwrap();
    assert_eq!(root_at(&place, &shared, &[]), shared);
}

#[test]
fn safe_directory_admits_a_root_and_its_settings_still_need_trust() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let place = Place::new();
    let mine = dirs(&place, "shared/mine");
    let shared = place.swarm.beside("shared");
    fs::write(shared.join("swarm.toml"), place.settings("theirs")).unwrap();
    chown(shared.join("swarm.toml"), Some(NOBODY), None).unwrap();
    let config = place.swarm.beside("gitconfig");
    let safe = |text: String| {
        fs::write(&config, format!("[safe]\n{text}\n")).unwrap();
        root_at(&place, &mine, &[("GIT_CONFIG_GLOBAL", &config)])
    };
    let shown = shared.display();
    assert_eq!(safe(format!("directory = {shown}")), shared);
    assert_eq!(safe("directory = *".into()), shared);
    assert_eq!(safe(format!("directory = {}/*", place.swarm.beside("").display())), shared);
    assert_eq!(safe(format!("directory = {shown}\ndirectory =")), mine, "forgotten again");
    assert_eq!(safe("directory = /elsewhere".into()), mine);
    // A repository's own configuration cannot say so.
    place.git(&mine, &["init", "--quiet"]);
    place.git(&mine, &["config", "safe.directory", "*"]);
    assert_eq!(root_at(&place, &mine, &[]), mine);
    fs::remove_dir_all(mine.join(".git")).unwrap();
    assert_eq!(safe("directory = *".into()), shared);
    place.drop(&shared, "hand.md");
    let mut command = place.swarm.command(COORDINATOR);
    command.args(["--drain"]).current_dir(&mine).env("GIT_CONFIG_GLOBAL", &config);
    place.swarm.start(&mut command).end().exits(77);
    assert_eq!(place.ran(), "");
}

#[test]
fn programs_that_path_finds_in_the_current_directory_do_not_run() {
    let place = Place::new();
    fs::remove_file(place.up().join("swarm.toml")).unwrap();
    for name in ["claude", "git", "sh", "sleep", "bin/claude", "bin/git"] {
        fs::create_dir_all(place.up().join("bin")).unwrap();
        place.write_tool(&place.up().join(name));
    }
    place.commit(&place.up(), "programs");
    let root = place.clone();
    place.ran();
    let own = std::env::var("PATH").unwrap();
    let run = |path: String, args: &[&str]| {
        let mut command = place.swarm.command(COORDINATOR);
        command.args(args).current_dir(&root).env("PATH", path);
        place.swarm.start(&mut command).end()
    };
    for path in [
        format!(".:{own}"),
        format!(":{own}"),
        format!("bin:{own}"),
        format!("{}/bin:{own}", root.display()),
    ] {
        for args in [&["doctor"][..], &["status"], &["config"], &["init"]] {
            let said = run(path.clone(), args);
            assert_eq!(place.ran(), "", "{path} {args:?} {}", said.out);
        }
    }
    let said = run(format!("{}/bin:{own}", root.display()), &["doctor"]).out;
    assert!(said.contains("lies in the repository"), "{said}");
}
